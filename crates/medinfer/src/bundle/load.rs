//! From a folder to a model that has shown that it works here.

use std::any::Any;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use medmetrics::drift::{Reference, ReferenceSettings};
use medmodels::detection::create_detector;
use medmodels::fusion;
use mednn::candle_core::Tensor;
use mednn::model::Model;
use mednn::params::{LoadPolicy, Params, parse_safetensors};
use rayon::prelude::*;

use super::engine::Engine;
use super::folder::{self, wrong};
use super::write::DRIFT;
use super::{
    GoldenInput, MANIFEST_FILE, MOST_MANIFEST_BYTES, Manifest, REFERENCE_FILE, SignatureKey,
    TaskConfig, golden, seal, weights_file,
};
use crate::classify::{Classifier, ClassifierConfig, refuse};
use crate::detect::{BoxDetector, DetectorConfig};
use crate::error::Result;
use crate::outlier::FeatureReference;
use crate::patient::{FusedClassifier, FusedConfig, RecordClassifier, RecordConfig};
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
        Self::build(Checked::read(folder.as_ref(), None)?)
    }

    /// Reads a folder whose description has a signature of this key beside it, `bundle.json.minisig`.
    ///
    /// The description says what it hashes to itself, and has the hashes of everything else: these show accidents, the
    /// signature who made the bundle. It is made by `minisign -Sm bundle.json` where the secret key is, not here.
    ///
    /// # Errors
    /// As [`Bundle::load`]; and names the signature where it is missing, of another key or of another description.
    pub fn load_signed(folder: impl AsRef<Path>, key: &SignatureKey) -> Result<Self> {
        Self::build(Checked::read(folder.as_ref(), Some(key))?)
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
            TaskConfig::Segmentation(config) => {
                let build = |params: &Params| medmodels::create(&config.model, params);
                let (first, others) = checked.networks(&build)?;
                let segmenter = Segmenter::new(config, first)?.with_ensemble(others);
                checked.prove(&segmenter)?;
                Loaded::Segmenter(segmenter)
            }
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
        Ok(Checked::read(folder.as_ref(), None)?.manifest)
    }

    /// As [`Bundle::verify`], and that the description has a signature of this key.
    ///
    /// # Errors
    /// As [`Bundle::load_signed`].
    pub fn verify_signed(folder: impl AsRef<Path>, key: &SignatureKey) -> Result<Manifest> {
        Ok(Checked::read(folder.as_ref(), Some(key))?.manifest)
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

/// The first network and the others.
type Ensemble = (Box<dyn Model>, Vec<Box<dyn Model>>);

/// What makes a network of parameters.
type Build<'a> = &'a dyn Fn(&Params) -> medmodels::Result<Box<dyn Model>>;

/// A bundle whose files all have the size and hash they should have.
struct Checked {
    path: PathBuf,
    manifest: Manifest,
    files: BTreeMap<String, Vec<u8>>,
}

impl Checked {
    fn read(path: &Path, key: Option<&SignatureKey>) -> Result<Self> {
        let found = folder::list(path)?;
        let place = path.join(MANIFEST_FILE);
        if !found.contains_key(MANIFEST_FILE) {
            return Err(wrong(&place, "it is missing"));
        }
        let text = folder::read(&place, MOST_MANIFEST_BYTES)?;
        let json = seal::unseal(&text).ok_or_else(|| wrong(&place, "it has been altered"))?;
        if let Some(key) = key {
            key.check(path, &text)?;
        }
        let manifest: Manifest =
            serde_json::from_slice(&json).map_err(|e| wrong(&place, e.to_string()))?;
        folder::check_files(path, &found, &manifest.files)?;
        manifest.check()?;
        let read = |(name, about): (&String, &super::FileDigest)| {
            let bytes = folder::read_listed(path, name, about)?;
            Ok((name.clone(), bytes))
        };
        let files: Vec<_> = manifest.files.par_iter().map(read).collect();
        // Of several errors the first by name, whichever thread was faster.
        let files = files.into_iter().collect::<Result<_>>()?;
        Ok(Self {
            path: path.to_owned(),
            manifest,
            files,
        })
    }

    /// The tensors of a file, whose bytes are given up.
    fn tensors(&mut self, name: &str) -> Result<BTreeMap<String, Tensor>> {
        let place = self.path.join(name);
        let bytes = self.files.remove(name);
        let bytes = bytes.ok_or_else(|| wrong(&place, "it is missing, or used twice"))?;
        Ok(parse_safetensors(&place, &bytes)?)
    }

    /// Networks with their weights.
    fn networks(&mut self, build: Build<'_>) -> Result<Ensemble> {
        let first = self.network(build, 0)?;
        let others = (1..self.manifest.networks).map(|number| self.network(build, number));
        Ok((first, others.collect::<Result<_>>()?))
    }

    fn network(&mut self, build: Build<'_>, number: usize) -> Result<Box<dyn Model>> {
        let params = Params::new(0).zeroed();
        let network = build(&params)?;
        self.fill(&params, number)?;
        Ok(network)
    }

    /// Takes the weights of a network.
    fn fill(&mut self, params: &Params, number: usize) -> Result<()> {
        let file = weights_file(number);
        let tensors = self.tensors(&file)?;
        params.load_tensors(&self.path.join(file), tensors, &LoadPolicy::strict())?;
        Ok(())
    }

    fn classifier<const D: usize>(
        &mut self,
        config: ClassifierConfig<D>,
        reference: &BTreeMap<String, Tensor>,
    ) -> Result<Classifier<'static, D>>
    where
        TaskConfig: From<ClassifierConfig<D>>,
    {
        let build = |params: &Params| medmodels::create(&config.model, params);
        let (first, others) = self.networks(&build)?;
        let mut classifier = Classifier::new(config, first)?.with_ensemble(others);
        if let Some(reference) = FeatureReference::from_tensors(reference)? {
            classifier = classifier.with_reference(reference);
        }
        self.prove(&classifier)?;
        Ok(classifier)
    }

    fn fused<const D: usize>(
        &mut self,
        config: FusedConfig<D>,
        reference: &BTreeMap<String, Tensor>,
    ) -> Result<FusedClassifier<'static, D>>
    where
        TaskConfig: From<FusedConfig<D>>,
    {
        let build = |params: &Params| fusion::create(&config.model, params);
        let (first, others) = self.networks(&build)?;
        let mut classifier = FusedClassifier::new(config, first)?.with_ensemble(others);
        if let Some(reference) = FeatureReference::from_tensors(reference)? {
            classifier = classifier.with_reference(reference);
        }
        self.prove(&classifier)?;
        Ok(classifier)
    }

    fn record(
        &mut self,
        config: RecordConfig,
        reference: &BTreeMap<String, Tensor>,
    ) -> Result<RecordClassifier<'static>> {
        let build = |params: &Params| fusion::create_table(&config.model, params);
        let (first, others) = self.networks(&build)?;
        let mut classifier = RecordClassifier::new(config, first)?.with_ensemble(others);
        if let Some(reference) = FeatureReference::from_tensors(reference)? {
            classifier = classifier.with_reference(reference);
        }
        self.prove(&classifier)?;
        Ok(classifier)
    }

    fn detector<const D: usize>(
        &mut self,
        config: DetectorConfig<D>,
    ) -> Result<BoxDetector<'static, D>>
    where
        TaskConfig: From<DetectorConfig<D>>,
    {
        let mut networks = Vec::new();
        for number in 0..self.manifest.networks {
            let params = Params::new(0).zeroed();
            networks.push(create_detector::<D>(&config.model, &params)?);
            self.fill(&params, number)?;
        }
        let others = networks.split_off(1);
        let detector = BoxDetector::new(config, networks.remove(0))?.with_ensemble(others);
        self.prove(&detector)?;
        Ok(detector)
    }

    /// Tries every golden case.
    fn prove<C: GoldenInput>(&mut self, engine: &dyn Engine<C>) -> Result<()> {
        for case in self.manifest.golden.clone() {
            let tensors = self.tensors(&case.file)?;
            golden::check(engine, &self.path.join(&case.file), tensors, case.tolerance)?;
        }
        Ok(())
    }
}
