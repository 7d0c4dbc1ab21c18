//! Preprocessing and augmentation for 2D and 3D medical images.
//!
//! * [`Preprocess`] brings a scan onto the grid and the scale a network was trained on, and returns a
//!   [`Trace`] that leads predictions back to the scan's own grid.
//! * [`PatchPipeline`] draws augmented training patches from a [`Case`]: the place by class balance, then
//!   rotation, scaling and mirroring of image and labels in one resampling, then intensities.
//! * Every transform is a pair: an [`Operation`] whose numbers are all known ([`Gamma`], [`Flip`]), and a twin that draws
//!   them ([`RandomGamma`], [`RandomFlip`]). Both are plain data with names, steps of a [`Compose`].
//! * A [`Compose`] reads moves that stand in a row at once through one [`Warp`], for image, labels, boxes, points and
//!   layers of a [`Sample`] alike, and can keep a [`Record`] of what was drawn, to be done again or led back.
//!
//! Random numbers come from a [`Key`](medcore::random::Key) that names them, and sums are taken in chunks of a
//! fixed size, so the same key gives the same bytes with any number of threads.

mod array;
mod artefact;
mod colour;
mod compose;
mod crop;
mod deformation;
mod derived;
mod draw;
mod error;
mod histogram;
mod intensity;
mod local;
mod math;
mod mixing;
mod on;
mod operation;
mod parallel;
mod patch;
mod policy;
mod post;
mod preprocess;
pub mod preset;
mod raw_grid;
mod resize;
mod sample;
mod spatial;
mod step;
mod transform;
mod warp;

/// The example of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use artefact::*;
pub use colour::*;
pub use compose::{Compose, OneOf, RandomOrder, Record, Sequence, SomeOf, Sometimes};
pub use crop::*;
pub use deformation::{
    AxisTables, Deformation, DisplacementLattice, Homography, Kernel, LatticeGrid, Radial,
};
pub use derived::*;
pub use draw::{Channels, Draw};
pub use error::{Error, Result};
pub use histogram::*;
pub use intensity::*;
pub use local::*;
pub use medcore;
pub use mixing::*;
pub use on::{On, Target};
pub use operation::{Channel, ChannelOperation, PerChannel, SampleOperation, SpatialOperation};
pub use patch::{
    BatchSlot, Case, ClassLocations, ClassVoxels, GridSplit, Guide, LesionLocations, LesionVoxels,
    PatchChoice, PatchGrid, PatchPipeline, PatchSampler, Placement, WeightMap, oversampled,
    repeat_factors,
};
pub use policy::*;
pub use post::*;
pub use preprocess::{
    CaseFingerprint, Fingerprint, Foreground, ForegroundRule, GridRule, IntensityStatistics,
    MemoryModel, Modality, NetworkKind, Padding, Plan, PlannedConfiguration, PlannedNetwork,
    Planner, Preprocess, PreprocessOrder, Preprocessed, SliceDistance, Trace, foreground_region,
};
pub use resize::*;
pub use sample::{
    BoxRule, Boxes, Contents, LabelledBox, LabelledPoint, Layer, Layers, LazySample, Points,
    Sample, TurnedBox,
};
pub use spatial::*;
pub use step::{Operation, Step};
pub use transform::{RandomChannels, Transform};
pub use warp::{Reading, Warp};
