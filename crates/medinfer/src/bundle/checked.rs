//! From files whose hashes are right to models on a device.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use medmodels::detection::create_detector;
use medmodels::fusion;
use mednn::candle_core::{Device, Tensor};
use mednn::model::Model;
use mednn::params::{LoadPolicy, Params, parse_safetensors};
use rayon::prelude::*;

use super::engine::Engine;
use super::folder::{self, wrong};
use super::{
    GoldenInput, LoadOptions, MANIFEST_FILE, MOST_MANIFEST_BYTES, Manifest, TaskConfig, golden,
    seal, weights_file,
};
use crate::classify::{Classifier, ClassifierConfig};
use crate::detect::{BoxDetector, DetectorConfig};
use crate::error::Result;
use crate::outlier::FeatureReference;
use crate::patient::{FusedClassifier, FusedConfig, RecordClassifier, RecordConfig};
use crate::segmenter::{Segmenter, SegmenterConfig};

/// The first network and the others.
type Ensemble = (Box<dyn Model>, Vec<Box<dyn Model>>);

/// What makes a network of parameters.
type Build<'a> = &'a dyn Fn(&Params) -> medmodels::Result<Box<dyn Model>>;

/// A bundle whose files all have the size and hash they should have.
pub(super) struct Checked {
    pub(super) path: PathBuf,
    pub(super) manifest: Manifest,
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// Where networks are made.
    device: Device,
}

impl Checked {
    pub(super) fn read(path: &Path, options: &LoadOptions<'_>) -> Result<Self> {
        let found = folder::list(path)?;
        let place = path.join(MANIFEST_FILE);
        if !found.contains_key(MANIFEST_FILE) {
            return Err(wrong(&place, "it is missing"));
        }
        let text = folder::read(&place, MOST_MANIFEST_BYTES)?;
        let json = seal::unseal(&text).ok_or_else(|| wrong(&place, "it has been altered"))?;
        if let Some(key) = options.key {
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
            device: options.device.clone(),
        })
    }

    /// The tensors of a file, whose bytes are given up.
    pub(super) fn tensors(&mut self, name: &str) -> Result<BTreeMap<String, Tensor>> {
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
        let params = self.params();
        let network = build(&params)?;
        self.fill(&params, number)?;
        Ok(network)
    }

    /// Room for the weights of a network, on the device.
    fn params(&self) -> Params {
        Params::on_device(0, &self.device).zeroed()
    }

    /// Takes the weights of a network.
    fn fill(&mut self, params: &Params, number: usize) -> Result<()> {
        let file = weights_file(number);
        let tensors = self.tensors(&file)?;
        params.load_tensors(&self.path.join(file), tensors, &LoadPolicy::strict())?;
        Ok(())
    }

    pub(super) fn classifier<const D: usize>(
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

    pub(super) fn fused<const D: usize>(
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

    pub(super) fn record(
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

    pub(super) fn detector<const D: usize>(
        &mut self,
        config: DetectorConfig<D>,
    ) -> Result<BoxDetector<'static, D>>
    where
        TaskConfig: From<DetectorConfig<D>>,
    {
        let mut networks = Vec::new();
        for number in 0..self.manifest.networks {
            let params = self.params();
            networks.push(create_detector::<D>(&config.model, &params)?);
            self.fill(&params, number)?;
        }
        let others = networks.split_off(1);
        let detector = BoxDetector::new(config, networks.remove(0))?.with_ensemble(others);
        self.prove(&detector)?;
        Ok(detector)
    }

    pub(super) fn segmenter(&mut self, config: SegmenterConfig) -> Result<Segmenter<'static>> {
        let build = |params: &Params| medmodels::create(&config.model, params);
        let (first, others) = self.networks(&build)?;
        let segmenter = Segmenter::new(config, first)?.with_ensemble(others);
        self.prove(&segmenter)?;
        Ok(segmenter)
    }

    /// Tries every golden case.
    fn prove<C: GoldenInput>(&mut self, engine: &dyn Engine<C>) -> Result<()> {
        for case in self.manifest.golden.clone() {
            let tensors = self.tensors(&case.file)?;
            let tolerance = case.tolerance_on(&self.device);
            golden::check(engine, &self.path.join(&case.file), tensors, tolerance)?;
        }
        Ok(())
    }
}
