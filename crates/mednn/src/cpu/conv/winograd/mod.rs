//! Kernels of 3x3 voxels and stride 1 in fewer multiplications (Winograd 1980; Lavin and Gray 2016, "Fast algorithms for
//! convolutional neural networks", F(2x2, 3x3)).
//!
//! Four outputs of a 2x2 tile come from 16 products of transformed inputs and weights instead of 36. For each of these 16
//! components it is a convolution without height and width over tiles: the register tiles of [`super::kernel`] sum over
//! channels and depth taps. Inputs are small whole combinations, weights exact halves and quarters, so the error stays within a
//! few times that of the direct sum.
//!
//! All sums of one output are taken in one order: the number of threads changes no bit.
#![expect(unsafe_code, reason = "tasks write disjoint tiles of one output")]

mod tiling;
mod transform;
mod weights;

use std::ops::Range;

use rayon::prelude::*;

pub(super) use weights::{TransformedWeights, WeightLayout};

use super::kernel::{Element, Gather, Kernels, TapOffsets};
use super::output::SharedOutput;
use super::pack::{pieces, spread};
use super::plan::Plan;
use super::problem::volume;
use super::scratch::with_scratch;
use super::transpose::Transpose;
use super::weights::Block;
use crate::cpu::real::Real;
use crate::cpu::simd::vectorize;
use tiling::Tiling;

/// Outputs along each side of a tile.
const TILE: usize = 2;
/// Products for each tile.
const COMPONENTS: usize = 16;
/// Fewest channels on either side for which the transforms pay.
const LEAST_CHANNELS: usize = 64;
/// Fewest outputs of a channel, in the whole batch, for which the transform of the weights pays.
const LEAST_OUTPUTS: usize = 750;

/// The taps of a plan in the order of their offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taps {
    /// Offset along depth, and for each the place of the nine weights, `[height][width]`.
    pub(super) depths: Vec<(isize, [[usize; 3]; 3])>,
}

impl Taps {
    /// The taps of a plan that this algorithm computes faster than direct sums; `None` for others.
    ///
    /// The choice depends on sizes alone, never on the machine.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        let [phase] = &plan.phases[..] else {
            return None;
        };
        let outputs = plan.batch * volume(phase.count);
        let [_, height, width] = phase.count;
        let filled = height * width * 4;
        let computed = 4 * height.next_multiple_of(TILE) * width.next_multiple_of(TILE);
        let pays = plan.groups == 1
            && plan.source_channels >= LEAST_CHANNELS
            && plan.target_channels >= LEAST_CHANNELS
            && outputs >= LEAST_OUTPUTS
            && computed * 3 <= filled * 4;
        let plain = plan.source_step == [1; 3] && plan.target_step == [1; 3];
        let three = |axis: usize| plan.window[axis].1 - plan.window[axis].0 == 2;
        let nines = phase.taps.len().is_multiple_of(9);
        if !(pays && plain && three(1) && three(2) && nines) {
            return None;
        }
        let mut taps: Vec<_> = phase.taps.iter().collect();
        taps.sort_by_key(|tap| tap.offset);
        let mut depths = Vec::with_capacity(taps.len() / 9);
        for nine in taps.chunks_exact(9) {
            let mut places = [[0; 3]; 3];
            for (i, tap) in nine.iter().enumerate() {
                let expected = [
                    nine[0].offset[0],
                    plan.window[1].0 + (i / 3) as isize,
                    plan.window[2].0 + (i % 3) as isize,
                ];
                if tap.offset != expected {
                    return None;
                }
                places[i / 3][i % 3] = tap.index;
            }
            depths.push((nine[0].offset[0], places));
        }
        Some(Self { depths })
    }
}

/// Computes the whole target of a plan.
pub(super) fn run<T: Element>(
    kernels: &Kernels<T>,
    plan: &Plan,
    taps: &Taps,
    source: &[T],
    weights: &TransformedWeights<T>,
    out: &SharedOutput<'_, T>,
) {
    let tiling = Tiling::choose(plan, weights.len(), size_of::<T>());
    let tasks = tiling.tasks();
    (0..plan.batch * tasks).into_par_iter().for_each(|i| {
        let task = Task::new(plan, taps, i / tasks, tiling.task(i % tasks));
        let lengths = [
            COMPONENTS * task.component_pitch + transform::TOGETHER,
            task.sums(kernels, weights.blocks.len()),
            transform::rows_len(task.rows(), task.columns()),
            TILE * TILE * task.tiles() * kernels.block(),
            TILE * TILE * task.tiles() * kernels.block(),
        ];
        with_scratch(lengths, |[inputs, sums, rows, pixels, channels]| {
            let buffers = Buffers {
                inputs,
                sums,
                rows,
                pixels,
                channels,
            };
            task.run(kernels, source, weights, buffers, out);
        });
    });
}

/// Working memory of a task.
struct Buffers<'a, T> {
    /// Transformed inputs, `[component][plane][channel][tile]`.
    inputs: &'a mut [T],
    /// Sums, `[block][depth][component][tile][lane]`.
    sums: &'a mut [T],
    /// For the transform of one channel.
    rows: &'a mut [T],
    /// Outputs of a block at one depth, `[pixel][lane]`.
    pixels: &'a mut [T],
    /// The same, `[channel][pixel]`.
    channels: &'a mut [T],
}

/// A range of outputs of one image.
struct Task<'a> {
    plan: &'a Plan,
    taps: &'a Taps,
    image: usize,
    depths: Range<usize>,
    /// Tiles along height and width.
    rows: Range<usize>,
    columns: Range<usize>,
    /// First plane of the source that is read.
    first_plane: isize,
    planes: usize,
    channel_pitch: usize,
    plane_pitch: usize,
    component_pitch: usize,
}

impl<'a> Task<'a> {
    fn new(plan: &'a Plan, taps: &'a Taps, image: usize, ranges: [Range<usize>; 3]) -> Self {
        let [depths, rows, columns] = ranges;
        let (low, high) = plan.window[0];
        let planes = depths.len() + (high - low) as usize;
        let channel_pitch = spread(rows.len() * columns.len());
        let plane_pitch = plan.source_channels * channel_pitch;
        Self {
            plan,
            taps,
            image,
            first_plane: depths.start as isize + low,
            depths,
            rows,
            columns,
            planes,
            channel_pitch,
            plane_pitch,
            component_pitch: planes * plane_pitch,
        }
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn columns(&self) -> usize {
        self.columns.len()
    }

    fn tiles(&self) -> usize {
        self.rows() * self.columns()
    }

    /// Elements of the sums of all blocks.
    fn sums<T: Element>(&self, kernels: &Kernels<T>, blocks: usize) -> usize {
        blocks * self.depths.len() * COMPONENTS * self.tiles() * kernels.block()
    }

    fn run<T: Element>(
        &self,
        kernels: &Kernels<T>,
        source: &[T],
        weights: &TransformedWeights<T>,
        mut buffers: Buffers<'_, T>,
        out: &SharedOutput<'_, T>,
    ) {
        vectorize(
            #[inline(always)]
            || self.transform_inputs(source, &mut buffers),
        );
        let slab = COMPONENTS * self.tiles() * kernels.block();
        let slabs = self.depths.len();
        let offsets: Vec<_> = (0..slabs)
            .map(|depth| self.planes(depth, weights.together))
            .collect();
        for component in 0..COMPONENTS {
            let inputs = &buffers.inputs[component * self.component_pitch..];
            for index in 0..weights.blocks.len() {
                let width = weights.blocks[index].vectors * kernels.lanes();
                for (depth, offsets) in offsets.iter().enumerate() {
                    let sums = &mut buffers.sums[(index * slabs + depth) * slab..][..slab];
                    let sums = &mut sums[component * self.tiles() * width..];
                    self.multiply(kernels, inputs, (weights, index, component), offsets, sums);
                }
            }
        }
        let mut written = 0;
        for (index, &block) in weights.blocks.iter().enumerate() {
            for depth in 0..slabs {
                let sums = &buffers.sums[(index * slabs + depth) * slab..][..slab];
                let width = block.vectors * kernels.lanes();
                let shape = [self.rows(), self.columns(), width];
                let (start, pixels) = (weights.start(index), &mut *buffers.pixels);
                vectorize(
                    #[inline(always)]
                    || match width % 16 {
                        0 => transform::outputs::<T, 16>(sums, start, shape, pixels),
                        _ => transform::outputs::<T, 4>(sums, start, shape, pixels),
                    },
                );
                written += self.store(kernels, block, depth, (pixels, buffers.channels), out);
            }
        }
        out.count(written);
    }

    /// Transforms all planes and channels that the task reads.
    #[inline(always)]
    fn transform_inputs<T: Real>(&self, source: &[T], buffers: &mut Buffers<'_, T>) {
        let [depth, height, width] = self.plan.source;
        let window = transform::Window {
            corner: [
                (TILE * self.rows.start) as isize + self.plan.window[1].0,
                (TILE * self.columns.start) as isize + self.plan.window[2].0,
            ],
            size: [height, width],
            tiles: [self.rows(), self.columns()],
        };
        for plane in 0..self.planes {
            let from = self.first_plane + plane as isize;
            for channel in 0..self.plan.source_channels {
                let at = plane * self.plane_pitch + channel * self.channel_pitch;
                let to = &mut buffers.inputs[at..];
                if from < 0 || from >= depth as isize {
                    window.zeros(to, self.component_pitch);
                    continue;
                }
                let first = (self.image * self.plan.source_channels + channel) * depth;
                let image = &source[(first + from as usize) * height * width..][..height * width];
                window.inputs(image, buffers.rows, to, self.component_pitch);
            }
        }
    }

    /// Where the depth taps of a depth of the task start in a component, repeated for channels.
    fn planes(&self, depth: usize, channels: usize) -> TapOffsets {
        let planes = self.taps.depths.iter().map(|(offset, _)| {
            let plane = (self.depths.start + depth) as isize + offset - self.first_plane;
            plane as usize * self.plane_pitch
        });
        let mut offsets = TapOffsets::default();
        offsets.set(planes, channels, self.channel_pitch);
        offsets
    }

    /// Sums one component over channels and depth taps, for all tiles of one depth.
    fn multiply<T: Element>(
        &self,
        kernels: &Kernels<T>,
        inputs: &[T],
        (weights, index, component): (&TransformedWeights<T>, usize, usize),
        offsets: &TapOffsets,
        sums: &mut [T],
    ) {
        let vectors = weights.blocks[index].vectors;
        let width = vectors * kernels.lanes();
        for (first, channels) in pieces(0, self.plan.source_channels, weights.together) {
            for (tile, pixels) in pieces(0, self.tiles(), kernels.pixels()) {
                let gather = Gather {
                    source: &inputs[first * self.channel_pitch + tile..],
                    offsets,
                    channels,
                    weights: weights.of(index, (first, channels), component),
                    start: (first == 0).then_some(weights.zeros()),
                    vectors,
                    pixels,
                };
                kernels.gather(&gather, &mut sums[tile * width..]);
            }
        }
    }

    /// Turns the outputs of a block at one depth to channels of pixels and writes them; returns the number of elements.
    fn store<T: Element>(
        &self,
        kernels: &Kernels<T>,
        block: Block,
        depth: usize,
        (pixels, channels): (&[T], &mut [T]),
        out: &SharedOutput<'_, T>,
    ) -> usize {
        let [_, height, width] = self.plan.target;
        let lanes = block.vectors * kernels.lanes();
        let (top, left) = (TILE * self.rows.start, TILE * self.columns.start);
        // The last row and column of an odd size belong to half a tile.
        let rows = (height - top).min(TILE * self.rows());
        let columns = (width - left).min(TILE * self.columns());
        let pitch = rows * columns;
        for row in 0..rows {
            let shape = Transpose {
                rows: columns,
                columns: block.channels,
                from_pitch: lanes,
                to_pitch: pitch,
                fill: columns,
            };
            let from = &pixels[row * TILE * self.columns() * lanes..];
            kernels.transpose(from, &mut channels[row * columns..], &shape);
        }
        // Rows that follow one another in the target are written together.
        let run = if columns == width { pitch } else { columns };
        let mut written = 0;
        for channel in 0..block.channels {
            let first = self.image * self.plan.target_channels + block.start + channel;
            let plane = first * self.plan.target[0] + self.depths.start + depth;
            let to = (plane * height + top) * width + left;
            let values = &channels[channel * pitch..][..pitch];
            for (row, values) in values.chunks_exact(run).enumerate() {
                // SAFETY: every output position belongs to one task, and to one block of channels in it.
                written += unsafe { out.write(to + row * width, values) };
            }
        }
        written
    }
}
