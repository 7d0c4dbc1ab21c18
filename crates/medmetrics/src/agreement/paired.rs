//! Measurements of the same items by two methods.

use serde::{Deserialize, Serialize};

use crate::accumulator::Accumulator;
use crate::agreement::anova::sum;
use crate::error::{Error, Result};

/// Pairs of measurements, such as a model's volumes and a reader's; both in the same unit.
///
/// Everything measured of them is independent of their order, to the last bit.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<[f64; 2]>", into = "Vec<[f64; 2]>")]
pub struct PairedMeasurements {
    pairs: Vec<[f64; 2]>,
}

impl TryFrom<Vec<[f64; 2]>> for PairedMeasurements {
    type Error = Error;

    /// # Errors
    /// Refuses measurements that are not finite.
    fn try_from(pairs: Vec<[f64; 2]>) -> Result<Self> {
        finite("pairs of measurements", pairs.as_flattened())?;
        Ok(Self { pairs })
    }
}

impl From<PairedMeasurements> for Vec<[f64; 2]> {
    fn from(measurements: PairedMeasurements) -> Self {
        measurements.pairs
    }
}

/// Means, variances and covariance of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairMoments {
    /// Number of pairs.
    pub n: u64,
    /// Mean of the first and of the second method.
    pub means: [f64; 2],
    /// Mean squared distances from the means (over `n`).
    pub variances: [f64; 2],
    /// Mean product of the distances from the means (over `n`).
    pub covariance: f64,
}

impl PairedMeasurements {
    /// Pairs from two lists in the same order.
    ///
    /// # Errors
    /// Refuses lists of different lengths and numbers that are not finite.
    pub fn new(first: &[f64], second: &[f64]) -> Result<Self> {
        if first.len() != second.len() {
            return Err(Error::Length {
                what: "the second method",
                got: second.len(),
                against: "the first",
                expected: first.len(),
            });
        }
        for (what, values) in [("the first method", first), ("the second method", second)] {
            finite(what, values)?;
        }
        let pairs = first.iter().zip(second);
        Ok(Self {
            pairs: pairs.map(|(&first, &second)| [first, second]).collect(),
        })
    }

    /// Number of pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The pairs, in the order they came.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = [f64; 2]> + Clone + '_ {
        self.pairs.iter().copied()
    }

    /// Refuses fewer pairs than something needs.
    pub(crate) fn at_least(&self, least: usize, what: &'static str) -> Result<()> {
        if self.len() < least {
            return Err(Error::TooFew {
                what,
                of: "pairs",
                least,
                got: self.len(),
            });
        }
        Ok(())
    }
}

/// Refuses what is not finite, by its place.
pub(crate) fn finite(what: &'static str, values: &[f64]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(Error::InvalidValue {
            what,
            rule: "finite",
            index,
            value: values[index],
        }),
    }
}

impl PairMoments {
    /// Mean of the first method less that of the second.
    #[must_use]
    pub fn bias(&self) -> f64 {
        self.means[0] - self.means[1]
    }

    /// Pearson's correlation; nothing if a method always says the same.
    #[must_use]
    pub fn correlation(&self) -> Option<f64> {
        let spread = (self.variances[0] * self.variances[1]).sqrt();
        (spread > 0.0).then(|| self.covariance / spread)
    }
}

impl Accumulator for PairedMeasurements {
    /// The first and the second method's measurement of one item.
    type Item<'a> = [f64; 2];
    type Output = PairMoments;

    fn push(&mut self, pair: [f64; 2]) -> Result<()> {
        finite("a pair of measurements", &pair)?;
        self.pairs.push(pair);
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.pairs.extend_from_slice(&other.pairs);
        Ok(())
    }

    /// # Errors
    /// Refuses no pairs at all.
    fn finish(&self) -> Result<PairMoments> {
        self.at_least(1, "a comparison of two methods")?;
        let n = self.len() as f64;
        let means = [0, 1].map(|side| sum(self.iter().map(|pair| pair[side])) / n);
        let apart = |pair: [f64; 2], side: usize| pair[side] - means[side];
        let product = |one: usize, other: usize| {
            sum(self
                .iter()
                .map(|pair| apart(pair, one) * apart(pair, other)))
                / n
        };
        Ok(PairMoments {
            n: self.len() as u64,
            means,
            variances: [product(0, 0), product(1, 1)],
            covariance: product(0, 1),
        })
    }
}
