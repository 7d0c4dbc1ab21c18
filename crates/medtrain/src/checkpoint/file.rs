//! One checkpoint on disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use mednn::candle_core::{DType, Tensor};
use mednn::params::{read_safetensors, write_safetensors};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::position::Position;
use crate::error::{Error, Result};

const METADATA: &str = "checkpoint";

/// More than the names of any network take.
const LONGEST_HEADER: u64 = 100_000_000;

#[derive(Serialize, Deserialize)]
struct Metadata {
    position: Position,
    sha256: String,
}

/// Writes a checkpoint with its hash, whole or not at all.
pub(super) fn write(
    path: &Path,
    values: &BTreeMap<String, Tensor>,
    position: &Position,
) -> Result<()> {
    let metadata = Metadata {
        position: position.clone(),
        sha256: digest(values)?,
    };
    let metadata = serde_json::to_string(&metadata).map_err(|e| bad(path, &e))?;
    Ok(write_safetensors(path, values, Some((METADATA, metadata)))?)
}

/// Reads a checkpoint and checks its hash.
pub(super) fn read(path: &Path) -> Result<(Position, BTreeMap<String, Tensor>)> {
    let metadata = read_header(path)?;
    let values = read_safetensors(path)?;
    if digest(&values)? != metadata.sha256 {
        return Err(bad(path, &"its contents do not match its hash"));
    }
    Ok((metadata.position, values))
}

/// What a checkpoint says of where it stands, from its header alone: the contents may be damaged nevertheless.
pub(super) fn read_position(path: &Path) -> Result<Position> {
    Ok(read_header(path)?.position)
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
    let text = { header.metadata.get(METADATA) }.ok_or_else(|| bad(path, &"it has no position"))?;
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

/// SHA-256 over names, shapes and values in order of name.
fn digest(values: &BTreeMap<String, Tensor>) -> Result<String> {
    let mut hash = Sha256::new();
    for (name, value) in values {
        hash.update(name.as_bytes());
        for &length in value.dims() {
            hash.update((length as u64).to_le_bytes());
        }
        hash.update(&bytes(value)?);
    }
    let hash = hash.finalize();
    Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
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
        DType::U32 => bytes!(flat, u32),
        _ => flat.to_dtype(DType::U8)?.to_vec1::<u8>()?,
    })
}
