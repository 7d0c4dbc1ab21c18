//! Cuts the outputs of a plan into tiles whose piece of the source fits the second-level cache.

use super::plan::Plan;

/// Bytes of a packed piece of the source: half of the smallest second-level cache of the servers this is for.
const PIECE: usize = 1 << 20;
/// Bytes of packed weights that are taken to stay in the cache.
const RESIDENT_WEIGHTS: usize = 1 << 19;
/// Tasks a thread, so that one that is held up does not hold up all.
const TASKS_PER_THREAD: usize = 6;

/// Sizes of tiles and tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Depths of a task, a multiple of `step` unless it is all of them.
    depth: usize,
    height: usize,
    width: usize,
    /// Depths computed together.
    pub(super) step: usize,
    /// Blocks of target channels of a task.
    blocks: usize,
    /// Blocks of target channels in all.
    all_blocks: usize,
}

impl Tiling {
    /// Chooses the tile that moves the least memory, then cuts tasks until there are enough for the threads.
    ///
    /// The choice has no influence on results, because the sum for one output is always taken in one piece.
    pub(super) fn choose(plan: &Plan, blocks: usize, block: usize, element: usize) -> Self {
        let count = plan.count();
        let weights = plan.source_channels * plan.taps() * blocks * block * element;
        let mut best = (f64::INFINITY, [1, 1, count[2].min(16)]);
        for step in divisions(count[0]) {
            for height in divisions(count[1]) {
                for width in divisions(count[2]) {
                    let extent = [
                        plan.extent(0, step),
                        plan.extent(1, height),
                        plan.extent(2, width),
                    ];
                    if extent.iter().product::<usize>() * plan.source_channels * element > PIECE {
                        continue;
                    }
                    // Bytes moved for each output: rows packed (with the cost of starting one), and weights read again
                    // by every step unless they stay in the cache.
                    let rows = (extent[1] * plan.source_step[0]) as f64;
                    let packed =
                        rows * (extent[2] * element + 64) as f64 * plan.source_channels as f64
                            / (height * width) as f64;
                    let reread = if weights > RESIDENT_WEIGHTS {
                        weights as f64
                    } else {
                        0.0
                    };
                    let cost = 2.0 * packed + reread / (step * height * width) as f64;
                    if cost < best.0 {
                        best = (cost, [step, height, width]);
                    }
                }
            }
        }
        let [step, height, width] = best.1;
        let mut tiling = Self {
            depth: count[0],
            height,
            width,
            step,
            blocks,
            all_blocks: blocks,
        };
        let wanted = match rayon::current_num_threads() {
            1 => 1,
            threads => threads * TASKS_PER_THREAD,
        };
        let images = plan.batch * plan.groups;
        // Blocks of channels alone can keep all threads busy: then an image that is one piece stays one.
        let whole = best.1 == count && images * blocks * TASKS_PER_THREAD >= wanted;
        while images * tiling.tasks(count) < wanted {
            if tiling.depth > 2 * step {
                tiling.depth = tiling.depth.div_ceil(2).next_multiple_of(step);
            } else if tiling.blocks > 1 {
                tiling.blocks = tiling.blocks.div_ceil(2);
            } else if whole {
                break;
            } else if tiling.depth > step {
                tiling.depth = step;
            } else if tiling.height > 4 {
                tiling.height = tiling.height.div_ceil(2);
            } else if tiling.width > 64 {
                tiling.width = tiling.width.div_ceil(2);
            } else {
                break;
            }
        }
        tiling
    }

    /// Whether tasks of an image differ in their channels alone, and read all of it.
    pub(super) fn shares_pieces(&self, count: [usize; 3]) -> bool {
        self.blocks < self.all_blocks && [self.step, self.height, self.width] == count
    }

    /// All outputs of an image as one task, one depth at a time.
    pub(super) fn whole(plan: &Plan) -> Self {
        let [depth, height, width] = plan.count();
        Self {
            depth,
            height,
            width,
            step: 1,
            blocks: 1,
            all_blocks: 1,
        }
    }

    fn parts(&self, count: [usize; 3]) -> [usize; 4] {
        [
            count[0].div_ceil(self.depth),
            count[1].div_ceil(self.height),
            count[2].div_ceil(self.width),
            self.all_blocks.div_ceil(self.blocks),
        ]
    }

    /// Tasks of one group of one image.
    pub(super) fn tasks(&self, count: [usize; 3]) -> usize {
        self.parts(count).iter().product()
    }

    /// The outputs by axis and the blocks of channels of a task.
    pub(super) fn task(
        &self,
        count: [usize; 3],
        task: usize,
    ) -> ([(usize, usize); 3], std::ops::Range<usize>) {
        let parts = self.parts(count);
        let index = [
            task / (parts[1] * parts[2] * parts[3]),
            task / (parts[2] * parts[3]) % parts[1],
            task / parts[3] % parts[2],
        ];
        let sizes = [self.depth, self.height, self.width];
        let ranges = [0, 1, 2].map(|a| {
            (
                index[a] * sizes[a],
                ((index[a] + 1) * sizes[a]).min(count[a]),
            )
        });
        let block = task % parts[3] * self.blocks;
        (ranges, block..(block + self.blocks).min(self.all_blocks))
    }
}

/// The lengths that cut an axis into one, two, three, ... nearly equal parts, each once.
fn divisions(length: usize) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut parts = 1;
    while parts < 2 * length {
        let part = length.div_ceil(parts);
        if lengths.last() != Some(&part) {
            lengths.push(part);
        }
        parts = if parts < 8 { parts + 1 } else { parts * 3 / 2 };
    }
    if lengths.last() != Some(&1) && length > 0 {
        lengths.push(1);
    }
    lengths
}
