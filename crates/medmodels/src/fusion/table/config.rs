//! The columns of a table in order.

use serde::{Deserialize, Serialize};

use super::column::{Column, setting_of};
use super::error::TableError;
use super::record::Record;

type Result<T> = std::result::Result<T, TableError>;

/// The columns of a table, in the order in which a row has them.
///
/// ```
/// use medmodels::fusion::table::{NumericColumn, Record, TableConfig, TableError};
///
/// let ages = [50.0, 60.0, 70.0].map(|age| Record::new().with("age", age));
/// let config = TableConfig::new().with(NumericColumn::new("age", 0.0, 1.0));
/// let fitted = config.fitted(&ages)?;
/// let json = serde_json::to_value(&fitted).expect("a table is data");
/// assert_eq!(json["columns"][0]["mean"], 60.0);
/// assert_eq!(json["columns"][0]["kind"], "numeric");
/// # Ok::<(), TableError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TableConfig {
    /// The columns.
    pub columns: Vec<Column>,
}

impl TableConfig {
    /// A table without columns.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column behind the others.
    #[must_use]
    pub fn with(mut self, column: impl Into<Column>) -> Self {
        self.columns.push(column.into());
        self
    }

    /// The entries of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.iter().map(Column::width).sum()
    }

    /// Says whether such a table exists.
    ///
    /// # Errors
    /// Refuses a table without columns, names that are empty, have dots or are there twice, means, standard deviations and
    /// ranges that are none, and categories without levels.
    pub fn check(&self) -> Result<()> {
        if self.columns.is_empty() {
            return Err(TableError::NoColumns);
        }
        for (i, column) in self.columns.iter().enumerate() {
            column.check()?;
            let name = column.name();
            if self.columns[..i].iter().any(|other| other.name() == name) {
                let rule = "of one column only";
                return Err(setting_of(name, "name", rule, format!("{name:?}")));
            }
        }
        Ok(())
    }

    /// That a record says nothing of columns that are not there.
    pub(super) fn check_names(&self, record: &Record) -> Result<()> {
        let known = |name: &str| self.columns.iter().any(|column| column.name() == name);
        match record.iter().find(|(name, _)| !known(name)) {
            None => Ok(()),
            Some((name, value)) => Err(TableError::UnknownColumn {
                name: name.to_owned(),
                value: value.to_string(),
                columns: self.columns.iter().map(|c| c.name().to_owned()).collect(),
            }),
        }
    }

    /// The same table with the means and standard deviations of these records, those of training; values that are missing
    /// do not count, and the standard deviation is that of the population, as scikit-learn's `StandardScaler` has it.
    ///
    /// # Errors
    /// Refuses no records, records that [`TableEncoder::row`](super::TableEncoder::row) refuses, and a column in which all
    /// values are equal.
    pub fn fitted(&self, records: &[Record]) -> Result<Self> {
        if records.is_empty() {
            return Err(TableError::NoRecords);
        }
        let mut fitted = self.clone();
        for column in &mut fitted.columns {
            if let Column::Numeric(column) = column {
                // What stands there is replaced, so it need not be in range.
                (column.mean, column.std) = (0.0, 1.0);
            }
        }
        fitted.check()?;
        each(records, |record| {
            fitted.check_names(record)?;
            let mut row = Vec::with_capacity(fitted.width());
            let mut columns = fitted.columns.iter();
            columns.try_for_each(|column| column.push(record.get(column.name()), &mut row))
        })?;
        for column in &mut fitted.columns {
            let Column::Numeric(column) = column else {
                continue;
            };
            let mut present = Vec::with_capacity(records.len());
            for record in records {
                present.extend(column.number(record.get(&column.name))?);
            }
            let count = present.len() as f64;
            let mean = present.iter().sum::<f64>() / count;
            let square = present.iter().map(|number| (number - mean).powi(2));
            let std = (square.sum::<f64>() / count).sqrt();
            let equal = present.windows(2).all(|pair| pair[0] == pair[1]);
            if equal || !(std > 0.0 && std.is_finite()) {
                return Err(TableError::NoSpread {
                    column: column.name.clone(),
                    present: present.len(),
                });
            }
            (column.mean, column.std) = (mean, std);
        }
        Ok(fitted)
    }
}

/// Does something with each record and says with which it failed.
pub(super) fn each(records: &[Record], mut work: impl FnMut(&Record) -> Result<()>) -> Result<()> {
    let mut records = records.iter().enumerate();
    records.try_for_each(|(index, record)| {
        work(record).map_err(|cause| TableError::Record {
            index,
            cause: Box::new(cause),
        })
    })
}
