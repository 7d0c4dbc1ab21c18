//! What can go wrong between an image and its segmentation.

use std::path::PathBuf;

/// The result of a fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a prediction could not be set up or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of range.
    #[error("{setting} must be {rule}, got {value}")]
    Setting {
        /// The name of the setting.
        setting: &'static str,
        /// What is needed.
        rule: &'static str,
        /// The value given.
        value: String,
    },
    /// A window has another number of axes than the image, and is no slice of it either.
    #[error("a window {roi:?} does not fit an image with {axes} spatial axes")]
    WindowRank {
        /// The window.
        roi: Vec<usize>,
        /// Spatial axes of the image.
        axes: usize,
    },
    /// The network gave something else than one value for every class and voxel of its window.
    #[error(
        "the network must return {expected:?} ([batch, classes, ...window]; 0 classes: any), got {got:?}"
    )]
    OutputShape {
        /// The shape needed.
        expected: Vec<usize>,
        /// The shape the network returned.
        got: Vec<usize>,
    },
    /// The network gave a value that is not a number or infinite.
    #[error(
        "the network returned {value} for class {class} in the window that starts at {start:?}"
    )]
    NotFinite {
        /// The value.
        value: f32,
        /// The class.
        class: usize,
        /// First voxel of the window; negative where it reaches into the padding.
        start: Vec<isize>,
    },
    /// The rule that makes labels does not fit the number of outputs of the network.
    #[error("the rule for labels is for {expected} classes, the network has {got}")]
    Classes {
        /// Classes the rule needs.
        expected: String,
        /// Classes the network gives.
        got: usize,
    },
    /// A target grid is turned against the network's by something else than flips and swaps of axes.
    #[error(
        "labels can be mapped to a grid with permuted, flipped, scaled or shifted axes only, got the matrix {matrix:?}"
    )]
    ObliqueGrid {
        /// The linear part of the map from target to source indices, row after row.
        matrix: Vec<f64>,
    },
    /// The image has another number of channels than the network.
    #[error("the network takes {expected} channels, the image has {got}")]
    Channels {
        /// Channels the network takes.
        expected: usize,
        /// Channels of the image.
        got: usize,
    },
    /// An image has other extents than the network was trained on.
    #[error("the network takes images of {expected:?}, the prepared image has {got:?}")]
    Extent {
        /// Extents the description gives, slowest axis first.
        expected: Vec<usize>,
        /// Extents of the image.
        got: Vec<usize>,
    },
    /// A configuration could not be understood.
    #[error("configuration {path:?}: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of a bundle is missing, altered, unexpected or malformed.
    #[error("bundle: {path:?}: {problem}")]
    Bundle {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A model gives another answer on this machine than where it was made.
    #[error("bundle: {path:?}: {answer} differ by {difference}, at most {tolerance} is expected")]
    Golden {
        /// The golden case.
        path: PathBuf,
        /// Which part of the answer.
        answer: String,
        /// The largest difference; infinite where shapes differ.
        difference: f64,
        /// The largest that is allowed.
        tolerance: f64,
    },
    /// A file could not be read.
    #[error("{path:?}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A result cannot be explained in the way asked for.
    #[error("an explanation needs that {rule}, got {got}")]
    Explanation {
        /// What is needed.
        rule: &'static str,
        /// What there is.
        got: String,
    },
    /// An image was refused.
    #[error(transparent)]
    Image(#[from] medcore::Error),
    /// A scan could not be prepared.
    #[error(transparent)]
    Preparation(#[from] medaug::Error),
    /// A number that measures or calibrates was refused.
    #[error(transparent)]
    Measurement(#[from] medmetrics::Error),
    /// A network could not be built.
    #[error(transparent)]
    Architecture(#[from] medmodels::Error),
    /// The network failed.
    #[error(transparent)]
    Network(#[from] mednn::Error),
}
