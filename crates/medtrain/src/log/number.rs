//! Numbers as JSON can have them.
//!
//! JSON has no word for what is not a number and for infinities: they stand there as `"NaN"`, `"inf"` and `"-inf"`.

use serde::{Deserialize, Serialize};

/// A number as JSON can have it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Number {
    Finite(f64),
    Name(String),
    /// What logs had for NaN before it had a name.
    Null(()),
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        match value.is_finite() {
            true => Self::Finite(value),
            false => Self::Name(value.to_string()),
        }
    }
}

impl Number {
    fn value<E: serde::de::Error>(self) -> Result<f64, E> {
        match self {
            Self::Finite(value) => Ok(value),
            Self::Name(name) => name.parse().map_err(E::custom),
            Self::Null(()) => Ok(f64::NAN),
        }
    }
}

pub(super) mod one {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Number;

    pub(in crate::log) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        Number::from(*value).serialize(to)
    }

    pub(in crate::log) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Number::deserialize(from)?.value()
    }
}

pub(super) mod named {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Number;

    pub(in crate::log) fn serialize<S: Serializer>(
        values: &[(String, f64)],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq({ values.iter() }.map(|(name, value)| (name, Number::from(*value))))
    }

    pub(in crate::log) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<(String, f64)>, D::Error> {
        let values: Vec<(String, Number)> = Vec::deserialize(from)?;
        let values = values.into_iter();
        values
            .map(|(name, number)| Ok((name, number.value()?)))
            .collect()
    }
}
