//! Why a measurement was refused.

/// The result of a fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why two segmentations could not be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The two label maps do not lie on the same grid.
    #[error("the reference and the prediction lie on different grids: {0}")]
    GeometryMismatch(#[from] medcore::GeometryMismatch),
    /// A label has no class.
    #[error("{side} holds label {label}, but only labels below {classes} were declared")]
    UnknownLabel {
        /// `reference` or `prediction`.
        side: &'static str,
        /// The label found.
        label: u32,
        /// Number of labels declared.
        classes: usize,
    },
    /// Two tables of counts have different numbers of labels.
    #[error("a table of {left} labels cannot be merged with one of {right}")]
    TableSize {
        /// Labels of the first table.
        left: usize,
        /// Labels of the second table.
        right: usize,
    },
    /// A table of labels is too large, or a structure is declared wrongly.
    #[error("structure {name:?}: {rule}")]
    InvalidStructure {
        /// The structure's name.
        name: String,
        /// What was broken.
        rule: &'static str,
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
    /// The same case was added to a report twice.
    #[error("case {case:?} is already in the report")]
    DuplicateCase {
        /// Its identifier.
        case: String,
    },
    /// The images themselves were refused.
    #[error(transparent)]
    Image(#[from] medcore::Error),
}
