//! Elements and their values.

use super::super::fault::Fault;
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::character_set::CharacterSet;
use super::{Dataset, number};

/// An attribute with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    tag: Tag,
    vr: Vr,
    value: Value,
}

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Bytes: text, or numbers in little-endian order.
    Bytes(Box<[u8]>),
    /// Items of a sequence.
    Items(Vec<Dataset>),
    /// Encapsulated pixel data: the basic offset table, then fragments (PS3.5 annex A.4).
    Fragments(Vec<Box<[u8]>>),
    /// A large value that was left in its file.
    Deferred(Box<Deferred>),
    /// A large value that is elsewhere (`BulkDataURI` of PS3.18 annex F).
    Uri(Box<str>),
}

/// Where a value lies that was left in its file.
#[derive(Debug, Clone, PartialEq)]
pub struct Deferred {
    /// First byte, in the inflated dataset if that is deflated.
    pub offset: u64,
    /// Bytes; of an encapsulated value, with the headers of its fragments.
    pub length: u64,
    /// Encapsulated values: the basic offset table, then fragments.
    pub fragments: Option<Vec<Fragment>>,
    /// Whether numbers are big-endian there.
    pub big_endian: bool,
}

/// Where one fragment lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// First byte, in the inflated dataset if that is deflated.
    pub offset: u64,
    /// Bytes.
    pub length: u32,
}

impl Element {
    /// An attribute with its value.
    #[must_use]
    pub fn new(tag: Tag, vr: Vr, value: Value) -> Self {
        Self { tag, vr, value }
    }

    /// An attribute of numbers; decimal strings get the nearest number of at most 16 characters.
    ///
    /// # Errors
    /// Refuses representations that hold no numbers, and numbers that do not fit.
    pub fn from_floats(tag: Tag, vr: Vr, values: &[f64]) -> Result<Self, Fault> {
        let bytes = number::encode_floats(tag, vr, values)?;
        Ok(Self::new(tag, vr, Value::Bytes(bytes.into())))
    }

    /// An attribute of whole numbers.
    ///
    /// # Errors
    /// Refuses representations that hold no numbers, and numbers that do not fit.
    pub fn from_integers(tag: Tag, vr: Vr, values: &[i64]) -> Result<Self, Fault> {
        let bytes = number::encode_integers(tag, vr, values)?;
        Ok(Self::new(tag, vr, Value::Bytes(bytes.into())))
    }

    /// Which attribute.
    #[must_use]
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// How its value is written.
    #[must_use]
    pub fn vr(&self) -> Vr {
        self.vr
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Whether it has no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.value {
            Value::Bytes(bytes) => bytes.is_empty(),
            Value::Items(items) => items.is_empty(),
            Value::Fragments(fragments) => fragments.is_empty(),
            Value::Deferred(deferred) => deferred.length == 0,
            Value::Uri(_) => false,
        }
    }

    /// The bytes of the value, if it is bytes and was read.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The value as text without padding; empty if it is no text.
    #[must_use]
    pub fn text(&self, character_set: CharacterSet) -> String {
        let bytes = match &self.value {
            Value::Bytes(bytes) if self.vr.is_text() || self.vr == Vr::UN => bytes,
            _ => return String::new(),
        };
        // Text that must be ASCII and is not is read as the rest of its dataset.
        let text = character_set.decode(bytes);
        let end = text.trim_end_matches([' ', '\0']);
        // Leading spaces of running text mean something.
        let kept = match self.vr {
            Vr::LT | Vr::ST | Vr::UT => end,
            _ => end.trim_start_matches(' '),
        };
        kept.to_owned()
    }

    /// The values as text, without padding.
    #[must_use]
    pub fn strings(&self, character_set: CharacterSet) -> Vec<String> {
        let text = self.text(character_set);
        if text.is_empty() {
            return Vec::new();
        }
        if !self.vr.is_multi_valued_text() {
            return vec![text];
        }
        let values = text.split('\\');
        values
            .map(|value| value.trim_matches([' ', '\0']).to_owned())
            .collect()
    }

    /// The value as numbers.
    ///
    /// # Errors
    /// Refuses text that is no finite number, and representations that hold no numbers.
    pub fn floats(&self) -> Result<Vec<f64>, Fault> {
        number::floats(self)
    }

    /// The value as whole numbers.
    ///
    /// # Errors
    /// Refuses text that is no whole number, and representations that hold none.
    pub fn integers(&self) -> Result<Vec<i64>, Fault> {
        number::integers(self)
    }

    /// The value as tags.
    ///
    /// # Errors
    /// Refuses other representations than `AT`, and half tags.
    pub fn tags(&self) -> Result<Vec<Tag>, Fault> {
        let bytes = match (self.vr, &self.value) {
            (Vr::AT, Value::Bytes(bytes)) => bytes,
            _ => return Err(Fault::attribute(self.tag, "attribute tags (AT)", self.vr)),
        };
        let (pairs, []) = bytes.as_chunks::<4>() else {
            let got = format_args!("{} bytes", bytes.len());
            return Err(Fault::attribute(self.tag, "tags of four bytes", got));
        };
        let tag = |&[a, b, c, d]: &[u8; 4]| {
            Tag::new(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]))
        };
        Ok(pairs.iter().map(tag).collect())
    }
}
