//! Labels on another grid than the network's: logits are interpolated block by block, then decided.
//!
//! Deciding after interpolation is nnU-Net's order (`export_prediction`): class borders stay smooth where the
//! scan is finer than the network's grid. The two grids may differ by permuted, flipped, scaled and shifted
//! axes, which is what preparing a scan for a network does to it; interpolation is then one table an axis.

use std::ops::Range;

use medcore::{Geometry, IndexMap, LabelMap, Region};

use crate::blend::{Finished, Sink, for_each_row};
use crate::error::{Error, Result};
use crate::rule::LabelRule;

/// Differences below this many voxels are rounding, not geometry.
const ROUNDING: f64 = 1e-3;

/// Where the indices of one target axis lie on the axis of the network's grid that runs along it.
#[derive(Debug, Clone)]
struct AxisTable {
    /// The axis of the network's grid.
    source: usize,
    /// First target index that the network sees.
    first: usize,
    /// For every target index from `first` on that it sees: the voxel before, and how far behind that it lies.
    at: Vec<(usize, f32)>,
}

/// A grid to put labels on.
#[derive(Debug, Clone)]
pub(crate) struct Target<const D: usize> {
    axes: [AxisTable; D],
    halo: usize,
}

impl<const D: usize> Target<D> {
    /// Relates a grid to the one the network works on. Voxels whose centre lies outside all of the network's
    /// voxels become background.
    pub(crate) fn new(grid: &Geometry<D>, network: &Geometry<D>) -> Result<Self> {
        let map = grid.index_map_to(network);
        Self::from_map(&map, grid.shape(), network.shape(), None)
    }

    /// Relates indices of a grid to those of the network's by `map`. Voxels outside `inside` become background;
    /// inside of it, those that lie beyond the network's grid take its nearest voxel.
    pub(crate) fn from_map(
        map: &IndexMap<D>,
        shape: [usize; D],
        network: [usize; D],
        inside: Option<&Region<D>>,
    ) -> Result<Self> {
        let sources = axis_pairs(map, shape)?;
        let axes = std::array::from_fn(|axis| {
            let source = sources[axis];
            let last = network[source] as f64 - 1.0;
            let place = |index: usize| map.matrix[source][axis] * index as f64 + map.offset[source];
            let seen = |index: usize| match inside {
                Some(region) => (region.start()[axis]..region.end()[axis]).contains(&index),
                None => (-0.5 - ROUNDING..=last + 0.5 + ROUNDING).contains(&place(index)),
            };
            // What is seen is one run: places rise or fall throughout.
            let first = (0..shape[axis]).find(|&index| seen(index)).unwrap_or(0);
            let at = (first..shape[axis])
                .take_while(|&index| seen(index))
                .map(|index| split(place(index).clamp(0.0, last)))
                .collect();
            AxisTable { source, first, at }
        });
        let interpolates = axes
            .iter()
            .any(|axis: &AxisTable| axis.at.iter().any(|&(_, fraction)| fraction != 0.0));
        Ok(Self {
            axes,
            halo: usize::from(interpolates),
        })
    }

    /// Voxels that blocks must hold behind their end.
    pub(crate) fn halo(&self) -> usize {
        self.halo
    }
}

/// The voxel before a place and how far behind it the place lies; rounding counts as on the voxel.
fn split(place: f64) -> (usize, f32) {
    let nearest = place.round();
    if (place - nearest).abs() < ROUNDING {
        (nearest as usize, 0.0)
    } else {
        (place as usize, place.fract() as f32)
    }
}

/// The source axis that runs along each target axis.
fn axis_pairs<const D: usize>(map: &IndexMap<D>, shape: [usize; D]) -> Result<[usize; D]> {
    let oblique = || Error::ObliqueGrid {
        matrix: map.matrix.iter().flatten().copied().collect(),
    };
    let mut taken = [false; D];
    let mut pairs = [0; D];
    for axis in 0..D {
        let mut order: [usize; D] = std::array::from_fn(|row| row);
        order.sort_by(|&a, &b| {
            map.matrix[b][axis]
                .abs()
                .total_cmp(&map.matrix[a][axis].abs())
        });
        let source = order[0];
        // What the other axes would move by, over the whole length of this one.
        let skew = |row: &usize| map.matrix[*row][axis].abs() * shape[axis] as f64;
        if taken[source] || order[1..].iter().any(|row| skew(row) > 0.1) {
            return Err(oblique());
        }
        taken[source] = true;
        pairs[axis] = source;
    }
    Ok(pairs)
}

impl AxisTable {
    /// The positions in the table whose voxel before lies in `start..end`; the table rises or falls throughout.
    fn within(&self, start: usize, end: usize) -> Range<usize> {
        let falls = self.at.len() > 1 && self.at[0].0 > self.at[self.at.len() - 1].0;
        if falls {
            self.at.partition_point(|&(low, _)| low >= end)
                ..self.at.partition_point(|&(low, _)| low >= start)
        } else {
            self.at.partition_point(|&(low, _)| low < start)
                ..self.at.partition_point(|&(low, _)| low < end)
        }
    }
}

/// Fills a label map with what a rule makes of finished blocks.
pub(crate) struct LabelSink<'a, const D: usize> {
    target: &'a Target<D>,
    rule: &'a LabelRule,
    labels: LabelMap<u8, D>,
}

/// Labels of a box of the target grid.
#[derive(Debug)]
pub(crate) struct LabelPiece<const D: usize> {
    start: [usize; D],
    shape: [usize; D],
    labels: Vec<u8>,
}

impl<'a, const D: usize> LabelSink<'a, D> {
    pub(crate) fn new(
        target: &'a Target<D>,
        rule: &'a LabelRule,
        grid: Geometry<D>,
    ) -> Result<Self> {
        Ok(Self {
            target,
            rule,
            labels: LabelMap::background(grid)?,
        })
    }

    pub(crate) fn into_labels(self) -> LabelMap<u8, D> {
        self.labels
    }
}

impl<const D: usize> Sink<D> for LabelSink<'_, D> {
    type Piece = LabelPiece<D>;

    fn cut(&self, block: &Finished<'_, D>) -> LabelPiece<D> {
        let axes = &self.target.axes;
        let held = block.held();
        let parts: [Range<usize>; D] = std::array::from_fn(|axis| {
            let segment = block.segments[axes[axis].source];
            axes[axis].within(segment.start, segment.end)
        });
        let start = std::array::from_fn(|axis| axes[axis].first + parts[axis].start);
        let shape = parts.clone().map(|part| part.len());
        let mut labels = vec![0; shape.iter().product()];
        if labels.is_empty() {
            return LabelPiece {
                start,
                shape,
                labels,
            };
        }
        // Row after row of the target: first the values along the source axis that runs with the row, mixed from
        // the neighbouring lines, then the values at the row's voxels.
        let along = axes[D - 1].source;
        let row_table = &axes[D - 1].at[parts[D - 1].clone()];
        let strides: [usize; D] = std::array::from_fn(|axis| held[axis + 1..].iter().product());
        let voxels: usize = held.iter().product();
        let width = shape[D - 1];
        let mut line = vec![0.0; held[along]];
        let (mut values, mut best) = (vec![0.0; width], vec![0.0; width]);
        let mut rows = labels.chunks_exact_mut(width);
        for_each_row(shape, |row| {
            let places = (0..D - 1).map(|axis| {
                let (low, fraction) = axes[axis].at[parts[axis].start + row[axis]];
                let source = axes[axis].source;
                let low = low - block.segments[source].start;
                (low * strides[source], strides[source], fraction)
            });
            let lines = neighbours(places);
            let out = rows.next().expect("as many rows as the shape has");
            for (class, logits) in block.logits.chunks_exact(voxels).enumerate() {
                mix(&mut line, logits, &lines, strides[along]);
                let first = block.segments[along].start;
                for (value, &(low, fraction)) in values.iter_mut().zip(row_table) {
                    let (low, high) = (low - first, (low - first + 1).min(line.len() - 1));
                    *value = line[low] + fraction * (line[high] - line[low]);
                }
                self.rule.offer(class, &values, &mut best, out);
            }
        });
        LabelPiece {
            start,
            shape,
            labels,
        }
    }

    fn place(&mut self, piece: LabelPiece<D>) {
        let Some(rows) = piece.shape.last().filter(|&&width| width > 0) else {
            return;
        };
        paste(&mut self.labels, &piece, *rows);
    }
}

/// First element and weight of every line whose weighted sum is wanted: two an axis, those without weight left out.
fn neighbours(places: impl Iterator<Item = (usize, usize, f32)>) -> Vec<(usize, f32)> {
    let mut lines = vec![(0, 1.0)];
    for (offset, stride, fraction) in places {
        let low = lines
            .iter()
            .map(|&(at, w)| (at + offset, w * (1.0 - fraction)));
        let high = lines
            .iter()
            .map(|&(at, w)| (at + offset + stride, w * fraction));
        lines = low
            .chain(high)
            .filter(|&(_, weight)| weight != 0.0)
            .collect();
    }
    lines
}

/// The weighted sum of lines with a distance of `stride` between elements.
fn mix(line: &mut [f32], values: &[f32], lines: &[(usize, f32)], stride: usize) {
    for (number, &(first, weight)) in lines.iter().enumerate() {
        let source = values[first..].iter().step_by(stride);
        if number == 0 {
            line.iter_mut()
                .zip(source)
                .for_each(|(sum, v)| *sum = weight * v);
        } else {
            line.iter_mut()
                .zip(source)
                .for_each(|(sum, v)| *sum += weight * v);
        }
    }
}

fn paste<const D: usize>(map: &mut LabelMap<u8, D>, piece: &LabelPiece<D>, width: usize) {
    let grid = map.shape();
    let out = map.as_mut_slice();
    let mut rows = piece.labels.chunks_exact(width);
    for_each_row(piece.shape, |row| {
        let to = (0..D).fold(0, |at, axis| {
            at * grid[axis] + piece.start[axis] + row[axis]
        });
        let from = rows.next().expect("as many rows as the shape has");
        out[to..to + width].copy_from_slice(from);
    });
}
