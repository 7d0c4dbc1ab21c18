//! What is kept of the numbers that a model was made and tested on.

use serde::{Deserialize, Serialize};

use super::divergence::{Divergences, EmptyCells, possible};
use super::two_sample::{Moments, SampleDistances, sorted};
use crate::error::{Error, Result};
use crate::statistics::percentile::percentile;

/// What to keep of reference values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReferenceSettings {
    /// Number of bins with the same number of values each, 10 by default.
    pub bins: usize,
    /// The most values to keep, 10 000 by default; of more, evenly spaced ones of the sorted values stay.
    pub sample: usize,
}

impl Default for ReferenceSettings {
    fn default() -> Self {
        Self {
            bins: 10,
            sample: 10_000,
        }
    }
}

/// Reference values, to be saved and compared with what comes later.
///
/// Bins are cut once, at quantiles of the reference, and the outer ones have no outer end: one value far out
/// in the data of later does not move them. (Bins of one width over both samples do: a single value at
/// 10 000 hides a shift by a standard deviation.)
///
/// ```
/// use medmetrics::drift::{Reference, ReferenceSettings};
///
/// let ages: Vec<f64> = (0..200).map(|i| 40.0 + f64::from(i % 40)).collect();
/// let reference = Reference::of(&ages, &ReferenceSettings::default())?;
/// let older: Vec<f64> = ages.iter().map(|age| age + 15.0).collect();
/// let drift = reference.compare(&older)?;
/// assert!(drift.divergences.stability_index > 0.25);
/// assert!((drift.distances.wasserstein - 15.0).abs() < 1e-9);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Reference {
    n: u64,
    mean: f64,
    deviation: f64,
    edges: Vec<f64>,
    counts: Vec<u64>,
    sample: Vec<f64>,
}

#[derive(Deserialize)]
struct Saved {
    n: u64,
    mean: f64,
    deviation: f64,
    edges: Vec<f64>,
    counts: Vec<u64>,
    sample: Vec<f64>,
}

impl TryFrom<Saved> for Reference {
    type Error = Error;
    fn try_from(saved: Saved) -> Result<Self> {
        if saved.counts.len() != saved.edges.len() + 1 {
            return Err(Error::Length {
                what: "counts",
                got: saved.counts.len(),
                against: "bins",
                expected: saved.edges.len() + 1,
            });
        }
        possible(&saved.counts)?;
        let falls = |i: &usize| saved.edges[i - 1] >= saved.edges[*i];
        if let Some(index) = (1..saved.edges.len()).find(falls) {
            return Err(Error::InvalidValue {
                what: "edges of bins",
                rule: "ascending",
                index,
                value: saved.edges[index],
            });
        }
        let n = saved.counts.iter().sum::<u64>();
        if saved.n != n || n == 0 {
            return Err(Error::InvalidParameter {
                parameter: "n",
                rule: "the sum of the counts, at least 1",
                value: saved.n as f64,
            });
        }
        if !(saved.deviation >= 0.0 && saved.deviation.is_finite() && saved.mean.is_finite()) {
            return Err(Error::InvalidParameter {
                parameter: "deviation",
                rule: "finite and not negative, as the mean finite",
                value: saved.deviation,
            });
        }
        Ok(Self {
            n: saved.n,
            mean: saved.mean,
            deviation: saved.deviation,
            edges: saved.edges,
            counts: saved.counts,
            sample: sorted(&saved.sample)?,
        })
    }
}

/// How current values differ from a [`Reference`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumericDrift {
    /// Number of current values.
    pub n: u64,
    /// Mean of the current values.
    pub mean: f64,
    /// Standard deviation of the current values.
    pub deviation: f64,
    /// Over the reference's bins.
    pub divergences: Divergences,
    /// Without bins.
    pub distances: SampleDistances,
}

impl Reference {
    /// Keeps what is needed of reference values.
    ///
    /// # Errors
    /// Refuses no values, infinities and NaN, fewer than two bins, and a sample of fewer than ten.
    pub fn of(values: &[f64], settings: &ReferenceSettings) -> Result<Self> {
        for (parameter, rule, value, least) in [
            ("bins", "at least 2", settings.bins, 2),
            ("sample", "at least 10", settings.sample, 10),
        ] {
            if value < least {
                let value = value as f64;
                return Err(Error::InvalidParameter {
                    parameter,
                    rule,
                    value,
                });
            }
        }
        let sorted = sorted(values)?;
        let mut edges: Vec<f64> = (1..settings.bins)
            .filter_map(|i| percentile(&sorted, i as f64 / settings.bins as f64))
            .collect();
        edges.dedup();
        let kept = settings.sample.min(sorted.len());
        let sample = (0..kept)
            .map(|i| sorted[(2 * i + 1) * sorted.len() / (2 * kept)])
            .collect();
        let moments = Moments::of(&sorted);
        Ok(Self {
            n: sorted.len() as u64,
            mean: moments.mean,
            deviation: moments.deviation,
            counts: count(&edges, &sorted),
            edges,
            sample,
        })
    }

    /// Compares current values; empty bins hold half a case where logarithms need something.
    ///
    /// Tests take the kept sample for the reference: where values were left out they are cautious.
    ///
    /// # Errors
    /// Refuses no values, infinities and NaN.
    pub fn compare(&self, current: &[f64]) -> Result<NumericDrift> {
        let sorted = sorted(current)?;
        let moments = Moments::of(&sorted);
        let counts = count(&self.edges, &sorted);
        Ok(NumericDrift {
            n: sorted.len() as u64,
            mean: moments.mean,
            deviation: moments.deviation,
            divergences: Divergences::between(&self.counts, &counts, EmptyCells::HalfCase)?,
            distances: SampleDistances::between_sorted(&self.sample, &sorted)?,
        })
    }

    /// Number of reference values.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Their mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Their standard deviation, of a population.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.deviation
    }

    /// Where bins meet; bins are left-closed, the first and the last have no outer end.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// Number of reference values in each bin.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }
}

/// Sorted values in bins.
fn count(edges: &[f64], sorted: &[f64]) -> Vec<u64> {
    let below = |&edge: &f64| sorted.partition_point(|&value| value < edge);
    let ends = edges.iter().map(below).chain([sorted.len()]);
    let mut last = 0;
    ends.map(|end| {
        let count = end - last;
        last = end;
        count as u64
    })
    .collect()
}
