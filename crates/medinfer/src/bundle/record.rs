//! How a model was measured and made.

use serde::{Deserialize, Serialize};

/// A measurement of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MetricRecord {
    /// What was measured, as "auc".
    pub name: String,
    /// Of which label or operating point, where it is not of all.
    #[serde(default)]
    pub of: Option<String>,
    /// The value.
    pub value: f64,
    /// Ends of its 95 % interval.
    #[serde(default)]
    pub interval: Option<[f64; 2]>,
    /// Cases it was measured on.
    #[serde(default)]
    pub cases: Option<u64>,
    /// The digest of these cases.
    #[serde(default)]
    pub test_set: Option<String>,
}

impl MetricRecord {
    /// A value without interval.
    #[must_use]
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        Self {
            name: name.into(),
            of: None,
            value,
            interval: None,
            cases: None,
            test_set: None,
        }
    }

    /// Sets the label or operating point it is of.
    #[must_use]
    pub fn of(self, of: impl Into<String>) -> Self {
        Self {
            of: Some(of.into()),
            ..self
        }
    }

    /// Sets the ends of the 95 % interval.
    #[must_use]
    pub fn with_interval(self, low: f64, high: f64) -> Self {
        Self {
            interval: Some([low, high]),
            ..self
        }
    }

    /// Sets the number of cases and the digest of the test set.
    #[must_use]
    pub fn with_test_set(self, cases: u64, digest: impl Into<String>) -> Self {
        Self {
            cases: Some(cases),
            test_set: Some(digest.into()),
            ..self
        }
    }
}

/// A set of data by its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DataDigest {
    /// What it was used as: "training", "validation", "test".
    pub name: String,
    /// SHA-256 of its manifest.
    pub sha256: String,
    /// Cases in it.
    #[serde(default)]
    pub cases: Option<u64>,
}

impl DataDigest {
    /// A set of data by the SHA-256 of its manifest.
    #[must_use]
    pub fn new(name: impl Into<String>, sha256: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            sha256: sha256.into(),
            cases: None,
        }
    }

    /// Sets the number of cases.
    #[must_use]
    pub fn with_cases(self, cases: u64) -> Self {
        Self {
            cases: Some(cases),
            ..self
        }
    }
}

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// The commit of the program that trained it.
    pub git_commit: Option<String>,
    /// Whether files differed from that commit.
    pub git_dirty: Option<bool>,
    /// SHA-256 of the program's `Cargo.lock`.
    pub cargo_lock_sha256: Option<String>,
    /// The seed of the run.
    pub seed: Option<u64>,
    /// The name of the run where it was logged.
    pub run: Option<String>,
    /// When it was made, RFC 3339.
    pub created: Option<String>,
    /// The data.
    pub data: Vec<DataDigest>,
}
