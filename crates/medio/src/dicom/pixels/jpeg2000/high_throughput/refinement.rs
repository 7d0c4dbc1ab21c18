//! The passes that add one bit plane to a code-block: significance propagation and magnitude refinement
//! (T.814 sections 7.4 and 7.5).

use super::bits::{Backward, Forward};
use super::block::Coded;

/// Rows that are scanned together, a column of them after another.
const STRIPE: usize = 4;

/// Which samples are significant, with a border of one sample that never is.
struct Significance {
    width: usize,
    flags: Vec<bool>,
}

impl Significance {
    fn of(samples: &[u32], width: usize, height: usize) -> Self {
        let mut flags = vec![false; (width + 2) * (height + 2)];
        let rows = flags.chunks_mut(width + 2).skip(1);
        for (flags, samples) in rows.zip(samples.chunks(width)) {
            for (flag, sample) in flags.iter_mut().skip(1).zip(samples) {
                *flag = *sample != 0;
            }
        }
        Self { width, flags }
    }

    fn is_set(&self, row: usize, column: usize) -> bool {
        let place = (row + 1) * (self.width + 2) + column + 1;
        self.flags.get(place) == Some(&true)
    }

    fn has_neighbours(&self, row: usize, column: usize, causal: bool) -> bool {
        let rows = if causal && row % STRIPE == STRIPE - 1 {
            2
        } else {
            3
        };
        (row..row + rows).any(|row| {
            let start = row * (self.width + 2) + column;
            let near = self.flags.get(start..start + 3).unwrap_or(&[]);
            near.contains(&true)
        })
    }

    fn set(&mut self, row: usize, column: usize) {
        let place = (row + 1) * (self.width + 2) + column + 1;
        if let Some(flag) = self.flags.get_mut(place) {
            *flag = true;
        }
    }
}

/// Adds what the refinement segment holds to the samples of the cleanup pass.
pub(super) fn refine(coded: &Coded<'_>, samples: &mut [u32]) {
    let lowest = 30_u32.saturating_sub(coded.skipped_planes);
    let Some(half) = lowest.checked_sub(2).map(|shift| 1_u32 << shift) else {
        return;
    };
    // Refinement tells the old samples from those that propagation adds.
    let old: Option<Vec<bool>> =
        (coded.passes > 2).then(|| samples.iter().map(|sample| *sample != 0).collect());
    propagate(coded, samples, 3 * half);
    let Some(old) = old else { return };
    let mut bits = Backward::refinement(coded.refinement);
    for (_, column, rows) in columns(coded) {
        for row in rows {
            let place = row * coded.width + column;
            if let (Some(true), Some(sample)) = (old.get(place), samples.get_mut(place)) {
                if bits.take(1) == 0 {
                    *sample ^= 2 * half;
                }
                *sample |= half;
            }
        }
    }
}

/// Columns of stripes in the order of scanning: the first row, the column, its rows.
fn columns(
    coded: &Coded<'_>,
) -> impl Iterator<Item = (usize, usize, std::ops::Range<usize>)> + use<> {
    let (width, height) = (coded.width, coded.height);
    (0..height).step_by(STRIPE).flat_map(move |row| {
        let rows = row..(row + STRIPE).min(height);
        (0..width).map(move |column| (row, column, rows.clone()))
    })
}

/// Finds samples that become significant beside others; signs follow after every four columns.
fn propagate(coded: &Coded<'_>, samples: &mut [u32], value: u32) {
    let mut significance = Significance::of(samples, coded.width, coded.height);
    let mut bits = Forward::new(coded.refinement, 0);
    let mut found = Vec::with_capacity(STRIPE * STRIPE);
    let mut signs = |found: &mut Vec<usize>, bits: &mut Forward<'_>| {
        for place in found.drain(..) {
            if let Some(sample) = samples.get_mut(place) {
                *sample = value | bits.take(1) << 31;
            }
        }
    };
    for (_, column, rows) in columns(coded) {
        if column % STRIPE == 0 {
            signs(&mut found, &mut bits);
        }
        for row in rows {
            if significance.is_set(row, column)
                || !significance.has_neighbours(row, column, coded.causal)
                || bits.take(1) == 0
            {
                continue;
            }
            significance.set(row, column);
            found.push(row * coded.width + column);
        }
    }
    signs(&mut found, &mut bits);
}
