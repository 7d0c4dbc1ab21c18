//! Numbers in JSON, which knows neither infinity nor NaN: `null` is nothing, `"inf"` infinite.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<S: Serializer>(
    value: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(v) if *v == f64::INFINITY => serializer.serialize_str("inf"),
        Some(v) if *v == f64::NEG_INFINITY => serializer.serialize_str("-inf"),
        other => other.serialize(serializer),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Word(String),
    }
    match Option::<Written>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Written::Number(v)) => Ok(Some(v)),
        Some(Written::Word(word)) if word == "inf" => Ok(Some(f64::INFINITY)),
        Some(Written::Word(word)) if word == "-inf" => Ok(Some(f64::NEG_INFINITY)),
        Some(Written::Word(word)) => Err(serde::de::Error::custom(format!(
            "{word:?} is not a number, \"inf\" or \"-inf\""
        ))),
    }
}

/// The same for a number that is always there.
pub(crate) mod never_missing {
    use serde::{Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        super::serialize(&Some(*value), serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        super::deserialize(from)?.ok_or_else(|| D::Error::custom("a number is missing"))
    }
}
