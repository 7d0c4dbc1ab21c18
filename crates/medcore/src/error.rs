//! What can go wrong with images and their geometry.

use std::path::PathBuf;

use crate::geometry::GeometryMismatch;

/// The result of a fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an image, a geometry or an operation on them was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The distance between voxels along one axis is zero, negative, NaN or infinite.
    #[error("spacing of axis {axis} must be positive and finite, got {spacing}")]
    InvalidSpacing {
        /// Storage axis, slowest first.
        axis: usize,
        /// The refused value in millimetres.
        spacing: f64,
    },
    /// An origin or a step holds a NaN or an infinity.
    #[error("{what} must be finite, got {value}")]
    NotFinite {
        /// What was refused.
        what: &'static str,
        /// The refused value.
        value: f64,
    },
    /// The index axes do not span their space: no index could be told from a place.
    #[error(
        "index axes are linearly dependent: relative volume {relative_volume:e} is below {limit:e}"
    )]
    DegenerateAxes {
        /// Volume of the parallelotope of the unit axes, 1 for orthogonal ones.
        relative_volume: f64,
        /// The smallest accepted value.
        limit: f64,
    },
    /// The number of voxels is not what the shape says.
    #[error("{channels} channels of shape {shape:?} need {expected} voxels, got {got}")]
    VoxelCount {
        /// Number of channels.
        channels: usize,
        /// Spatial shape, slowest axis first.
        shape: Vec<usize>,
        /// Voxels needed.
        expected: usize,
        /// Voxels given.
        got: usize,
    },
    /// A shape has a zero axis, no channel, or more voxels than can be addressed.
    #[error("shape {shape:?} with {channels} channels is empty or too large to address")]
    InvalidShape {
        /// Number of channels.
        channels: usize,
        /// Spatial shape, slowest axis first.
        shape: Vec<usize>,
    },
    /// An array of another shape was given.
    #[error("expected shape {expected:?}, got {got:?}")]
    ShapeMismatch {
        /// The shape that was needed.
        expected: Vec<usize>,
        /// The shape that was given.
        got: Vec<usize>,
    },
    /// Run lengths that are no mask.
    #[error("run lengths must be {rule}, got {got}")]
    InvalidRuns {
        /// The rule that was broken.
        rule: &'static str,
        /// What was given.
        got: String,
    },
    /// Two images that must lie on the same grid do not.
    #[error("the grids differ: {0}")]
    GeometryMismatch(#[from] GeometryMismatch),
    /// A region does not lie inside the image.
    #[error("region {start:?}..{end:?} does not lie inside shape {shape:?}")]
    RegionOutside {
        /// First index of the region.
        start: Vec<usize>,
        /// One past the last index of the region.
        end: Vec<usize>,
        /// Shape of the image.
        shape: Vec<usize>,
    },
    /// An axis code is not three letters, one of each pair L/R, P/A, S/I.
    #[error("orientation must name each of L/R, A/P, S/I once, got {code:?}")]
    InvalidOrientation {
        /// The refused code.
        code: String,
    },
    /// A resource limit would be exceeded.
    #[error("{what} needs {needed} {unit}, the budget has {available}")]
    BudgetExceeded {
        /// What was asked for.
        what: &'static str,
        /// `bytes`, `elements` or `levels`.
        unit: &'static str,
        /// Amount asked for.
        needed: u64,
        /// Amount left.
        available: u64,
    },
    /// The memory for an image could not be had.
    #[error("could not allocate {bytes} bytes for {what}")]
    OutOfMemory {
        /// What was being allocated.
        what: &'static str,
        /// Bytes asked for.
        bytes: u64,
    },
    /// A parameter lies outside its range.
    #[error("{parameter} must be {rule}, got {value}")]
    InvalidParameter {
        /// Name of the parameter.
        parameter: &'static str,
        /// The rule it broke.
        rule: &'static str,
        /// The refused value.
        value: f64,
    },
    /// A table of labels contradicts itself.
    #[error("label table: {problem}")]
    InvalidLabelTable {
        /// What is wrong.
        problem: String,
    },
    /// Millimetres were asked of an image whose millimetres are not known.
    #[error("lengths in millimetres need a calibrated image, this one is {calibration}")]
    Uncalibrated {
        /// What is known of its scale.
        calibration: &'static str,
    },
    /// A file could not be written or mapped.
    #[error("{operation} {path}: {source}")]
    Io {
        /// `create`, `write`, `rename`, `map` ...
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file that stepped aside for a new one could not be given its name back.
    #[error("{source}; what stood at {path} is now at {kept}")]
    SetAside {
        /// Where it belongs.
        path: PathBuf,
        /// Where it is, whole.
        kept: PathBuf,
        /// Why it had to come back.
        #[source]
        source: Box<Self>,
    },
}
