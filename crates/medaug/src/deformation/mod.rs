//! Maps that bend: displacements on a lattice, tables along the axes, lenses and perspectives.
//!
//! Each says where a place of the result looks in the source, for one place exactly and for a row of places fast,
//! and finds the way back.

mod homography;
mod lattice;
mod newton;
mod radial;
mod row;
mod table;

use std::sync::Arc;

pub use homography::Homography;
pub use lattice::{DisplacementLattice, Kernel, LatticeGrid};
pub use radial::Radial;
pub(crate) use row::Row;
pub use table::AxisTables;

/// A bend of space, from indices of a result to indices of its source.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Deformation<const D: usize> {
    /// Displacements between the points of a lattice.
    Lattice(Arc<DisplacementLattice<D>>),
    /// Each axis stretched and squeezed for itself.
    Tables(Arc<AxisTables<D>>),
    /// Barrel or cushion, in the plane of the last two axes.
    Radial(Radial),
    /// A plane seen aslant: the last two axes.
    Homography(Homography),
}

impl<const D: usize> Deformation<D> {
    /// Where a place of the result looks.
    #[must_use]
    pub fn source_of(&self, at: [f64; D]) -> [f64; D] {
        match self {
            Self::Lattice(lattice) => lattice.source_of(at),
            Self::Tables(tables) => tables.source_of(at),
            Self::Radial(radial) => {
                in_plane(at, |plane| Some(radial.source_of(plane))).unwrap_or(at)
            }
            Self::Homography(map) => in_plane(at, |plane| Some(map.source_of(plane))).unwrap_or(at),
        }
    }

    /// Which place of the result looks at a place of the source, to 1e-6 voxel; `None` where the deformation folds,
    /// where no place does, and where the search for it fails.
    #[must_use]
    pub fn place_of(&self, source: [f64; D]) -> Option<[f64; D]> {
        match self {
            Self::Lattice(lattice) => newton::solve(|at| lattice.source_of(at), source),
            Self::Tables(tables) => Some(tables.place_of(source)),
            Self::Radial(radial) => in_plane(source, |plane| radial.place_of(plane)),
            Self::Homography(map) => in_plane(source, |plane| map.place_of(plane)),
        }
    }

    /// Moves a row of places to where they look.
    pub(crate) fn bend(&self, row: &mut Row<D>) {
        match self {
            Self::Lattice(lattice) => lattice.bend(row),
            Self::Tables(tables) => tables.bend(row),
            Self::Radial(_) | Self::Homography(_) => {
                row.each(|at| self.source_of(at));
            }
        }
    }

    /// Moves a row of places of the source to the places that look there; those that nothing looks at become NaN.
    pub(crate) fn unbend(&self, row: &mut Row<D>) {
        if let Self::Lattice(lattice) = self {
            lattice.unbend(row);
        } else {
            row.each(|at| self.place_of(at).unwrap_or([f64::NAN; D]));
        }
    }
}

/// Moves the last two coordinates.
fn in_plane<const D: usize>(
    mut at: [f64; D],
    f: impl Fn([f64; 2]) -> Option<[f64; 2]>,
) -> Option<[f64; D]> {
    let plane: &mut [f64; 2] = at.last_chunk_mut()?;
    *plane = f(*plane)?;
    Some(at)
}
