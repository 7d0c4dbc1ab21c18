//! From a folder to a model that has shown that it works here.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use medmetrics::drift::{Reference, ReferenceSettings};
use mednn::candle_core::{Device, Tensor};

use super::checked::Checked;
use super::write::DRIFT;
use super::{LoadOptions, Manifest, REFERENCE_FILE, SignatureKey, TaskConfig};
use crate::classify::{Classifier, refuse};
use crate::detect::BoxDetector;
use crate::error::Result;
use crate::patient::{FusedClassifier, RecordClassifier};
use crate::segmenter::Segmenter;

/// A model whose files are the ones that were written, and which gives here the answers it gave there.
///
/// ```no_run
/// # fn f(radiograph: medcore::Image<u16, 2>) -> Result<(), medinfer::Error> {
/// use medinfer::Bundle;
///
/// let bundle = Bundle::load("pneumonia-1.2.0")?;
/// let found = bundle.classifier::<2>()?.classify(&radiograph)?;
/// assert_eq!(found.is_positive("screening", "pneumonia"), Some(false));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    manifest: Manifest,
    model: Loaded,
    reference: BTreeMap<String, Tensor>,
}

#[derive(Debug)]
enum Loaded {
    Classifier2d(Classifier<'static, 2>),
    Classifier3d(Classifier<'static, 3>),
    Detector2d(BoxDetector<'static, 2>),
    Detector3d(BoxDetector<'static, 3>),
    Fused2d(FusedClassifier<'static, 2>),
    Fused3d(FusedClassifier<'static, 3>),
    Record(RecordClassifier<'static>),
    Segmenter(Segmenter<'static>),
}

impl Loaded {
    fn as_any(&self) -> &dyn Any {
        match self {
            Self::Classifier2d(classifier) => classifier,
            Self::Classifier3d(classifier) => classifier,
            Self::Detector2d(detector) => detector,
            Self::Detector3d(detector) => detector,
            Self::Fused2d(classifier) => classifier,
            Self::Fused3d(classifier) => classifier,
            Self::Record(classifier) => classifier,
            Self::Segmenter(segmenter) => segmenter,
        }
    }
}

impl Bundle {
    /// Reads a folder that a [`BundleWriter`](super::BundleWriter) wrote.
    ///
    /// The description is read when its own hash is right, and anything else when its size and hash are those of the
    /// description. Then the networks are built, and every golden case is tried.
    ///
    /// # Errors
    /// Names the first file that is missing, unexpected, altered, a link or no file; refuses a description whose parts do
    /// not fit each other, weights that are not those of the network, and answers that are others than where the bundle was
    /// written.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(folder, &LoadOptions::new())
    }

    /// As [`Bundle::load`], with the networks on a device, where the golden cases are tried too.
    ///
    /// A GPU adds up in another order than the processor, so that there each case may differ by
    /// [`GoldenCase::LEAST_ON_GPU`](super::GoldenCase::LEAST_ON_GPU) at least.
    ///
    /// # Errors
    /// As [`Bundle::load`], and when the device refuses the memory.
    pub fn load_on(folder: impl AsRef<Path>, device: &Device) -> Result<Self> {
        Self::load_with(folder, &LoadOptions::new().with_device(device))
    }

    /// As [`Bundle::load`], if the description has a signature of this key beside it; see [`LoadOptions::with_key`].
    ///
    /// # Errors
    /// As [`Bundle::load`]; and names the signature where it is missing, of another key or of another description.
    pub fn load_signed(folder: impl AsRef<Path>, key: &SignatureKey) -> Result<Self> {
        Self::load_with(folder, &LoadOptions::new().with_key(key))
    }

    /// Reads a folder as the options say.
    ///
    /// # Errors
    /// As [`Bundle::load_on`] and [`Bundle::load_signed`].
    pub fn load_with(folder: impl AsRef<Path>, options: &LoadOptions<'_>) -> Result<Self> {
        Self::build(Checked::read(folder.as_ref(), options)?)
    }

    fn build(mut checked: Checked) -> Result<Self> {
        let reference = match checked.files.contains_key(REFERENCE_FILE) {
            true => checked.tensors(REFERENCE_FILE)?,
            false => BTreeMap::new(),
        };
        let model = match checked.manifest.task.clone() {
            TaskConfig::Classification2d(config) => {
                Loaded::Classifier2d(checked.classifier(config, &reference)?)
            }
            TaskConfig::Classification3d(config) => {
                Loaded::Classifier3d(checked.classifier(config, &reference)?)
            }
            TaskConfig::Detection2d(config) => Loaded::Detector2d(checked.detector(config)?),
            TaskConfig::Detection3d(config) => Loaded::Detector3d(checked.detector(config)?),
            TaskConfig::Fused2d(config) => Loaded::Fused2d(checked.fused(config, &reference)?),
            TaskConfig::Fused3d(config) => Loaded::Fused3d(checked.fused(config, &reference)?),
            TaskConfig::Record(config) => Loaded::Record(checked.record(config, &reference)?),
            TaskConfig::Segmentation(config) => Loaded::Segmenter(checked.segmenter(config)?),
        };
        Ok(Self {
            path: checked.path,
            manifest: checked.manifest,
            model,
            reference,
        })
    }

    /// Compares every file with its hash, and says what the bundle is, without building its networks.
    ///
    /// # Errors
    /// As [`Bundle::load`].
    pub fn verify(folder: impl AsRef<Path>) -> Result<Manifest> {
        Ok(Checked::read(folder.as_ref(), &LoadOptions::new())?.manifest)
    }

    /// As [`Bundle::verify`], and that the description has a signature of this key.
    ///
    /// # Errors
    /// As [`Bundle::load_signed`].
    pub fn verify_signed(folder: impl AsRef<Path>, key: &SignatureKey) -> Result<Manifest> {
        let options = LoadOptions::new().with_key(key);
        Ok(Checked::read(folder.as_ref(), &options)?.manifest)
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The description.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The classifier of images with `D` axes.
    ///
    /// # Errors
    /// When the bundle is for another task.
    pub fn classifier<const D: usize>(&self) -> Result<&Classifier<'static, D>> {
        self.model("a classifier of images with as many axes")
    }

    /// The classifier of images with `D` axes and patient data.
    ///
    /// # Errors
    /// When the bundle is for another task.
    pub fn fused_classifier<const D: usize>(&self) -> Result<&FusedClassifier<'static, D>> {
        self.model("a classifier of images with as many axes and patient data")
    }

    /// The classifier of patient data without an image.
    ///
    /// # Errors
    /// When the bundle is for another task.
    pub fn record_classifier(&self) -> Result<&RecordClassifier<'static>> {
        self.model("a classifier of patient data without an image")
    }

    /// The detector of boxes in images with `D` axes.
    ///
    /// # Errors
    /// When the bundle is for another task.
    pub fn detector<const D: usize>(&self) -> Result<&BoxDetector<'static, D>> {
        self.model("a detector in images with as many axes")
    }

    /// The segmenter.
    ///
    /// # Errors
    /// When the bundle is for another task.
    pub fn segmenter(&self) -> Result<&Segmenter<'static>> {
        self.model("a segmenter")
    }

    fn model<M: 'static>(&self, rule: &'static str) -> Result<&M> {
        match self.model.as_any().downcast_ref() {
            Some(model) => Ok(model),
            None => refuse("task", rule, self.manifest.task.name().to_owned()),
        }
    }

    /// The numbers that were kept under this name when the model was made, to be compared with those of later; see
    /// [`BundleWriter::with_drift`](super::BundleWriter::with_drift).
    ///
    /// # Errors
    /// When what was kept under the name are no numbers.
    pub fn drift(&self, name: &str) -> Result<Option<Reference>> {
        let Some(values) = self.reference.get(&format!("{DRIFT}{name}")) else {
            return Ok(None);
        };
        let values = values.to_vec1::<f64>().map_err(mednn::Error::from)?;
        let settings = ReferenceSettings::default();
        Ok(Some(Reference::of(&values, &settings)?))
    }

    /// All tensors of reference, by name.
    #[must_use]
    pub fn reference(&self) -> &BTreeMap<String, Tensor> {
        &self.reference
    }
}
