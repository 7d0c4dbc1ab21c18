//! A case of a manifest and its files.

use std::path::{Component, Path};

use medcore::Image;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest;
use crate::error::{Error, Result};
use crate::split::{CaseRecord, PartName, PatientKey, PixelHash};

/// A case of a [`DataManifest`](super::DataManifest).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DataCase {
    /// Its name.
    pub id: String,
    /// Whose it is.
    pub patient: PatientKey,
    /// Its part of the split, if there is one.
    pub part: Option<PartName>,
    /// Its class, if it has one.
    pub class: Option<u32>,
    /// Where it was made, if that is known.
    pub site: Option<String>,
    /// Channels and shape, slowest axis first, once it has been read.
    pub shape: Option<Vec<usize>>,
    /// The hash of its voxels, once it has been read.
    pub pixels: Option<PixelHash>,
    /// Its files.
    pub files: Vec<DataFile>,
}

impl DataCase {
    pub(super) fn of(folder: &Path, part: Option<PartName>, record: &CaseRecord) -> Result<Self> {
        let files = record.files.iter().map(|file| DataFile::of(folder, file));
        Ok(Self {
            id: record.id.clone(),
            patient: record.patient.clone(),
            part,
            class: record.class,
            site: record.site.clone(),
            shape: None,
            pixels: record.pixels,
            files: files.collect::<Result<_>>()?,
        })
    }

    pub(super) fn describe<const D: usize>(&mut self, image: &Image<f32, D>) {
        let channels = std::iter::once(image.channels());
        self.shape = Some(channels.chain(image.shape()).collect());
        self.pixels = Some(PixelHash::of(image));
    }
}

/// A file of a [`DataCase`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Its path below the data's folder, with `/`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in small hexadecimal digits.
    pub sha256: String,
}

impl DataFile {
    fn of(folder: &Path, path: &Path) -> Result<Self> {
        let outside = || Error::OutsideFolder {
            path: path.to_owned(),
            folder: folder.to_owned(),
        };
        let below = match path.is_absolute() || path.starts_with(folder) {
            true => path.strip_prefix(folder).map_err(|_| outside())?,
            false => path,
        };
        let names = below.components().map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        let names: Option<Vec<&str>> = names.collect();
        let below = names.ok_or_else(outside)?.join("/");
        let (bytes, sha256) = hash(&folder.join(&below))?;
        Ok(Self {
            path: below,
            bytes,
            sha256,
        })
    }

    /// Whether its path stays below the folder.
    pub(super) fn is_inside(&self) -> bool {
        let path = Path::new(&self.path);
        let mut parts = path.components();
        !self.path.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
    }
}

/// Size and SHA-256 of a file.
pub(super) fn hash(path: &Path) -> Result<(u64, String)> {
    let mut hash = Sha256::new();
    let bytes = digest::update(&mut hash, path)?;
    Ok((bytes, digest::hex(&hash.finalize())))
}
