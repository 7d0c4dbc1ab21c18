//! What a split must know about a case.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::pixels::PixelHash;
use super::resemblance::Resemblance;

/// Who a case is of: all images of one person have the same key, and stay together.
///
/// White space and zero bytes around it do not count, as in DICOM, where they only fill.
///
/// ```
/// use medtrain::split::PatientKey;
///
/// assert_eq!(PatientKey::new("P 17 "), PatientKey::new("P 17"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct PatientKey(String);

impl PatientKey {
    /// The key of a patient, by number, pseudonym or name.
    #[must_use]
    pub fn new(key: impl AsRef<str>) -> Self {
        Self(trimmed(key.as_ref()))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for PatientKey {
    fn from(key: String) -> Self {
        Self::new(key)
    }
}

impl From<&str> for PatientKey {
    fn from(key: &str) -> Self {
        Self::new(key)
    }
}

impl From<PatientKey> for String {
    fn from(key: PatientKey) -> Self {
        key.0
    }
}

impl fmt::Display for PatientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Without the white space and zero bytes that fill texts of DICOM.
pub(super) fn trimmed(text: &str) -> String {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0')
        .to_owned()
}

/// What is known of a case beside its voxels.
///
/// ```
/// use medtrain::split::CaseRecord;
///
/// let record = CaseRecord::new("00000013_005.png", "13")
///     .with_class(1)
///     .with_site("scanner A")
///     .with_study("1.2.840.1")
///     .with_file("images/00000013_005.png");
/// assert_eq!(record.patient.as_str(), "13");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CaseRecord {
    /// The case's own name, of which there is but one.
    pub id: String,
    /// Whose it is.
    pub patient: PatientKey,
    /// Its class, or any number of a stratum: of findings that do not exclude each other, one for each combination.
    #[serde(default)]
    pub class: Option<u32>,
    /// Where, or by which scanner, it was made.
    #[serde(default)]
    pub site: Option<String>,
    /// Study instance UIDs.
    #[serde(default)]
    pub studies: Vec<String>,
    /// Series instance UIDs.
    #[serde(default)]
    pub series: Vec<String>,
    /// SOP instance UIDs.
    #[serde(default)]
    pub instances: Vec<String>,
    /// Its files.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// What its voxels are, if that has been found out.
    #[serde(default)]
    pub pixels: Option<PixelHash>,
    /// What it looks like, if near duplicates are to be looked for.
    #[serde(default)]
    pub resemblance: Option<Resemblance>,
}

impl CaseRecord {
    /// A case of a patient of which nothing more is known.
    #[must_use]
    pub fn new(id: impl Into<String>, patient: impl Into<PatientKey>) -> Self {
        Self {
            id: id.into(),
            patient: patient.into(),
            class: None,
            site: None,
            studies: vec![],
            series: vec![],
            instances: vec![],
            files: vec![],
            pixels: None,
            resemblance: None,
        }
    }

    /// The record with a class.
    #[must_use]
    pub fn with_class(self, class: u32) -> Self {
        Self {
            class: Some(class),
            ..self
        }
    }

    /// The record with a site.
    #[must_use]
    pub fn with_site(self, site: impl Into<String>) -> Self {
        Self {
            site: Some(site.into()),
            ..self
        }
    }

    /// The record with one more study instance UID.
    #[must_use]
    pub fn with_study(mut self, uid: impl AsRef<str>) -> Self {
        self.studies.push(trimmed(uid.as_ref()));
        self
    }

    /// The record with one more series instance UID.
    #[must_use]
    pub fn with_series(mut self, uid: impl AsRef<str>) -> Self {
        self.series.push(trimmed(uid.as_ref()));
        self
    }

    /// The record with one more SOP instance UID.
    #[must_use]
    pub fn with_instance(mut self, uid: impl AsRef<str>) -> Self {
        self.instances.push(trimmed(uid.as_ref()));
        self
    }

    /// The record with one more file.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(path.into());
        self
    }

    /// The record with the hash of its voxels.
    #[must_use]
    pub fn with_pixels(self, pixels: PixelHash) -> Self {
        Self {
            pixels: Some(pixels),
            ..self
        }
    }

    /// The record with what it looks like.
    #[must_use]
    pub fn with_resemblance(self, resemblance: Resemblance) -> Self {
        Self {
            resemblance: Some(resemblance),
            ..self
        }
    }

    /// The first of its names that is empty, if one is: an empty name would belong to many.
    pub(super) fn unnamed(&self) -> Option<&'static str> {
        let empty = |names: &[String]| names.iter().any(|name| trimmed(name).is_empty());
        [
            (self.id.is_empty(), "name"),
            (self.patient.0.is_empty(), "patient key"),
            (empty(&self.studies), "study instance UID"),
            (empty(&self.series), "series instance UID"),
            (empty(&self.instances), "SOP instance UID"),
        ]
        .into_iter()
        .find_map(|(empty, what)| empty.then_some(what))
    }
}

/// A case and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<C> {
    /// What is known of it.
    pub record: CaseRecord,
    /// The case: voxels, a path, or a number in a cache.
    pub case: C,
}

impl<C> Member<C> {
    /// A case and what is known of it.
    #[must_use]
    pub fn new(record: CaseRecord, case: C) -> Self {
        Self { record, case }
    }
}
