//! Maximum mean discrepancy of two samples of vectors (Gretton et al., "A kernel two-sample test", JMLR
//! 2012).

use medcore::random::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::statistics::TestResult;

/// How to compare samples of vectors, such as a network's embeddings of images.
///
/// The kernel is `exp(-d^2 / (2 s^2))`. The p value is that of a permutation test: how often the statistic is
/// as large when cases are dealt to the two samples at random, the observed deal among them, so never 0.
///
/// ```
/// use medmetrics::drift::Mmd;
///
/// let near: Vec<[f64; 2]> = (0..12).map(|i| [f64::from(i % 4), f64::from(i % 3)]).collect();
/// let far: Vec<[f64; 2]> = near.iter().map(|v| [v[0] + 9.0, v[1]]).collect();
/// let test = Mmd::default().compare(&near, &far)?;
/// assert_eq!(test.p, Some(1.0 / 1000.0));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mmd {
    /// The kernel's width `s`; the median distance of two cases of both samples together by default.
    pub bandwidth: Option<f64>,
    /// Which estimate of the squared discrepancy.
    pub estimator: MmdEstimator,
    /// Number of random deals, 999 by default.
    pub permutations: u32,
    /// Seed of the deals.
    pub seed: u64,
}

/// Which estimate of the squared discrepancy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MmdEstimator {
    /// Without bias; below 0 by chance.
    #[default]
    Unbiased,
    /// With each case's kernel to itself; never below 0.
    Biased,
}

impl Default for Mmd {
    fn default() -> Self {
        Self {
            bandwidth: None,
            estimator: MmdEstimator::default(),
            permutations: 999,
            seed: 0,
        }
    }
}

/// The kernel between all pairs of cases is held in memory: 200 MB at most.
const MOST_CASES: usize = 5000;

impl Mmd {
    /// Compares two samples of vectors of one length; the statistic is the squared discrepancy.
    ///
    /// # Errors
    /// Refuses fewer than two cases on a side, more than 5000 together, vectors of different lengths,
    /// infinities and NaN, a bandwidth that is not positive, and cases that are all alike without one.
    pub fn compare<V: AsRef<[f64]> + Sync>(
        &self,
        reference: &[V],
        current: &[V],
    ) -> Result<TestResult> {
        let cases: Vec<&[f64]> = reference.iter().chain(current).map(AsRef::as_ref).collect();
        check(&cases, [reference.len(), current.len()])?;
        let mut kernel: Vec<f64> = cases
            .par_iter()
            .flat_map_iter(|left| cases.iter().map(|right| squared_distance(left, right)))
            .collect();
        let bandwidth = match self.bandwidth {
            Some(width) => width,
            None => median_distance(&kernel, cases.len()),
        };
        if !(bandwidth > 0.0 && bandwidth.is_finite()) {
            return Err(Error::InvalidParameter {
                parameter: "bandwidth",
                rule: "positive and finite",
                value: bandwidth,
            });
        }
        kernel
            .par_iter_mut()
            // One factor after the other: the square of a bandwidth can be beyond all numbers.
            .for_each(|d| *d = libm::exp(-0.5 * (*d / bandwidth) / bandwidth));
        let deal = Deal {
            kernel,
            sides: [reference.len() as f64, current.len() as f64],
            estimator: self.estimator,
        };
        let members: Vec<bool> = (0..cases.len()).map(|i| i >= reference.len()).collect();
        let observed = deal.discrepancy(&members);
        let key = Key::new(self.seed);
        let as_large = (0..self.permutations)
            .into_par_iter()
            .filter(|&permutation| {
                let mut dealt = members.clone();
                key.sample(permutation)
                    .stream("permutation")
                    .shuffle(&mut dealt);
                // Deals that differ in rounding alone are equal.
                deal.discrepancy(&dealt) >= observed - 1e-12
            })
            .count();
        let p = (1 + as_large) as f64 / (1.0 + f64::from(self.permutations));
        let estimator = match self.estimator {
            MmdEstimator::Unbiased => "unbiased",
            MmdEstimator::Biased => "biased",
        };
        let width = if self.bandwidth.is_some() {
            "given"
        } else {
            "median"
        };
        Ok(TestResult::new(
            observed,
            p,
            cases.len() as u64,
            format!("mmd:rbf/{width}/{estimator}/permutation"),
        ))
    }
}

struct Deal {
    kernel: Vec<f64>,
    sides: [f64; 2],
    estimator: MmdEstimator,
}

impl Deal {
    fn discrepancy(&self, current: &[bool]) -> f64 {
        // Sums of kernels inside the reference, across, and inside the current sample.
        let mut sums = [0.0; 3];
        for (row, &left) in self.kernel.chunks_exact(current.len()).zip(current) {
            let mut by_side = [0.0; 2];
            for (k, &right) in row.iter().zip(current) {
                by_side[usize::from(right)] += k;
            }
            sums[usize::from(left)] += by_side[0];
            sums[usize::from(left) + 1] += by_side[1];
        }
        let [r, c] = self.sides;
        let across = 2.0 * (0.5 * sums[1]) / (r * c);
        match self.estimator {
            MmdEstimator::Biased => sums[0] / (r * r) + sums[2] / (c * c) - across,
            // A case's kernel to itself is 1.
            MmdEstimator::Unbiased => {
                (sums[0] - r) / (r * (r - 1.0)) + (sums[2] - c) / (c * (c - 1.0)) - across
            }
        }
    }
}

fn check(cases: &[&[f64]], sides: [usize; 2]) -> Result<()> {
    let what = "a discrepancy of samples";
    if let Some(&got) = sides.iter().find(|&&side| side < 2) {
        let (of, least) = ("cases on each side", 2);
        return Err(Error::TooFew {
            what,
            of,
            least,
            got,
        });
    }
    if cases.len() > MOST_CASES {
        return Err(Error::InvalidParameter {
            parameter: "the number of cases",
            rule: "at most 5000 on both sides together",
            value: cases.len() as f64,
        });
    }
    for (index, case) in cases.iter().enumerate() {
        if case.len() != cases[0].len() {
            return Err(Error::Length {
                what: "a vector",
                got: case.len(),
                against: "the first one",
                expected: cases[0].len(),
            });
        }
        if let Some(&value) = case.iter().find(|value| !value.is_finite()) {
            return Err(Error::InvalidValue {
                what: "vectors",
                rule: "finite numbers",
                index,
                value,
            });
        }
    }
    Ok(())
}

fn squared_distance(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(l, r)| (l - r) * (l - r)).sum()
}

/// Of squared distances of all pairs, row by row.
fn median_distance(squared: &[f64], cases: usize) -> f64 {
    let rows = squared.chunks_exact(cases).enumerate();
    let mut pairs: Vec<f64> = rows
        .flat_map(|(i, row)| &row[i + 1..])
        .map(|d| d.sqrt())
        .collect();
    let middle = pairs.len() / 2;
    let (below, &mut high, _) = pairs.select_nth_unstable_by(middle, f64::total_cmp);
    if cases * (cases - 1) / 2 % 2 == 1 {
        return high;
    }
    let low = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    0.5 * (low + high)
}
