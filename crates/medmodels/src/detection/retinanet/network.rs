//! Backbone, pyramid and heads.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, DropoutUnit};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::{Init, ParamPath, Params};

use super::config::{GROUPS, NAME, RetinaNetConfig};
use super::pyramid::FeaturePyramid;
use crate::backbone::Backbone as _;
use crate::blocks::{
    AdnConfig, AdnPaths, AdnStep, ConvBlock, Features, Nonlinearity, Normalization,
};
use crate::check::check_asked;
use crate::error::Result;
use crate::resnet::ResNetFeatures;

/// RetinaNet for `D` spatial axes.
#[derive(Debug)]
pub struct RetinaNet<const D: usize> {
    config: RetinaNetConfig,
    params: Params,
    body: ResNetFeatures<D>,
    pyramid: FeaturePyramid<D>,
    classes: Head<D>,
    boxes: Head<D>,
}

/// Four convolutions and a last one, the same for all levels.
#[derive(Debug)]
struct Head<const D: usize> {
    conv: Vec<ConvBlock<D>>,
    last: Conv<D>,
}

impl<const D: usize> Head<D> {
    /// A head that says so many numbers of every place, at first this one.
    fn new(
        features: usize,
        (name, numbers, bias): (&str, usize, f64),
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let normal = Init::Normal {
            mean: 0.0,
            std: 0.01,
        };
        let conv = |to: usize, bias: f64| {
            ConvConfig::same(features, to, [3; D]).with_init(normal, Some(Init::Constant(bias)))
        };
        let adn = AdnConfig {
            norm: Normalization::Group { groups: GROUPS },
            activation: Nonlinearity::Relu,
            dropout: 0.0,
            dropout_unit: DropoutUnit::Element,
            order: &AdnStep::NDA,
        };
        let block = |i: usize| {
            // Convolution, normalisation and activation have a number each.
            let place = |step: usize| path.child("conv").child(3 * i + step);
            let paths = AdnPaths {
                norm: place(1),
                dropout: place(2),
                activation: place(2),
            };
            ConvBlock::new(&conv(features, 0.0), &adn, &place(0), &paths)
        };
        Ok(Self {
            conv: (0..4).map(block).collect::<mednn::Result<_>>()?,
            last: Conv::new(&conv(numbers, bias), &path.child(name))?,
        })
    }

    fn forward(&self, level: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut out = level.clone();
        for block in &self.conv {
            out = block.forward(&out, context)?;
        }
        self.last.forward(&out, context)
    }
}

impl<const D: usize> RetinaNet<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &RetinaNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.backbone.spatial_dims, D)?;
        let root = params.root();
        let extractor = root.child("feature_extractor");
        let last = config.layers.last().copied().unwrap_or(1);
        let body = ResNetFeatures::up_to(&config.backbone, last, &extractor.child("body"))?;
        let levels = body.levels();
        // The stem comes before the stages.
        let from = config.layers.iter().map(|&layer| levels[layer].channels);
        let from: Vec<usize> = from.collect();
        let features = config.features;
        // One anchor in a hundred has something in it.
        let rare = -(99.0_f64.ln());
        let (classes, boxes) = (config.each() * config.out_channels, config.each() * 2 * D);
        let class_head = root.child("classification_head");
        let box_head = root.child("regression_head");
        Ok(Self {
            pyramid: FeaturePyramid::new(&from, features, &extractor.child("fpn"))?,
            classes: Head::new(features, ("cls_logits", classes, rare), &class_head)?,
            boxes: Head::new(features, ("bbox_reg", boxes, 0.0), &box_head)?,
            body,
            config: config.clone(),
            params: params.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &RetinaNetConfig {
        &self.config
    }
}

impl<const D: usize> Model for RetinaNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, any extents; multiples of twice the stride of the last
    ///   stage for anchors in the middle of their cells
    /// - logits and auxiliary: `[batch, anchors * classes, ...]` of every level, the finest first, and then
    ///   `[batch, anchors * 2 D, ...]` of every level: offsets and sizes relative to the anchor, axes in storage order
    /// - features: `feature_extractor.fpn.inner_blocks.0` and its kin
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        let mut features = Features::of(context);
        let stages = self.body.pyramid(image, context)?;
        for (level, stage) in self.body.levels().iter().zip(&stages) {
            features.keep(&level.name, stage);
        }
        let chosen = self
            .config
            .layers
            .iter()
            .map(|&layer| stages[layer].clone());
        let chosen: Vec<Tensor> = chosen.collect();
        let levels = self.pyramid.forward(&chosen, &mut features, context)?;
        let said = |head: &Head<D>| -> mednn::Result<Vec<Tensor>> {
            let levels = levels.iter();
            levels.map(|level| head.forward(level, context)).collect()
        };
        let mut maps = said(&self.classes)?;
        maps.extend(said(&self.boxes)?);
        let mut maps = maps.into_iter();
        let finest = maps.next().expect("there is a finest level");
        Ok(Outputs::new(finest)
            .with_auxiliary(maps.collect())
            .with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
