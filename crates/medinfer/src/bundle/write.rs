//! From a model to a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use medcore::atomic;
use mednn::candle_core::Tensor;
use mednn::params::safetensors_bytes;

use super::engine::{Engine, named};
use super::folder::{self, check_name, io, wrong};
use super::{
    Bundle, CARD_FILE, FileDigest, GoldenCase, GoldenInput, InputSpec, MANIFEST_FILE, Manifest,
    MetricRecord, Provenance, REFERENCE_FILE, SCHEMA_VERSION, Version, card, golden, seal,
    weights_file,
};
use crate::classify::refuse;
use crate::error::Result;

/// In front of the names of numbers kept for drift.
pub(super) const DRIFT: &str = "drift.";

/// Collects what a bundle holds, and writes it.
///
/// ```
/// use medcore::{Geometry, Image};
/// use medinfer::{Bundle, BundleWriter, ClassLabel, Classifier, ClassifierConfig, Version};
/// use medmodels::resnet::ResNetConfig;
/// use mednn::params::Params;
///
/// # let folder = tempfile::tempdir()?;
/// let labels = [ClassLabel::new("normal"), ClassLabel::new("pneumonia")];
/// let model = ResNetConfig::resnet18(2).with_in_channels(1).with_features([4, 4, 4, 4]);
/// let config = ClassifierConfig::<2>::new(model.into(), labels);
/// let network = medmodels::create(&config.model, &Params::new(1))?;
/// let classifier = Classifier::new(config, network)?;
/// let image = Image::new(Geometry::axis_aligned([32, 32], [1.0, 1.0])?, vec![0.5; 1024])?;
///
/// let place = folder.path().join("pneumonia-0.1.0");
/// BundleWriter::new(&classifier, "pneumonia", Version::new(0, 1, 0))
///     .with_intended_use("None: an untrained network.")
///     .with_golden(&image, 1e-3)
///     .write(&place)?;
/// let bundle = Bundle::load(&place)?;
/// let (before, after) = (classifier.classify(&image)?, bundle.classifier::<2>()?.classify(&image)?);
/// assert_eq!(before, after);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BundleWriter<'a, C: GoldenInput> {
    engine: &'a dyn Engine<C>,
    name: String,
    version: Version,
    intended_use: String,
    input: InputSpec,
    metrics: Vec<MetricRecord>,
    provenance: Provenance,
    golden: Vec<(&'a C, f64)>,
    drift: BTreeMap<String, Vec<f64>>,
    card: Option<String>,
    files: BTreeMap<String, Vec<u8>>,
}

impl<C: GoldenInput> std::fmt::Debug for BundleWriter<'_, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BundleWriter")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl<'a, C: GoldenInput> BundleWriter<'a, C> {
    /// A bundle of a model, under a name of letters, digits, `-`, `_` and `.`.
    #[must_use]
    pub fn new(engine: &'a dyn Engine<C>, name: impl Into<String>, version: Version) -> Self {
        Self {
            engine,
            name: name.into(),
            version,
            intended_use: String::new(),
            input: InputSpec::default(),
            metrics: Vec::new(),
            provenance: Provenance::default(),
            golden: Vec::new(),
            drift: BTreeMap::new(),
            card: None,
            files: BTreeMap::new(),
        }
    }

    /// Sets what the model is for, and for whom.
    #[must_use]
    pub fn with_intended_use(self, intended_use: impl Into<String>) -> Self {
        Self {
            intended_use: intended_use.into(),
            ..self
        }
    }

    /// Sets which images it is for.
    #[must_use]
    pub fn with_input(self, input: InputSpec) -> Self {
        Self { input, ..self }
    }

    /// Sets how well it did.
    #[must_use]
    pub fn with_metrics(self, metrics: impl Into<Vec<MetricRecord>>) -> Self {
        Self {
            metrics: metrics.into(),
            ..self
        }
    }

    /// Sets where it comes from.
    #[must_use]
    pub fn with_provenance(self, provenance: Provenance) -> Self {
        Self { provenance, ..self }
    }

    /// Adds a case on which the model is tried before it is used: an image, unprepared and best small, a record, or an
    /// [`Examination`](crate::Examination) of both, as the model reads them. 1e-3 is a tolerance that other processors keep;
    /// see [`GoldenCase::tolerance`].
    #[must_use]
    pub fn with_golden(mut self, case: &'a C, tolerance: f64) -> Self {
        self.golden.push((case, tolerance));
        self
    }

    /// Keeps numbers of the data of training or test (scores, ages, mean intensities), to be compared with those of later.
    #[must_use]
    pub fn with_drift(mut self, name: impl Into<String>, values: &[f64]) -> Self {
        self.drift.insert(name.into(), values.to_vec());
        self
    }

    /// Sets what the model card says behind what follows from the description: data, limits, ethics, in Markdown.
    #[must_use]
    pub fn with_card(self, markdown: impl Into<String>) -> Self {
        Self {
            card: Some(markdown.into()),
            ..self
        }
    }

    /// Adds a file, as `LICENSE`.
    #[must_use]
    pub fn with_file(mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(name.into(), bytes.into());
        self
    }

    /// Writes the folder, whole or not at all, and returns its description.
    ///
    /// It is written beside its place, loaded as anyone would load it (on the processor, golden cases included), and takes
    /// its name when that went well. A bundle that is there already is never changed: what differs has another version, and
    /// so another place.
    ///
    /// # Errors
    /// Refuses a place that is taken, parts that do not fit each other, names of files that lead outside or are taken; and
    /// when a file cannot be written.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<Manifest> {
        folder::write_whole(folder.as_ref(), |aside| {
            let manifest = self.fill(aside)?;
            Bundle::load(aside)?;
            Ok(manifest)
        })
    }

    fn fill(&self, folder: &Path) -> Result<Manifest> {
        let mut files = self.files.clone();
        let mut golden = Vec::new();
        for name in files.keys() {
            check_name(folder, name)?;
        }
        let mut add = |name: String, bytes: Vec<u8>| match files.insert(name.clone(), bytes) {
            None => Ok(()),
            Some(_) => refuse("files", "with names that the bundle does not use", name),
        };
        let networks = self.engine.networks();
        for (number, network) in networks.iter().enumerate() {
            let file = weights_file(number);
            add(file.clone(), tensors(&file, &network.params().snapshot()?)?)?;
        }
        let mut reference = self.engine.reference()?;
        for (name, values) in &self.drift {
            reference.extend([named(&format!("{DRIFT}{name}"), values)?]);
        }
        if !reference.is_empty() {
            add(
                REFERENCE_FILE.to_owned(),
                tensors(REFERENCE_FILE, &reference)?,
            )?;
        }
        for (number, &(case, tolerance)) in self.golden.iter().enumerate() {
            let file = format!("golden/{number}.safetensors");
            add(
                file.clone(),
                tensors(&file, &golden::record(self.engine, case)?)?,
            )?;
            golden.push(GoldenCase { file, tolerance });
        }
        let mut manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            name: self.name.clone(),
            version: self.version,
            intended_use: self.intended_use.clone(),
            input: self.input.clone(),
            task: self.engine.task(),
            networks: networks.len(),
            metrics: self.metrics.clone(),
            provenance: self.provenance.clone(),
            golden,
            files: BTreeMap::new(),
        };
        let text = card::markdown(&manifest, self.card.as_deref());
        add(CARD_FILE.to_owned(), text.into_bytes())?;
        manifest.files = { files.iter() }
            .map(|(name, bytes)| {
                let sha256 = seal::sha256(bytes);
                let size = bytes.len() as u64;
                (name.clone(), FileDigest { sha256, size })
            })
            .collect();
        manifest.check()?;
        let place = folder.join(MANIFEST_FILE);
        let mut json =
            serde_json::to_vec_pretty(&manifest).map_err(|e| wrong(&place, e.to_string()))?;
        json.push(b'\n');
        let sealed = seal::seal(&json);
        files.insert(
            MANIFEST_FILE.to_owned(),
            sealed.ok_or_else(|| wrong(&place, "it is no object"))?,
        );
        for (name, bytes) in &files {
            let place = folder.join(name);
            if let Some(inner) = place.parent() {
                fs::create_dir_all(inner).map_err(io(inner))?;
            }
            atomic::write_bytes(&place, bytes)?;
        }
        Ok(manifest)
    }
}

fn tensors(file: &str, tensors: &BTreeMap<String, Tensor>) -> Result<Vec<u8>> {
    Ok(safetensors_bytes(Path::new(file), tensors, None)?)
}
