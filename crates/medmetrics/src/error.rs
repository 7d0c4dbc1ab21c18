//! Why a measurement was refused.

/// The result of a fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something could not be measured.
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
    /// Lists that belong together have different lengths.
    #[error("{what} has {got} entries, but {against} has {expected}")]
    Length {
        /// The list that does not fit.
        what: &'static str,
        /// Its length.
        got: usize,
        /// The list it belongs to.
        against: &'static str,
        /// The length of that one.
        expected: usize,
    },
    /// A number among the data breaks a rule.
    #[error("{what} must be {rule}, entry {index} is {value}")]
    InvalidValue {
        /// The list that holds it.
        what: &'static str,
        /// What was broken, such as `a finite number`.
        rule: &'static str,
        /// Its place in the list.
        index: usize,
        /// The refused number.
        value: f64,
    },
    /// There are too few observations for what was asked.
    #[error("{what} needs at least {least} {of}, there are {got}")]
    TooFew {
        /// What was asked for.
        what: &'static str,
        /// What it needs, such as `positive cases`.
        of: &'static str,
        /// How many of them.
        least: usize,
        /// How many there are.
        got: usize,
    },
    /// The data leave a parameter without a finite best value.
    #[error("{what} has no finite best fit: {reason}")]
    NoFit {
        /// What was fitted.
        what: &'static str,
        /// What keeps it from an end.
        reason: &'static str,
    },
    /// An iteration did not reach its end.
    #[error("{what} did not converge in {iterations} iterations")]
    NotConverged {
        /// What was computed.
        what: &'static str,
        /// How many iterations there were.
        iterations: usize,
    },
    /// Two states of a measurement have different settings.
    #[error("cannot merge measurements of different {setting}: {left} and {right}")]
    Incompatible {
        /// The setting.
        setting: &'static str,
        /// Its value in the first state.
        left: String,
        /// Its value in the second state.
        right: String,
    },
    /// A cell does not fit into its column.
    #[error("the cell of column {column:?} in row {row} {rule}")]
    InvalidCell {
        /// Name of the column.
        column: String,
        /// The row, from 0.
        row: usize,
        /// What was broken.
        rule: &'static str,
    },
    /// Masks are to be compared, and an object has none.
    #[error("masks are to be compared, but an annotation or detection of class {class} has none")]
    MissingMask {
        /// The class of the objects that were compared.
        class: u32,
    },
    /// The same case was added to a report twice.
    #[error("case {case:?} is there already")]
    DuplicateCase {
        /// Its identifier.
        case: String,
    },
    /// The images themselves were refused.
    #[error(transparent)]
    Image(#[from] medcore::Error),
}

/// Refuses to put tables of different numbers of labels together.
pub(crate) fn check_table_sizes(left: usize, right: usize) -> Result<()> {
    match left == right {
        true => Ok(()),
        false => Err(Error::TableSize { left, right }),
    }
}
