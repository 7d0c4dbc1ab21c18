//! From a scan to labels on its own grid, described by a folder.
//!
//! The folder holds `config.json`, which says everything but the weights, and `model.safetensors`. Nothing in it
//! is executed.

mod config;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use medaug::Preprocessed;
use medcore::atomic::Pending;
use medcore::resample::Voxel;
use medcore::{Image, LabelMap};
use mednn::candle_core::Device;
use mednn::model::Model;
use mednn::params::{LoadPolicy, Params};

pub use config::SegmenterConfig;

use crate::error::{Error, Result};
use crate::predictor::Predictor;
use crate::progress::{Progress, Silent};
use crate::views::{TestTimeAugmentation, VoxelUncertainty};

/// The name of the description inside a folder.
pub const CONFIG_FILE: &str = "config.json";
/// The name of the weights inside a folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";

/// A description larger than this is none.
const MOST_CONFIG_BYTES: u64 = 1 << 20;

/// A trained network with everything around it.
///
/// ```no_run
/// # fn f(scan: medcore::Image<i16, 3>) -> Result<(), medinfer::Error> {
/// use medinfer::Segmenter;
///
/// let segmenter = Segmenter::load("organ_segmentation_out/model")?;
/// let labels = segmenter.segment(&scan)?;
/// assert_eq!(labels.geometry(), scan.geometry());
/// # Ok(()) }
/// ```
pub struct Segmenter<'m> {
    config: SegmenterConfig,
    network: Box<dyn Model + 'm>,
    /// Networks of the same architecture whose logits are averaged with those of the first.
    others: Vec<Box<dyn Model + 'm>>,
}

impl std::fmt::Debug for Segmenter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segmenter")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Segmenter<'static> {
    /// Reads a folder that [`Segmenter::save`] wrote.
    ///
    /// # Errors
    /// When a file is missing or malformed, parts do not fit each other, or a weight is missing, unexpected or
    /// misshapen.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self> {
        Self::load_on(folder, &Device::Cpu)
    }

    /// As [`Segmenter::load`], with the network on a device.
    ///
    /// # Errors
    /// As [`Segmenter::load`], and when the device refuses the memory.
    pub fn load_on(folder: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let folder = folder.as_ref();
        let config = read_config(&folder.join(CONFIG_FILE))?;
        let params = Params::on_device(0, device).zeroed();
        let network = medmodels::create(&config.model, &params)?;
        params.load_safetensors(folder.join(WEIGHTS_FILE), &LoadPolicy::strict())?;
        Self::new(config, network)
    }
}

impl<'m> Segmenter<'m> {
    /// Puts a network of the described architecture to use: an own one, or `Box::new(&network)` while it learns.
    ///
    /// # Errors
    /// Refuses a description whose parts do not fit each other.
    pub fn new(config: SegmenterConfig, network: Box<dyn Model + 'm>) -> Result<Self> {
        config.check()?;
        Ok(Self {
            config,
            network,
            others: Vec::new(),
        })
    }

    /// Averages the logits with those of further networks of the same architecture, as nnU-Net does with its folds.
    #[must_use]
    pub fn with_ensemble(self, others: Vec<Box<dyn Model + 'm>>) -> Self {
        Self { others, ..self }
    }

    /// Writes description and weights into a folder, which is made if it is not there. Both are complete before one of
    /// them takes its name, and neither ever stands beside an old one (see [`Pending::commit_with`]).
    ///
    /// # Errors
    /// When a file cannot be written, and for several networks, of which a folder has one.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        if !self.others.is_empty() {
            return Err(Error::Setting {
                setting: "networks",
                rule: "one, as a folder holds the weights of one",
                value: (self.others.len() + 1).to_string(),
            });
        }
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(|source| Error::Io {
            path: folder.to_owned(),
            source,
        })?;
        let path = folder.join(CONFIG_FILE);
        let mut json = serde_json::to_vec_pretty(&self.config).map_err(|e| Error::Config {
            path: path.clone(),
            reason: e.to_string(),
        })?;
        json.push(b'\n');
        let params = self.network.params();
        let weights = params.pending_safetensors(folder.join(WEIGHTS_FILE))?;
        let config = Pending::fill(&path, |out| out.write_all(&json))?;
        Ok(weights.commit_with(config)?)
    }

    /// The description.
    #[must_use]
    pub fn config(&self) -> &SegmenterConfig {
        &self.config
    }

    /// The network, of several the first.
    #[must_use]
    pub fn network(&self) -> &dyn Model {
        &*self.network
    }

    /// All networks.
    pub(crate) fn networks(&self) -> impl Iterator<Item = &dyn Model> {
        std::iter::once(self.network()).chain(self.others.iter().map(|network| &**network as _))
    }

    /// The network over windows, as described.
    ///
    /// # Errors
    /// As [`Predictor::new`].
    pub fn predictor(&self) -> Result<Predictor<'_>> {
        Ok(Predictor::new(&*self.network, self.config.window.clone())?
            .with_ensemble(self.others.iter().map(|network| &**network as &dyn Model))
            .with_mirror_axes(self.config.mirror_axes.clone())
            .with_accumulation(self.config.accumulation))
    }

    /// The network over windows of the scan as it is and of the described views of it.
    ///
    /// # Errors
    /// As [`Predictor::new`].
    pub fn augmentation(&self) -> Result<TestTimeAugmentation<'_, 3>> {
        let views = self.config.views.clone();
        let several = TestTimeAugmentation::new(self.predictor()?, views)?;
        Ok(several.with_mean_of(self.config.mean_of))
    }

    /// Labels of a scan on its own grid.
    ///
    /// # Errors
    /// Refuses a scan with another number of channels; and when preparation, a view of the scan or the network fails.
    pub fn segment<T: Voxel>(&self, scan: &Image<T, 3>) -> Result<LabelMap<u8, 3>> {
        self.segment_with(scan, &Silent)
    }

    /// As [`Segmenter::segment`], and tells how far it has come.
    ///
    /// # Errors
    /// As [`Segmenter::segment`].
    pub fn segment_with<T: Voxel>(
        &self,
        scan: &Image<T, 3>,
        progress: &dyn Progress,
    ) -> Result<LabelMap<u8, 3>> {
        let prepared = self.prepare(scan)?;
        self.segment_prepared(&prepared, progress)
    }

    /// As [`Segmenter::segment_with`], and gives the memory of the scan back before the network runs.
    ///
    /// # Errors
    /// As [`Segmenter::segment`].
    pub fn segment_owned<T: Voxel>(
        &self,
        scan: Image<T, 3>,
        progress: &dyn Progress,
    ) -> Result<LabelMap<u8, 3>> {
        let prepared = self.prepare(&scan)?;
        drop(scan);
        self.segment_prepared(&prepared, progress)
    }

    /// Labels of a prepared scan, on the scan's own grid.
    ///
    /// # Errors
    /// When a view of the scan or the network fails.
    pub fn segment_prepared(
        &self,
        scan: &Preprocessed,
        progress: &dyn Progress,
    ) -> Result<LabelMap<u8, 3>> {
        self.augmentation()?
            .labels_of_scan(scan, &self.config.rule, progress)
    }

    /// How far the described views of a prepared scan lie apart, on the grid of the prepared scan;
    /// [`medcore::resample::resample`] leads maps from there to the scan's.
    ///
    /// # Errors
    /// As [`Segmenter::segment_prepared`].
    pub fn uncertainty_prepared(
        &self,
        scan: &Preprocessed,
        progress: &dyn Progress,
    ) -> Result<VoxelUncertainty<3>> {
        self.augmentation()?
            .uncertainty(&scan.image, &self.config.rule, progress)
    }

    /// A scan as the network reads it.
    ///
    /// # Errors
    /// Refuses a scan with another number of channels; and when preparation fails.
    pub fn prepare<T: Voxel>(&self, scan: &Image<T, 3>) -> Result<Preprocessed> {
        let expected = self.config.model.in_channels();
        if scan.channels() != expected {
            return Err(Error::Channels {
                expected,
                got: scan.channels(),
            });
        }
        Ok(self.config.preprocess.apply(scan, None)?)
    }
}

fn read_config(path: &Path) -> Result<SegmenterConfig> {
    let io = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    let mut json = String::new();
    File::open(path)
        .map_err(io)?
        .take(MOST_CONFIG_BYTES)
        .read_to_string(&mut json)
        .map_err(io)?;
    serde_json::from_str(&json).map_err(|e| Error::Config {
        path: path.to_owned(),
        reason: e.to_string(),
    })
}
