//! Data by their hashes.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::manifest::DataManifest;

/// A set of data by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DataDigest {
    /// What it is used as: "training", "validation", "test", or all at once.
    pub name: String,
    /// SHA-256 of its manifest.
    pub sha256: String,
    /// Cases in it.
    #[serde(default)]
    pub cases: Option<u64>,
    /// What DVC calls these data, where it keeps them ([`DvcOutput`](crate::log::dvc::DvcOutput)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dvc: Option<String>,
}

impl DataDigest {
    /// A set of data by the SHA-256 of its manifest, in hexadecimal digits.
    #[must_use]
    pub fn new(name: impl Into<String>, sha256: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            sha256: sha256.into(),
            cases: None,
            dvc: None,
        }
    }

    /// The data of a manifest.
    ///
    /// # Errors
    /// Refuses what JSON cannot hold.
    pub fn of_manifest(name: impl Into<String>, manifest: &DataManifest) -> Result<Self> {
        let cases = manifest.cases().len() as u64;
        Ok(Self {
            cases: Some(cases),
            ..Self::new(name, manifest.sha256()?)
        })
    }

    /// Sets the number of cases.
    #[must_use]
    pub fn with_cases(self, cases: u64) -> Self {
        Self {
            cases: Some(cases),
            ..self
        }
    }

    /// Sets what DVC calls the data.
    #[must_use]
    pub fn with_dvc(self, md5: impl Into<String>) -> Self {
        Self {
            dvc: Some(md5.into()),
            ..self
        }
    }

    /// What a bundle says of it.
    pub(crate) fn for_bundle(&self) -> Self {
        Self {
            dvc: None,
            ..self.clone()
        }
    }
}

/// Data as part of what a resumed run must have the same: by name, so that the first difference is found by name. Null where
/// there are none, as it was before there could be any.
pub(crate) fn identity(data: &[DataDigest]) -> serde_json::Value {
    if data.is_empty() {
        return serde_json::Value::Null;
    }
    let hashes = data.iter().map(|data| {
        let hashes = serde_json::json!({"sha256": data.sha256, "dvc": data.dvc});
        (data.name.clone(), hashes)
    });
    serde_json::Value::Object(hashes.collect())
}
