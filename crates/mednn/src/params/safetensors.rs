//! safetensors files.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::error::{Error, Result};

/// More axes are no weight's.
const MOST_AXES: usize = 16;

/// Reads every tensor of a safetensors file.
///
/// # Errors
/// When the file cannot be read, is malformed, names a tensor twice or holds an element type candle does not have.
pub fn read_safetensors(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    parse_safetensors(path, &read(path)?)
}

/// As [`read_safetensors`], of bytes that were read (and their hash checked) before; `origin` stands in messages.
///
/// # Errors
/// As [`read_safetensors`].
pub fn parse_safetensors(origin: &Path, bytes: &[u8]) -> Result<BTreeMap<String, Tensor>> {
    let invalid = |reason: String| Error::InvalidFile {
        path: origin.to_owned(),
        reason,
    };
    let file = SafeTensors::deserialize(bytes).map_err(|e| invalid(e.to_string()))?;
    check_names(bytes).map_err(invalid)?;
    let mut values = BTreeMap::new();
    for (name, view) in file.tensors() {
        let shown: String = name.chars().take(64).collect();
        let dtype = match view.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::F64 => DType::F64,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::I64 => DType::I64,
            Dtype::I32 => DType::I32,
            Dtype::U8 => DType::U8,
            Dtype::U32 => DType::U32,
            other => {
                return Err(invalid(format!(
                    "{shown:?} has the unsupported element type {other:?}"
                )));
            }
        };
        let axes = view.shape().len();
        if axes > MOST_AXES {
            return Err(invalid(format!(
                "{shown:?} has {axes} axes, the most are {MOST_AXES}"
            )));
        }
        let value = Tensor::from_raw_buffer(view.data(), dtype, view.shape(), &Device::Cpu)?;
        values.insert(name, value);
    }
    Ok(values)
}

/// The metadata keys of a safetensors file.
///
/// # Errors
/// When the file cannot be read or its header is malformed.
pub fn read_metadata(path: &Path) -> Result<HashMap<String, String>> {
    let bytes = read(path)?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| Error::InvalidFile {
        path: path.to_owned(),
        reason: e.to_string(),
    })?;
    Ok(metadata.metadata().clone().unwrap_or_default())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// That a header, which is known to be one, names no tensor twice.
fn check_names(bytes: &[u8]) -> std::result::Result<(), String> {
    /// The keys of an object.
    struct Unique;

    impl<'de> Visitor<'de> for Unique {
        type Value = Self;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<Self, M::Error> {
            let mut seen = HashSet::new();
            while let Some((name, IgnoredAny)) = map.next_entry::<String, _>()? {
                if seen.contains(&name) {
                    let message = format_args!("two entries are named {name:?}");
                    return Err(serde::de::Error::custom(message));
                }
                seen.insert(name);
            }
            Ok(self)
        }
    }

    impl<'de> Deserialize<'de> for Unique {
        fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
            from.deserialize_map(Self)
        }
    }

    let (length, rest) = bytes.split_first_chunk().ok_or("no header")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|e| e.to_string())?;
    let header = rest.get(..length).ok_or("no header")?;
    serde_json::from_slice::<Unique>(header)
        .map(drop)
        .map_err(|e| e.to_string())
}

/// Writes tensors and at most one metadata key (more would be written in an order that varies), whole or not at all.
///
/// # Errors
/// When the file cannot be written; what stood there before is still there then.
pub fn write_safetensors(
    path: &Path,
    values: &BTreeMap<String, Tensor>,
    metadata: Option<(&str, String)>,
) -> Result<()> {
    let bytes = safetensors_bytes(path, values, metadata)?;
    Ok(medcore::atomic::write_bytes(path, &bytes)?)
}

/// The bytes of such a file; `path` stands in messages.
///
/// # Errors
/// For an element type that the format does not have.
pub fn safetensors_bytes(
    path: &Path,
    values: &BTreeMap<String, Tensor>,
    metadata: Option<(&str, String)>,
) -> Result<Vec<u8>> {
    let mut raw = Vec::with_capacity(values.len());
    for (name, value) in values {
        raw.push((name, value.dims(), bytes_of(value)?));
    }
    let mut views = Vec::with_capacity(raw.len());
    for (name, shape, (dtype, bytes)) in &raw {
        let view =
            TensorView::new(*dtype, shape.to_vec(), bytes).map_err(|e| Error::InvalidFile {
                path: path.to_owned(),
                reason: e.to_string(),
            })?;
        views.push((name.as_str(), view));
    }
    let metadata = metadata.map(|(key, value)| HashMap::from([(key.to_owned(), value)]));
    safetensors::serialize(views, metadata).map_err(|e| Error::InvalidFile {
        path: path.to_owned(),
        reason: e.to_string(),
    })
}

/// The elements of a tensor as a file has them.
pub(super) fn bytes_of(value: &Tensor) -> Result<(Dtype, Vec<u8>)> {
    let flat = value.to_device(&Device::Cpu)?.flatten_all()?;
    /// The little-endian bytes of all elements.
    macro_rules! bytes {
        ($dtype:ident, $element:ty) => {{
            let elements = flat.to_vec1::<$element>()?;
            let bytes = elements.into_iter().flat_map(<$element>::to_le_bytes);
            (Dtype::$dtype, bytes.collect())
        }};
    }
    Ok(match value.dtype() {
        DType::F32 => bytes!(F32, f32),
        DType::F64 => bytes!(F64, f64),
        DType::F16 => bytes!(F16, half::f16),
        DType::BF16 => bytes!(BF16, half::bf16),
        DType::I64 => bytes!(I64, i64),
        DType::I32 => bytes!(I32, i32),
        DType::U32 => bytes!(U32, u32),
        DType::U8 => (Dtype::U8, flat.to_vec1::<u8>()?),
        got => {
            return Err(Error::ElementType {
                op: "safetensors",
                tensor: "a value",
                expected: "f16, bf16, f32, f64, i32, i64, u32 or u8",
                got,
            });
        }
    })
}
