//! Arrays of one entry an axis: in files, which serde does not do for a generic `D`, and from parameter lists.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;

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
    <[T; D]>::try_from(values).map_err(|_| {
        <De::Error as serde::de::Error>::custom(format!(
            "expected {D} entries, one an axis, got {got}"
        ))
    })
}

/// One value for each axis from a list of one an axis, or of a single one for all.
pub(crate) fn per_axis<T: Copy, const D: usize>(
    transform: &'static str,
    parameter: &'static str,
    values: &[T],
) -> Result<[T; D], Error> {
    match values {
        [all] => Ok([*all; D]),
        _ => values.try_into().map_err(|_| Error::EntryCount {
            transform,
            parameter,
            expected: D,
            got: values.len(),
        }),
    }
}

/// The same entries in an array of another length; `rest` where there are no more.
pub(crate) fn resized<T: Copy, const N: usize, const M: usize>(values: [T; N], rest: T) -> [T; M] {
    std::array::from_fn(|at| values.get(at).copied().unwrap_or(rest))
}

/// Whether an entry of an array of `shape`, counted in storage order, lies in one of the outer `layers` along some axis.
pub(crate) fn is_outer(mut number: usize, shape: &[usize], layers: usize) -> bool {
    shape.iter().rev().any(|&n| {
        let index = number % n;
        number /= n;
        index.min(n - 1 - index) < layers
    })
}
