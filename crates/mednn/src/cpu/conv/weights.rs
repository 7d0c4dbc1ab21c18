//! Weights in the order the register tiles read them.

use rayon::prelude::*;

use super::kernel::{Element, Kernels};
use super::plan::Plan;
use super::problem::Problem;
use super::scratch::{Aligned, with_scratch};
use super::transpose::Transpose;
use crate::cpu::real::Real;

/// Bytes of weights that stay in the first-level cache while tiles use them.
pub(super) const RESIDENT: usize = 16 << 10;

/// Target channels that one register tile computes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// First channel in its group.
    pub(super) start: usize,
    pub(super) channels: usize,
    pub(super) vectors: usize,
}

/// Splits channels into blocks of two vectors, the last of one where that is enough.
pub(super) fn blocks<T: Real>(kernels: &Kernels<T>, channels: usize) -> Vec<Block> {
    (0..channels)
        .step_by(kernels.block())
        .map(|start| {
            let channels = (channels - start).min(kernels.block());
            Block {
                start,
                channels,
                vectors: channels.div_ceil(kernels.lanes()),
            }
        })
        .collect()
}

/// What the sums of a block start from, given its first channel: the bias, zero in lanes without a channel.
pub(super) fn start_of<T: Real>(
    bias: Option<&[T]>,
    first: usize,
    channels: usize,
    width: usize,
) -> Vec<T> {
    let mut start = vec![T::ZERO; width];
    if let Some(bias) = bias {
        start[..channels].copy_from_slice(&bias[first..][..channels]);
    }
    start
}

/// Weights as `[group, block][phase][source channel][tap][lane]`, and what the sums start from.
#[derive(Debug, Clone)]
pub(super) struct PackedWeights<T> {
    pub(super) blocks: Vec<Block>,
    packed: Vec<Aligned<T>>,
    start: Vec<Vec<T>>,
}

impl<T: Element> PackedWeights<T> {
    /// Packs the weights of a forward pass.
    pub(super) fn forward(
        kernels: &Kernels<T>,
        problem: &Problem,
        plan: &Plan,
        weights: &[T],
        bias: Option<&[T]>,
    ) -> Self {
        let row = plan.source_channels * problem.window().taps();
        Self::build(kernels, plan, bias, |group, block, width, packed| {
            let first = group * plan.target_channels + block.start;
            let shape = Transpose {
                rows: block.channels,
                columns: row,
                from_pitch: row,
                to_pitch: width,
                fill: width,
            };
            kernels.transpose(
                &weights[first * row..][..block.channels * row],
                packed,
                &shape,
            );
        })
    }

    /// Packs the weights of the gradient of the input.
    pub(super) fn input_gradient(
        kernels: &Kernels<T>,
        problem: &Problem,
        plan: &Plan,
        weights: &[T],
        bias: Option<&[T]>,
    ) -> Self {
        let taps = problem.window().taps();
        let row = plan.target_channels * taps;
        Self::build(kernels, plan, bias, |group, block, width, packed| {
            with_scratch([taps * width], |[lanes]| {
                for source in 0..plan.source_channels {
                    let first = (group * plan.source_channels + source) * row + block.start * taps;
                    let shape = Transpose {
                        rows: block.channels,
                        columns: taps,
                        from_pitch: taps,
                        to_pitch: width,
                        fill: width,
                    };
                    kernels.transpose(&weights[first..][..block.channels * taps], lanes, &shape);
                    let mut before = 0;
                    for phase in &plan.phases {
                        let at =
                            (before * plan.source_channels + source * phase.taps.len()) * width;
                        let rows = packed[at..][..phase.taps.len() * width].chunks_exact_mut(width);
                        for (tap, row) in phase.taps.iter().zip(rows) {
                            row.copy_from_slice(&lanes[tap.index * width..][..width]);
                        }
                        before += phase.taps.len();
                    }
                }
            });
        })
    }

    fn build(
        kernels: &Kernels<T>,
        plan: &Plan,
        bias: Option<&[T]>,
        fill: impl Fn(usize, Block, usize, &mut [T]) + Sync,
    ) -> Self {
        let blocks = blocks(kernels, plan.target_channels);
        let length = plan.source_channels * plan.taps();
        let (packed, start) = (0..plan.groups * blocks.len())
            .into_par_iter()
            .map(|i| {
                let (group, block) = (i / blocks.len(), blocks[i % blocks.len()]);
                let width = block.vectors * kernels.lanes();
                let mut packed = Aligned::zeros(length * width);
                fill(group, block, width, &mut packed);
                let first = group * plan.target_channels + block.start;
                (packed, start_of(bias, first, block.channels, width))
            })
            .unzip();
        Self {
            blocks,
            packed,
            start,
        }
    }

    /// The packed weights of a group and block, all phases.
    pub(super) fn packed(&self, group: usize, block: usize) -> &[T] {
        &self.packed[group * self.blocks.len() + block]
    }

    /// What the sums of a group and block start from.
    pub(super) fn start(&self, group: usize, block: usize) -> &[T] {
        &self.start[group * self.blocks.len() + block]
    }
}
