//! Makes a dataset in nnU-Net's raw layout, case by case.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use medcore::{Image, LabelMap, atomic};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::LabelTable;
use super::ordered::Ordered;
use crate::error::{Error, Result};
use crate::nifti::{self, Voxel, WriteOptions};

/// `dataset.json`.
#[derive(Serialize)]
struct Description<'a> {
    channel_names: Map<String, Value>,
    /// In the order of the table, which `regions_class_order` goes by.
    labels: Ordered,
    #[serde(skip_serializing_if = "Option::is_none")]
    regions_class_order: Option<&'a [u32]>,
    #[serde(rename = "numTraining")]
    training_cases: usize,
    file_ending: &'static str,
}

/// Writes `imagesTr`, `labelsTr`, `imagesTs` and, at the end, `dataset.json`.
///
/// ```no_run
/// # use medio::medcore::{Image, LabelMap};
/// # fn phantom(_: usize) -> (Image<i16, 3>, LabelMap<u8, 3>) { unimplemented!() }
/// use medio::datasets::{LabelTable, NnunetWriter};
///
/// let labels = LabelTable::new([("liver", vec![1]), ("spleen", vec![2])])?;
/// let mut writer = NnunetWriter::create("Dataset001_Phantom", &["CT"], labels)?;
/// for patient in 0..20 {
///     let (image, organs) = phantom(patient);
///     writer.add(&format!("patient_{patient:03}"), &image, &organs)?;
/// }
/// writer.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NnunetWriter {
    folder: PathBuf,
    channels: Vec<String>,
    labels: LabelTable,
    options: WriteOptions,
    ids: BTreeSet<String>,
    test_ids: BTreeSet<String>,
}

impl NnunetWriter {
    /// Makes the folders of a dataset; existing files of the same names will be replaced.
    ///
    /// # Errors
    /// Passes on what the system says; refuses a dataset without channels.
    pub fn create(folder: impl AsRef<Path>, channels: &[&str], labels: LabelTable) -> Result<Self> {
        let folder = folder.as_ref().to_owned();
        if channels.is_empty() {
            return Err(Error::NotWritable {
                path: folder,
                rule: "a dataset needs at least one channel",
                got: "none".to_owned(),
            });
        }
        for below in ["imagesTr", "labelsTr"] {
            let path = folder.join(below);
            fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        }
        Ok(Self {
            folder,
            channels: channels.iter().map(|&name| name.to_owned()).collect(),
            labels,
            options: WriteOptions::new(),
            ids: BTreeSet::new(),
            test_ids: BTreeSet::new(),
        })
    }

    /// Writes with other options, for instance less compression.
    #[must_use]
    pub fn options(mut self, options: WriteOptions) -> Self {
        self.options = options;
        self
    }

    /// Adds a training case.
    ///
    /// # Errors
    /// Refuses an id that is taken or no file name, another number of channels than the dataset has, and
    /// labels on another grid; passes on what writing says.
    pub fn add<T: Voxel>(
        &mut self,
        id: &str,
        image: &Image<T, 3>,
        labels: &LabelMap<u8, 3>,
    ) -> Result<()> {
        let label = self.folder.join("labelsTr").join(format!("{id}.nii.gz"));
        let same = image
            .geometry()
            .check_same_as(labels.geometry(), &medcore::GeometryTolerance::default());
        same.map_err(|mismatch| Error::GridsDiffer {
            left: self.channel_path("imagesTr", id, 0),
            right: label.clone(),
            cause: Box::new(mismatch),
        })?;
        self.claim(id)?;
        self.images("imagesTr", id, image)?;
        nifti::write_labels(&label, labels, &self.options)?;
        self.ids.insert(id.to_owned());
        Ok(())
    }

    /// Adds a case without labels to `imagesTs`.
    ///
    /// # Errors
    /// As [`NnunetWriter::add`].
    pub fn add_test<T: Voxel>(&mut self, id: &str, image: &Image<T, 3>) -> Result<()> {
        self.claim(id)?;
        let path = self.folder.join("imagesTs");
        fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        self.images("imagesTs", id, image)?;
        self.test_ids.insert(id.to_owned());
        Ok(())
    }

    /// Writes `dataset.json`; before that the folder is no dataset yet.
    ///
    /// # Errors
    /// Passes on what the system says.
    pub fn finish(self) -> Result<PathBuf> {
        let mut labels = vec![("background".to_owned(), json!(0))];
        for entry in self.labels.entries() {
            let value = match entry.values.as_slice() {
                [value] => json!(value),
                values => json!(values),
            };
            labels.push((entry.name.clone(), value));
        }
        if let Some(ignore) = self.labels.ignore() {
            labels.push(("ignore".to_owned(), json!(ignore)));
        }
        let channels: Map<String, Value> = self
            .channels
            .iter()
            .enumerate()
            .map(|(i, name)| (i.to_string(), json!(name)))
            .collect();
        let description = Description {
            channel_names: channels,
            labels: Ordered(labels),
            regions_class_order: self.labels.regions_class_order(),
            training_cases: self.ids.len(),
            file_ending: ".nii.gz",
        };
        let path = self.folder.join("dataset.json");
        let text = serde_json::to_string_pretty(&description);
        let text = text.map_err(|e| Error::io("write", &path)(e.into()))?;
        atomic::write_bytes(&path, format!("{text}\n").as_bytes())
            .map_err(Error::not_written(&path))?;
        Ok(self.folder)
    }

    fn claim(&self, id: &str) -> Result<()> {
        let refuse = |rule| {
            Err(Error::NotWritable {
                path: self.folder.clone(),
                rule,
                got: id.to_owned(),
            })
        };
        let is_name = !id.is_empty() && !id.starts_with('.') && !id.contains(['/', '\\', '\0']);
        if !is_name {
            return refuse("an id must be a plain file name");
        }
        if self.ids.contains(id) || self.test_ids.contains(id) {
            return refuse("an id must be unique");
        }
        Ok(())
    }

    fn channel_path(&self, below: &str, id: &str, channel: usize) -> PathBuf {
        self.folder
            .join(below)
            .join(format!("{id}_{channel:04}.nii.gz"))
    }

    fn images<T: Voxel>(&self, below: &str, id: &str, image: &Image<T, 3>) -> Result<()> {
        if image.channels() != self.channels.len() {
            return Err(Error::ChannelCount {
                case: id.to_owned(),
                expected: self.channels.len(),
                got: image.channels(),
            });
        }
        if image.channels() == 1 {
            return nifti::write_image(self.channel_path(below, id, 0), image, &self.options);
        }
        for channel in 0..image.channels() {
            let path = self.channel_path(below, id, channel);
            let single =
                Image::new(*image.geometry(), image.channel(channel).to_vec()).map_err(|e| {
                    Error::file(crate::format::Format::Nifti, &path)(nifti::Fault::core("channel")(
                        e,
                    ))
                })?;
            nifti::write_image(&path, &single, &self.options)?;
        }
        Ok(())
    }
}
