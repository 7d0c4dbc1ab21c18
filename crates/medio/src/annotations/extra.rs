//! What a file says and the model has no word for: kept as it stands, and written again by its format.

use std::borrow::Cow;

use serde_json::Value;

use super::fault::{Fault, Problem};
use super::xml::Element;

/// Small elements take more memory than text.
const MAX_KEPT: usize = 16_384;

/// The annotation formats that are read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// COCO JSON.
    Coco,
    /// YOLO text files.
    Yolo,
    /// Pascal VOC XML.
    PascalVoc,
    /// CVAT XML 1.1 for images.
    Cvat,
    /// Label Studio JSON.
    LabelStudio,
    /// LabelMe JSON.
    LabelMe,
}

impl Format {
    /// Its usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Coco => "COCO",
            Self::Yolo => "YOLO",
            Self::PascalVoc => "Pascal VOC",
            Self::Cvat => "CVAT",
            Self::LabelStudio => "Label Studio",
            Self::LabelMe => "LabelMe",
        }
    }
}

/// Keys and values of one format, verbatim: JSON text, or for XML an attribute (`@name`) or an element.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extra {
    format: Option<Format>,
    entries: Vec<(String, String)>,
}

impl Extra {
    /// Nothing yet, of a format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        Self {
            format: Some(format),
            entries: Vec::new(),
        }
    }

    /// The format whose keys these are, if there are any.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        self.format.filter(|_| !self.entries.is_empty())
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keys and their verbatim text, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// The verbatim text of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| *k == key).map(|(_, v)| v)
    }

    /// The value of a key of a JSON format.
    #[must_use]
    pub fn json(&self, key: &str) -> Option<Value> {
        serde_json::from_str(self.get(key)?).ok()
    }

    /// Sets a key of a JSON format.
    pub fn set_json(&mut self, key: &str, value: &Value) {
        self.put(key, value.to_string());
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) {
        self.entries.retain(|(k, _)| k != key);
    }

    /// What `format` may write as it stands.
    pub(super) fn of(&self, format: Format) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter(move |_| self.format == Some(format))
    }

    /// Whether it comes from a file of `format`, even with nothing in it.
    pub(super) fn is_of(&self, format: Format) -> bool {
        self.format == Some(format)
    }

    /// The attributes of an XML element that `format` may write as they stand.
    pub(super) fn xml_attributes(
        &self,
        format: Format,
    ) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        let named = |(key, value)| Some((str::strip_prefix(key, '@')?, Cow::Borrowed(value)));
        self.of(format).filter_map(named)
    }

    /// The elements inside an XML element that `format` may write as they stand.
    pub(super) fn xml_elements(&self, format: Format) -> impl Iterator<Item = (&str, &str)> {
        self.of(format).filter(|(key, _)| !key.starts_with('@'))
    }

    /// The text of a key of `format`.
    pub(super) fn text(&self, format: Format, key: &str) -> Option<&str> {
        self.of(format).find(|(k, _)| *k == key).map(|(_, v)| v)
    }

    /// Sets a key; the text must be valid in the format.
    pub(super) fn put(&mut self, key: &str, text: String) {
        match self.entries.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => *old = text,
            None => self.entries.push((key.to_owned(), text)),
        }
    }

    /// Adds an element that the model has no word for, unless there are more than any file has.
    pub(super) fn keep(&mut self, element: &Element<'_>) -> Result<(), Fault> {
        if self.entries.len() >= MAX_KEPT {
            let rule = "one of at most 16384 elements of unknown kinds";
            return Err(element.fault(Problem::expected(rule, "one more")));
        }
        self.push(element.name.clone(), element.raw().to_owned());
        Ok(())
    }

    /// Adds a key that may be there already, as elements may.
    pub(super) fn push(&mut self, key: String, text: String) {
        self.entries.push((key, text));
    }
}
