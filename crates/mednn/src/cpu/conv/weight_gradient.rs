//! The gradient of the weights: the correlation of the input with the gradient of the output.
//!
//! Both are transposed piece by piece to pixels of channels, so that one register tile multiplies a vector of input channels
//! by scalars of output channels while it walks over the pixels; a tap is an offset into the piece of the input.
//! The long sum over batch and space is cut into pieces that do not depend on the number of threads, and partial sums are
//! added in order.

use std::ops::Range;

use rayon::prelude::*;

use super::kernel::{Correlate, Element, Kernels};
use super::pack::{pack_residue, pieces};
use super::plan::Plan;
use super::problem::{Problem, volume};
use super::scratch::with_scratch;
use super::transpose::Transpose;
use super::weights::{Block, blocks};

/// Bytes of a transposed piece of the input, and of the gradient of the output.
const INPUT_PIECE: usize = 1 << 19;
const GRADIENT_PIECE: usize = 1 << 18;
/// Bytes of the sums of a task.
const SUMS: usize = 1 << 18;
/// Pixels that stay in the first-level cache.
const PIXELS: usize = 128;
/// Tasks into which the work is cut, if it is large enough.
const TASKS: usize = 24;

/// Computes the gradient of the weights.
pub(super) fn run<T: Element>(
    kernels: &Kernels<T>,
    problem: &Problem,
    input: &[T],
    gradient: &[T],
    out: &mut [T],
) {
    let work = Work::new(kernels, problem, input, gradient);
    let sums: Vec<Vec<T>> = (0..work.tasks())
        .into_par_iter()
        .map(|task| work.sums(task))
        .collect();
    let row = work.plan.source_channels * problem.window().taps();
    out.par_chunks_mut(row)
        .enumerate()
        .for_each(|(channel, out)| work.gather_sums(&sums, channel, out));
}

/// How the work is cut, and what it works on.
struct Work<'a, T: 'static> {
    kernels: &'a Kernels<T>,
    plan: Plan,
    input: &'a [T],
    gradient: &'a [T],
    /// With few input channels a lane is a pair of channel and tap, so that vectors are full; else a lane is a channel.
    unfolded: bool,
    /// Blocks of lanes of one group.
    lanes: Vec<Block>,
    /// Output channels of one group that one task sums.
    channels: Vec<Range<usize>>,
    /// Outputs of a piece by axis; those along depth are done one after the other.
    piece: [usize; 3],
    /// Pieces by axis.
    pieces: [usize; 3],
    /// Partial sums of a block of weights.
    parts: usize,
}

impl<'a, T: Element> Work<'a, T> {
    fn new(kernels: &'a Kernels<T>, problem: &Problem, input: &'a [T], gradient: &'a [T]) -> Self {
        let plan = Plan::forward(problem);
        let taps = plan.taps();
        let unfolded = taps > 1 && 4 * plan.source_channels <= kernels.lanes();
        let lanes = blocks(
            kernels,
            if unfolded {
                plan.source_channels * taps
            } else {
                plan.source_channels
            },
        );
        let summed_taps = if unfolded { 1 } else { taps };
        let width = kernels.block();
        let most = (SUMS / (summed_taps * width * size_of::<T>())).clamp(kernels.pixels(), 128);
        let channels: Vec<_> = pieces(0, plan.target_channels, most)
            .map(|(start, n)| start..start + n)
            .collect();
        let widest = channels.iter().map(Range::len).max().unwrap_or(1);

        let count = plan.count();
        let mut piece = [1, count[1], count[2]];
        let fits = |piece: [usize; 3]| {
            let source = if unfolded {
                piece[1] * piece[2]
            } else {
                plan.extent(0, 1) * plan.extent(1, piece[1]) * plan.extent(2, piece[2])
            };
            source * width * size_of::<T>() <= INPUT_PIECE
                && piece[1] * piece[2] * widest * size_of::<T>() <= GRADIENT_PIECE
        };
        while !fits(piece) && (piece[1] > 1 || piece[2] > 1) {
            if piece[1] > 4 || (piece[1] > 1 && piece[2] <= 16) {
                piece[1] = (piece[1] - piece[1].div_ceil(8)).max(1);
            } else {
                piece[2] = piece[2].div_ceil(2);
            }
        }
        // Balanced pieces, then as many partial sums as give enough tasks.
        for axis in 1..3 {
            piece[axis] = count[axis].div_ceil(count[axis].div_ceil(piece[axis]));
        }
        let blocks = plan.groups * lanes.len() * channels.len();
        let wanted = TASKS.div_ceil(blocks);
        let flat = plan.batch * count[1].div_ceil(piece[1]) * count[2].div_ceil(piece[2]);
        let depths = wanted.div_ceil(flat).min(count[0].div_ceil(4));
        piece[0] = count[0].div_ceil(depths);
        let cut = [0, 1, 2].map(|a| count[a].div_ceil(piece[a]));
        let parts = wanted.min(plan.batch * volume(cut));
        Self {
            kernels,
            plan,
            input,
            gradient,
            unfolded,
            lanes,
            channels,
            piece,
            pieces: cut,
            parts,
        }
    }

    /// Tasks in the order group, block of lanes, range of channels, part.
    fn tasks(&self) -> usize {
        self.plan.groups * self.lanes.len() * self.channels.len() * self.parts
    }

    fn summed_taps(&self) -> usize {
        if self.unfolded { 1 } else { self.plan.taps() }
    }

    /// The sums `[tap][channel][lane]` of a task.
    fn sums(&self, task: usize) -> Vec<T> {
        let part = task % self.parts;
        let channels = self.channels[task / self.parts % self.channels.len()].clone();
        let lanes = self.lanes[task / (self.parts * self.channels.len()) % self.lanes.len()];
        let group = task / (self.parts * self.channels.len() * self.lanes.len());
        let width = lanes.vectors * self.kernels.lanes();
        let mut sums = vec![T::ZERO; self.summed_taps() * channels.len() * width];

        let [_, height, columns] = self.piece;
        let extent = if self.unfolded {
            [1, height, columns]
        } else {
            [
                self.plan.extent(0, 1),
                self.plan.extent(1, height),
                self.plan.extent(2, columns),
            ]
        };
        let longest = extent[2].max(columns);
        let lengths = [
            volume(extent) * width,
            height * columns * channels.len(),
            self.kernels.block().max(channels.len()) * longest,
        ];
        let pieces = self.plan.batch * volume(self.pieces);
        with_scratch(lengths, |[source, gradient, rows]| {
            for piece in pieces * part / self.parts..pieces * (part + 1) / self.parts {
                let image = piece / volume(self.pieces) * self.plan.groups + group;
                let mut step = Step {
                    work: self,
                    image,
                    lanes,
                    channels: channels.clone(),
                    ranges: self.ranges(piece),
                    width,
                };
                step.run(
                    Memory {
                        source: &mut *source,
                        gradient: &mut *gradient,
                        rows: &mut *rows,
                    },
                    &mut sums,
                );
            }
        });
        sums
    }

    /// The outputs of a piece by axis.
    fn ranges(&self, piece: usize) -> [Range<usize>; 3] {
        let [_, height, width] = self.pieces;
        let index = [
            piece / (height * width) % self.pieces[0],
            piece / width % height,
            piece % width,
        ];
        let count = self.plan.count();
        [0, 1, 2].map(|a| index[a] * self.piece[a]..((index[a] + 1) * self.piece[a]).min(count[a]))
    }

    /// Adds the parts of the gradient of one output channel's weights, in order.
    fn gather_sums(&self, sums: &[Vec<T>], channel: usize, out: &mut [T]) {
        let (group, channel) = (
            channel / self.plan.target_channels,
            channel % self.plan.target_channels,
        );
        let range = self
            .channels
            .iter()
            .position(|range| range.contains(&channel))
            .unwrap_or(0);
        let channels = &self.channels[range];
        let channel = channel - channels.start;
        let taps = self.summed_taps();
        for (index, lanes) in self.lanes.iter().enumerate() {
            let width = lanes.vectors * self.kernels.lanes();
            let first =
                ((group * self.lanes.len() + index) * self.channels.len() + range) * self.parts;
            with_scratch([taps * width], |[total]| {
                total.fill(T::ZERO);
                for part in &sums[first..first + self.parts] {
                    for (tap, total) in total.chunks_exact_mut(width).enumerate() {
                        let from = &part[(tap * channels.len() + channel) * width..][..width];
                        total
                            .iter_mut()
                            .zip(from)
                            .for_each(|(total, from)| *total += *from);
                    }
                }
                let shape = Transpose {
                    rows: taps,
                    columns: lanes.channels,
                    from_pitch: width,
                    to_pitch: taps,
                    fill: taps,
                };
                self.kernels
                    .transpose(total, &mut out[lanes.start * taps..], &shape);
            });
        }
    }
}

/// Working memory of a task.
struct Memory<'a, T> {
    source: &'a mut [T],
    gradient: &'a mut [T],
    rows: &'a mut [T],
}

/// One piece of a task.
struct Step<'a, T: 'static> {
    work: &'a Work<'a, T>,
    /// Index of the group of the image.
    image: usize,
    lanes: Block,
    channels: Range<usize>,
    ranges: [Range<usize>; 3],
    width: usize,
}

impl<T: Element> Step<'_, T> {
    fn run(&mut self, memory: Memory<'_, T>, sums: &mut [T]) {
        let Memory {
            source,
            gradient,
            rows,
        } = memory;
        let plan = &self.work.plan;
        let [height, columns] = [self.ranges[1].len(), self.ranges[2].len()];
        let ring = plan.extent(0, 1);
        let rows_pitch = plan.extent(2, columns) * self.width;
        let plane = plan.extent(1, height) * rows_pitch;
        let mut next = isize::MIN;
        for depth in self.ranges[0].clone() {
            self.load_gradient(depth, gradient);
            if self.work.unfolded {
                self.load_unfolded(depth, source, rows);
            } else {
                let centre = (depth * plan.source_step[0]) as isize;
                for id in next.max(centre + plan.window[0].0)..=centre + plan.window[0].1 {
                    let slot = id.rem_euclid(ring as isize) as usize;
                    self.load_plane(id, &mut source[slot * plane..][..plane], rows);
                }
                next = centre + plan.window[0].1 + 1;
            }
            self.correlate(depth, source, gradient, sums);
        }
    }

    /// Adds the products of one depth of outputs, a few pixels at a time, so that they stay in the first-level cache while
    /// taps and channels pass over them.
    fn correlate(&self, depth: usize, source: &[T], gradient: &[T], sums: &mut [T]) {
        let [rows, columns] = [self.ranges[1].len(), self.ranges[2].len()];
        let together = (PIXELS / columns).max(1);
        for (row, row_count) in pieces(0, rows, together) {
            for (column, column_count) in pieces(0, columns, PIXELS) {
                for tap in 0..self.work.summed_taps() {
                    let (at, vector_pitch) = self.tap(depth, tap);
                    let source = &source[at + row * vector_pitch[0] + column * vector_pitch[1]..];
                    let first = (row * columns + column) * self.channels.len();
                    for (channel, width) in
                        pieces(0, self.channels.len(), self.work.kernels.pixels())
                    {
                        let tile = Correlate {
                            scalars: &gradient[first + channel..],
                            scalar_pitch: [columns * self.channels.len(), self.channels.len()],
                            source,
                            vector_pitch,
                            count: [row_count, column_count],
                            vectors: self.lanes.vectors,
                            width,
                        };
                        let sums = &mut sums[(tap * self.channels.len() + channel) * self.width..];
                        self.work.kernels.correlate(&tile, sums);
                    }
                }
            }
        }
    }

    /// Where the source of a tap starts, and how far apart its rows and columns are.
    fn tap(&self, depth: usize, tap: usize) -> (usize, [usize; 2]) {
        let plan = &self.work.plan;
        let columns = self.ranges[2].len();
        if self.work.unfolded {
            return (0, [columns * self.width, self.width]);
        }
        let offset = plan.phases[0].taps[tap].offset;
        let row_pitch = plan.extent(2, columns) * self.width;
        let plane = (depth * plan.source_step[0]) as isize + offset[0];
        let slot = plane.rem_euclid(plan.extent(0, 1) as isize) as usize;
        let row =
            slot * plan.extent(1, self.ranges[1].len()) + (offset[1] - plan.window[1].0) as usize;
        let column = (offset[2] - plan.window[2].0) as usize;
        let pitch = [
            plan.source_step[1] * row_pitch,
            plan.source_step[2] * self.width,
        ];
        (row * row_pitch + column * self.width, pitch)
    }

    /// Transposes the gradient of the outputs of one depth to `[row][column][channel]`.
    fn load_gradient(&self, depth: usize, to: &mut [T]) {
        let plan = &self.work.plan;
        let [_, height, width] = plan.target;
        let channels = self.channels.len();
        let columns = self.ranges[2].len();
        for (row, h) in self.ranges[1].clone().enumerate() {
            let first = self.image * plan.target_channels + self.channels.start;
            let at =
                first * volume(plan.target) + (depth * height + h) * width + self.ranges[2].start;
            let shape = Transpose {
                rows: channels,
                columns,
                from_pitch: volume(plan.target),
                to_pitch: channels,
                fill: channels,
            };
            self.work.kernels.transpose(
                &self.work.gradient[at..],
                &mut to[row * columns * channels..],
                &shape,
            );
        }
    }

    /// Transposes one plane of the input to `[row][column][lane]`, zero outside.
    fn load_plane(&self, plane: isize, to: &mut [T], rows: &mut [T]) {
        let plan = &self.work.plan;
        let columns = plan.extent(2, self.ranges[2].len());
        let first_row = (self.ranges[1].start * plan.source_step[1]) as isize + plan.window[1].0;
        let first = (self.ranges[2].start * plan.source_step[2]) as isize + plan.window[2].0;
        for (row, to) in to.chunks_exact_mut(columns * self.width).enumerate() {
            let present = (0..self.lanes.channels).all(|lane| {
                let to = &mut rows[lane * columns..][..columns];
                let row = self.row(self.lanes.start + lane, plane, first_row + row as isize);
                row.map(|row| pack_residue(row, first, 1, to)).is_some()
            });
            if present {
                self.transpose(rows, columns, to);
            } else {
                to.fill(T::ZERO);
            }
        }
    }

    /// Makes `[row][column][lane]` of one depth of outputs, a lane being an input channel under a tap.
    fn load_unfolded(&self, depth: usize, to: &mut [T], rows: &mut [T]) {
        let plan = &self.work.plan;
        let taps = &plan.phases[0].taps;
        let columns = self.ranges[2].len();
        for (row, to) in self.ranges[1]
            .clone()
            .zip(to.chunks_exact_mut(columns * self.width))
        {
            for lane in 0..self.lanes.channels {
                let (channel, tap) = (
                    (self.lanes.start + lane) / taps.len(),
                    (self.lanes.start + lane) % taps.len(),
                );
                let offset = taps[tap].offset;
                let at =
                    |axis: usize, j: usize| (j * plan.source_step[axis]) as isize + offset[axis];
                let to = &mut rows[lane * columns..][..columns];
                match self.row(channel, at(0, depth), at(1, row)) {
                    Some(from) => {
                        pack_residue(from, at(2, self.ranges[2].start), plan.source_step[2], to);
                    }
                    None => to.fill(T::ZERO),
                }
            }
            self.transpose(rows, columns, to);
        }
    }

    fn transpose(&self, rows: &[T], columns: usize, to: &mut [T]) {
        let shape = Transpose {
            rows: self.lanes.channels,
            columns,
            from_pitch: columns,
            to_pitch: self.width,
            fill: self.width,
        };
        self.work.kernels.transpose(rows, to, &shape);
    }

    /// A row of the input, if there is one.
    fn row(&self, channel: usize, plane: isize, row: isize) -> Option<&[T]> {
        let plan = &self.work.plan;
        let [depth, height, width] = plan.source;
        let plane = usize::try_from(plane).ok().filter(|&plane| plane < depth)?;
        let row = usize::try_from(row).ok().filter(|&row| row < height)?;
        let at = ((self.image * plan.source_channels + channel) * depth + plane) * height + row;
        Some(&self.work.input[at * width..][..width])
    }
}
