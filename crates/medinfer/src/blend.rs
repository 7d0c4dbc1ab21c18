//! Weighted sums of overlapping windows, held only where windows are still to come.

use half::f16;
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::plan::{Plan, Segment};

/// How the sums of overlapping windows are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Accumulation {
    /// 32 bits, as MONAI does.
    #[default]
    F32,
    /// 16 bits: half the memory, three significant digits.
    F16,
}

/// What is stored for the windows seen so far.
pub(crate) trait Sum: Copy + Default + Send + Sync {
    /// Bytes of one value.
    const BYTES: usize = size_of::<Self>();

    /// Takes up `values` that count `weights`; `totals` are all weights up to and with these.
    fn add(stored: &mut [Self], values: &[f32], weights: &[f32], totals: &[f32]);

    /// The weighted means, `[classes, ...]`.
    fn means(stored: Vec<Self>, totals: &[f32]) -> Vec<f32>;
}

/// Weighted sums, divided at the end.
impl Sum for f32 {
    fn add(stored: &mut [Self], values: &[f32], weights: &[f32], _totals: &[f32]) {
        for ((sum, value), weight) in stored.iter_mut().zip(values).zip(weights) {
            *sum += weight * value;
        }
    }

    fn means(mut stored: Vec<Self>, totals: &[f32]) -> Vec<f32> {
        for class in stored.chunks_exact_mut(totals.len()) {
            for (sum, total) in class.iter_mut().zip(totals) {
                *sum /= total;
            }
        }
        stored
    }
}

/// Running means: weights range over eight decades, which sums in 16 bits could not hold.
impl Sum for f16 {
    fn add(stored: &mut [Self], values: &[f32], weights: &[f32], totals: &[f32]) {
        // Whole runs are converted at once: the processor has instructions for that.
        const RUN: usize = 64;
        let mut wide = [0.0f32; RUN];
        let runs = stored.chunks_mut(RUN).zip(values.chunks(RUN));
        let shares = weights.chunks(RUN).zip(totals.chunks(RUN));
        for ((stored, values), (weights, totals)) in runs.zip(shares) {
            let wide = &mut wide[..stored.len()];
            stored.convert_to_f32_slice(wide);
            for (i, mean) in wide.iter_mut().enumerate() {
                *mean += weights[i] / totals[i] * (values[i] - *mean);
            }
            stored.convert_from_f32_slice(wide);
        }
    }

    fn means(stored: Vec<Self>, _totals: &[f32]) -> Vec<f32> {
        let mut wide = vec![0.0; stored.len()];
        stored.convert_to_f32_slice(&mut wide);
        wide
    }
}

/// The mean of all windows on one block; `logits` is `[classes, ...start..reach]`.
#[derive(Debug)]
pub(crate) struct Finished<'a, const D: usize> {
    pub(crate) segments: [&'a Segment; D],
    pub(crate) classes: usize,
    pub(crate) logits: Vec<f32>,
}

impl<const D: usize> Finished<'_, D> {
    /// Voxels held along each axis, the halo included.
    pub(crate) fn held(&self) -> [usize; D] {
        self.segments.map(|segment| segment.reach - segment.start)
    }
}

/// What becomes of finished blocks.
pub(crate) trait Sink<const D: usize>: Sync {
    /// What a block turns into.
    type Piece: Send;

    /// Turns a block into its piece of the result; called from many threads.
    fn cut(&self, block: &Finished<'_, D>) -> Self::Piece;

    /// Puts a piece into the result.
    fn place(&mut self, piece: Self::Piece);
}

struct Block<S> {
    remaining: usize,
    /// `[classes, ...start..reach]`.
    stored: Vec<S>,
    /// The sum of the weights of all windows so far, `[...start..reach]`.
    weights: Vec<f32>,
}

/// The blocks that exist at the moment.
pub(crate) struct Blend<'a, S, const D: usize> {
    plan: &'a Plan<D>,
    classes: usize,
    window_weights: &'a [f32],
    blocks: Vec<Option<Block<S>>>,
}

impl<'a, S: Sum, const D: usize> Blend<'a, S, D> {
    pub(crate) fn new(plan: &'a Plan<D>, classes: usize, window_weights: &'a [f32]) -> Self {
        let blocks = std::iter::repeat_with(|| None)
            .take(plan.blocks())
            .collect();
        Self {
            plan,
            classes,
            window_weights,
            blocks,
        }
    }

    /// Adds the output of one window, `[classes, ...roi]`, and hands the blocks it finishes to `sink`.
    pub(crate) fn add<K: Sink<D>>(
        &mut self,
        window: [usize; D],
        logits: &[f32],
        sink: &mut K,
    ) -> Result<()> {
        let (plan, classes, weights) = (self.plan, self.classes, self.window_weights);
        let mut touched: Vec<(usize, [&Segment; D], Block<S>)> = plan
            .blocks_of(window)
            .into_iter()
            .map(|id| {
                let segments = plan.block(id);
                let block = self.blocks[id].take();
                let block = block.unwrap_or_else(|| {
                    let voxels = segments.iter().map(|s| s.reach - s.start).product();
                    Block {
                        remaining: plan.windows_of(segments),
                        stored: vec![S::default(); voxels * classes],
                        weights: vec![0.0; voxels],
                    }
                });
                (id, segments, block)
            })
            .collect();
        touched.par_iter_mut().for_each(|(_, segments, block)| {
            add_window(plan, window, logits, weights, *segments, block);
            block.remaining -= 1;
        });
        let mut complete = Vec::new();
        for (id, segments, block) in touched {
            if block.remaining == 0 {
                complete.push((segments, block));
            } else {
                self.blocks[id] = Some(block);
            }
        }
        let cutter = &*sink;
        let pieces: Vec<K::Piece> = complete
            .into_par_iter()
            .map(|(segments, block)| {
                let logits = S::means(block.stored, &block.weights);
                cutter.cut(&Finished {
                    segments,
                    classes,
                    logits,
                })
            })
            .collect();
        for piece in pieces {
            sink.place(piece);
        }
        Ok(())
    }
}

/// Adds the part of a window that lies in a block.
fn add_window<S: Sum, const D: usize>(
    plan: &Plan<D>,
    window: [usize; D],
    logits: &[f32],
    weights: &[f32],
    segments: [&Segment; D],
    block: &mut Block<S>,
) {
    let grid = plan.grid();
    let roi = grid.roi();
    let first = grid.start(window);
    let held: [usize; D] = segments.map(|s| s.reach - s.start);
    let common: [_; D] = std::array::from_fn(|axis| {
        let covered = grid.covered(axis, window[axis]);
        covered.start.max(segments[axis].start)..covered.end.min(segments[axis].reach)
    });
    let shape: [usize; D] = std::array::from_fn(|axis| common[axis].len());
    let width = shape[D - 1];
    let (block_voxels, window_voxels) = (block.weights.len(), weights.len());
    for_each_row(shape, |row| {
        let (mut to, mut from) = (0, 0);
        for axis in 0..D {
            let index = common[axis].start + row[axis];
            to = to * held[axis] + index - segments[axis].start;
            from = from * roi[axis] + (index as isize - first[axis]) as usize;
        }
        let row_weights = &weights[from..from + width];
        for (sum, weight) in block.weights[to..to + width].iter_mut().zip(row_weights) {
            *sum += weight;
        }
        let totals = &block.weights[to..to + width];
        let classes = block.stored.chunks_exact_mut(block_voxels);
        for (stored, values) in classes.zip(logits.chunks_exact(window_voxels)) {
            let values = &values[from..from + width];
            S::add(&mut stored[to..to + width], values, row_weights, totals);
        }
    });
}

/// Calls `row` with the first index of every row (last axis) of a shape.
pub(crate) fn for_each_row<const D: usize>(shape: [usize; D], mut row: impl FnMut([usize; D])) {
    let rows: usize = shape[..D - 1].iter().product();
    let mut index = [0; D];
    for _ in 0..rows {
        row(index);
        for axis in (0..D - 1).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}
