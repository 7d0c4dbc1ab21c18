//! Serialises arrays of `D` elements, which serde does not do for a generic `D`.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) fn serialize<S: Serializer, T: Serialize, const D: usize>(
    values: &[T; D],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    values.as_slice().serialize(serializer)
}

pub(crate) fn deserialize<'de, De: Deserializer<'de>, T: Deserialize<'de>, const D: usize>(
    deserializer: De,
) -> Result<[T; D], De::Error> {
    let values = Vec::<T>::deserialize(deserializer)?;
    let got = values.len();
    <[T; D]>::try_from(values)
        .map_err(|_| De::Error::custom(format!("expected {D} entries, one an axis, got {got}")))
}
