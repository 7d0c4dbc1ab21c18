//! Runs a [`Plan`]: packs zero-padded pieces of the source that stay in the second-level cache and walks register tiles over
//! them.
//!
//! A task owns a range of depths of one column of tiles. Planes of its piece of the source live in a ring, so each is packed
//! once while the task moves through depth, and only rows at the rim of a tile are packed twice.
//! Nothing is ever unfolded: a tap is an offset into the packed rows.
#![expect(unsafe_code, reason = "tasks write disjoint tiles of one output")]

use std::ops::Range;

use rayon::prelude::*;

use super::kernel::{Element, Gather, Kernels, TapOffsets};
use super::output::{Place, SharedOutput};
use super::plan::{Phase, Plan};
use super::problem::volume;
use super::scratch::with_scratch;
use super::tiling::Tiling;
use super::weights::{Block, PackedWeights};
use crate::cpu::real::Real;

/// Bytes of weights that stay in the first-level cache while tiles of a strip use them.
const RESIDENT_WEIGHTS: usize = 24 << 10;
/// Register tiles of a strip, whose sums wait in the cache for the next channels.
const STRIP: usize = 8;

/// Computes the whole target of a plan.
pub(super) fn run<T: Element>(
    kernels: &Kernels<T>,
    plan: &Plan,
    source: &[T],
    weights: &PackedWeights<T>,
    out: &SharedOutput<T>,
) {
    let tiling = Tiling::choose(plan, weights.blocks.len(), kernels.block(), size_of::<T>());
    let count = plan.count();
    let tasks = tiling.tasks(count);
    (0..plan.batch * plan.groups * tasks)
        .into_par_iter()
        .for_each(|i| {
            let (ranges, blocks) = tiling.task(count, i % tasks);
            let tile = Tile::new(plan, &tiling, i / tasks, ranges);
            let lengths = [
                plan.source_channels * tile.channel_pitch,
                STRIP * kernels.pixels() * kernels.block(),
            ];
            with_scratch(lengths, |[packed, sums]| {
                tile.run(kernels, source, (weights, blocks), (packed, sums), out);
            });
        });
}

/// A phase and block of channels at one depth.
struct Slab<'a, T> {
    phase: &'a Phase,
    block: Block,
    depth: usize,
    offsets: &'a TapOffsets,
    /// `[source channel][tap][lane]`.
    weights: &'a [T],
    start: &'a [T],
}

/// A task: a range of outputs of one group of one image.
struct Tile<'a> {
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
    row_pitch: usize,
    plane: usize,
    channel_pitch: usize,
}

impl<'a> Tile<'a> {
    fn new(plan: &'a Plan, tiling: &Tiling, image: usize, ranges: [(usize, usize); 3]) -> Self {
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
        (packed, sums): (&mut [T], &mut [T]),
        out: &SharedOutput<T>,
    ) {
        let group = self.image % self.plan.groups;
        let mut offsets = TapOffsets::default();
        let mut next = isize::MIN;
        let mut written = 0;
        for depth in (self.start[0]..self.end[0]).step_by(self.step) {
            let depths = depth..(depth + self.step).min(self.end[0]);
            next = self.load(source, depths.clone(), next, packed);
            let mut taps_before = 0;
            for phase in &self.plan.phases {
                let tiles = self.tiles(phase, kernels.pixels());
                for index in blocks.clone() {
                    let block = weights.blocks[index];
                    let width = block.vectors * kernels.lanes();
                    let at = taps_before * self.plan.source_channels * width;
                    for depth in depths.start..depths.end.min(phase.count[0]) {
                        offsets.set(phase.taps.iter().map(|tap| self.offset(depth, tap.offset)));
                        let slab = Slab {
                            phase,
                            block,
                            depth,
                            offsets: &offsets,
                            weights: &weights.packed(group, index)[at..],
                            start: weights.start(group, index),
                        };
                        for strip in tiles.chunks(STRIP) {
                            self.sum(kernels, packed, &slab, strip, sums);
                            written += self.store(kernels, &slab, strip, sums, out);
                        }
                    }
                }
                taps_before += phase.taps.len();
            }
        }
        out.count(written);
    }

    /// The register tiles of one depth of a phase: row, first column, pixels.
    fn tiles(&self, phase: &Phase, longest: usize) -> Vec<[usize; 3]> {
        let row = |h| {
            let end = self.end[2].min(phase.count[2]);
            pieces(self.start[2], end, longest).map(move |(w, pixels)| [h, w, pixels])
        };
        (self.start[1]..self.end[1].min(phase.count[1]))
            .flat_map(row)
            .collect()
    }

    /// Sums a strip, a few channels at a time, so that their weights are read from the first-level cache.
    fn sum<T: Element>(
        &self,
        kernels: &Kernels<T>,
        packed: &[T],
        slab: &Slab<'_, T>,
        strip: &[[usize; 3]],
        sums: &mut [T],
    ) {
        let width = slab.block.vectors * kernels.lanes();
        let channel_weights = slab.phase.taps.len() * width;
        let together = (RESIDENT_WEIGHTS / (channel_weights * size_of::<T>()).max(1)).max(1);
        for (channel, channels) in pieces(0, self.plan.source_channels, together) {
            for (&[h, w, pixels], sums) in strip
                .iter()
                .zip(sums.chunks_mut(kernels.pixels() * kernels.block()))
            {
                let row = (h - self.start[1]) * self.plan.source_step[1] * self.row_pitch;
                let tile = Gather {
                    source: &packed[channel * self.channel_pitch + row + w - self.start[2]..],
                    channels,
                    channel_pitch: self.channel_pitch,
                    offsets: slab.offsets,
                    weights: &slab.weights[channel * channel_weights..],
                    start: (channel == 0).then_some(slab.start),
                    vectors: slab.block.vectors,
                    pixels,
                };
                kernels.gather(&tile, sums);
            }
        }
    }

    /// Writes a strip to the output; returns the number of elements.
    fn store<T: Element>(
        &self,
        kernels: &Kernels<T>,
        slab: &Slab<'_, T>,
        strip: &[[usize; 3]],
        sums: &[T],
        out: &SharedOutput<T>,
    ) -> usize {
        let width = slab.block.vectors * kernels.lanes();
        let mut written = 0;
        for (&[h, w, pixels], sums) in strip
            .iter()
            .zip(sums.chunks(kernels.pixels() * kernels.block()))
        {
            let place = Place {
                at: self.target(slab.block.start, slab.phase.origin, [slab.depth, h, w]),
                channels: slab.block.channels,
                channel_pitch: volume(self.plan.target),
                pixels,
                step: self.plan.target_step[2],
            };
            // SAFETY: every output position belongs to one phase, one tile of its positions, one block of channels and one
            // image, hence to one task, which comes by once.
            written += unsafe { out.store(kernels, sums, width, &place) };
        }
        written
    }

    /// Packs the planes that `depths` need and earlier calls have not packed; returns the first plane after them.
    fn load<T: Real>(
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

    fn load_plane<T: Real>(&self, source: &[T], plane: isize, packed: &mut [T]) {
        let [depth, height, width] = self.plan.source;
        let slot = plane.rem_euclid(self.ring as isize) as usize;
        let first_row = (self.start[1] * self.plan.source_step[1]) as isize + self.plan.window[1].0;
        let first = (self.start[2] * self.plan.source_step[2]) as isize + self.plan.window[2].0;
        for channel in 0..self.plan.source_channels {
            let to = &mut packed[channel * self.channel_pitch + slot * self.plane..][..self.plane];
            if plane < 0 || plane >= depth as isize {
                to.fill(T::ZERO);
                continue;
            }
            let from = (self.image * self.plan.source_channels + channel) * depth + plane as usize;
            let from = &source[from * height * width..][..height * width];
            for (row, to) in to
                .chunks_exact_mut(self.row_pitch)
                .enumerate()
                .take(self.rows)
            {
                let row = first_row + row as isize;
                if row < 0 || row >= height as isize {
                    to.fill(T::ZERO);
                } else {
                    pack_row(
                        &from[row as usize * width..][..width],
                        first,
                        self.plan.source_step[2],
                        self.residue,
                        to,
                    );
                }
            }
        }
    }

    /// Where a tap of outputs at depth `d` starts in the packed source.
    fn offset(&self, d: usize, tap: [isize; 3]) -> usize {
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

/// Splits a range into pieces of nearly equal length, at most `longest`, as (start, length).
pub(super) fn pieces(
    start: usize,
    end: usize,
    longest: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let length = end.saturating_sub(start);
    let parts = length.div_ceil(longest);
    (0..parts).map(move |part| {
        let from = start + length * part / parts;
        (from, start + length * (part + 1) / parts - from)
    })
}

/// Copies the elements of a row from `first` on, zero outside, the residues of `step` one after the other, so that outputs
/// a step apart see neighbours.
fn pack_row<T: Real>(from: &[T], first: isize, step: usize, residue: usize, to: &mut [T]) {
    for (r, to) in to.chunks_exact_mut(residue).enumerate() {
        pack_residue(from, first + r as isize, step, to);
    }
}

/// Copies the elements `first`, `first + step`, ... of a row, zero outside.
pub(super) fn pack_residue<T: Real>(from: &[T], first: isize, step: usize, to: &mut [T]) {
    let signed = step as isize;
    // Elements first + i * step lie in the row for i in low..high.
    let low = (signed - 1 - first)
        .div_euclid(signed)
        .clamp(0, to.len() as isize) as usize;
    let high = (from.len() as isize - first + signed - 1).div_euclid(signed);
    let high = (high.max(0) as usize).clamp(low, to.len());
    to[..low].fill(T::ZERO);
    to[high..].fill(T::ZERO);
    if low == high {
        return;
    }
    let start = (first + (low * step) as isize) as usize;
    if step == 1 {
        to[low..high].copy_from_slice(&from[start..][..high - low]);
    } else {
        for (to, from) in to[low..high]
            .iter_mut()
            .zip(from[start..].iter().step_by(step))
        {
            *to = *from;
        }
    }
}

/// Rounds a pitch up to an odd number of cache lines, so that channels fall into different sets of the cache.
fn spread(pitch: usize) -> usize {
    let lines = pitch.div_ceil(16);
    16 * (lines | 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_range_once_and_are_nearly_equal() {
        for length in 0..60 {
            let parts: Vec<_> = pieces(5, 5 + length, 14).collect();
            let mut at = 5;
            for &(start, n) in &parts {
                assert_eq!(start, at);
                assert!(n >= 1 && n <= 14);
                at += n;
            }
            assert_eq!(at, 5 + length);
            let (min, max) = parts
                .iter()
                .fold((99, 0), |(a, b), p| (p.1.min(a), p.1.max(b)));
            assert!(parts.is_empty() || max - min <= 1);
        }
    }

    #[test]
    fn rows_are_packed_by_residue_with_zeros_outside() {
        let row: Vec<f64> = (1..=5).map(f64::from).collect();
        for step in 1..5 {
            for first in -7..9_isize {
                for residue in 1..6 {
                    let mut to = vec![9.0; residue * step];
                    pack_row(&row, first, step, residue, &mut to);
                    for r in 0..step {
                        for i in 0..residue {
                            let at = first + (i * step + r) as isize;
                            let expected =
                                usize::try_from(at).ok().and_then(|at| row.get(at)).copied();
                            assert_eq!(
                                to[r * residue + i],
                                expected.unwrap_or(0.0),
                                "{step} {first} {residue}"
                            );
                        }
                    }
                }
            }
        }
    }
}
