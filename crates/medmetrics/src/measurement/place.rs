//! End points of measurements, and how a plane of pixels lies in the patient.

use medcore::{Geometry, Lps, Point, Vector};
use serde::{Deserialize, Serialize};

use super::outline::{Lattice2, Lattice3};

/// An end of a measured line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndPoint {
    /// Its place on the grid in storage order, in voxels: whole at a voxel's centre, halves at its corners.
    pub index: Vec<f64>,
    /// Its place in the patient (LPS), in mm.
    pub lps_mm: [f64; 3],
}

/// A measured line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diameter {
    /// Its length in mm.
    pub mm: f64,
    /// Where it ends.
    pub ends: [EndPoint; 2],
}

/// A plane of pixels: a 2D grid, or a slice of a volume.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plane {
    /// The way to the next row and to the next pixel, in mm.
    pub(crate) steps: [Vector<Lps>; 2],
    origin: Point<Lps>,
    /// The axis of the volume that the slice lies across, and its number.
    slice: Option<(usize, usize)>,
}

impl Plane {
    pub(crate) fn of_grid(grid: &Geometry<2>) -> Self {
        Self {
            steps: grid.steps(),
            origin: grid.origin(),
            slice: None,
        }
    }

    pub(crate) fn of_slice(grid: &Geometry<3>, axis: usize, slice: usize) -> Self {
        let [a, b, c] = grid.steps();
        let mut index = [0.0; 3];
        index[axis] = slice as f64;
        Self {
            steps: match axis {
                0 => [b, c],
                1 => [a, c],
                _ => [a, b],
            },
            origin: grid.index_to_world(index),
            slice: Some((axis, slice)),
        }
    }

    /// The way from the first pixel's centre, in mm.
    pub(crate) fn vector(&self, index: [f64; 2]) -> Vector<Lps> {
        self.steps[0] * index[0] + self.steps[1] * index[1]
    }

    /// The unit vector along the rows and the one across them.
    pub(crate) fn axes(&self) -> [Vector<Lps>; 2] {
        let along = unit(self.steps[1]);
        let across = self.steps[0] + along * -self.steps[0].dot(along);
        [along, unit(across)]
    }

    /// The unit vector of the plane at 90 degrees to another of it.
    pub(crate) fn perpendicular(&self, direction: Vector<Lps>) -> Vector<Lps> {
        let [along, across] = self.axes();
        along * -direction.dot(across) + across * direction.dot(along)
    }

    pub(crate) fn end_point(&self, index: [f64; 2]) -> EndPoint {
        let place = self.origin + self.vector(index);
        let mut index = index.to_vec();
        if let Some((axis, slice)) = self.slice {
            index.insert(axis, slice as f64);
        }
        EndPoint {
            index,
            lps_mm: place.coordinates(),
        }
    }

    /// The line between two places.
    pub(crate) fn diameter(&self, from: Lattice2, to: Lattice2) -> Diameter {
        Diameter {
            mm: self.distance(from, to),
            ends: [from, to].map(|end| self.end_point(halves(end))),
        }
    }

    pub(crate) fn distance(&self, a: Lattice2, b: Lattice2) -> f64 {
        self.vector(halves([b[0] - a[0], b[1] - a[1]])).norm()
    }
}

/// Half voxels as voxels.
pub(crate) fn halves<const D: usize>(lattice: [i64; D]) -> [f64; D] {
    lattice.map(|v| v as f64 / 2.0)
}

pub(crate) fn unit(vector: Vector<Lps>) -> Vector<Lps> {
    vector * vector.norm().recip()
}

/// The place of a volume's lattice in the patient.
pub(crate) fn solid_end(grid: &Geometry<3>, lattice: Lattice3) -> EndPoint {
    let index = halves(lattice);
    EndPoint {
        index: index.to_vec(),
        lps_mm: grid.index_to_world(index).coordinates(),
    }
}
