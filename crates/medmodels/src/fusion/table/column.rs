//! The columns of a table.

use serde::{Deserialize, Serialize};

use super::error::TableError;
use super::record::Value;

type Result<T> = std::result::Result<T, TableError>;

/// A column of numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NumericColumn {
    /// The name, by which records and parameters know it.
    pub name: String,
    /// The mean, which becomes 0.
    pub mean: f64,
    /// The standard deviation, which becomes 1.
    pub std: f64,
    /// The unit of mean, standard deviation and values, for people.
    #[serde(default)]
    pub unit: Option<String>,
    /// The smallest and the largest value that a patient can have; others are refused, as they are of another unit or typed
    /// wrongly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// Whether values may be missing.
    #[serde(default)]
    pub optional: bool,
}

impl NumericColumn {
    /// A column in which every record has a number.
    #[must_use]
    pub fn new(name: impl Into<String>, mean: f64, std: f64) -> Self {
        Self {
            name: name.into(),
            mean,
            std,
            unit: None,
            range: None,
            optional: false,
        }
    }

    /// Sets the unit.
    #[must_use]
    pub fn with_unit(self, unit: impl Into<String>) -> Self {
        Self {
            unit: Some(unit.into()),
            ..self
        }
    }

    /// Sets the smallest and the largest value that a patient can have.
    ///
    /// ```
    /// use medmodels::fusion::table::{NumericColumn, Record, TableConfig, TableEncoder, TableError};
    ///
    /// let hba1c = NumericColumn::new("hba1c", 7.4, 1.6).with_unit("%").with_range(3.0, 20.0);
    /// let encoder = TableEncoder::new(TableConfig::new().with(hba1c))?;
    /// // 7.4 %, but in mmol/mol.
    /// let error = encoder.row(&Record::new().with("hba1c", 57.0)).unwrap_err();
    /// assert_eq!(error.to_string(), "column \"hba1c\" needs 3 to 20 %, got 57");
    /// # Ok::<(), TableError>(())
    /// ```
    #[must_use]
    pub fn with_range(self, low: f64, high: f64) -> Self {
        Self {
            range: Some([low, high]),
            ..self
        }
    }

    /// Lets values be missing.
    #[must_use]
    pub fn optional(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }

    /// The number that a record has here, if it has one.
    pub(super) fn number(&self, value: &Value) -> Result<Option<f64>> {
        match value {
            Value::Missing if self.optional => Ok(None),
            Value::Missing => Err(missing(&self.name)),
            Value::Number(number) if number.is_finite() => self.in_range(*number).map(Some),
            Value::Number(number) => Err(TableError::NotFinite {
                column: self.name.clone(),
                value: number.to_string(),
            }),
            Value::Text(_) => Err(kind(&self.name, "a number", value)),
        }
    }

    fn in_range(&self, number: f64) -> Result<f64> {
        match self.range {
            Some([low, high]) if !(low..=high).contains(&number) => Err(TableError::OutOfRange {
                column: self.name.clone(),
                value: number,
                range: [low, high],
                unit: self.unit.clone(),
            }),
            _ => Ok(number),
        }
    }

    fn check(&self) -> Result<()> {
        if let Some([low, high]) = self.range
            && !(low < high && low.is_finite() && high.is_finite())
        {
            let value = format!("{low} to {high}");
            let rule = "from a finite value to a larger one";
            return Err(setting_of(&self.name, "range", rule, value));
        }
        let refuse = |setting, rule, value: f64| {
            Err(setting_of(&self.name, setting, rule, value.to_string()))
        };
        if !self.mean.is_finite() {
            return refuse("mean", "finite", self.mean);
        }
        if !(self.std > 0.0 && self.std.is_finite()) {
            return refuse("std", "above 0 and finite", self.std);
        }
        Ok(())
    }

    fn push(&self, value: &Value, row: &mut Vec<f32>) -> Result<()> {
        let number = self.number(value)?;
        let standardised = number.map_or(0.0, |number| (number - self.mean) / self.std) as f32;
        if !standardised.is_finite() {
            return Err(TableError::NotFinite {
                column: self.name.clone(),
                value: format!("{value}, standardised {standardised}"),
            });
        }
        row.push(standardised);
        if self.optional {
            row.push(f32::from(number.is_none()));
        }
        Ok(())
    }
}

/// A column of categories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CategoricalColumn {
    /// The name, by which records and parameters know it.
    pub name: String,
    /// The levels, compared letter by letter.
    pub levels: Vec<String>,
    /// Whether values may be missing.
    #[serde(default)]
    pub optional: bool,
}

impl CategoricalColumn {
    /// A column in which every record has one of these levels.
    #[must_use]
    pub fn new<L: Into<String>>(
        name: impl Into<String>,
        levels: impl IntoIterator<Item = L>,
    ) -> Self {
        Self {
            name: name.into(),
            levels: levels.into_iter().map(Into::into).collect(),
            optional: false,
        }
    }

    /// Lets values be missing.
    #[must_use]
    pub fn optional(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }

    fn check(&self) -> Result<()> {
        let repeats = |(i, level): (usize, &String)| self.levels[..i].contains(level);
        let twice = self.levels.iter().enumerate().any(repeats);
        if self.levels.is_empty() || twice || self.levels.iter().any(String::is_empty) {
            let value = format!("{:?}", self.levels);
            let rule = "at least one text, each once, none empty";
            return Err(setting_of(&self.name, "levels", rule, value));
        }
        Ok(())
    }

    fn push(&self, value: &Value, row: &mut Vec<f32>) -> Result<()> {
        let found = match value {
            Value::Missing if self.optional => None,
            Value::Missing => return Err(missing(&self.name)),
            Value::Number(_) => return Err(kind(&self.name, "a level", value)),
            Value::Text(text) => {
                let place = self.levels.iter().position(|level| level == text);
                let unknown = || TableError::UnknownLevel {
                    column: self.name.clone(),
                    level: text.clone(),
                    levels: self.levels.clone(),
                };
                Some(place.ok_or_else(unknown)?)
            }
        };
        row.extend((0..self.levels.len()).map(|level| f32::from(Some(level) == found)));
        if self.optional {
            row.push(f32::from(found.is_none()));
        }
        Ok(())
    }
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Column {
    /// Numbers.
    Numeric(NumericColumn),
    /// Categories.
    Categorical(CategoricalColumn),
}

impl From<NumericColumn> for Column {
    fn from(column: NumericColumn) -> Self {
        Self::Numeric(column)
    }
}

impl From<CategoricalColumn> for Column {
    fn from(column: CategoricalColumn) -> Self {
        Self::Categorical(column)
    }
}

impl Column {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Numeric(column) => &column.name,
            Self::Categorical(column) => &column.name,
        }
    }

    /// Whether values may be missing.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        match self {
            Self::Numeric(column) => column.optional,
            Self::Categorical(column) => column.optional,
        }
    }

    /// The entries it has in a row.
    #[must_use]
    pub fn width(&self) -> usize {
        let values = match self {
            Self::Numeric(_) => 1,
            Self::Categorical(column) => column.levels.len(),
        };
        values + usize::from(self.is_optional())
    }

    /// What its entries stand for.
    pub(super) fn entries(&self) -> Vec<String> {
        let mut entries = match self {
            Self::Numeric(column) => vec![column.name.clone()],
            Self::Categorical(column) => {
                let level = |level| format!("{}: {level}", column.name);
                column.levels.iter().map(level).collect()
            }
        };
        if self.is_optional() {
            entries.push(format!("{} missing", self.name()));
        }
        entries
    }

    /// Adds its entries to a row.
    pub(super) fn push(&self, value: &Value, row: &mut Vec<f32>) -> Result<()> {
        match self {
            Self::Numeric(column) => column.push(value, row),
            Self::Categorical(column) => column.push(value, row),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let name = self.name();
        if name.is_empty() || name.contains('.') {
            let rule = "not empty and without dots, as parts of names of parameters are";
            return Err(setting_of(name, "name", rule, format!("{name:?}")));
        }
        match self {
            Self::Numeric(column) => column.check(),
            Self::Categorical(column) => column.check(),
        }
    }
}

pub(super) fn setting_of(
    column: &str,
    setting: &'static str,
    rule: &'static str,
    value: String,
) -> TableError {
    TableError::Setting {
        column: column.to_owned(),
        setting,
        rule,
        value,
    }
}

fn missing(column: &str) -> TableError {
    TableError::Missing {
        column: column.to_owned(),
    }
}

fn kind(column: &str, expected: &'static str, value: &Value) -> TableError {
    TableError::Kind {
        column: column.to_owned(),
        expected,
        value: value.to_string(),
    }
}
