//! A value and where it stands, so that whatever is wrong with it can be said.

use std::borrow::Cow;
use std::path::Path;

use super::folder::Document;
use super::value::Value;
use crate::error::{Error, Result};

/// Counts in descriptions are smaller than this; larger ones would only fill the memory.
const LARGEST: usize = 1 << 24;
/// Lists and objects longer than this are none of a description: each of their values gets its key.
const MOST: usize = 1 << 12;
/// Parts of a key are shortened to so many characters.
const SHOWN: usize = 64;

/// A key below another, shortened as far as it is new.
pub(crate) fn joined(above: &str, key: &str) -> String {
    let (key, rest) = match key.char_indices().nth(SHOWN) {
        Some((end, _)) => (&key[..end], "..."),
        None => (key, ""),
    };
    match above {
        "" => format!("{key}{rest}"),
        above => format!("{above}.{key}{rest}"),
    }
}

/// A value, the file it is from, and the keys on the way there.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    path: &'a Path,
    key: String,
    value: &'a Value,
}

impl Document {
    pub(crate) fn place(&self) -> Place<'_> {
        Place::new(&self.path, "", &self.value)
    }
}

impl<'a> Place<'a> {
    pub(crate) fn new(path: &'a Path, key: impl Into<String>, value: &'a Value) -> Self {
        let key = key.into();
        Self { path, key, value }
    }

    pub(crate) fn path(&self) -> &'a Path {
        self.path
    }

    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    fn below(&self, key: &str, value: &'a Value) -> Self {
        Self::new(self.path, joined(&self.key, key), value)
    }

    /// That a list or an object is not too long.
    fn bounded(&self, count: usize) -> Result<()> {
        match count <= MOST {
            true => Ok(()),
            false => Err(self.refuse_as(format!("of {MOST} values at most"), count)),
        }
    }

    /// The complaint that it is not what it must be.
    pub(crate) fn refuse(&self, rule: impl Into<String>) -> Error {
        let got = match self.value {
            Value::Null => Cow::Borrowed("nothing"),
            value => Cow::Owned(value.to_string()),
        };
        self.refuse_as(rule, got)
    }

    /// The same about something else than its value.
    pub(crate) fn refuse_as(&self, rule: impl Into<String>, got: impl std::fmt::Display) -> Error {
        Error::Described {
            path: self.path.to_owned(),
            key: match self.key.as_str() {
                "" => "the file".to_owned(),
                key => key.to_owned(),
            },
            rule: rule.into(),
            value: got.to_string(),
        }
    }

    /// Keys and values of an object.
    pub(crate) fn entries(&self) -> Result<Vec<(&'a str, Self)>> {
        let Value::Object(entries) = self.value else {
            return Err(self.refuse("an object"));
        };
        self.bounded(entries.len())?;
        let entries = entries.iter();
        Ok(entries
            .map(|(key, value)| (key.as_str(), self.below(key, value)))
            .collect())
    }

    /// What stands under a key; none for `null` too.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Self>> {
        let Value::Object(entries) = self.value else {
            return Err(self.refuse("an object"));
        };
        let found = entries.iter().find(|(k, _)| k == key);
        let found = found.filter(|(_, value)| *value != Value::Null);
        Ok(found.map(|(_, value)| self.below(key, value)))
    }

    /// What stands under a key; `null` is refused where it would not mean the same as no value.
    pub(crate) fn given(&self, key: &str) -> Result<Option<Self>> {
        match self.value.get(key) {
            Some(null @ Value::Null) => Err(self.below(key, null).refuse("absent, or a value")),
            _ => self.get(key),
        }
    }

    /// What must stand under a key.
    pub(crate) fn need(&self, key: &str) -> Result<Self> {
        let absent = || self.below(key, &Value::Null).refuse("given");
        self.get(key)?.ok_or_else(absent)
    }

    /// That an object has no other keys.
    pub(crate) fn only(&self, known: &[&str]) -> Result<()> {
        match { self.entries()?.into_iter() }.find(|(key, _)| !known.contains(key)) {
            Some((_, other)) => Err(other.refuse(format!("absent or one of {known:?}"))),
            None => Ok(()),
        }
    }

    /// The values of a list.
    pub(crate) fn list(&self) -> Result<Vec<Self>> {
        let Value::List(values) = self.value else {
            return Err(self.refuse("a list"));
        };
        self.bounded(values.len())?;
        let values = values.iter().enumerate();
        Ok(values
            .map(|(i, value)| self.below(&i.to_string(), value))
            .collect())
    }

    pub(crate) fn text(&self) -> Result<&'a str> {
        self.value.as_text().ok_or_else(|| self.refuse("text"))
    }

    pub(crate) fn flag(&self) -> Result<bool> {
        match self.value {
            Value::Bool(value) => Ok(*value),
            _ => Err(self.refuse("true or false")),
        }
    }

    /// A count: an integer that is not negative, with or without a point.
    pub(crate) fn size(&self) -> Result<usize> {
        let found = match *self.value {
            Value::Integer(value) => usize::try_from(value).ok(),
            Value::Number(value) if value >= 0.0 && value.fract() == 0.0 => Some(value as usize),
            _ => None,
        };
        let rule = || self.refuse(format!("an integer of 0 to {LARGEST}"));
        found.filter(|size| *size <= LARGEST).ok_or_else(rule)
    }

    /// A finite number.
    pub(crate) fn number(&self) -> Result<f64> {
        let found = match *self.value {
            Value::Integer(value) => value as f64,
            Value::Number(value) => value,
            _ => f64::NAN,
        };
        match found.is_finite() {
            true => Ok(found),
            false => Err(self.refuse("a finite number")),
        }
    }

    /// A number above 0.
    pub(crate) fn positive(&self) -> Result<f64> {
        match self.number()? {
            value if value > 0.0 => Ok(value),
            _ => Err(self.refuse("above 0")),
        }
    }

    /// One for each of a list.
    pub(crate) fn each<T>(&self, of: impl Fn(&Self) -> Result<T>) -> Result<Vec<T>> {
        self.list()?.iter().map(of).collect()
    }

    /// A list of so many, or one for all of them.
    pub(crate) fn repeated<T: Clone>(
        &self,
        count: usize,
        of: impl Fn(&Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let Value::List(values) = self.value else {
            return Ok(vec![of(self)?; count]);
        };
        if values.len() != count {
            return Err(self.refuse(format!("given {count} times")));
        }
        self.each(of)
    }

    /// An array of exactly so many.
    pub(crate) fn array<T, const N: usize>(
        &self,
        of: impl Fn(&Self) -> Result<T>,
    ) -> Result<[T; N]> {
        let values = self.each(of)?;
        let values = <[T; N]>::try_from(values);
        values.map_err(|_| self.refuse(format!("a list of {N}")))
    }
}
