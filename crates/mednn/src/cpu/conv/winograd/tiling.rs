//! How much of the outputs one task computes.

use std::ops::Range;

use super::{COMPONENTS, TILE};
use crate::cpu::conv::plan::Plan;

/// Bytes of transformed inputs and sums that stay in the second-level cache of the servers this is for.
const RESIDENT: usize = 3 << 19;
/// Bytes of working memory of a task, at most.
const MOST: usize = 24 << 20;
/// Tasks a thread, at least.
const TASKS_PER_THREAD: usize = 3;

/// Depths and tiles of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Of all outputs: depths, rows of tiles, columns of tiles.
    count: [usize; 3],
    /// Of a task.
    size: [usize; 3],
}

impl Tiling {
    /// Chooses the task that moves the least memory for each output; `weights` are elements, `element` bytes.
    ///
    /// The choice has no influence on results, because the sum for one output is always taken in the same order.
    pub(super) fn choose(plan: &Plan, weights: usize, element: usize) -> Self {
        let outputs = plan.phases[0].count;
        let count = [
            outputs[0],
            outputs[1].div_ceil(TILE),
            outputs[2].div_ceil(TILE),
        ];
        let halo = (plan.window[0].1 - plan.window[0].0) as usize;
        let wanted = match rayon::current_num_threads() {
            1 => 1,
            threads => threads * TASKS_PER_THREAD,
        };
        let mut best = (f64::INFINITY, [1; 3]);
        for depth in divisions(count[0]) {
            for rows in divisions(count[1]) {
                for columns in divisions(count[2]) {
                    let tiling = Self {
                        count,
                        size: [depth, rows, columns],
                    };
                    let tiles = rows * columns;
                    let planes = depth + halo;
                    let inputs = COMPONENTS * tiles * planes * plan.source_channels * element;
                    let sums = COMPONENTS * tiles * depth * plan.target_channels * element;
                    let bytes = inputs + sums;
                    let tasks = plan.batch * tiling.tasks();
                    let smallest = depth * tiles == 1;
                    if (bytes > MOST || tasks < wanted) && !smallest {
                        continue;
                    }
                    // Bytes moved for each tile: weights, what does not stay in the cache, and the transform of inputs; a
                    // tile of few columns wastes vectors.
                    let spilled = if bytes > RESIDENT {
                        2 * bytes
                    } else {
                        bytes / 4
                    };
                    let vectors = columns.next_multiple_of(16) as f64 / columns as f64;
                    let rim = (TILE * rows + 2) as f64 / (TILE * rows) as f64;
                    let moved =
                        (weights * element + spilled) as f64 + inputs as f64 * 0.5 * vectors * rim;
                    let cost = moved / (tiles * depth) as f64;
                    if cost < best.0 {
                        best = (cost, tiling.size);
                    }
                }
            }
        }
        Self {
            count,
            size: best.1,
        }
    }

    fn parts(&self) -> [usize; 3] {
        [0, 1, 2].map(|a| self.count[a].div_ceil(self.size[a]))
    }

    /// Tasks of one image.
    pub(super) fn tasks(&self) -> usize {
        self.parts().iter().product()
    }

    /// Depths, rows of tiles and columns of tiles of a task.
    pub(super) fn task(&self, task: usize) -> [Range<usize>; 3] {
        let parts = self.parts();
        let index = [
            task / (parts[1] * parts[2]),
            task / parts[2] % parts[1],
            task % parts[2],
        ];
        [0, 1, 2].map(|a| {
            let start = index[a] * self.size[a];
            start..(start + self.size[a]).min(self.count[a])
        })
    }
}

/// The lengths that cut an axis into 1, 2, 3, ... nearly equal parts, each once.
fn divisions(length: usize) -> Vec<usize> {
    let mut lengths: Vec<usize> = (1..=length).map(|parts| length.div_ceil(parts)).collect();
    lengths.dedup();
    lengths
}
