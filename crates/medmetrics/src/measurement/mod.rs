//! Diameters and volumes in millimetres from masks and boxes.
//!
//! [`Feret`] measures a mask of a plane, [`SolidFeret`] one of a volume, [`Recist`] the long and short axis
//! that oncology asks for, [`StructureSize`] all of it for every label of a map or for each of its
//! components, [`BoxSize`] a box. [`Response`] is what RECIST 1.1 makes of sums of diameters.
//!
//! A diameter depends on what a voxel is: a square of ten pixels of 1 mm is 14.14 mm wide from corner to
//! corner and 12.73 mm from centre to centre. [`PixelModel`] says which is meant, and every result names it.
//!
//! Places are counted on the grid's own lattice in whole numbers, where hulls are exact (a hull survives any
//! affine map), and lengths are taken in the patient, so that anisotropic and sheared grids are measured
//! rightly.

mod boxes;
mod chord;
mod feret;
mod mask;
mod outline;
mod place;
mod planar_hull;
mod recist;
mod response;
mod size;
mod solid_feret;
mod solid_hull;

pub use boxes::{BoxEnds, BoxSize};
pub use feret::{Feret, Width, scikit_image_diameter};
pub use outline::PixelModel;
pub use place::{Diameter, EndPoint};
pub use recist::{Recist, RecistConfig, ShortAxis, SliceChoice, SlicePlane};
pub use response::{NODE_NORMAL_MM, NODE_TARGET_MM, Response, Sums, TARGET_MM, Target};
pub use size::{SizeConfig, StructureSize, Unit};
pub use solid_feret::{FacetWidth, SolidFeret};
