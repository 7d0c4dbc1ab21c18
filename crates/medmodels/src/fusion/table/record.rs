//! What is known of one patient.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// What a record says of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Value {
    /// A number, in the unit of its column.
    Number(f64),
    /// A level of a category.
    Text(String),
    /// Nothing; `null` in JSON.
    Missing,
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Missing => f.write_str("nothing"),
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<V: Into<Self>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

/// What is known of one patient, by the names of columns; a name that is not there is missing. A file that says a name twice
/// is refused.
///
/// ```
/// use medmodels::fusion::table::{Record, Value};
///
/// let record: Record = serde_json::from_str(r#"{"age": 61, "sex": "f", "hba1c": null}"#)?;
/// assert_eq!(record, Record::new().with("age", 61.0).with("sex", "f").with("hba1c", None::<f64>));
/// assert_eq!(record.get("systolic"), &Value::Missing);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Record {
    values: BTreeMap<String, Value>,
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

/// Reads names and what is known under them; a map of itself would keep the last of a name and drop the others.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record: names of columns and their values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut record = Record::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if record.values.contains_key(&name) {
                return Err(A::Error::custom(format!("{name:?} is there twice")));
            }
            record.values.insert(name, value);
        }
        Ok(record)
    }
}

impl Record {
    /// A record that says nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces what it says of a column.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.values.insert(name.into(), value.into());
        self
    }

    /// What it says of a column.
    #[must_use]
    pub fn get(&self, name: &str) -> &Value {
        self.values.get(name).unwrap_or(&Value::Missing)
    }

    /// All it says, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        { self.values.iter() }.map(|(name, value)| (name.as_str(), value))
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Record {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(values: I) -> Self {
        { values.into_iter() }.fold(Self::new(), |record, (name, value)| {
            record.with(name, value)
        })
    }
}
