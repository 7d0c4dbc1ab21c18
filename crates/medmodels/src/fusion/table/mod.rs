//! Patient data as numbers: what columns there are, what a record says, and the row that a network reads.
//!
//! A [`TableConfig`] names the columns in order. It is data, kept beside the weights, so that what was learned from a column
//! is never fed with another. A [`Record`] says by name what is known of one patient. A [`TableEncoder`] turns records into
//! rows:
//!
//! | column | entries of the row |
//! | --- | --- |
//! | number | `(value - mean) / std`; where the column is optional, one more that is 1 if the value is missing |
//! | category | one for each level, 1 at the one there is; where the column is optional, one more that is 1 if it is missing |
//!
//! A missing number is 0, which is the mean, and its second entry says that it is none. What the encoder cannot say
//! (a name that is no column's, a level that is not listed, a number that is none or outside the range of its column, a
//! missing value where one is required) is a [`TableError`] with the column and the value; nothing is filled in without a
//! trace.
//!
//! ```
//! use medmodels::fusion::table::{
//!     CategoricalColumn, NumericColumn, Record, TableConfig, TableEncoder, TableError,
//! };
//!
//! let config = TableConfig::new()
//!     .with(NumericColumn::new("age", 60.0, 10.0).with_unit("years"))
//!     .with(NumericColumn::new("hba1c", 7.0, 2.0).with_unit("%").optional())
//!     .with(CategoricalColumn::new("sex", ["f", "m"]));
//! let encoder = TableEncoder::new(config)?;
//! let record = Record::new().with("age", 75.0).with("sex", "m");
//! assert_eq!(encoder.entries(), ["age", "hba1c", "hba1c missing", "sex: f", "sex: m"]);
//! assert_eq!(encoder.row(&record)?, [1.5, 0.0, 1.0, 0.0, 1.0]);
//! let error = encoder.row(&Record::new().with("sex", "m")).unwrap_err();
//! assert!(matches!(error, TableError::Missing { column } if column == "age"));
//! # Ok::<(), TableError>(())
//! ```

mod column;
mod config;
mod encoder;
mod error;
mod record;

pub use column::{CategoricalColumn, Column, NumericColumn};
pub use config::TableConfig;
pub use encoder::TableEncoder;
pub use error::TableError;
pub use record::{Record, Value};
