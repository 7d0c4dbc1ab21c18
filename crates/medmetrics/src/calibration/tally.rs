//! The loop over scores: counts and exact sums of every bin.

use serde::{Deserialize, Serialize};

use super::check;
use crate::error::Result;
use crate::score::Score;

/// What a bin holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) count: u64,
    pub(crate) positives: u64,
    /// Sum of the probabilities, each rounded to a multiple of 2^-52.
    pub(crate) sum: u128,
}

/// 1 as a sum of probabilities.
pub(crate) const ONE: u128 = 1 << FRACTION_BITS;

const FRACTION_BITS: u32 = 52;

/// Scores whose sums stay below 2^64 in each of the lanes.
const CHUNK: usize = 4096;

/// Neighbouring scores add to different lanes, so that one addition need not wait for the last one.
const LANES: usize = 4;

/// Below this number of scores a table of places is not worth its making.
const FEW: usize = 2048;

/// A probability in units of 2^-52, to the nearest, ties to even.
#[inline(always)]
pub(crate) fn fixed(p: f64) -> u64 {
    // Between 1 and 2 the last bit of a double counts 2^-52.
    (p + 1.0).to_bits().wrapping_sub(1.0f64.to_bits())
}

impl Cell {
    /// Whether scores from 0 to 1 can have made it.
    pub(crate) fn is_possible(&self) -> bool {
        // Leaves room to merge: no machine counts so many.
        self.count < 1 << 44
            && self.positives <= self.count
            && self.sum <= u128::from(self.count) * ONE
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.positives += other.positives;
        self.sum += other.sum;
    }

    pub(crate) fn of(p: f64, positive: bool) -> Self {
        Self {
            count: 1,
            positives: u64::from(positive),
            sum: u128::from(fixed(p)),
        }
    }
}

/// Adds scores to the cells that begin at `starts`; `positive` says which of them are.
///
/// # Errors
/// Refuses what is no probability; the cells are then partly filled.
pub(crate) fn tally<P: Score>(
    scores: &[P],
    positive: impl Fn(usize) -> bool,
    starts: &[f64],
    cells: &mut [Cell],
) -> Result<()> {
    if scores.len() < FEW {
        check::probabilities(scores, 0)?;
        for (i, &score) in scores.iter().enumerate() {
            let p = score.into();
            cells[starts.partition_point(|&start| start <= p)].add(&Cell::of(p, positive(i)));
        }
        return Ok(());
    }
    let places = Places::new(starts);
    // Sum, and the count with the positives above it.
    let mut lanes = vec![[[0u64; 2]; LANES]; cells.len()];
    for (number, chunk) in scores.chunks(CHUNK).enumerate() {
        let offset = number * CHUNK;
        check::probabilities(chunk, offset)?;
        if places.one_each {
            add(
                chunk,
                |i| positive(offset + i),
                &mut lanes,
                |p, q| places.near(p, q),
            );
        } else {
            add(
                chunk,
                |i| positive(offset + i),
                &mut lanes,
                |p, q| places.far(p, q),
            );
        }
        for (cell, lanes) in cells.iter_mut().zip(&mut lanes) {
            for lane in lanes {
                cell.sum += u128::from(lane[0]);
                cell.count += lane[1] & 0xffff_ffff;
                cell.positives += lane[1] >> 32;
                *lane = [0; 2];
            }
        }
    }
    Ok(())
}

#[inline(always)]
fn add<P: Score>(
    scores: &[P],
    positive: impl Fn(usize) -> bool,
    lanes: &mut [[[u64; 2]; LANES]],
    cell: impl Fn(f64, u64) -> usize,
) {
    let mut one = |i: usize, score: P, lane: usize| {
        let p = score.into();
        let q = fixed(p);
        let [sum, count] = &mut lanes[cell(p, q)][lane];
        *sum += q;
        *count += 1 | u64::from(positive(i)) << 32;
    };
    let groups = scores.chunks_exact(LANES);
    let rest = scores.len() - groups.remainder().len();
    for (group, scores) in groups.enumerate() {
        for (lane, &score) in scores.iter().enumerate() {
            one(LANES * group + lane, score, lane);
        }
    }
    for (i, &score) in scores.iter().enumerate().skip(rest) {
        one(i, score, 0);
    }
}

/// Finds a score's cell by its leading bits.
struct Places<'a> {
    /// For each of 1024 stretches of [0, 1], the number of starts below it.
    below: Box<[u32; 2048]>,
    /// The starts, and infinity after them.
    starts: &'a [f64],
    /// No stretch holds more than one start.
    one_each: bool,
}

const STRETCH_BITS: u32 = 10;

impl<'a> Places<'a> {
    fn new(starts: &'a [f64]) -> Self {
        let mut below = Box::new([0; 2048]);
        let stretches = f64::from(1u32 << STRETCH_BITS);
        for (i, count) in below.iter_mut().enumerate() {
            // What is rounded up into a stretch from just below it is compared with a start at its border.
            let border = i as f64 / stretches - 2.0 * f64::EPSILON;
            *count = starts.partition_point(|&start| start < border) as u32;
        }
        let wide = |pair: &[f64]| pair[1] - pair[0] > 1.001 / stretches;
        let one_each = starts.windows(2).all(wide);
        Self {
            below,
            starts,
            one_each,
        }
    }

    #[inline(always)]
    fn stretch(&self, q: u64) -> usize {
        self.below[(q >> (FRACTION_BITS - STRETCH_BITS)) as usize & 2047] as usize
    }

    #[inline(always)]
    fn near(&self, p: f64, q: u64) -> usize {
        let below = self.stretch(q);
        let next = self.starts.get(below).copied().unwrap_or(f64::INFINITY);
        below + usize::from(next <= p)
    }

    #[inline(always)]
    fn far(&self, p: f64, q: u64) -> usize {
        let mut cell = self.stretch(q);
        while self.starts.get(cell).is_some_and(|&start| start <= p) {
            cell += 1;
        }
        cell
    }
}
