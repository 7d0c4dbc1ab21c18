//! Tests by exchanging what the hypothesis says is exchangeable.

use medcore::random::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::statistics::test_result::{Alternative, TestResult};

/// A permutation test: exact where there are few permutations, otherwise a seeded sample of them.
///
/// The p value counts the permutations whose statistic is at least as extreme, the observed one among them,
/// and is never 0 (B. Phipson and G. Smyth, Statistical Applications in Genetics and Molecular Biology 9,
/// 2010). Statistics that differ by less than 1e-12 of the larger ones count as equal, whatever their unit.
/// Two-sided it is twice the smaller tail, as in `scipy.stats.permutation_test`. It does not depend on the
/// number of threads.
///
/// ```
/// use medmetrics::statistics::PermutationTest;
///
/// let dice_new = [0.91, 0.88, 0.95, 0.84, 0.90];
/// let dice_old = [0.89, 0.85, 0.94, 0.80, 0.85];
/// let result = PermutationTest::default().paired_means(&dice_new, &dice_old)?;
/// assert_eq!(result.p, Some(2.0 / 32.0), "all five rise: one of 32 sign patterns, two-sided");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PermutationTest {
    /// Up to so many permutations all of them are counted, 65 536 by default.
    pub most_exact: u32,
    /// Number of permutations drawn where there are more, 9 999 by default.
    pub draws: u32,
    /// Seed of the draws.
    pub seed: u64,
    /// Which deviations count against the hypothesis.
    pub alternative: Alternative,
}

impl Default for PermutationTest {
    fn default() -> Self {
        Self {
            most_exact: 1 << 16,
            draws: 9_999,
            seed: 0,
            alternative: Alternative::TwoSided,
        }
    }
}

impl PermutationTest {
    /// Swaps the two members of each pair or not (or flips the sign of each difference): the hypothesis is
    /// that either order is as likely. The statistic is a function of which pairs are swapped.
    ///
    /// # Errors
    /// Refuses no pairs, no draws where draws are needed, and a statistic that is not a number.
    pub fn paired(
        &self,
        pairs: usize,
        statistic: impl Fn(&[bool]) -> f64 + Sync,
    ) -> Result<TestResult> {
        let all = 1u64.checked_shl(pairs as u32).filter(|_| pairs < 64);
        let exact = all.filter(|&all| all <= u64::from(self.most_exact));
        let nth = |number: u64, swaps: &mut [bool]| {
            for (i, swap) in swaps.iter_mut().enumerate() {
                *swap = number >> i & 1 == 1;
            }
        };
        let key = Key::new(self.seed);
        let draw = |number: u64, swaps: &mut [bool]| {
            let mut random = key.sample(number as u32).stream("swaps");
            for swaps in swaps.chunks_mut(32) {
                let bits = random.next_u32();
                swaps
                    .iter_mut()
                    .enumerate()
                    .for_each(|(i, swap)| *swap = bits >> i & 1 == 1);
            }
        };
        let observed = vec![false; pairs];
        match exact {
            Some(all) => self.test(&observed, statistic, (all, nth), "paired/exact"),
            None => self.test(&observed, statistic, (self.drawn()?, draw), "paired/drawn"),
        }
    }

    /// Deals the observations anew to two groups of the given sizes: the hypothesis is that both are drawn
    /// alike. The statistic is a function of which observations belong to the first group; observed are the
    /// first `first` of them.
    ///
    /// # Errors
    /// Refuses an empty group, no draws where draws are needed, and a statistic that is not a number.
    pub fn unpaired(
        &self,
        [first, second]: [usize; 2],
        statistic: impl Fn(&[bool]) -> f64 + Sync,
    ) -> Result<TestResult> {
        let total = first + second;
        let limit = u64::from(self.most_exact);
        let exact = combinations(total, first, limit);
        let nth = |number: u64, members: &mut [bool]| nth_combination(number, first, members);
        let key = Key::new(self.seed);
        let draw = |number: u64, members: &mut [bool]| {
            for (i, member) in members.iter_mut().enumerate() {
                *member = i < first;
            }
            key.sample(number as u32).stream("groups").shuffle(members);
        };
        let observed: Vec<bool> = (0..total).map(|i| i < first).collect();
        if first == 0 || second == 0 {
            return Err(too_few("observations of each group", first.min(second)));
        }
        match exact {
            Some(all) => self.test(&observed, statistic, (all, nth), "unpaired/exact"),
            None => self.test(
                &observed,
                statistic,
                (self.drawn()?, draw),
                "unpaired/drawn",
            ),
        }
    }

    /// Whether the mean difference of pairs is 0 under [`PermutationTest::paired`]; the statistic is the
    /// mean of the first minus that of the second.
    ///
    /// # Errors
    /// Refuses lists of different lengths and what [`PermutationTest::paired`] refuses.
    pub fn paired_means(&self, first: &[f64], second: &[f64]) -> Result<TestResult> {
        if first.len() != second.len() {
            return Err(Error::Length {
                what: "the second list",
                got: second.len(),
                against: "the first one",
                expected: first.len(),
            });
        }
        let n = first.len() as f64;
        self.paired(first.len(), |swaps| {
            let pairs = first.iter().zip(second).zip(swaps);
            pairs
                .map(|((a, b), &swap)| if swap { b - a } else { a - b })
                .sum::<f64>()
                / n
        })
    }

    /// Whether two means are the same under [`PermutationTest::unpaired`]; the statistic is the mean of the
    /// first minus that of the second.
    ///
    /// # Errors
    /// As for [`PermutationTest::unpaired`].
    pub fn unpaired_means(&self, first: &[f64], second: &[f64]) -> Result<TestResult> {
        let counts = [first.len(), second.len()];
        // About one of the values, so that the means of large numbers that differ little keep their digits.
        let origin = first
            .first()
            .copied()
            .filter(|v| v.is_finite())
            .unwrap_or(0.0);
        self.unpaired(counts, |members| {
            let mut sums = [0.0; 2];
            for (value, &member) in first.iter().chain(second).zip(members) {
                sums[usize::from(!member)] += value - origin;
            }
            sums[0] / counts[0] as f64 - sums[1] / counts[1] as f64
        })
    }

    fn drawn(&self) -> Result<u64> {
        match self.draws {
            0 => Err(too_few("draws", 0)),
            draws => Ok(u64::from(draws)),
        }
    }

    /// Counts the permutations that are as extreme. Drawn ones have the observed one added.
    fn test(
        &self,
        observed: &[bool],
        statistic: impl Fn(&[bool]) -> f64 + Sync,
        (count, nth): (u64, impl Fn(u64, &mut [bool]) + Sync),
        name: &str,
    ) -> Result<TestResult> {
        if observed.is_empty() {
            return Err(too_few("pairs", 0));
        }
        let value = statistic(observed);
        let not_a_number = |index: u64, value| Error::InvalidValue {
            what: "the statistics of the permutations",
            rule: "numbers",
            index: index as usize,
            value,
        };
        if value.is_nan() {
            return Err(not_a_number(0, value));
        }
        let of = |flags: &mut Vec<bool>, number| {
            nth(number, flags);
            statistic(flags)
        };
        // Equal statistics differ by rounding, depending on the order of sums: by a share of the sizes that
        // statistics have, of which a sample tells enough. The observed one may be 0.
        let every = count.div_ceil(SIZES).max(1);
        let size = (0..count.div_ceil(every))
            .into_par_iter()
            .map_init(
                || vec![false; observed.len()],
                |flags, i| of(flags, i * every),
            )
            .chain(rayon::iter::once(value))
            .filter(|other| other.is_finite())
            .map(f64::abs)
            .reduce(|| 0.0, f64::max);
        let slack = ROUNDING * size;
        let [low, high] = (0..count)
            .into_par_iter()
            .map_init(
                || vec![false; observed.len()],
                |flags, number| {
                    let other = of(flags, number);
                    if other.is_nan() {
                        return Err(not_a_number(number, other));
                    }
                    Ok([
                        u64::from(other <= value + slack),
                        u64::from(other >= value - slack),
                    ])
                },
            )
            .try_reduce(|| [0; 2], |a, b| Ok([a[0] + b[0], a[1] + b[1]]))?;
        let own = u64::from(name.ends_with("drawn"));
        let share = |extreme: u64| (extreme + own) as f64 / (count + own) as f64;
        let p = match self.alternative {
            Alternative::Less => share(low),
            Alternative::Greater => share(high),
            Alternative::TwoSided => (2.0 * share(low.min(high))).min(1.0),
        };
        let n = observed.len() as u64;
        Ok(TestResult::new(
            Some(value),
            p,
            n,
            format!("permutation:{name}"),
        ))
    }
}

/// Statistics that differ by less than this share of the larger ones are equal.
const ROUNDING: f64 = 1e-12;

/// So many permutations, evenly spaced, tell how large statistics are.
const SIZES: u64 = 512;

fn too_few(of: &'static str, got: usize) -> Error {
    Error::TooFew {
        what: "a permutation test",
        of,
        least: 1,
        got,
    }
}

/// In how many ways `chosen` of `total` can be chosen; `None` above the limit.
fn combinations(total: usize, chosen: usize, limit: u64) -> Option<u64> {
    let chosen = chosen.min(total - chosen) as u64;
    (0..chosen).try_fold(1u64, |ways, i| {
        let more = ways.checked_mul(total as u64 - i)? / (i + 1);
        (more <= limit).then_some(more)
    })
}

/// Marks the members of one combination, by its number in lexicographic order.
fn nth_combination(mut number: u64, chosen: usize, members: &mut [bool]) {
    let (total, mut left) = (members.len(), chosen);
    for (i, member) in members.iter_mut().enumerate() {
        // How many of the rest have this one.
        let with = match left {
            0 => 0,
            _ => combinations(total - i - 1, left - 1, u64::MAX).unwrap_or(u64::MAX),
        };
        *member = number < with;
        if *member {
            left -= 1;
        } else {
            number -= with;
        }
    }
}
