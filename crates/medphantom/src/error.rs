//! What can go wrong when a phantom is drawn, scanned or compared.

/// The result of a fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a phantom, a scan or a baseline was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option lies outside its range.
    #[error("{option} must be {rule}, got {value}")]
    InvalidOption {
        /// Name of the option.
        option: &'static str,
        /// The rule it broke.
        rule: &'static str,
        /// The refused value.
        value: f64,
    },
    /// An image and its label map do not have the same number of voxels.
    #[error("case {case} has {image} voxels and {labels} labels")]
    CaseMismatch {
        /// Position of the case, from 0.
        case: usize,
        /// Voxels of the image.
        image: usize,
        /// Voxels of the label map.
        labels: usize,
    },
    /// A label names no class of the table being fitted.
    #[error("case {case} holds label {label}, the classes are 0..{classes}")]
    UnknownLabel {
        /// Position of the case, from 0.
        case: usize,
        /// The refused label.
        label: u32,
        /// Number of classes, background included.
        classes: usize,
    },
    /// A baseline was to be fitted on nothing.
    #[error("an intensity baseline needs at least one case")]
    NoCases,
    /// The grid or the volume itself was refused.
    #[error(transparent)]
    Core(#[from] medcore::Error),
}
