//! One checkpoint on disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use mednn::candle_core::{DType, Tensor};
use mednn::params::{read_safetensors, write_safetensors};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::position::Position;
use crate::digest::hex;
use crate::error::{Error, Result};

/// Under `checkpoint`, earlier versions of this crate wrote a hash of the tensors alone.
const METADATA: &str = "checkpoint 2";

const NO_POSITION: &str = "it has no position, or is of another version of this crate";

/// More than the names of any network take.
const LONGEST_HEADER: u64 = 100_000_000;

#[derive(Serialize, Deserialize)]
struct Metadata {
    /// As it stands in the file, which is what is hashed.
    position: Value,
    sha256: String,
}

/// Writes a checkpoint with its hash, whole or not at all.
pub(super) fn write(
    path: &Path,
    values: &BTreeMap<String, Tensor>,
    position: &Position,
) -> Result<()> {
    let position = serde_json::to_value(position).map_err(|e| bad(path, &e))?;
    let metadata = Metadata {
        sha256: digest(&position, values)?,
        position,
    };
    let metadata = serde_json::to_string(&metadata).map_err(|e| bad(path, &e))?;
    Ok(write_safetensors(path, values, Some((METADATA, metadata)))?)
}

/// Reads a checkpoint and checks its hash.
pub(super) fn read(path: &Path) -> Result<(Position, BTreeMap<String, Tensor>)> {
    let metadata = read_header(path)?;
    let values = read_safetensors(path)?;
    if digest(&metadata.position, &values)? != metadata.sha256 {
        return Err(bad(path, &"its contents do not match its hash"));
    }
    Ok((position(path, metadata)?, values))
}

/// What a checkpoint says of where it stands, from its header alone: the contents may be damaged nevertheless.
pub(super) fn read_position(path: &Path) -> Result<Position> {
    position(path, read_header(path)?)
}

fn position(path: &Path, metadata: Metadata) -> Result<Position> {
    serde_json::from_value(metadata.position).map_err(|e| bad(path, &e))
}

fn read_header(path: &Path) -> Result<Metadata> {
    #[derive(Deserialize)]
    struct Header {
        #[serde(rename = "__metadata__", default)]
        metadata: BTreeMap<String, String>,
    }
    let header = header_bytes(path).map_err(|source| Error::Io {
        operation: "read",
        path: path.to_owned(),
        source,
    })?;
    let header: Header = serde_json::from_slice(&header).map_err(|e| bad(path, &e))?;
    let text = { header.metadata.get(METADATA) }.ok_or_else(|| bad(path, &NO_POSITION))?;
    serde_json::from_str(text).map_err(|e| bad(path, &e))
}

/// The JSON at the head of a safetensors file.
fn header_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length).min(LONGEST_HEADER);
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header)?;
    Ok(header)
}

pub(super) fn bad(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::BadCheckpoint {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

/// SHA-256 over the position and, in order of name, names, element types, shapes and values; what can be of any length stands
/// behind its length.
fn digest(position: &Value, values: &BTreeMap<String, Tensor>) -> Result<String> {
    let mut hash = Sha256::new();
    let mut sized = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    sized(position.to_string().as_bytes());
    for (name, value) in values {
        sized(name.as_bytes());
        sized(value.dtype().as_str().as_bytes());
        let lengths = value.dims().iter().map(|&length| length as u64);
        sized(&lengths.flat_map(u64::to_le_bytes).collect::<Vec<u8>>());
        sized(&bytes(value)?);
    }
    Ok(hex(&hash.finalize()))
}

/// The little-endian bytes of a tensor.
fn bytes(value: &Tensor) -> Result<Vec<u8>> {
    macro_rules! bytes {
        ($flat:expr, $element:ty) => {{
            let elements = $flat.to_vec1::<$element>()?;
            elements
                .into_iter()
                .flat_map(<$element>::to_le_bytes)
                .collect()
        }};
    }
    let flat = value.flatten_all()?;
    Ok(match value.dtype() {
        DType::F32 => bytes!(flat, f32),
        DType::F64 => bytes!(flat, f64),
        DType::I64 => bytes!(flat, i64),
        DType::I32 => bytes!(flat, i32),
        DType::U32 => bytes!(flat, u32),
        DType::U8 => flat.to_vec1::<u8>()?,
        // Every one of their values is an f32.
        DType::F16 | DType::BF16 => bytes!(flat.to_dtype(DType::F32)?, f32),
        other => {
            let reason = format!("a checkpoint has no tensors of {other:?}");
            return Err(mednn::candle_core::Error::Msg(reason).into());
        }
    })
}

#[cfg(test)]
mod tests {
    use mednn::candle_core::Device;

    use super::*;

    fn of(values: &[f32], dtype: DType) -> String {
        let tensor = Tensor::new(values, &Device::Cpu).unwrap();
        let values = BTreeMap::from([("a".to_owned(), tensor.to_dtype(dtype).unwrap())]);
        digest(&Value::Null, &values).unwrap()
    }

    #[test]
    fn a_hash_is_of_every_bit_whatever_the_element_type() {
        let mut known = std::collections::BTreeSet::new();
        let dtypes = [DType::F32, DType::F64, DType::F16, DType::BF16];
        for dtype in dtypes
            .into_iter()
            .chain([DType::U8, DType::U32, DType::I64])
        {
            assert!(known.insert(of(&[1.0, 2.0], dtype)), "{dtype:?}");
            assert!(known.insert(of(&[1.0, 3.0], dtype)), "{dtype:?}");
        }
        for dtype in dtypes {
            for values in [[0.0, 0.25], [-0.0, 0.25], [0.0, -0.25], [0.5, 0.25]] {
                assert!(known.insert(of(&values, dtype)), "{values:?} of {dtype:?}");
            }
        }
    }

    #[test]
    fn a_hash_is_of_the_position_and_of_where_names_end() {
        let one = Tensor::new(&[1_f32], &Device::Cpu).unwrap();
        let named = |name: &str| BTreeMap::from([(name.to_owned(), one.clone())]);
        let first = digest(&serde_json::json!({"epoch": 1}), &named("a")).unwrap();
        for (epoch, name) in [(2, "a"), (1, "b"), (1, "")] {
            let other = digest(&serde_json::json!({"epoch": epoch}), &named(name));
            assert_ne!(first, other.unwrap());
        }
    }
}
