//! SHA-256 of files, and hashes as text.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use mednn::candle_core::Tensor;
use mednn::params::safetensors_bytes;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Feeds the contents of a file to a hash, a mebibyte at a time, and gives its length.
pub(crate) fn update(hash: &mut Sha256, path: &Path) -> Result<u64> {
    let at = |operation, source| Error::Io {
        operation,
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(|e| at("open", e))?;
    let mut block = vec![0; 1 << 20];
    let mut length = 0_u64;
    loop {
        let count = match file.read(&mut block) {
            Ok(0) => return Ok(length),
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(at("read", e)),
        };
        hash.update(&block[..count]);
        length += count as u64;
    }
}

/// The hash of the file that named values are written to by `save_safetensors`, as text.
pub(crate) fn of_values(values: &BTreeMap<String, Tensor>) -> Result<String> {
    let bytes = safetensors_bytes(Path::new("the values to be hashed"), values, None)?;
    Ok(hex(&Sha256::digest(bytes)))
}

/// Small hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A hash of `N` bytes from its hexadecimal digits.
pub(crate) fn from_hex<const N: usize>(text: &str) -> std::result::Result<[u8; N], String> {
    let rule = || format!("must be {} small hexadecimal digits, got {text:?}", 2 * N);
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(rule()),
    };
    if text.len() != 2 * N {
        return Err(rule());
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}
