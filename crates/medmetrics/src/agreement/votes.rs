//! What readers who outlined the same structure agree on: majority vote, STAPLE, Dice of each pair.

use medcore::{GeometryTolerance, Label, LabelMap};
use serde::{Deserialize, Serialize};

use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::Estimate;

/// How many voxels each combination of readers marked.
///
/// One sweep over the readers' maps; everything else follows from `2^readers` whole numbers.
///
/// ```
/// use medcore::{Geometry, LabelMap};
/// use medmetrics::agreement::{Staple, VoteTable};
///
/// let grid = Geometry::<2>::axis_aligned([2, 3], [1.0, 1.0])?;
/// let readers = [[0u8, 1, 1, 0, 1, 1], [0, 1, 1, 0, 1, 0], [0, 1, 0, 0, 1, 1]]
///     .map(|voxels| LabelMap::new(grid, voxels.to_vec()));
/// let [a, b, c] = readers;
/// let (a, b, c) = (a?, b?, c?);
/// let mut votes = VoteTable::new(3)?;
/// votes.add_label(&[&a, &b, &c], 1)?;
/// assert_eq!(votes.majority(), 4);
/// assert_eq!(votes.dice(0, 1).value, Some(6.0 / 7.0));
/// let consensus = votes.staple(&Staple::default())?;
/// assert!(consensus.probability(&[true, true, false]) > 0.5);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct VoteTable {
    readers: usize,
    /// Indexed by the combination: bit `r` is reader `r`'s vote.
    counts: Vec<u64>,
}

/// Settings of STAPLE: simultaneous truth and performance level estimation.
///
/// S. Warfield, K. Zou and W. Wells, IEEE Transactions on Medical Imaging 23, 2004. Starts as ITK's filter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Staple {
    /// Share of voxels of the structure before any vote; the readers' mean share if not given, as in ITK.
    pub prior: Option<f64>,
    /// Ends when no sensitivity or specificity moves by more, 1e-12 by default.
    pub tolerance: f64,
    /// Ends after so many steps at the latest.
    pub iterations: u32,
}

/// The readers' performance and the truth that explains their votes best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Consensus {
    /// Each reader's sensitivity against the hidden truth.
    pub sensitivity: Vec<f64>,
    /// Each reader's specificity against the hidden truth.
    pub specificity: Vec<f64>,
    /// The structure's volume in voxels: the sum of all probabilities.
    pub volume: f64,
    /// Steps taken.
    pub iterations: u32,
    /// Whether the tolerance was reached.
    pub converged: bool,
    /// Probability of the structure under each combination of votes.
    probabilities: Vec<f64>,
}

impl Default for Staple {
    fn default() -> Self {
        Self {
            prior: None,
            tolerance: 1e-12,
            iterations: 10_000,
        }
    }
}

impl Consensus {
    /// Probability that a voxel with these votes, in the readers' order, is of the structure; 0 for another
    /// number of readers.
    #[must_use]
    pub fn probability(&self, votes: &[bool]) -> f64 {
        if votes.len() != self.sensitivity.len() {
            return 0.0;
        }
        self.probabilities[combination(votes.iter().copied())]
    }
}

impl VoteTable {
    /// No voxels yet.
    ///
    /// # Errors
    /// Refuses fewer than two readers and more than 16.
    pub fn new(readers: usize) -> Result<Self> {
        if !(2..=16).contains(&readers) {
            return Err(Error::InvalidParameter {
                parameter: "readers",
                rule: "between 2 and 16",
                value: readers as f64,
            });
        }
        Ok(Self {
            readers,
            counts: vec![0; 1 << readers],
        })
    }

    /// Counts the readers' votes for a label in every voxel.
    ///
    /// # Errors
    /// Refuses another number of maps than readers, and maps on different grids.
    pub fn add_label<L: Label, const D: usize>(
        &mut self,
        maps: &[&LabelMap<L, D>],
        label: u32,
    ) -> Result<()> {
        self.check(maps.len())?;
        for map in maps {
            let grid = maps[0].geometry();
            grid.check_same_as(map.geometry(), &GeometryTolerance::default())?;
        }
        for voxel in 0..maps[0].as_slice().len() {
            let votes = maps.iter().map(|map| map.as_slice()[voxel].into() == label);
            self.counts[combination(votes)] += 1;
        }
        Ok(())
    }

    /// Voxels that more than half of the readers marked.
    #[must_use]
    pub fn majority(&self) -> u64 {
        self.sum(|votes| 2 * votes.count_ones() as usize > self.readers)
    }

    /// Dice of two readers; undefined if neither marked a voxel, or there is no such reader.
    #[must_use]
    pub fn dice(&self, one: usize, other: usize) -> Estimate {
        let marked =
            |reader: usize| self.sum(|votes| reader < self.readers && votes >> reader & 1 == 1);
        let (first, second) = (marked(one), marked(other));
        let known = one.max(other) < self.readers;
        let both = self.sum(|votes| known && votes >> one & votes >> other & 1 == 1);
        let convention = "dice:pair-of-readers";
        if !known || first + second == 0 {
            return Estimate::undefined(first + second, convention);
        }
        let value = 2.0 * both as f64 / (first + second) as f64;
        Estimate::new(value, first + second, convention)
    }

    /// The hidden truth by expectation and maximisation, from sensitivities and specificities of 0.99999.
    ///
    /// With a prior from the votes the result depends on how much background is counted along. Two readers
    /// hardly tell who of them is right: take three or more.
    ///
    /// # Errors
    /// Refuses a table without a voxel that some reader marked and some voxel that some reader did not, and a
    /// prior that is not between 0 and 1.
    pub fn staple(&self, settings: &Staple) -> Result<Consensus> {
        let all = || {
            self.counts
                .iter()
                .enumerate()
                .filter(|&(_, &count)| count > 0)
        };
        let total: u64 = self.counts.iter().sum();
        let marks: u64 = all()
            .map(|(votes, &count)| u64::from(votes.count_ones()) * count)
            .sum();
        let share = marks as f64 / (total as f64 * self.readers as f64);
        let prior = settings.prior.unwrap_or(share);
        if !(prior > 0.0 && prior < 1.0) {
            return Err(Error::InvalidParameter {
                parameter: "STAPLE's prior",
                rule: "between 0 and 1: some voxels marked, and not all",
                value: prior,
            });
        }
        let start = vec![0.99999; self.readers];
        let mut consensus = Consensus {
            sensitivity: start.clone(),
            specificity: start,
            volume: 0.0,
            iterations: 0,
            converged: false,
            probabilities: vec![0.0; self.counts.len()],
        };
        while !consensus.converged && consensus.iterations < settings.iterations {
            consensus.expect(prior);
            let (mut inside, mut outside) = (0.0, 0.0);
            let mut hits = vec![[0.0; 2]; self.readers];
            for (votes, &count) in all() {
                let (count, p) = (count as f64, consensus.probabilities[votes]);
                inside += count * p;
                outside += count * (1.0 - p);
                for (reader, [marked, left]) in hits.iter_mut().enumerate() {
                    match votes >> reader & 1 {
                        1 => *marked += count * p,
                        _ => *left += count * (1.0 - p),
                    }
                }
            }
            let mut moved = 0.0_f64;
            for (reader, [marked, left]) in hits.into_iter().enumerate() {
                for (performance, share, of) in [
                    (&mut consensus.sensitivity[reader], marked, inside),
                    (&mut consensus.specificity[reader], left, outside),
                ] {
                    // Where nothing is left of one class, performance on it stays as it was.
                    let next = if of > 0.0 { share / of } else { *performance };
                    moved = moved.max((next - *performance).abs());
                    *performance = next;
                }
            }
            consensus.volume = inside;
            consensus.iterations += 1;
            consensus.converged = moved <= settings.tolerance;
        }
        Ok(consensus)
    }

    fn sum(&self, which: impl Fn(usize) -> bool) -> u64 {
        let all = self.counts.iter().enumerate();
        all.filter(|&(votes, _)| which(votes))
            .map(|(_, &count)| count)
            .sum()
    }

    fn check(&self, readers: usize) -> Result<()> {
        if readers == self.readers {
            return Ok(());
        }
        Err(Error::Length {
            what: "the readers' votes",
            got: readers,
            against: "the table",
            expected: self.readers,
        })
    }
}

impl Consensus {
    fn expect(&mut self, prior: f64) {
        for (votes, probability) in self.probabilities.iter_mut().enumerate() {
            let (mut inside, mut outside) = (prior, 1.0 - prior);
            let readers = self.sensitivity.iter().zip(&self.specificity);
            for (reader, (sensitivity, specificity)) in readers.enumerate() {
                if votes >> reader & 1 == 1 {
                    inside *= sensitivity;
                    outside *= 1.0 - specificity;
                } else {
                    inside *= 1.0 - sensitivity;
                    outside *= specificity;
                }
            }
            // Votes that cannot happen under these performances say nothing.
            let either = inside + outside;
            *probability = if either > 0.0 { inside / either } else { prior };
        }
    }
}

fn combination(votes: impl Iterator<Item = bool>) -> usize {
    let bits = votes.enumerate();
    bits.fold(0, |all, (reader, vote)| all | usize::from(vote) << reader)
}

impl Accumulator for VoteTable {
    /// Which readers marked one voxel.
    type Item<'a> = &'a [bool];
    type Output = Consensus;

    fn push(&mut self, votes: &[bool]) -> Result<()> {
        self.check(votes.len())?;
        self.counts[combination(votes.iter().copied())] += 1;
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.check(other.readers)?;
        let counts = self.counts.iter_mut().zip(&other.counts);
        counts.for_each(|(count, more)| *count += more);
        Ok(())
    }

    fn finish(&self) -> Result<Consensus> {
        self.staple(&Staple::default())
    }
}

impl TryFrom<Vec<u64>> for VoteTable {
    type Error = Error;

    /// # Errors
    /// Refuses a length that is not a power of two between 4 and 65 536, and 2^44 voxels or more in one
    /// place.
    fn try_from(counts: Vec<u64>) -> Result<Self> {
        let mut table = Self::new(counts.len().max(1).ilog2() as usize)?;
        if counts.len() != table.counts.len() {
            return Err(Error::InvalidParameter {
                parameter: "combinations of votes",
                rule: "a power of two",
                value: counts.len() as f64,
            });
        }
        if let Some(index) = counts.iter().position(|&count| count >> 44 != 0) {
            return Err(Error::InvalidValue {
                what: "the table of votes",
                rule: "below 2^44",
                index,
                value: counts[index] as f64,
            });
        }
        table.counts = counts;
        Ok(table)
    }
}

impl From<VoteTable> for Vec<u64> {
    fn from(table: VoteTable) -> Self {
        table.counts
    }
}
