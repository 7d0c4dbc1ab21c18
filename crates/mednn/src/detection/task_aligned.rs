//! Task-aligned assignment (Feng et al. 2021, TOOD, <https://arxiv.org/abs/2108.07755>, section 3.2), as YOLOv8 uses it.
//!
//! Which cells learn an object is decided by what they already say: those that are sure of its class and whose box is near
//! it. So classification and localisation come to agree on the same cells.

use medcore::BoundingBox;

use super::{Truth, box_overlap, middle};
use crate::error::{Error, Result};
use crate::loss::BoxOverlap;

/// Settings of the assignment.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TaskAligned<const D: usize> {
    /// At most so many cells learn an object: 10.
    pub candidates: usize,
    /// The exponent of the probability of the class: 0.5.
    pub score_power: f64,
    /// The exponent of the overlap of the boxes: 6.
    pub overlap_power: f64,
    /// How boxes are compared.
    pub overlap: BoxOverlap,
    /// Objects shorter than this along an axis count as this long where the cells inside of them are looked for, so that
    /// small ones have some; zeros change nothing.
    pub smallest: [f64; D],
}

impl<const D: usize> Default for TaskAligned<D> {
    fn default() -> Self {
        Self {
            candidates: 10,
            score_power: 0.5,
            overlap_power: 6.0,
            overlap: BoxOverlap::Ciou,
            smallest: [0.0; D],
        }
    }
}

/// A cell that learns an object.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Aligned {
    /// The cell.
    pub cell: usize,
    /// The object.
    pub truth: usize,
    /// The probability of the class that it should say, above 0; also how much its box counts.
    pub score: f64,
}

impl<const D: usize> TaskAligned<D> {
    /// The settings of YOLOv8.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many cells learn an object at most.
    #[must_use]
    pub fn with_candidates(mut self, candidates: usize) -> Self {
        self.candidates = candidates;
        self
    }

    /// Sets the exponents of the probability of the class and of the overlap.
    #[must_use]
    pub fn with_powers(mut self, score: f64, overlap: f64) -> Self {
        self.score_power = score;
        self.overlap_power = overlap;
        self
    }

    /// Sets how boxes are compared.
    #[must_use]
    pub fn with_overlap(mut self, overlap: BoxOverlap) -> Self {
        self.overlap = overlap;
        self
    }

    /// Sets how long objects count at least where cells inside of them are looked for.
    #[must_use]
    pub fn with_smallest(mut self, smallest: [f64; D]) -> Self {
        self.smallest = smallest;
        self
    }

    /// The cells that learn an object, in order; no cell learns two.
    ///
    /// A cell whose middle lies strictly inside an object agrees with it by `probability^score_power * overlap^overlap_power`
    /// (a negative overlap counts as 0). The cells that agree best with an object are given it. A cell given to several keeps
    /// the one its box overlaps most, of all whose inside it is in. The score is the agreement as a share of the best of the
    /// object, times the best overlap of the object.
    ///
    /// `cells` are their middles with the boxes they propose, `probability` is asked by cell and class.
    ///
    /// # Errors
    /// Refuses probabilities outside 0 to 1.
    pub fn assign(
        &self,
        cells: &[([f64; D], BoundingBox<D>)],
        truths: &[Truth<D>],
        probability: impl Fn(usize, u32) -> f64,
    ) -> Result<Vec<Aligned>> {
        // For every object: the cells inside with overlap and agreement, by cell.
        let inside: Vec<Vec<Candidate>> = truths
            .iter()
            .map(|truth| self.inside(cells, truth, &probability))
            .collect::<Result<_>>()?;
        let mut chosen: Vec<(usize, usize)> = inside
            .iter()
            .enumerate()
            .flat_map(|(number, candidates)| {
                let best = self.best(candidates).into_iter();
                best.map(move |candidate| (candidate.cell, number))
            })
            .collect();
        chosen.sort_unstable();
        let of = |number: usize, cell: usize| -> Option<&Candidate> {
            let candidates = &inside[number];
            let place = candidates.binary_search_by_key(&cell, |candidate| candidate.cell);
            place.ok().map(|place| &candidates[place])
        };
        let mut given: Vec<(usize, Candidate)> = Vec::new();
        for rivals in chosen.chunk_by(|a, b| a.0 == b.0) {
            let (cell, mut truth) = rivals[0];
            if rivals.len() > 1 {
                let mut most = f64::NEG_INFINITY;
                for number in 0..truths.len() {
                    match of(number, cell) {
                        Some(candidate) if candidate.overlap > most => {
                            (most, truth) = (candidate.overlap, number);
                        }
                        _ => {}
                    }
                }
            }
            given.extend(of(truth, cell).map(|candidate| (truth, *candidate)));
        }
        let mut best = vec![(0.0_f64, 0.0_f64); truths.len()];
        for (truth, candidate) in &given {
            let (agreement, overlap) = best[*truth];
            best[*truth] = (
                agreement.max(candidate.agreement),
                overlap.max(candidate.overlap),
            );
        }
        let scored = given.into_iter().map(|(truth, candidate)| Aligned {
            cell: candidate.cell,
            truth,
            score: candidate.agreement * best[truth].1 / (best[truth].0 + TINY),
        });
        Ok(scored.filter(|aligned| aligned.score > 0.0).collect())
    }

    fn inside(
        &self,
        cells: &[([f64; D], BoundingBox<D>)],
        truth: &Truth<D>,
        probability: &impl Fn(usize, u32) -> f64,
    ) -> Result<Vec<Candidate>> {
        let (extent, own) = (truth.bounds.extent(), middle(&truth.bounds));
        let within = |place: &[f64; D]| {
            (0..D).all(|axis| {
                let half = extent[axis].max(self.smallest[axis]) / 2.0;
                half - (place[axis] - own[axis]).abs() > TINY
            })
        };
        let near = { cells.iter().enumerate() }.filter(|(_, (place, _))| within(place));
        near.map(|(cell, (_, bounds))| {
            let likely = probability(cell, truth.class);
            if !(0.0..=1.0).contains(&likely) {
                return Err(Error::Setting {
                    op: "task_aligned",
                    setting: "a probability",
                    rule: "between 0 and 1",
                    value: likely.to_string(),
                });
            }
            let overlap = box_overlap(self.overlap, bounds, &truth.bounds).max(0.0);
            Ok(Candidate {
                cell,
                overlap,
                agreement: likely.powf(self.score_power) * overlap.powf(self.overlap_power),
            })
        })
        .collect()
    }

    /// Those that agree most, of equal ones the first.
    fn best(&self, candidates: &[Candidate]) -> Vec<Candidate> {
        let mut best: Vec<Candidate> = { candidates.iter().copied() }
            .filter(|candidate| candidate.agreement > 0.0)
            .collect();
        best.sort_by(|a, b| b.agreement.total_cmp(&a.agreement));
        best.truncate(self.candidates);
        best
    }
}

/// Keeps quotients finite, and cells on the rim of an object out.
const TINY: f64 = 1e-9;

/// A cell inside an object.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    cell: usize,
    overlap: f64,
    agreement: f64,
}
