//! Settings of the detector, and what follows from them.

use mednn::model::Model;
use mednn::params::Params;
use serde::{Deserialize, Serialize};

use super::network::RetinaNet;
use crate::check::{check_axes, check_positive};
use crate::config::Architecture;
use crate::error::{Error, Result};
use crate::resnet::ResNetConfig;

pub(super) const NAME: &str = "RetinaNet";
/// Groups of the normalisations in the heads.
pub(super) const GROUPS: usize = 8;

/// Settings of [`RetinaNet`].
///
/// ```
/// use medmodels::resnet::ResNetConfig;
/// use medmodels::retinanet::RetinaNetConfig;
///
/// // The lung nodule detector of the MONAI model zoo, its axes in storage order.
/// let backbone = ResNetConfig::resnet50(1).monai(3).with_in_channels(1).with_stem([7; 3], [1, 2, 2]);
/// let shapes = [[4.0, 8.0, 6.0], [5.0, 6.0, 8.0], [6.0, 10.0, 10.0]];
/// let config = RetinaNetConfig::new(backbone, 1)
///     .with_layers(&[1, 2])
///     .with_anchor_shapes(&shapes, &[1.0, 2.0, 4.0]);
/// assert_eq!(config.anchors[2][0], [16.0, 32.0, 24.0]);
/// assert!(config.check().is_ok());
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RetinaNetConfig {
    /// The residual network; its classes are of no meaning.
    pub backbone: ResNetConfig,
    /// Classes.
    pub out_channels: usize,
    /// The stages of the backbone the pyramid stands on, 1 to 4, in order; it has a level more than there are.
    pub layers: Vec<usize>,
    /// Features of every level of the pyramid.
    pub features: usize,
    /// Extents of the anchors of each level in voxels, axes in storage order.
    ///
    /// As in MONAI an anchor reaches half its extent, rounded to whole voxels, to either side.
    pub anchors: Vec<Vec<Vec<f64>>>,
}

impl RetinaNetConfig {
    /// A detector on the stages 1 to 3 of a residual network with 256 features, anchors of 32, 64, 128 and 256 voxels.
    #[must_use]
    pub fn new(backbone: ResNetConfig, classes: usize) -> Self {
        let axes = backbone.spatial_dims;
        let anchors = [32.0, 64.0, 128.0, 256.0].map(|extent| vec![vec![extent; axes]]);
        Self {
            backbone,
            out_channels: classes,
            layers: vec![1, 2, 3],
            features: 256,
            anchors: anchors.to_vec(),
        }
    }

    /// Sets the stages of the backbone that the pyramid stands on.
    #[must_use]
    pub fn with_layers(self, layers: &[usize]) -> Self {
        Self {
            layers: layers.to_vec(),
            ..self
        }
    }

    /// Sets the features of every level of the pyramid.
    #[must_use]
    pub fn with_features(self, features: usize) -> Self {
        Self { features, ..self }
    }

    /// Sets the same shapes of anchors on each level, times the factor of the level (MONAI's
    /// `AnchorGeneratorWithAnchorShape`).
    #[must_use]
    pub fn with_anchor_shapes<const D: usize>(self, shapes: &[[f64; D]], factors: &[f64]) -> Self {
        let level = |factor: &f64| {
            let scaled = |shape: &[f64; D]| shape.map(|extent| extent * factor).to_vec();
            shapes.iter().map(scaled).collect()
        };
        Self {
            anchors: factors.iter().map(level).collect(),
            ..self
        }
    }

    /// Sets the sizes of anchors of each level and the shapes they all have, given by the extents of the axes after the first
    /// as multiples of that of the first (MONAI's `AnchorGenerator`): each has the volume of a cube of its size.
    #[must_use]
    pub fn with_anchor_sizes(self, sizes: &[Vec<f64>], ratios: &[Vec<f64>]) -> Self {
        let shape = |ratios: &Vec<f64>, size: f64| {
            let sides = || std::iter::once(1.0).chain(ratios.iter().copied());
            let axes = sides().count() as f64;
            let mean = sides().product::<f64>().powf(1.0 / axes);
            sides().map(|side| side / mean * size).collect()
        };
        let level = |sizes: &Vec<f64>| {
            let of_ratio = |ratio| sizes.iter().map(move |&size| shape(ratio, size));
            ratios.iter().flat_map(of_ratio).collect()
        };
        Self {
            anchors: sizes.iter().map(level).collect(),
            ..self
        }
    }

    /// Anchors at each place.
    pub(super) fn each(&self) -> usize {
        self.anchors.first().map_or(0, Vec::len)
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        self.backbone.check()?;
        check_axes(NAME, self.backbone.spatial_dims)?;
        let settings = [("out_channels", self.out_channels)];
        check_positive(NAME, &settings)?;
        if self.features == 0 || !self.features.is_multiple_of(GROUPS) {
            let rule = format!("a multiple of {GROUPS}");
            return Err(Error::setting(NAME, "features", rule, self.features));
        }
        let known = self.layers.iter().all(|layer| (1..=4).contains(layer));
        if self.layers.is_empty() || !known || !self.layers.is_sorted_by(|a, b| a < b) {
            let value = format!("{:?}", self.layers);
            return Err(Error::setting(NAME, "layers", "of 1 to 4, in order", value));
        }
        let fits = |extent: &Vec<f64>| {
            let positive = |&side: &f64| side >= 1.0 && side.is_finite();
            extent.len() == self.backbone.spatial_dims && extent.iter().all(positive)
        };
        let levels = self.layers.len() + 1;
        let same = self.anchors.iter().all(|level| level.len() == self.each());
        let all_fit = self.anchors.iter().flatten().all(fits);
        if self.anchors.len() != levels || self.each() == 0 || !same || !all_fit {
            let rule = format!("given for {levels} levels, as many on each, 1 voxel or longer");
            let value = format!("{:?}", self.anchors);
            return Err(Error::setting(NAME, "anchors", rule, value));
        }
        Ok(())
    }
}

impl Architecture for RetinaNetConfig {
    const NAME: &'static str = NAME;

    fn task(&self) -> crate::config::Task {
        crate::config::Task::Detection
    }

    fn spatial_dims(&self) -> usize {
        self.backbone.spatial_dims
    }

    fn in_channels(&self) -> usize {
        self.backbone.in_channels
    }

    fn out_channels(&self) -> usize {
        self.out_channels
    }

    fn divisor(&self) -> Vec<usize> {
        let pool = if self.backbone.stem_pool { 2 } else { 1 };
        let last = self.layers.last().copied().unwrap_or(1);
        let stem = self.backbone.stem_stride.iter();
        stem.map(|stride| (stride * pool) << last).collect()
    }

    fn check(&self) -> Result<()> {
        self.check()
    }

    fn stem(&self) -> &'static [&'static str] {
        &["feature_extractor.body.conv1.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["classification_head.cls_logits.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        match self.backbone.spatial_dims {
            2 => Ok(Box::new(RetinaNet::<2>::new(self, params)?)),
            3 => Ok(Box::new(RetinaNet::<3>::new(self, params)?)),
            axes => Err(Error::setting(NAME, "spatial_dims", "2 or 3", axes)),
        }
    }
}
