//! `dataset.json`: read inside limits, every complaint with its key.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::LabelTable;
use super::ordered::Ordered;
use crate::error::{Error, Result};
use crate::relative;

/// Larger descriptions are refused; a thousand cases need a tenth of a megabyte.
const MAX_BYTES: u64 = 32 << 20;

/// A parsed description and the file it came from.
pub(super) struct Description {
    pub path: PathBuf,
    fields: Map<String, Value>,
    labels: Ordered,
}

/// The part of a description whose order counts.
#[derive(Default, Deserialize)]
struct Declared {
    #[serde(default)]
    labels: Ordered,
}

impl Description {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
            .map_err(Error::io("read", path))?;
        let invalid = |problem| Error::InvalidDescription {
            path: path.to_owned(),
            field: "(whole file)".to_owned(),
            problem,
        };
        if text.len() as u64 > MAX_BYTES {
            return Err(invalid(format!("is larger than {MAX_BYTES} bytes")));
        }
        match serde_json::from_str(&text) {
            Ok(Value::Object(fields)) => Ok(Self {
                path: path.to_owned(),
                fields,
                // Labels that are no object are named where they are asked for.
                labels: serde_json::from_str::<Declared>(&text)
                    .unwrap_or_default()
                    .labels,
            }),
            Ok(_) => Err(invalid("is not a JSON object".to_owned())),
            Err(e) => Err(invalid(format!("is not JSON: {e}"))),
        }
    }

    /// All keys with their values.
    pub(super) fn into_fields(self) -> Map<String, Value> {
        self.fields
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    pub(super) fn invalid(&self, field: impl Into<String>, problem: impl Into<String>) -> Error {
        Error::InvalidDescription {
            path: self.path.clone(),
            field: field.into(),
            problem: problem.into(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Result<&Value> {
        self.fields
            .get(key)
            .ok_or_else(|| self.invalid(key, "is missing"))
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key).and_then(Value::as_str)
    }

    pub(super) fn object(&self, key: &str) -> Result<&Map<String, Value>> {
        let value = self.get(key)?;
        value
            .as_object()
            .ok_or_else(|| self.invalid(key, format!("must be an object, got {value}")))
    }

    /// The object `labels` in the order of the file.
    pub(super) fn labels(&self) -> Result<&[(String, Value)]> {
        self.object("labels")?;
        Ok(&self.labels.0)
    }

    /// Names under the keys "0", "1", ...: channels.
    pub(super) fn channels(&self, key: &str) -> Result<Vec<String>> {
        let object = self.object(key)?;
        if object.is_empty() {
            return Err(self.invalid(key, "names no channel"));
        }
        (0..object.len())
            .map(|i| {
                let name = object.get(&i.to_string()).and_then(Value::as_str);
                name.map(str::to_owned)
                    .ok_or_else(|| self.invalid(format!("{key}.{i}"), "must be a channel's name"))
            })
            .collect()
    }

    /// A label table from (name, values), background checked and removed, "ignore" set apart.
    ///
    /// Classes are put in the order of their values; regions keep theirs, which `regions_class_order` goes by.
    pub(super) fn table(&self, named: Vec<(String, Vec<u32>)>) -> Result<LabelTable> {
        let mut entries = Vec::new();
        let mut ignore = None;
        for (name, values) in named {
            match (name.as_str(), values.as_slice()) {
                ("ignore", &[value]) => ignore = Some(value),
                ("ignore", _) => {
                    return Err(self.invalid("labels.ignore", "must be one value"));
                }
                (_, [0]) => {}
                _ => entries.push((name, values)),
            }
        }
        if entries.iter().all(|(_, values)| values.len() == 1) {
            entries.sort_by(|(_, a), (_, b)| a.cmp(b));
        }
        LabelTable::new(entries)
            .and_then(|table| match ignore {
                Some(value) => table.with_ignore(value),
                None => Ok(table),
            })
            .map_err(|e| self.invalid("labels", e.to_string()))
    }

    /// A relative path of the description, inside its folder.
    pub(super) fn inside(&self, field: &str, value: &Value) -> Result<PathBuf> {
        let Some(text) = value.as_str() else {
            return Err(self.invalid(field, format!("must be a path, got {value}")));
        };
        let escapes = || Error::PathEscapes {
            path: self.path.clone(),
            field: field.to_owned(),
            value: text.to_owned(),
        };
        let folder = self.path.parent().unwrap_or(Path::new(""));
        relative::inside(folder, text).ok_or_else(escapes)
    }
}
