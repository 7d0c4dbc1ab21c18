//! Copies voxels through a map that takes voxels to voxels: whole shifts, mirroring and exchanged axes.

mod run;
mod tiles;

use std::ops::Range;

use medcore::resample::Outside;
use medcore::{IndexMap, Plain};
use rayon::prelude::*;

use self::run::Run;
use self::tiles::{TILE, Tiles};
use crate::parallel::CHUNK;

/// A map that takes voxels to voxels, as three axes of the result (those that are missing have one voxel).
pub(super) struct Lattice {
    axes: [Axis; 3],
    /// The axis of the result along which the source is contiguous.
    contiguous: usize,
}

/// One axis of the result.
#[derive(Clone, Copy)]
struct Axis {
    /// Voxels of the result.
    len: usize,
    /// Voxels of the source axis that it shows.
    source: usize,
    /// From one voxel of that axis to the next in memory.
    stride: usize,
    /// Source index of voxel 0.
    start: i64,
    /// Whether it runs against the source axis.
    backwards: bool,
}

impl Axis {
    const ONE: Self = Self {
        len: 1,
        source: 1,
        stride: 1,
        start: 0,
        backwards: false,
    };

    /// Where the voxels of the result lie in the source's memory, those outside left out at both ends.
    fn places<T>(&self, outside: &Outside<T>) -> Places {
        let len = self.source as i64;
        let mut places = Places {
            first: 0,
            offsets: Vec::with_capacity(self.len),
        };
        for i in 0..self.len as i64 {
            let at = self.start + if self.backwards { -i } else { i };
            let at = match outside {
                Outside::Value(_) if (0..len).contains(&at) => at,
                Outside::Value(_) if places.offsets.is_empty() => {
                    places.first += 1;
                    continue;
                }
                Outside::Value(_) => break,
                Outside::Edge => at.clamp(0, len - 1),
                Outside::Reflect => {
                    let at = at.rem_euclid(2 * len);
                    at.min(2 * len - 1 - at)
                }
            };
            places.offsets.push(at as usize * self.stride);
        }
        places
    }
}

/// The part of an axis of the result that shows the source.
struct Places {
    /// Voxels outside before it.
    first: usize,
    /// Where its voxels lie in the source.
    offsets: Vec<usize>,
}

impl Places {
    fn range(&self) -> Range<usize> {
        self.first..self.first + self.offsets.len()
    }

    /// Where voxel `index` of the result lies; `None` outside.
    fn at(&self, index: usize) -> Option<usize> {
        self.offsets.get(index.checked_sub(self.first)?).copied()
    }
}

/// Whether a map takes voxels to voxels.
pub(crate) fn is_lattice<const D: usize>(
    map: &IndexMap<D>,
    source: [usize; D],
    out: [usize; D],
) -> bool {
    Lattice::of(map, source, out).is_some()
}

impl Lattice {
    /// `None` if the map falls between voxels by more than a rounding error.
    pub(super) fn of<const D: usize>(
        map: &IndexMap<D>,
        source: [usize; D],
        out: [usize; D],
    ) -> Option<Self> {
        const ROUNDING: f64 = 1e-6;
        const FARTHEST: f64 = (1_u64 << 52) as f64;
        let mut axes = [Axis::ONE; 3];
        let mut shown = [false; D];
        let mut contiguous = 2;
        for b in 0..D {
            let a = (0..D).find(|&a| map.matrix[a][b].abs() > 0.5)?;
            if std::mem::replace(&mut shown[a], true) {
                return None;
            }
            for (row, values) in map.matrix.iter().enumerate() {
                let wanted = f64::from(u8::from(row == a));
                let error = (values[b].abs() - wanted).abs() * out[b] as f64;
                if error.is_nan() || error > ROUNDING {
                    return None;
                }
            }
            let whole = map.offset[a].round();
            let error = (map.offset[a] - whole).abs();
            if error.is_nan() || error > ROUNDING || whole.abs() > FARTHEST {
                return None;
            }
            let place = in_three(b, D);
            axes[place] = Axis {
                len: out[b],
                source: source[a],
                stride: source[a + 1..].iter().product(),
                start: whole as i64,
                backwards: map.matrix[a][b] < 0.0,
            };
            if a == D - 1 {
                contiguous = place;
            }
        }
        Some(Self { axes, contiguous })
    }

    /// Fills `out` with what the map shows of `source`.
    pub(super) fn copy<T: Plain>(&self, source: &[T], out: &mut [T], outside: Outside<T>) {
        let places = self.axes.each_ref().map(|axis| axis.places(&outside));
        let fill = match outside {
            Outside::Value(value) => value,
            Outside::Edge | Outside::Reflect => T::default(),
        };
        let [_, height, width] = self.axes.map(|axis| axis.len);
        if self.contiguous == 2 {
            let run = Run::of(&places[2]);
            let rows = (CHUNK / width).max(1);
            out.par_chunks_mut(rows * width)
                .enumerate()
                .for_each(|(block, out)| {
                    for (r, out) in out.chunks_exact_mut(width).enumerate() {
                        let row = block * rows + r;
                        let start = places[0].at(row / height).zip(places[1].at(row % height));
                        match start {
                            Some((d, h)) => run.copy(source, d + h, &places[2], out, fill),
                            None => out.fill(fill),
                        }
                    }
                });
            return;
        }
        let whole = self.axes.iter().zip(&places);
        let whole = whole
            .into_iter()
            .all(|(axis, p)| p.range() == (0..axis.len));
        let slabs = if self.contiguous == 0 { TILE } else { 1 };
        out.par_chunks_mut(slabs * height * width)
            .enumerate()
            .for_each(|(block, out)| {
                if !whole {
                    out.fill(fill);
                }
                let first = block * slabs;
                let tiles = Tiles {
                    source,
                    places: &places,
                    first,
                    shape: [out.len() / (height * width), height, width],
                };
                if self.contiguous == 0 {
                    tiles.along_depth(out);
                } else {
                    tiles.along_height(out);
                }
            });
    }
}

/// Where axis `axis` of `dimension` is among three; that of the rows of a plane comes first, so that planes
/// are walked by many threads too.
fn in_three(axis: usize, dimension: usize) -> usize {
    if dimension == 2 {
        2 * axis
    } else {
        axis + 3 - dimension
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the map says, voxel by voxel.
    fn slowly(source: &[f32], from: [usize; 3], map: &IndexMap<3>, to: [usize; 3]) -> Vec<f32> {
        let mut out = vec![];
        for i in 0..to.iter().product() {
            let index = [i / (to[1] * to[2]), i / to[2] % to[1], i % to[2]];
            let at = map.apply(index.map(|v| v as f64));
            let inside = (0..3).all(|a| (0.0..from[a] as f64).contains(&at[a]));
            let [d, h, w] = at.map(|v| v as usize);
            out.push(if inside {
                source[(d * from[1] + h) * from[2] + w]
            } else {
                -1.0
            });
        }
        out
    }

    #[test]
    fn every_order_and_direction_of_axes_is_copied_voxel_by_voxel() {
        let from = [35, 3, 70];
        let source: Vec<f32> = (0..from.iter().product()).map(|v| v as f32).collect();
        let orders = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        for (order, mirrored) in orders.into_iter().flat_map(|o| (0..8).map(move |m| (o, m))) {
            let mut map = IndexMap::<3> {
                matrix: [[0.0; 3]; 3],
                offset: [0.0; 3],
            };
            // Reaches outside on both sides of some axes.
            let to = order.map(|a: usize| from[a] + 2);
            for (b, &a) in order.iter().enumerate() {
                let backwards = mirrored >> b & 1 == 1;
                map.matrix[a][b] = if backwards { -1.0 } else { 1.0 };
                map.offset[a] = if backwards { from[a] as f64 } else { -1.0 };
            }
            let lattice = Lattice::of(&map, from, to).expect("whole voxels");
            let mut out = vec![7.0; to.iter().product()];
            lattice.copy(&source, &mut out, Outside::Value(-1.0));
            assert_eq!(out, slowly(&source, from, &map, to), "{order:?} {mirrored}");
        }
    }

    #[test]
    fn a_plane_is_turned_too() {
        let map = IndexMap::<2> {
            matrix: [[0.0, 1.0], [-1.0, 0.0]],
            offset: [0.0, 2.0],
        };
        let lattice = Lattice::of(&map, [2, 3], [3, 2]).expect("whole voxels");
        let mut out = [0; 6];
        lattice.copy(&[1, 2, 3, 4, 5, 6], &mut out, Outside::Edge);
        assert_eq!(out, [3, 6, 2, 5, 1, 4]);
    }

    #[test]
    fn a_map_between_voxels_or_onto_one_axis_twice_is_none() {
        let mut map = IndexMap::<2>::translation([0.5, 0.0]);
        assert!(Lattice::of(&map, [4, 4], [4, 4]).is_none());
        map = IndexMap::identity();
        map.matrix = [[1.0, 1.0], [0.0, 0.0]];
        assert!(Lattice::of(&map, [4, 4], [4, 4]).is_none());
        map.matrix = [[1.0, 0.0], [0.0, f64::NAN]];
        assert!(Lattice::of(&map, [4, 4], [4, 4]).is_none());
    }
}
