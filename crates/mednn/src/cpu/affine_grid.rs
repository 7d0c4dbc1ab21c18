//! Grids of places that an affine map makes.

use rayon::prelude::*;

use crate::cpu::buffer;
use crate::cpu::real::Real;

/// Places whose sums are taken together.
const BLOCK: usize = 4096;

/// The grid that affine maps are applied to.
#[derive(Debug, Clone, PartialEq)]
pub struct BaseGrid {
    /// The coordinates along each axis, in storage order.
    axes: Vec<Vec<f64>>,
}

impl BaseGrid {
    /// A grid of these extents from -1 to 1, which are the centres of the outermost voxels if corners are aligned, else their
    /// outer edges.
    #[must_use]
    pub fn new(extents: &[usize], align_corners: bool) -> Self {
        let axis = |&extent: &usize| {
            let size = extent as f64;
            (0..extent)
                .map(|i| match (align_corners, extent) {
                    (true, 1) => 0.0,
                    (true, _) => 2.0 * i as f64 / (size - 1.0) - 1.0,
                    (false, _) => (2.0 * i as f64 + 1.0) / size - 1.0,
                })
                .collect()
        };
        Self {
            axes: extents.iter().map(axis).collect(),
        }
    }

    /// The coordinates along each axis, in storage order.
    #[cfg(feature = "cuda")]
    pub(crate) fn axes(&self) -> &[Vec<f64>] {
        &self.axes
    }

    fn len(&self) -> usize {
        self.axes.iter().map(Vec::len).product()
    }

    /// The coordinates of a point and the constant 1, the last axis first.
    fn point(&self, mut index: usize) -> [f64; 4] {
        let mut point = [0.0; 4];
        for (coordinate, axis) in point.iter_mut().zip(self.axes.iter().rev()) {
            *coordinate = axis[index % axis.len()];
            index /= axis.len();
        }
        point[self.axes.len()] = 1.0;
        point
    }
}

/// The places `[batch, points, axes]` for the maps `[batch, axes, axes + 1]`.
#[must_use]
pub fn forward<T: Real>(base: &BaseGrid, batch: usize, maps: &[T]) -> Vec<T> {
    let (axes, points) = (base.axes.len(), base.len());
    buffer::build_whole_rows(batch * points, axes, |row, out: &mut [T]| {
        let map = &maps[row / points * axes * (axes + 1)..][..axes * (axes + 1)];
        let point = base.point(row % points);
        for (o, map) in out.iter_mut().zip(map.chunks_exact(axes + 1)) {
            let terms = map.iter().zip(point).map(|(m, x)| m.to_f64() * x);
            *o = T::from_f64(terms.sum());
        }
    })
}

/// The gradient of [`forward`].
#[must_use]
pub fn backward<T: Real>(base: &BaseGrid, batch: usize, gradient: &[T]) -> Vec<T> {
    let (axes, points) = (base.axes.len(), base.len());
    let mut out = Vec::with_capacity(batch * axes * (axes + 1));
    for gradient in gradient.chunks_exact(points * axes) {
        let sums_of_block = |(block, gradient): (usize, &[T])| {
            let mut sums = [[0.0; 4]; 3];
            for (i, g) in gradient.chunks_exact(axes).enumerate() {
                let point = base.point(block * BLOCK + i);
                for (sums, g) in sums.iter_mut().zip(g) {
                    for (sum, x) in sums.iter_mut().zip(point) {
                        *sum += g.to_f64() * x;
                    }
                }
            }
            sums
        };
        let blocks = gradient.par_chunks(BLOCK * axes).enumerate();
        let blocks: Vec<[[f64; 4]; 3]> = blocks.map(sums_of_block).collect();
        for row in 0..axes {
            for column in 0..=axes {
                let sum = blocks.iter().map(|sums| sums[row][column]).sum();
                out.push(T::from_f64(sum));
            }
        }
    }
    out
}
