//! How different two distributions over the same cells are.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::statistics::TestResult;
use crate::statistics::distribution::chi_squared_upper;

/// What a cell holds of a distribution that has nothing in it, where a logarithm needs something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EmptyCells {
    /// Half a case; shares are then divided by their sum. Without empty cells nothing changes.
    #[default]
    HalfCase,
    /// 0.0001, or a millionth of the smallest share where that is not above 0.0001, also in cells that are
    /// empty on both sides; the sum of shares is then no longer 1.
    Evidently,
    /// Nothing: where one distribution has a cell alone, divergences are infinite.
    Nothing,
}

/// Divergences between the counts of a reference and of current data over the same cells.
///
/// All are 0 for equal shares. With few cases they are above 0 by chance: the stability index by about
/// `(cells - 1) (1 / n + 1 / m)`.
///
/// ```
/// use medmetrics::drift::{Divergences, EmptyCells};
///
/// let d = Divergences::between(&[50, 30, 20], &[25, 15, 10], EmptyCells::default())?;
/// assert_eq!(d.stability_index, 0.0);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Divergences {
    /// Population stability index, `sum (c - r) ln(c / r)`: 0.1 is called moderate, 0.25 large.
    #[serde(with = "crate::number::never_missing")]
    pub stability_index: f64,
    /// Kullback and Leibler's divergence of the current data from the reference, `sum c ln(c / r)`, in nats.
    #[serde(with = "crate::number::never_missing")]
    pub kullback_leibler: f64,
    /// Kullback and Leibler's divergence of the reference from the current data, `sum r ln(r / c)`, in nats.
    #[serde(with = "crate::number::never_missing")]
    pub kullback_leibler_reversed: f64,
    /// Root of Jensen and Shannon's divergence in nats, 0 to 0.8326: SciPy's `jensenshannon`.
    pub jensen_shannon: f64,
    /// Hellinger's distance, 0 to 1.
    pub hellinger: f64,
    /// Total variation: the share of cases that would have to change cells, 0 to 1.
    pub total_variation: f64,
    /// Pearson's chi-squared test of one distribution for both, over cells that hold something.
    pub chi_squared: TestResult,
}

impl Divergences {
    /// Compares counts cell by cell.
    ///
    /// # Errors
    /// Refuses lists of different lengths, and a side without cases.
    pub fn between(reference: &[u64], current: &[u64], empty: EmptyCells) -> Result<Self> {
        if reference.len() != current.len() {
            return Err(Error::Length {
                what: "current counts",
                got: current.len(),
                against: "the reference",
                expected: reference.len(),
            });
        }
        for counts in [reference, current] {
            if counts.iter().all(|&count| count == 0) {
                return Err(Error::TooFew {
                    what: "a comparison of distributions",
                    of: "cases on each side",
                    least: 1,
                    got: 0,
                });
            }
        }
        // What neither side has says nothing, but evidently counts it.
        let all = empty == EmptyCells::Evidently;
        let used = || {
            reference
                .iter()
                .zip(current)
                .filter(|(r, c)| all || (**r).max(**c) > 0)
        };
        let [r, c] = [
            used().map(|pair| *pair.0).collect(),
            used().map(|pair| *pair.1).collect(),
        ]
        .map(|counts: Vec<u64>| (shares(&counts, EmptyCells::Nothing), shares(&counts, empty)));
        let over = |left: &[f64], right: &[f64], term: fn(f64, f64) -> f64| -> f64 {
            left.iter().zip(right).map(|(&l, &r)| term(l, r)).sum()
        };
        let middle: Vec<f64> = r.0.iter().zip(&c.0).map(|(r, c)| 0.5 * (r + c)).collect();
        let jensen = 0.5 * (over(&r.0, &middle, relative) + over(&c.0, &middle, relative));
        let roots = over(&r.0, &c.0, |r, c| {
            (r.sqrt() - c.sqrt()) * (r.sqrt() - c.sqrt())
        });
        let kullback_leibler = over(&c.1, &r.1, relative);
        let kullback_leibler_reversed = over(&r.1, &c.1, relative);
        Ok(Self {
            stability_index: over(&c.1, &r.1, |c, r| {
                if c == r {
                    0.0
                } else {
                    (c - r) * libm::log(c / r)
                }
            }),
            kullback_leibler,
            kullback_leibler_reversed,
            jensen_shannon: jensen.max(0.0).sqrt(),
            hellinger: (0.5 * roots).sqrt(),
            total_variation: 0.5 * over(&r.0, &c.0, |r, c| (r - c).abs()),
            chi_squared: chi_squared(reference, current),
        })
    }
}

/// `l ln(l / r)`, and its limit 0 for nothing.
fn relative(l: f64, r: f64) -> f64 {
    if l == 0.0 { 0.0 } else { l * libm::log(l / r) }
}

fn shares(counts: &[u64], empty: EmptyCells) -> Vec<f64> {
    let total = sum(counts);
    let half = 0.5 * counts.iter().filter(|&&count| count == 0).count() as f64;
    let smallest = counts.iter().filter(|&&count| count > 0).min();
    let floor = match smallest.map_or(1.0, |&count| count as f64 / total) {
        smallest if smallest <= 1e-4 => smallest / 1e6,
        _ => 1e-4,
    };
    let share = |&count: &u64| match (count, empty) {
        (0, EmptyCells::HalfCase) => 0.5 / (total + half),
        (0, EmptyCells::Evidently) => floor,
        (_, EmptyCells::HalfCase) => count as f64 / (total + half),
        _ => count as f64 / total,
    };
    counts.iter().map(share).collect()
}

fn chi_squared(reference: &[u64], current: &[u64]) -> TestResult {
    let (r, c) = (sum(reference), sum(current));
    let (mut statistic, mut cells) = (0.0, 0u64);
    for (&left, &right) in reference.iter().zip(current) {
        let both = left as f64 + right as f64;
        if both > 0.0 {
            cells += 1;
            for (count, side) in [(left, r), (right, c)] {
                let expected = both * side / (r + c);
                statistic += (count as f64 - expected) * (count as f64 - expected) / expected;
            }
        }
    }
    let n = (r + c) as u64;
    if cells < 2 {
        return TestResult::new(0.0, 1.0, n, "chi-squared:df=0");
    }
    let degrees = cells - 1;
    let p = chi_squared_upper(statistic, degrees as f64);
    TestResult::new(statistic, p, n, format!("chi-squared:df={degrees}"))
}

fn sum(counts: &[u64]) -> f64 {
    counts.iter().map(|&count| u128::from(count)).sum::<u128>() as f64
}

/// Refuses saved counts that leave no room to add others: no machine counts so many.
pub(super) fn possible(counts: &[u64]) -> Result<()> {
    match counts.iter().position(|&count| count >> 44 != 0) {
        None => Ok(()),
        Some(index) => Err(Error::InvalidValue {
            what: "counts",
            rule: "below 2^44",
            index,
            value: counts[index] as f64,
        }),
    }
}
