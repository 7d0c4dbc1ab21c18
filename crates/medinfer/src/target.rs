//! Labels on another grid than the network's: logits are interpolated block by block, then decided.
//!
//! Deciding after interpolation is nnU-Net's order (`export_prediction`): class borders stay smooth where the
//! scan is finer than the network's grid. The two grids may differ by permuted, flipped, scaled and shifted
//! axes, which is what preparing a scan for a network does to it; interpolation is then one table an axis.

use std::ops::Range;

use medaug::Preprocessed;
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

impl Target<3> {
    /// Relates the grid of a scan to that of the prepared image; what preparation cropped away becomes background.
    pub(crate) fn of_scan(scan: &Preprocessed) -> Result<Self> {
        let (trace, shape) = (&scan.trace, scan.image.shape());
        let inside = trace.kept_of_original()?;
        let original = trace.original().shape();
        Self::from_map(&trace.from_original(), original, shape, Some(&inside))
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
        // The work is done in the order of the block's axes, whose rows are contiguous.
        let mut along = [0; D];
        for (axis, table) in axes.iter().enumerate() {
            along[table.source] = axis;
        }
        let tables: [Vec<Place>; D] = std::array::from_fn(|source| {
            let axis = along[source];
            let (first, last) = (block.segments[source].start, held[source] - 1);
            let place = |&(low, fraction): &(usize, f32)| Place {
                low: low - first,
                high: (low - first + 1).min(last),
                fraction,
            };
            axes[axis].at[parts[axis].clone()]
                .iter()
                .map(place)
                .collect()
        });
        self.decide(block, &tables, &mut labels);
        if along
            .iter()
            .enumerate()
            .any(|(source, axis)| source != *axis)
        {
            labels = turned(&labels, shape, axes.each_ref().map(|table| table.source));
        }
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

/// Between which two voxels of one axis of a block a voxel of the target lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    low: usize,
    high: usize,
    /// How far behind `low`, in 0..1; where it is 0 nothing is interpolated.
    fraction: f32,
}

impl<const D: usize> LabelSink<'_, D> {
    /// Labels at the places of `tables`, in the order of the block's axes, plane after plane: planes are mixed
    /// first, while they are smallest, then their lines are stretched, and lines are mixed last.
    fn decide(&self, block: &Finished<'_, D>, tables: &[Vec<Place>; D], labels: &mut [u8]) {
        let held = block.held();
        let voxels: usize = held.iter().product();
        let columns = &tables[D - 1];
        let (width, width_out) = (held[D - 1], columns.len());
        let single = [Place {
            low: 0,
            high: 0,
            fraction: 0.0,
        }];
        let (outer, rows) = match tables[..D - 1].split_last() {
            Some((rows, outer)) => (outer, &rows[..]),
            None => (&[][..], &single[..]),
        };
        let lines: usize = held[outer.len()..D - 1].iter().product();
        let stays = (columns.iter().enumerate()).all(|(i, c)| c.low == i && c.fraction == 0.0);
        let mut mixed = vec![0.0; lines * width];
        let mut stretched = vec![0.0; if stays { 0 } else { lines * width_out }];
        let mut line = vec![0.0; width_out];
        let mut best = vec![0.0; rows.len() * width_out];
        for (number, labels) in labels.chunks_exact_mut(best.len()).enumerate() {
            let planes = neighbours(outer, number, &held);
            for (class, logits) in block.logits.chunks_exact(voxels).enumerate() {
                let mut plane = match planes[..] {
                    [(first, _)] => &logits[first..first + lines * width],
                    _ => {
                        mix(&mut mixed, logits, &planes);
                        &mixed
                    }
                };
                let mut stride = width;
                if !stays {
                    let to = stretched.chunks_exact_mut(width_out);
                    for (from, to) in plane.chunks_exact(width).zip(to) {
                        stretch(from, columns, to);
                    }
                    (plane, stride) = (&stretched, width_out);
                }
                let best = best.chunks_exact_mut(width_out);
                for ((row, labels), best) in
                    (rows.iter().zip(labels.chunks_exact_mut(width_out))).zip(best)
                {
                    let low = &plane[row.low * stride..][..width_out];
                    let values = if row.fraction == 0.0 {
                        low
                    } else {
                        let high = &plane[row.high * stride..][..width_out];
                        for ((value, low), high) in line.iter_mut().zip(low).zip(high) {
                            *value = low + row.fraction * (high - low);
                        }
                        &line
                    };
                    self.rule.offer(class, values, best, labels);
                }
            }
        }
    }
}

/// First element and weight of every plane whose weighted sum is the one at position `number`, counted along the
/// axes of `outer`: two an axis, those without weight left out.
fn neighbours(outer: &[Vec<Place>], mut number: usize, held: &[usize]) -> Vec<(usize, f32)> {
    let mut planes = vec![(0, 1.0)];
    for (axis, table) in outer.iter().enumerate().rev() {
        let place = table[number % table.len()];
        number /= table.len();
        let stride: usize = held[axis + 1..].iter().product();
        let low = planes
            .iter()
            .map(|&(at, w)| (at + place.low * stride, w * (1.0 - place.fraction)));
        let high = planes
            .iter()
            .map(|&(at, w)| (at + place.high * stride, w * place.fraction));
        planes = low
            .chain(high)
            .filter(|&(_, weight)| weight != 0.0)
            .collect();
    }
    planes
}

/// The weighted sum of planes.
fn mix(sum: &mut [f32], values: &[f32], planes: &[(usize, f32)]) {
    for (number, &(first, weight)) in planes.iter().enumerate() {
        let plane = &values[first..first + sum.len()];
        if number == 0 {
            (sum.iter_mut().zip(plane)).for_each(|(sum, value)| *sum = weight * value);
        } else {
            (sum.iter_mut().zip(plane)).for_each(|(sum, value)| *sum += weight * value);
        }
    }
}

/// The values of a line at the places of another.
fn stretch(line: &[f32], places: &[Place], out: &mut [f32]) {
    for (value, place) in out.iter_mut().zip(places) {
        let (low, high) = (line[place.low], line[place.high]);
        *value = low + place.fraction * (high - low);
    }
}

/// Labels of a box of `shape` whose axes are stored in another order: axis `a` of the result is axis `sources[a]`.
fn turned<const D: usize>(labels: &[u8], shape: [usize; D], sources: [usize; D]) -> Vec<u8> {
    let mut stored = [0; D];
    for (axis, &source) in sources.iter().enumerate() {
        stored[source] = shape[axis];
    }
    let strides = sources.map(|source| stored[source + 1..].iter().product::<usize>());
    let mut out = Vec::with_capacity(labels.len());
    for_each_row(shape, |row| {
        let first: usize = (0..D - 1).map(|axis| row[axis] * strides[axis]).sum();
        let along = labels[first..].iter().step_by(strides[D - 1]);
        out.extend(along.take(shape[D - 1]));
    });
    out
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
