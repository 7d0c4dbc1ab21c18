//! Folders of scans and label maps, in the layouts that segmentation datasets are published in.
//!
//! [`SegmentationDataset::open`] recognises
//!
//! * nnU-Net raw (v2): `dataset.json`, `imagesTr/<case>_0000.nii.gz`, `labelsTr/<case>.nii.gz`, with region
//!   labels and the ignore label (<https://github.com/MIC-DKFZ/nnUNet>, `documentation/dataset_format.md`);
//! * Medical Segmentation Decathlon: `dataset.json` with a list of training pairs, channels as dimension 4;
//! * BTCV / Synapse: `img/img0001.nii.gz`, `label/label0001.nii.gz`.
//!
//! [`ClassificationDataset::open`] lists folders whose names are classes, [`BidsDataset::open`] folders by the
//! Brain Imaging Data Structure, and a [`Manifest`] says by hashes whether files are still what they were.
//!
//! [`SegmentationDataset::open`] looks at names only; [`Case::load`] reads voxels and refuses files of one case that do not share a
//! grid, and label values that the table does not name.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "names and counts, no sizes from files"
)]

mod bids;
mod btcv;
mod class_folders;
mod decathlon;
mod description;
mod manifest;
mod nnunet;
mod ordered;
mod sample;
mod writer;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

pub use bids::{BidsDataset, BidsFile, Participant};
pub use class_folders::{ClassificationDataset, ClassifiedImage, ImageSplit};
pub use manifest::{FileRecord, Manifest, Verification};
pub use medcore::{LabelEntry, LabelTable};
pub use sample::Sample;
pub use writer::NnunetWriter;

/// Which published layout a folder has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// nnU-Net raw, version 2 (or 1, with `modality` for `channel_names`).
    NnunetRaw,
    /// Medical Segmentation Decathlon.
    Decathlon,
    /// BTCV / Synapse multi-organ CT.
    Btcv,
}

/// The cases of a dataset and the names of its channels and labels.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SegmentationDataset {
    /// Its name, from the description or the folder.
    pub name: String,
    /// How its folder is laid out.
    pub layout: Layout,
    /// Names of the channels, in order.
    pub channels: Vec<String>,
    /// What label values mean.
    pub labels: LabelTable,
    /// Cases with labels, ordered by id.
    pub cases: Vec<Case>,
    /// Cases without labels, ordered by id. Of a Decathlon they are what its description lists, whether the files
    /// are there or not: they are often left out of a download.
    pub test_cases: Vec<Case>,
}

/// The files of one patient or scan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Case {
    /// Unique within its dataset.
    pub id: String,
    /// One file a channel, or one file with all channels.
    pub images: Vec<PathBuf>,
    /// The label map, if there is one.
    pub label: Option<PathBuf>,
    /// Channels that the dataset declares.
    pub channels: usize,
}

impl SegmentationDataset {
    /// Recognises a folder's layout and lists its cases, without reading voxels.
    ///
    /// ```no_run
    /// use medio::datasets::SegmentationDataset;
    ///
    /// let dataset = SegmentationDataset::open("Dataset001_Organs")?;
    /// for case in &dataset.cases {
    ///     let sample = case.load(&dataset.labels)?;
    ///     println!("{}: {:?}", case.id, sample.image.shape());
    /// }
    /// # Ok::<(), medio::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownLayout`] for other folders; [`Error::MissingFile`] for a case without its label or
    /// one of its channels; [`Error::InvalidDescription`] and [`Error::PathEscapes`] for a bad
    /// `dataset.json`.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let described = folder.join("dataset.json");
        if described.is_file() {
            let description = description::Description::read(&described)?;
            return if description.has("training") && !description.has("file_ending") {
                decathlon::open(folder, &description)
            } else {
                nnunet::open(folder, &description)
            };
        }
        if let Some(root) = btcv::root(folder) {
            return btcv::open(folder, &root);
        }
        // A folder that cannot be listed at all is another trouble than one of unknown layout.
        std::fs::read_dir(folder).map_err(Error::io("list", folder))?;
        Err(Error::UnknownLayout {
            path: folder.to_owned(),
            expected: "dataset.json (nnU-Net raw, Decathlon) or img/ and label/ (BTCV)",
        })
    }
}

/// The name of a folder, for datasets that do not say theirs.
fn folder_name(folder: &Path) -> String {
    let full = folder.canonicalize();
    let name = full.as_deref().unwrap_or(folder).file_name();
    name.unwrap_or_default().to_string_lossy().into_owned()
}

/// Names of the visible files of a folder that end in `ending`, ending removed, in order.
fn stems(folder: &Path, ending: &str) -> Result<Vec<String>> {
    let mut stems = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let entry = entry.map_err(Error::io("list", folder))?;
        let name = entry.file_name();
        let stem = name.to_str().and_then(|name| name.strip_suffix(ending));
        if let Some(stem) = stem.filter(|stem| !stem.is_empty() && !stem.starts_with('.')) {
            stems.push(stem.to_owned());
        }
    }
    stems.sort();
    Ok(stems)
}

/// A file that must exist for a case.
fn existing(path: PathBuf, case: &str, role: impl Into<String>) -> Result<PathBuf> {
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::MissingFile {
        case: case.to_owned(),
        role: role.into(),
        path,
    })
}
