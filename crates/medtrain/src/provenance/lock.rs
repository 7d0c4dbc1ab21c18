//! The versions of a program's libraries.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest;

/// Beginnings of the names of crates whose versions may change a result.
const COUNTED: [&str; 7] = [
    "candle-",
    "gemm",
    "half",
    "libm",
    "med",
    "rayon",
    "safetensors",
];

/// A `Cargo.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CargoLock {
    /// The SHA-256 of the file, which stands for all versions.
    pub sha256: String,
    /// The versions of the crates that compute, by name.
    pub crates: BTreeMap<String, String>,
}

impl CargoLock {
    /// That of a program that was built from it: `CargoLock::of(include_str!("../Cargo.lock"))`.
    ///
    /// Where there are several versions of a crate, all are named.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut crates: BTreeMap<String, String> = BTreeMap::new();
        let mut name = None;
        for line in text.lines() {
            let value = |key: &str| {
                let rest = line.strip_prefix(key)?.strip_prefix(" = \"")?;
                rest.strip_suffix('"')
            };
            if let Some(found) = value("name") {
                name = Some(found);
            } else if let (Some(version), Some(name)) = (value("version"), name.take())
                && COUNTED.iter().any(|beginning| name.starts_with(beginning))
            {
                let versions = crates.entry(name.to_owned()).or_default();
                if !versions.is_empty() {
                    versions.push_str(", ");
                }
                versions.push_str(version);
            }
        }
        Self {
            sha256: digest::hex(&Sha256::digest(text)),
            crates,
        }
    }

    /// That of the nearest folder at or above one.
    pub(super) fn above(folder: &Path) -> Option<Self> {
        let folder = fs::canonicalize(folder).ok()?;
        let read = |above: &Path| fs::read_to_string(above.join("Cargo.lock")).ok();
        folder
            .ancestors()
            .find_map(read)
            .map(|text| Self::of(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_crates_that_compute_are_found() {
        let text = "version = 4\n\n[[package]]\nname = \"rayon\"\nversion = \"1.12.0\"\n\n[[package]]\n\
                    name = \"gemm\"\nversion = \"0.18.1\"\n\n[[package]]\nname = \"gemm\"\n\
                    version = \"0.19.0\"\ndependencies = [\n \"rayon\",\n]\n\n[[package]]\n\
                    name = \"zune\"\nversion = \"1.0.0\"\n";
        let lock = CargoLock::of(text);
        assert_eq!(lock.crates["gemm"], "0.18.1, 0.19.0");
        assert_eq!(lock.crates["rayon"], "1.12.0");
        assert_eq!(lock.crates.len(), 2);
        assert_ne!(lock.sha256, CargoLock::of("").sha256);
    }
}
