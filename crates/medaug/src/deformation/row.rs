//! A row of places on its way from a result to a source.

use medcore::IndexMap;
use medcore::cpu::{Work, with_wide_vectors};

/// Continuous indices of a row of voxels, axis by axis.
#[derive(Debug, Clone)]
pub(crate) struct Row<const D: usize> {
    pub(in crate::deformation) at: [Vec<f64>; D],
    /// Whether only the last coordinate changes along the row.
    pub(in crate::deformation) straight: bool,
}

impl<const D: usize> Row<D> {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            at: std::array::from_fn(|_| vec![0.0; width]),
            straight: true,
        }
    }

    /// The places that `map` gives to the row of voxels behind `first`.
    pub(crate) fn start(&mut self, first: [f64; D], map: &IndexMap<D>) {
        let base = map.apply(first);
        for a in 0..D {
            let (base, step) = (base[a], map.matrix[a][D - 1]);
            for (x, at) in self.at[a].iter_mut().enumerate() {
                *at = base + step * x as f64;
            }
        }
        self.straight = (0..D - 1).all(|a| map.matrix[a][D - 1] == 0.0);
    }

    /// Moves every place by an affine map.
    pub(crate) fn map(&mut self, map: &IndexMap<D>) {
        if *map == IndexMap::identity() {
            return;
        }
        with_wide_vectors(Affine { row: self, map });
        self.straight &= (0..D - 1).all(|a| map.matrix[a][D - 1] == 0.0);
    }

    /// Moves every place by itself.
    pub(crate) fn each(&mut self, f: impl Fn([f64; D]) -> [f64; D]) {
        for x in 0..self.at[0].len() {
            let to = f(self.place(x));
            self.put(x, to);
        }
        self.straight = false;
    }

    pub(super) fn place(&self, x: usize) -> [f64; D] {
        std::array::from_fn(|a| self.at[a][x])
    }

    pub(super) fn put(&mut self, x: usize, place: [f64; D]) {
        for (at, value) in self.at.iter_mut().zip(place) {
            at[x] = value;
        }
    }

    /// The coordinates, axis by axis.
    pub(crate) fn coordinates(&self) -> [&[f64]; D] {
        std::array::from_fn(|a| self.at[a].as_slice())
    }

    /// Puts places that are not finite at `far`.
    pub(crate) fn replace_unknown(&mut self, far: f64) {
        for at in &mut self.at {
            for value in at {
                if !value.is_finite() {
                    *value = far;
                }
            }
        }
    }
}

struct Affine<'a, const D: usize> {
    row: &'a mut Row<D>,
    map: &'a IndexMap<D>,
}

impl<const D: usize> Work for Affine<'_, D> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let n = self.row.at[0].len();
        let rows = self.row.at.each_mut();
        let rows: [&mut [f64]; D] = rows.map(|row| &mut row[..n]);
        let IndexMap { matrix, offset } = *self.map;
        for x in 0..n {
            let at: [f64; D] = std::array::from_fn(|a| rows[a][x]);
            for a in 0..D {
                let mut sum = offset[a];
                for b in 0..D {
                    sum += matrix[a][b] * at[b];
                }
                rows[a][x] = sum;
            }
        }
    }
}
