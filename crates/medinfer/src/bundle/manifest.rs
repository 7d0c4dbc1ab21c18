//! What `bundle.json` says.

use std::collections::BTreeMap;

use medmodels::Architecture;
use medmodels::fusion::table::{Column, TableConfig};
use medmodels::fusion::{FusionConfig, TableNetworkConfig};
use mednn::candle_core::Device;
use serde::{Deserialize, Serialize};

use super::unique::unique;
use super::{MetricRecord, Provenance, SCHEMA_VERSION, Version, weights_file};
use crate::classify::{ClassifierConfig, refuse};
use crate::detect::{BoxRules, DetectorConfig};
use crate::error::Result;
use crate::patient::{FusedConfig, RecordConfig, TokenSource};
use crate::segmenter::SegmenterConfig;

/// What a bundle does, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TaskConfig {
    /// Says what images show.
    #[serde(rename = "classification_2d")]
    Classification2d(ClassifierConfig<2>),
    /// Says what volumes show.
    #[serde(rename = "classification_3d")]
    Classification3d(ClassifierConfig<3>),
    /// Finds boxes in images.
    #[serde(rename = "detection_2d")]
    Detection2d(DetectorConfig<2>),
    /// Finds boxes in volumes.
    #[serde(rename = "detection_3d")]
    Detection3d(DetectorConfig<3>),
    /// Says what images show, by what is known of the patients too.
    #[serde(rename = "fused_classification_2d")]
    Fused2d(FusedConfig<2>),
    /// The same of volumes.
    #[serde(rename = "fused_classification_3d")]
    Fused3d(FusedConfig<3>),
    /// Says what is to be expected by what is known of patients alone.
    #[serde(rename = "record_classification")]
    Record(RecordConfig),
    /// Labels the voxels of scans.
    #[serde(rename = "segmentation")]
    Segmentation(SegmenterConfig),
}

impl TaskConfig {
    /// Its name, as in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Classification2d(_) => "classification_2d",
            Self::Classification3d(_) => "classification_3d",
            Self::Detection2d(_) => "detection_2d",
            Self::Detection3d(_) => "detection_3d",
            Self::Fused2d(_) => "fused_classification_2d",
            Self::Fused3d(_) => "fused_classification_3d",
            Self::Record(_) => "record_classification",
            Self::Segmentation(_) => "segmentation",
        }
    }

    /// The network's name.
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        match self {
            Self::Classification2d(config) => config.model.architecture(),
            Self::Classification3d(config) => config.model.architecture(),
            Self::Detection2d(config) => config.model.architecture(),
            Self::Detection3d(config) => config.model.architecture(),
            Self::Fused2d(_) | Self::Fused3d(_) => FusionConfig::NAME,
            Self::Record(_) => TableNetworkConfig::NAME,
            Self::Segmentation(config) => config.model.architecture(),
        }
    }

    /// The columns of the table that the network reads; `None` where it reads none.
    #[must_use]
    pub fn table(&self) -> Option<&TableConfig> {
        match self {
            Self::Fused2d(config) => Some(&config.model.table),
            Self::Fused3d(config) => Some(&config.model.table),
            Self::Record(config) => Some(&config.model.table),
            _ => None,
        }
    }

    /// Where the tokens come from that the network reads, and how wide they are; `None` where it reads none.
    #[must_use]
    pub fn tokens(&self) -> Option<(&TokenSource, usize)> {
        let (source, fusion) = match self {
            Self::Fused2d(config) => (config.tokens.as_ref(), &config.model.fusion),
            Self::Fused3d(config) => (config.tokens.as_ref(), &config.model.fusion),
            _ => return None,
        };
        source.zip(fusion.token_width())
    }

    /// Which boxes a detector reports; `None` for what is no detector.
    pub(super) fn box_rules(&self) -> Option<&BoxRules> {
        match self {
            Self::Detection2d(config) => Some(&config.rules),
            Self::Detection3d(config) => Some(&config.rules),
            _ => None,
        }
    }

    /// What those who feed a model and read its answers rely on: channels, preparation and labels.
    fn interface(&self) -> serde_json::Result<serde_json::Value> {
        fn of<const D: usize>(
            config: &ClassifierConfig<D>,
        ) -> serde_json::Result<serde_json::Value> {
            let channels = config.model.in_channels();
            serde_json::to_value((channels, &config.preparation, &config.labels, config.kind))
        }
        fn of_boxes<const D: usize>(
            config: &DetectorConfig<D>,
        ) -> serde_json::Result<serde_json::Value> {
            let channels = config.model.in_channels();
            serde_json::to_value((channels, &config.preparation, &config.labels))
        }
        fn of_fused<const D: usize>(
            config: &FusedConfig<D>,
        ) -> serde_json::Result<serde_json::Value> {
            let channels = config.model.in_channels();
            let table = columns(&config.model.table);
            let answer = (&config.answer.labels, config.answer.kind);
            let width = config.model.fusion.token_width();
            let further = width.map(|width| (width, &config.tokens));
            serde_json::to_value((channels, &config.preparation, table, answer, further))
        }
        match self {
            Self::Fused2d(config) => of_fused(config),
            Self::Fused3d(config) => of_fused(config),
            Self::Record(config) => {
                let answer = (&config.answer.labels, config.answer.kind);
                serde_json::to_value((columns(&config.model.table), answer))
            }
            Self::Classification2d(config) => of(config),
            Self::Classification3d(config) => of(config),
            Self::Detection2d(config) => of_boxes(config),
            Self::Detection3d(config) => of_boxes(config),
            Self::Segmentation(config) => {
                let channels = config.model.in_channels();
                serde_json::to_value((channels, &config.preprocess, &config.labels, &config.rule))
            }
        }
    }
}

/// What those who write records rely on: names, units, ranges and levels, and what may be missing, but not means and standard
/// deviations of training.
fn columns(table: &TableConfig) -> TableConfig {
    let mut table = table.clone();
    for column in &mut table.columns {
        if let Column::Numeric(column) = column {
            (column.mean, column.std) = (0.0, 1.0);
        }
    }
    table
}

/// Which images a model is for; what it does to them is in the task's preparation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InputSpec {
    /// DICOM modalities, as `["CR", "DX"]`.
    pub modality: Vec<String>,
    /// What each channel is, as `["radiograph"]` or `["T1", "FLAIR"]`.
    pub channels: Vec<String>,
    /// Part of the body and view, as "chest, postero-anterior".
    pub view: Option<String>,
    /// Orientation of the axes, as "PL" or "SPL": the side each runs towards, slowest first.
    pub orientation: Option<String>,
    /// Smallest and largest spacing of the images of training along each axis, millimetres, slowest axis first.
    pub spacing_mm: Vec<[f64; 2]>,
    /// What the numbers are: "Hounsfield units", "presentation values, MONOCHROME2".
    pub intensity: Option<String>,
}

/// A file's size and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// A small image, a patient's record, or both, and what the model makes of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenCase {
    /// The file that holds both.
    pub file: String,
    /// The largest difference from what the file holds: of logits, relative to the largest where that is above 1; of labels,
    /// the share of voxels; of boxes, voxels and scores, in whatever order they come. A box whose score is within the
    /// tolerance (at most 0.01) of not being reported may be missing or new, as long as another box is the same.
    pub tolerance: f64,
}

impl GoldenCase {
    /// The least tolerance on a GPU, which adds up in another order than the processor that gave the answer: of logits a
    /// thousandth of the largest, of boxes a thousandth of a voxel.
    pub const LEAST_ON_GPU: f64 = 1e-3;

    /// The largest difference where the networks are on this device: what the case says on the processor, and elsewhere no
    /// less than [`LEAST_ON_GPU`](Self::LEAST_ON_GPU).
    #[must_use]
    pub fn tolerance_on(&self, device: &Device) -> f64 {
        match device.is_cpu() {
            true => self.tolerance,
            false => self.tolerance.max(Self::LEAST_ON_GPU),
        }
    }
}

/// Everything about a model but its numbers; the text of `bundle.json` but for its own hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// Version of the layout, 1.
    pub schema_version: u32,
    /// Its name: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// Its version; see [`Manifest::version_after`].
    pub version: Version,
    /// What it is for, and for whom.
    pub intended_use: String,
    /// Which images it is for.
    pub input: InputSpec,
    /// What it does, and how.
    pub task: TaskConfig,
    /// Number of networks whose answers are averaged.
    pub networks: usize,
    /// How well it did.
    pub metrics: Vec<MetricRecord>,
    /// Where it comes from.
    pub provenance: Provenance,
    /// What it is tried on before it is used.
    pub golden: Vec<GoldenCase>,
    /// All other files.
    #[serde(deserialize_with = "unique")]
    pub files: BTreeMap<String, FileDigest>,
}

impl Manifest {
    /// The version that follows `previous` for this content: major where input or labels are others, minor where weights,
    /// thresholds or anything else of the task is, otherwise patch.
    ///
    /// # Errors
    /// Refuses descriptions that JSON cannot hold.
    pub fn version_after(&self, previous: &Self) -> Result<Version> {
        let interface = |manifest: &Self| {
            let task = manifest.task.interface();
            task.or_else(|e| refuse("task", "representable as JSON", e.to_string()))
        };
        let weights = |manifest: &Self| -> Vec<Option<FileDigest>> {
            let files = (0..manifest.networks).map(weights_file);
            files
                .map(|file| manifest.files.get(&file).cloned())
                .collect()
        };
        let Version {
            major,
            minor,
            patch,
        } = previous.version;
        let is_major = self.input != previous.input
            || self.task.name() != previous.task.name()
            || interface(self)? != interface(previous)?;
        let is_minor = self.task != previous.task || weights(self) != weights(previous);
        Ok(match (is_major, is_minor) {
            (true, _) => Version::new(major + 1, 0, 0),
            (_, true) => Version::new(major, minor + 1, 0),
            _ => Version::new(major, minor, patch + 1),
        })
    }

    /// Refuses a layout of another version, and parts that do not fit each other.
    pub(crate) fn check(&self) -> Result<()> {
        if self.schema_version != SCHEMA_VERSION {
            return refuse("schema_version", "1", self.schema_version.to_string());
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.bytes().all(is_plain) {
            let rule = "letters, digits, -, _ and ., not with a . in front";
            return refuse("name", rule, format!("{:?}", self.name));
        }
        if self.networks == 0 || self.networks > super::MOST_FILES {
            return refuse("networks", "at least 1", self.networks.to_string());
        }
        if self.golden.is_empty() {
            return refuse("golden", "at least one case", "none".to_owned());
        }
        for case in &self.golden {
            if !(case.tolerance >= 0.0 && case.tolerance.is_finite()) {
                let rule = "a finite number from 0 on";
                return refuse("tolerance", rule, case.tolerance.to_string());
            }
            if !self.files.contains_key(&case.file) {
                return refuse("golden", "a file of the bundle", format!("{:?}", case.file));
            }
        }
        // JSON has no word for what is not finite.
        for metric in &self.metrics {
            let ends = metric.interval.into_iter().flatten();
            let mut values = std::iter::once(metric.value).chain(ends);
            if let Some(value) = values.find(|value| !value.is_finite()) {
                let rule = "finite, as are the ends of intervals";
                return refuse("metrics", rule, format!("{value} for {:?}", metric.name));
            }
        }
        let spacing = self.input.spacing_mm.iter().flatten();
        if let Some(value) = { spacing }.find(|value| !value.is_finite()) {
            return refuse("input.spacing_mm", "finite", value.to_string());
        }
        for file in (0..self.networks).map(weights_file) {
            if !self.files.contains_key(&file) {
                return refuse("files", "with the weights of every network", file);
            }
        }
        Ok(())
    }
}
