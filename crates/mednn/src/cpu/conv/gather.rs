//! Runs a [`Plan`]: packs zero-padded pieces of the source that stay in the second-level cache and walks register tiles over
//! them.
//!
//! A task owns a range of depths of one column of tiles. Planes of its piece of the source live in a ring, so each is packed
//! once while the task moves through depth, and only rows at the rim of a tile are packed twice.
//! Where the whole source is one piece and tasks differ in their channels alone, all of them read one packed copy.
//! Nothing is ever unfolded: a tap is an offset into the packed rows.
#![expect(unsafe_code, reason = "tasks write disjoint tiles of one output")]

use std::ops::Range;

use rayon::prelude::*;

use super::kernel::{Element, Gather, Kernels, Lines, TapOffsets};
use super::output::SharedOutput;
use super::pack::{pack_row, pieces, spread};
use super::plan::{Phase, Plan};
use super::problem::volume;
use super::scratch::{Aligned, with_scratch};
use super::tiling::Tiling;
use super::transpose::Transpose;
use super::weights::{Block, PackedWeights, RESIDENT};
use crate::cpu::real::Real;
use crate::cpu::simd::vectorize;

/// Channels of the source that a thread packs together.
const PACKED_TOGETHER: usize = 16;
/// Register tiles of a strip, whose sums wait in the cache for the next channels.
const STRIP: usize = 8;

/// Pixels of a strip, at most: whole tiles of either form.
fn strip<T: Element>(kernels: &Kernels<T>) -> usize {
    (STRIP * kernels.pixels()).next_multiple_of(kernels.line())
}

/// Computes the whole target of a plan.
pub(super) fn run<T: Element>(
    kernels: &Kernels<T>,
    plan: &Plan,
    source: &[T],
    weights: &PackedWeights<T>,
    out: &SharedOutput<'_, T>,
) {
    let tiling = Tiling::choose(plan, weights.blocks.len(), kernels.block(), size_of::<T>());
    let count = plan.count();
    let tasks = tiling.tasks(count);
    let images = plan.batch * plan.groups;
    let shared =
        (tiling.shares_pieces(count)).then(|| pack_images(kernels, plan, &tiling, source, images));
    (0..images * tasks).into_par_iter().for_each(|i| {
        let (ranges, blocks) = tiling.task(count, i % tasks);
        let tile = Tile::new(plan, &tiling, i / tasks, ranges);
        if plan.is_channelwise() {
            let lengths = [tile.packed_len(kernels), tile.plane_len(kernels)];
            with_scratch(lengths, |[packed, plane]| {
                tile.run_channel(kernels, source, weights, (packed, plane), out);
            });
            return;
        }
        let strip = strip(kernels);
        let piece = tile.packed_len(kernels);
        let lengths = [
            if shared.is_some() { 0 } else { piece },
            strip * kernels.block(),
            strip * kernels.block() * plan.row_phases,
            strip * plan.target_step[2],
        ];
        with_scratch(lengths, |[packed, sums, rows, row]| {
            let packed = match &shared {
                Some(shared) => Packed::Shared(&shared[i / tasks * piece..][..piece]),
                None => Packed::Own(packed),
            };
            let buffers = Buffers {
                packed,
                sums,
                rows,
                row,
            };
            tile.run(kernels, source, (weights, blocks), buffers, out);
        });
    });
}

/// Packs every image whole, one behind the other.
fn pack_images<T: Element>(
    kernels: &Kernels<T>,
    plan: &Plan,
    tiling: &Tiling,
    source: &[T],
    images: usize,
) -> Aligned<T> {
    let tile = |image| Tile::new(plan, tiling, image, plan.count().map(|n| (0, n)));
    let (piece, channel) = (tile(0).packed_len(kernels), tile(0).channel_pitch);
    let mut packed = Aligned::zeros(images * piece);
    packed
        .par_chunks_mut(piece)
        .enumerate()
        .for_each(|(image, packed)| {
            let tile = tile(image);
            let channels = &mut packed[..plan.source_channels * channel];
            channels
                .par_chunks_mut(PACKED_TOGETHER * channel)
                .enumerate()
                .for_each(|(chunk, packed)| {
                    let first = chunk * PACKED_TOGETHER;
                    vectorize(
                        #[inline(always)]
                        || tile.load_channels(source, first, packed),
                    );
                });
        });
    packed
}

/// A piece of the source.
enum Packed<'a, T> {
    /// A ring that moves through depth.
    Own(&'a mut [T]),
    /// All of an image, packed before.
    Shared(&'a [T]),
}

impl<T> Packed<'_, T> {
    fn elements(&self) -> &[T] {
        match self {
            Self::Own(packed) => packed,
            Self::Shared(packed) => packed,
        }
    }
}

/// Working memory of a task.
struct Buffers<'a, T> {
    packed: Packed<'a, T>,
    /// `[tile][pixel][lane]` of a strip.
    sums: &'a mut [T],
    /// `[phase][channel][pixel]` of a strip.
    rows: &'a mut [T],
    /// One channel of a strip, its phases interleaved.
    row: &'a mut [T],
}

/// A phase and block of channels at one depth.
struct Slab<'a, T> {
    phase: &'a Phase,
    block: Block,
    offsets: &'a TapOffsets,
    /// `[source channel][tap][lane]`.
    weights: &'a [T],
    start: &'a [T],
}

/// Pixels of a strip, `from` on, that go to the target, `to` on in its first channel.
#[derive(Clone, Copy)]
struct Run {
    to: usize,
    from: usize,
    pixels: usize,
}

/// A register tile: a row of outputs of a phase, and columns of it.
#[derive(Clone, Copy)]
struct Piece {
    row: usize,
    column: usize,
    pixels: usize,
    /// First pixel in the strip.
    at: usize,
}

/// What the vectors of a register tile hold.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// Channels of the target, see [`Kernels::gather`].
    Channels,
    /// Pixels, see [`Kernels::lines`].
    Pixels,
}

impl Piece {
    /// Pixels of the tile that a phase has.
    fn within(&self, phase: &Phase) -> usize {
        if self.row >= phase.count[1] {
            return 0;
        }
        phase.count[2].saturating_sub(self.column).min(self.pixels)
    }
}

/// A task: a range of outputs of one group of one image.
pub(super) struct Tile<'a> {
    plan: &'a Plan,
    /// Index of the group of the image.
    image: usize,
    start: [usize; 3],
    end: [usize; 3],
    /// Depths computed between two moves of the ring.
    step: usize,
    ring: usize,
    rows: usize,
    /// Elements of one residue of a row, see [`pack_row`].
    residue: usize,
    pub(super) row_pitch: usize,
    plane: usize,
    channel_pitch: usize,
}

impl<'a> Tile<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        tiling: &Tiling,
        image: usize,
        ranges: [(usize, usize); 3],
    ) -> Self {
        let lengths = ranges.map(|(start, end)| end - start);
        let ring = plan.extent(0, tiling.step.min(lengths[0]));
        let rows = plan.extent(1, lengths[1]);
        let residue = plan.extent(2, lengths[2]).div_ceil(plan.source_step[2]);
        let row_pitch = residue * plan.source_step[2];
        let plane = rows * row_pitch;
        Self {
            plan,
            image,
            start: ranges.map(|range| range.0),
            end: ranges.map(|range| range.1),
            step: tiling.step,
            ring,
            rows,
            residue,
            row_pitch,
            plane,
            channel_pitch: spread(ring * plane),
        }
    }

    fn run<T: Element>(
        &self,
        kernels: &Kernels<T>,
        source: &[T],
        (weights, blocks): (&PackedWeights<T>, Range<usize>),
        mut buffers: Buffers<'_, T>,
        out: &SharedOutput<'_, T>,
    ) {
        let group = self.image % self.plan.groups;
        let [tiles, lines] = [self.tiles(kernels), self.lines(kernels)];
        let mut offsets = vec![TapOffsets::default(); self.plan.row_phases];
        let mut next = isize::MIN;
        let mut written = 0;
        for depth in (self.start[0]..self.end[0]).step_by(self.step) {
            let depths = depth..(depth + self.step).min(self.end[0]);
            if let Packed::Own(packed) = &mut buffers.packed {
                next = vectorize(
                    #[inline(always)]
                    || self.load(source, depths.clone(), next, packed),
                );
            }
            let mut taps_before = 0;
            for phases in self.plan.phases.chunks(self.plan.row_phases) {
                for index in blocks.clone() {
                    let block = weights.blocks[index];
                    let form = self.form(kernels, block);
                    let strips = if form == Form::Pixels { &lines } else { &tiles };
                    let channel_weights =
                        self.plan.source_channels * block.vectors * kernels.lanes();
                    for depth in depths.start..depths.end.min(phases[0].count[0]) {
                        for (phase, offsets) in phases.iter().zip(&mut offsets) {
                            let taps = phase.taps.iter().map(|tap| self.offset(depth, tap.offset));
                            offsets.set(taps, self.together(kernels, phase), self.channel_pitch);
                        }
                        for strip in strips {
                            let mut taps = taps_before;
                            for (i, (phase, offsets)) in phases.iter().zip(&offsets).enumerate() {
                                let slab = Slab {
                                    phase,
                                    block,
                                    offsets,
                                    weights: &weights.packed(group, index)
                                        [taps * channel_weights..],
                                    start: weights.start(group, index),
                                };
                                if form == Form::Pixels {
                                    self.sum_lines(kernels, &slab, strip, i, &mut buffers);
                                } else {
                                    self.sum(kernels, &slab, strip, &mut buffers);
                                    self.turn(kernels, &slab, strip, i, &mut buffers);
                                }
                                taps += phase.taps.len();
                            }
                            let runs = self.runs(&phases[0], block, depth, strip);
                            written += self.store(kernels, block, &runs, &mut buffers, out);
                        }
                    }
                }
                taps_before += phases.iter().map(|phase| phase.taps.len()).sum::<usize>();
            }
        }
        out.count(written);
    }

    /// Elements of the packed source; whole vectors of pixels may read on behind the last row.
    pub(super) fn packed_len<T: Real>(&self, kernels: &Kernels<T>) -> usize {
        self.plan.source_channels * self.channel_pitch + kernels.lanes()
    }

    /// Elements of the outputs of one depth, the last row with room for a whole vector.
    fn plane_len<T: Real>(&self, kernels: &Kernels<T>) -> usize {
        (self.end[1] - self.start[1]) * (self.end[2] - self.start[2]) + kernels.lanes()
    }

    /// One channel to one channel: sums go straight into rows of the output.
    fn run_channel<T: Element>(
        &self,
        kernels: &Kernels<T>,
        source: &[T],
        weights: &PackedWeights<T>,
        (packed, plane): (&mut [T], &mut [T]),
        out: &SharedOutput<'_, T>,
    ) {
        let phase = &self.plan.phases[0];
        let group = self.image % self.plan.groups;
        let width = weights.blocks[0].vectors * kernels.lanes();
        let [rows, columns] = [1, 2].map(|a| self.end[a] - self.start[a]);
        // Rows that follow one another in the target are written together.
        let run = if columns == self.plan.target[2] {
            rows * columns
        } else {
            columns
        };
        let mut offsets = TapOffsets::default();
        let mut next = isize::MIN;
        let mut written = 0;
        for depth in self.start[0]..self.end[0] {
            next = vectorize(
                #[inline(always)]
                || self.load(source, depth..depth + 1, next, packed),
            );
            let taps = phase.taps.iter().map(|tap| self.offset(depth, tap.offset));
            offsets.set(taps, 1, self.channel_pitch);
            for row in 0..rows {
                let from = row * self.plan.source_step[1] * self.row_pitch;
                for (column, pixels) in pieces(0, columns, kernels.line()) {
                    let tile = Lines {
                        source: &packed[from + column..],
                        offsets: &offsets,
                        channels: 1,
                        weights: weights.packed(group, 0),
                        weight_pitch: width,
                        start: Some(weights.start(group, 0)),
                        targets: 1,
                        vectors: pixels.div_ceil(kernels.lanes()),
                        out_pitch: 0,
                    };
                    // What a vector writes behind the end of a row the next row writes over.
                    kernels.lines(&tile, &mut plane[row * columns + column..]);
                }
            }
            let to = self.target(0, phase.origin, [depth, self.start[1], self.start[2]]);
            for (row, values) in plane[..rows * columns].chunks_exact(run).enumerate() {
                // SAFETY: every output position belongs to one task, which comes by once.
                written += unsafe { out.write(to + row * self.plan.target[2], values) };
            }
        }
        out.count(written);
    }

    /// Source channels whose weights stay in the first-level cache.
    fn together<T: Element>(&self, kernels: &Kernels<T>, phase: &Phase) -> usize {
        let channel_weights = phase.taps.len() * kernels.block() * size_of::<T>();
        (RESIDENT / channel_weights.max(1)).clamp(1, self.plan.source_channels)
    }

    /// Which form of tile is faster: few channels leave vectors of channels short of work, short rows vectors of pixels.
    ///
    /// Both add the same products in the same order, so the choice has no influence on results.
    fn form<T: Element>(&self, kernels: &Kernels<T>, block: Block) -> Form {
        let row = self.end[2] - self.start[2];
        let pixels = row.next_multiple_of(kernels.lanes());
        if block.vectors == 1 && pixels * block.channels <= 2 * row * kernels.lanes() {
            Form::Pixels
        } else {
            Form::Channels
        }
    }

    /// The strips of one depth for [`Form::Channels`]: tiles of nearly equal length, sums one after the other.
    fn tiles<T: Element>(&self, kernels: &Kernels<T>) -> Vec<Vec<Piece>> {
        let mut strips = self.strips(STRIP, |start, end| {
            pieces(start, end, kernels.pixels()).collect()
        });
        for strip in &mut strips {
            let mut at = 0;
            for piece in strip {
                piece.at = at;
                at += piece.pixels;
            }
        }
        strips
    }

    /// The strips of one depth for [`Form::Pixels`]: whole vectors but for the end of a row, every tile with room for its own.
    fn lines<T: Element>(&self, kernels: &Kernels<T>) -> Vec<Vec<Piece>> {
        let (lanes, line) = (kernels.lanes(), kernels.line());
        let mut strips = self.strips(strip(kernels) / line, |start, end| {
            let vectors = (end - start).div_ceil(lanes);
            pieces(0, vectors, line / lanes)
                .map(|(first, count)| {
                    let from = start + first * lanes;
                    (from, (count * lanes).min(end - from))
                })
                .collect()
        });
        for strip in &mut strips {
            for (i, piece) in strip.iter_mut().enumerate() {
                piece.at = i * line;
            }
        }
        strips
    }

    /// Rows cut by `cut(start, end)` into (column, pixels), `longest` tiles a strip.
    fn strips(
        &self,
        longest: usize,
        cut: impl Fn(usize, usize) -> Vec<(usize, usize)>,
    ) -> Vec<Vec<Piece>> {
        let columns = cut(self.start[2], self.end[2]);
        let row = |row| {
            let piece = move |&(column, pixels): &(usize, usize)| Piece {
                row,
                column,
                pixels,
                at: 0,
            };
            columns.iter().map(piece)
        };
        let all: Vec<Piece> = (self.start[1]..self.end[1]).flat_map(row).collect();
        all.chunks(longest).map(<[Piece]>::to_vec).collect()
    }

    /// Sums a strip, a few channels at a time, so that their weights are read from the first-level cache.
    fn sum<T: Element>(
        &self,
        kernels: &Kernels<T>,
        slab: &Slab<'_, T>,
        strip: &[Piece],
        buffers: &mut Buffers<'_, T>,
    ) {
        let channel_weights = slab.phase.taps.len() * slab.block.vectors * kernels.lanes();
        let together = self.together(kernels, slab.phase);
        let tile = kernels.pixels() * kernels.block();
        for (channel, channels) in pieces(0, self.plan.source_channels, together) {
            for (piece, sums) in strip.iter().zip(buffers.sums.chunks_mut(tile)) {
                let pixels = piece.within(slab.phase);
                if pixels == 0 {
                    continue;
                }
                let row = (piece.row - self.start[1]) * self.plan.source_step[1] * self.row_pitch;
                let at = channel * self.channel_pitch + row + piece.column - self.start[2];
                let tile = Gather {
                    source: &buffers.packed.elements()[at..],
                    offsets: slab.offsets,
                    channels,
                    weights: &slab.weights[channel * channel_weights..],
                    start: (channel == 0).then_some(slab.start),
                    vectors: slab.block.vectors,
                    pixels,
                };
                kernels.gather(&tile, sums);
            }
        }
    }

    /// As [`Tile::sum`] with vectors of pixels, straight to channels of pixels.
    fn sum_lines<T: Element>(
        &self,
        kernels: &Kernels<T>,
        slab: &Slab<'_, T>,
        strip_pieces: &[Piece],
        phase: usize,
        buffers: &mut Buffers<'_, T>,
    ) {
        let width = slab.block.vectors * kernels.lanes();
        let channel_weights = slab.phase.taps.len() * width;
        let together = self.together(kernels, slab.phase);
        let pitch = strip(kernels);
        let rows = &mut buffers.rows[phase * kernels.block() * pitch..];
        for (channel, channels) in pieces(0, self.plan.source_channels, together) {
            for piece in strip_pieces {
                let pixels = piece.within(slab.phase);
                if pixels == 0 {
                    continue;
                }
                let row = (piece.row - self.start[1]) * self.plan.source_step[1] * self.row_pitch;
                let at = channel * self.channel_pitch + row + piece.column - self.start[2];
                for (target, targets) in pieces(0, slab.block.channels, kernels.line_channels()) {
                    let tile = Lines {
                        source: &buffers.packed.elements()[at..],
                        offsets: slab.offsets,
                        channels,
                        // A phase without taps has none, and reads none.
                        weights: match slab.phase.taps.len() {
                            0 => &[],
                            _ => &slab.weights[channel * channel_weights + target..],
                        },
                        weight_pitch: width,
                        start: (channel == 0).then(|| &slab.start[target..]),
                        targets,
                        vectors: pixels.div_ceil(kernels.lanes()),
                        out_pitch: pitch,
                    };
                    kernels.lines(&tile, &mut rows[target * pitch + piece.at..]);
                }
            }
        }
    }

    /// Turns the sums of a strip, pixels of channels, to channels of pixels.
    fn turn<T: Element>(
        &self,
        kernels: &Kernels<T>,
        slab: &Slab<'_, T>,
        strip: &[Piece],
        phase: usize,
        buffers: &mut Buffers<'_, T>,
    ) {
        let pitch = self::strip(kernels);
        let rows = &mut buffers.rows[phase * kernels.block() * pitch..];
        for (piece, sums) in strip
            .iter()
            .zip(buffers.sums.chunks(kernels.pixels() * kernels.block()))
        {
            let pixels = piece.within(slab.phase);
            let shape = Transpose {
                rows: pixels,
                columns: slab.block.channels,
                from_pitch: slab.block.vectors * kernels.lanes(),
                to_pitch: pitch,
                fill: pixels,
            };
            kernels.transpose(sums, &mut rows[piece.at..], &shape);
        }
    }

    /// Runs of a strip that follow one another in the first channel of the target.
    fn runs(&self, first: &Phase, block: Block, depth: usize, strip: &[Piece]) -> Vec<Run> {
        let step = self.plan.target_step[2];
        let mut runs: Vec<Run> = Vec::with_capacity(strip.len());
        for piece in strip {
            if piece.row < first.count[1] {
                let to = self.target(block.start, first.origin, [depth, piece.row, piece.column]);
                match runs.last_mut() {
                    // Rows of later phases may end earlier, so only single phases run on into the next row.
                    Some(run)
                        if run.to + run.pixels * step == to
                            && run.from + run.pixels == piece.at
                            && (step == 1 || piece.column > self.start[2]) =>
                    {
                        run.pixels += piece.pixels;
                    }
                    _ => runs.push(Run {
                        to,
                        from: piece.at,
                        pixels: piece.pixels,
                    }),
                }
            }
        }
        runs
    }

    /// Writes a strip to the output, long runs at a time; returns the number of elements.
    fn store<T: Element>(
        &self,
        kernels: &Kernels<T>,
        block: Block,
        runs: &[Run],
        buffers: &mut Buffers<'_, T>,
        out: &SharedOutput<'_, T>,
    ) -> usize {
        let pitch = strip(kernels);
        let width = self.plan.target[2];
        let step = self.plan.target_step[2];
        let mut written = 0;
        for channel in 0..block.channels {
            for run in runs {
                let to = run.to + channel * volume(self.plan.target);
                let values = if step == 1 {
                    &buffers.rows[channel * pitch + run.from..][..run.pixels]
                } else {
                    let phase = |phase: usize| {
                        let at = (phase * kernels.block() + channel) * pitch + run.from;
                        &buffers.rows[at..][..run.pixels]
                    };
                    if step == 2 && self.plan.row_phases == 2 {
                        // The usual upsampling, in a form that vectorises.
                        let (pairs, _) = buffers.row.as_chunks_mut::<2>();
                        for ((pair, &even), &odd) in pairs.iter_mut().zip(phase(0)).zip(phase(1)) {
                            *pair = [even, odd];
                        }
                    } else {
                        for i in 0..self.plan.row_phases {
                            for (to, from) in
                                buffers.row[i..].iter_mut().step_by(step).zip(phase(i))
                            {
                                *to = *from;
                            }
                        }
                    }
                    &buffers.row[..(run.pixels * step).min(width - to % width)]
                };
                // SAFETY: every output position belongs to one group of phases, one tile of its positions, one block of
                // channels and one image, hence to one task, which comes by once.
                written += unsafe { out.write(to, values) };
            }
        }
        written
    }

    /// Packs the planes that `depths` need and earlier calls have not packed; returns the first plane after them.
    #[inline(always)]
    pub(super) fn load<T: Real>(
        &self,
        source: &[T],
        depths: Range<usize>,
        mut next: isize,
        packed: &mut [T],
    ) -> isize {
        let (low, high) = self.plan.window[0];
        for depth in depths {
            let centre = (depth * self.plan.source_step[0]) as isize;
            for plane in next.max(centre + low)..=centre + high {
                self.load_plane(source, plane, packed);
            }
            next = next.max(centre + high + 1);
        }
        next
    }

    #[inline(always)]
    fn load_plane<T: Real>(&self, source: &[T], plane: isize, packed: &mut [T]) {
        for channel in 0..self.plan.source_channels {
            let packed = &mut packed[channel * self.channel_pitch..][..self.channel_pitch];
            self.load_channel(source, channel, plane, packed);
        }
    }

    /// Packs all planes of as many channels as there is room for, `first` on.
    #[inline(always)]
    fn load_channels<T: Real>(&self, source: &[T], first: usize, packed: &mut [T]) {
        let (low, high) = self.plan.window[0];
        let last = ((self.end[0] - 1) * self.plan.source_step[0]) as isize;
        for (i, packed) in packed.chunks_exact_mut(self.channel_pitch).enumerate() {
            for plane in low..=last + high {
                self.load_channel(source, first + i, plane, packed);
            }
        }
    }

    /// Packs a plane of a channel.
    #[inline(always)]
    fn load_channel<T: Real>(&self, source: &[T], channel: usize, plane: isize, packed: &mut [T]) {
        let [depth, height, width] = self.plan.source;
        let slot = plane.rem_euclid(self.ring as isize) as usize;
        let to = &mut packed[slot * self.plane..][..self.plane];
        if plane < 0 || plane >= depth as isize {
            to.fill(T::ZERO);
            return;
        }
        let first_row = (self.start[1] * self.plan.source_step[1]) as isize + self.plan.window[1].0;
        let first = (self.start[2] * self.plan.source_step[2]) as isize + self.plan.window[2].0;
        let from = (self.image * self.plan.source_channels + channel) * depth + plane as usize;
        let from = &source[from * height * width..][..height * width];
        let rows = to.chunks_exact_mut(self.row_pitch).take(self.rows);
        for (row, to) in rows.enumerate() {
            let row = first_row + row as isize;
            if row < 0 || row >= height as isize {
                to.fill(T::ZERO);
                continue;
            }
            let from = &from[row as usize * width..][..width];
            pack_row(from, first, self.plan.source_step[2], self.residue, to);
        }
    }

    /// Where a tap of outputs at depth `d` starts in the packed source.
    pub(super) fn offset(&self, d: usize, tap: [isize; 3]) -> usize {
        let plane = (d * self.plan.source_step[0]) as isize + tap[0];
        let slot = plane.rem_euclid(self.ring as isize) as usize;
        let row = (tap[1] - self.plan.window[1].0) as usize;
        let column = (tap[2] - self.plan.window[2].0) as usize;
        let step = self.plan.source_step[2];
        slot * self.plane + row * self.row_pitch + column % step * self.residue + column / step
    }

    /// Element of the target for a channel of this image and position `j` of a phase.
    fn target(&self, channel: usize, origin: [usize; 3], j: [usize; 3]) -> usize {
        let [_, height, width] = self.plan.target;
        let [d, h, w] = [0, 1, 2].map(|a| origin[a] + j[a] * self.plan.target_step[a]);
        (self.image * self.plan.target_channels + channel) * volume(self.plan.target)
            + (d * height + h) * width
            + w
    }
}
