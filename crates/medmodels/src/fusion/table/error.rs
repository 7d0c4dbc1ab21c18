//! What can be wrong with a table or a record.

/// Why a table or a record was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// A table has no columns.
    #[error("a table must have at least one column")]
    NoColumns,
    /// A setting of a column is out of range.
    #[error("column {column:?}: {setting} must be {rule}, got {value}")]
    Setting {
        /// The column.
        column: String,
        /// The name of the setting.
        setting: &'static str,
        /// What is needed.
        rule: &'static str,
        /// The value given.
        value: String,
    },
    /// A record says something of a column that the table does not have.
    #[error("there is no column {name:?}, of which the record says {value}; columns: {}", columns.join(", "))]
    UnknownColumn {
        /// The name in the record.
        name: String,
        /// What it says there.
        value: String,
        /// The columns of the table.
        columns: Vec<String>,
    },
    /// A record says nothing of a column that is not optional.
    #[error("column {column:?} is not optional and its value is missing")]
    Missing {
        /// The column.
        column: String,
    },
    /// A record has a level that a column does not list.
    #[error("column {column:?} has no level {level:?}; levels: {}", levels.join(", "))]
    UnknownLevel {
        /// The column.
        column: String,
        /// The level in the record.
        level: String,
        /// The levels of the column.
        levels: Vec<String>,
    },
    /// A record has a number where a level belongs, or a text where a number belongs.
    #[error("column {column:?} needs {expected}, got {value}")]
    Kind {
        /// The column.
        column: String,
        /// What belongs there.
        expected: &'static str,
        /// The value in the record.
        value: String,
    },
    /// A number is infinite or none.
    #[error("column {column:?} needs a finite number, got {value}")]
    NotFinite {
        /// The column.
        column: String,
        /// The value, as the record or the row has it.
        value: String,
    },
    /// A number is none that a patient can have, by the range of its column.
    #[error("column {column:?} needs {} to {}{}, got {value}", range[0], range[1], of_unit(unit.as_deref()))]
    OutOfRange {
        /// The column.
        column: String,
        /// The value in the record.
        value: f64,
        /// The smallest and the largest value of the column.
        range: [f64; 2],
        /// Their unit, where it is known.
        unit: Option<String>,
    },
    /// A column cannot be standardised by records in which its values are all equal or missing.
    #[error("column {column:?} has no spread: {present} values, all equal or none")]
    NoSpread {
        /// The column.
        column: String,
        /// Records that have a value there.
        present: usize,
    },
    /// One of several records was refused.
    #[error("record {index}: {cause}")]
    Record {
        /// Its place, counted from zero.
        index: usize,
        /// What is wrong with it.
        cause: Box<Self>,
    },
    /// There are no records to encode or to learn from.
    #[error("there are no records")]
    NoRecords,
}

fn of_unit(unit: Option<&str>) -> String {
    unit.map_or(String::new(), |unit| format!(" {unit}"))
}
