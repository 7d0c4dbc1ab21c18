//! Synthetic anatomy with known ground truth, for demonstrations and tests.
//!
//! An [`Abdomen`] is one patient: organs as smooth implicit shapes in millimetres, drawn from a
//! [`medcore::random::Key`]. It can be scanned on any grid: the same patient at 0.7 mm, at 5 mm, oblique
//! or sheared. A [`Cohort`] draws patients together with scan geometries as a hospital would deliver
//! them. [`IntensityBaseline`] says how far intensity alone would take a segmentation. [`radiograph`] has
//! chests, with and without pneumonia, as one projection.
//!
//! ```
//! use medcore::{Geometry, random::Key};
//! use medphantom::{Abdomen, AbdomenOptions, Organ, ScanOptions, field_of_view};
//!
//! let patient = Abdomen::new(Key::new(1).sample(0), &AbdomenOptions::default())?;
//! let grid = field_of_view([24, 30, 40], [10.0, 9.0, 9.0])?;
//! let scan = patient.scan(&grid, &ScanOptions::default())?;
//! let liver = scan.labels.as_slice().iter().filter(|&&l| l == Organ::Liver.label()).count();
//! let litres = liver as f64 * grid.voxel_volume() / 1e6;
//! assert!((0.7..2.6).contains(&litres));
//! # Ok::<(), medphantom::Error>(())
//! ```
//!
//! The anatomy is made up: right in its topology, sizes and CT numbers, of no use for medicine.

#![forbid(unsafe_code)]

mod abdomen;
mod anatomy;
mod baseline;
mod cohort;
mod error;
mod linear;
mod noise;
mod organ;
pub mod radiograph;
mod scan;
mod shape;
mod texture;
mod tissue;
mod warp;

pub use abdomen::{Abdomen, AbdomenOptions};
pub use baseline::{IntensityBaseline, IntensityCounts};
pub use cohort::{Cohort, CohortOptions, Orientation, field_of_view};
pub use error::{Error, Result};
pub use organ::Organ;
pub use scan::{Phantom, ScanOptions};

/// The example of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
