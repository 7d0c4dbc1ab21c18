//! The part of a MobileNetV3 in front of its pooling.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{BatchNormConfig, ConvConfig};
use mednn::ops::Activation;
use mednn::params::ParamPath;

use super::{MobileNetV3Config, NAME, Row, TAIL};
use crate::backbone::{Backbone, BackboneEnd, Level, below, pyramid};
use crate::blocks::{ConvBatchNorm, check_input, check_smallest, with_fan_out_init};
use crate::blocks::{
    ConvNormPaths, InvertedResidual, InvertedResidualConfig, InvertedResidualPaths, SqueezeConfig,
    Zeros, multiple_of_eight,
};
use crate::error::Result;

/// Features of the last convolution, for each of the last block.
const EXPANSION: usize = 6;

impl MobileNetV3Config {
    fn stem_features(&self) -> usize {
        self.scaled(16)
    }

    /// The settings of each block.
    fn blocks(&self) -> Vec<InvertedResidualConfig<2>> {
        let rows = self.size.rows();
        let tail = rows.len() - TAIL;
        let mut from = self.stem_features();
        let block = |(at, row): (usize, &Row)| {
            let divisor = if self.reduced_tail && at >= tail {
                2
            } else {
                1
            };
            // What enters the tail has its features undivided.
            let inside = if at == tail { 1 } else { divisor };
            let expanded = self.scaled(row.expanded / inside);
            let dilates = self.dilated && at >= tail;
            let squeeze = SqueezeConfig {
                features: multiple_of_eight((expanded / 4) as f64),
                activation: Activation::Relu,
                gate: Activation::HardSigmoid,
            };
            let block = InvertedResidualConfig {
                from,
                expanded,
                to: self.scaled(row.to / divisor),
                kernel: row.kernel,
                stride: if dilates { 1 } else { row.stride },
                dilation: if dilates { 2 } else { 1 },
                squeeze: row.squeezes.then_some(squeeze),
                activation: row.activation,
                norm: norm(),
                zeros: Zeros::Symmetric,
                // A block that would stride has none, also where it dilates.
                shortcut: row.stride == 1,
                drop_path: 0.0,
                draw: with_fan_out_init,
            };
            from = block.to;
            block
        };
        rows.iter().enumerate().map(block).collect()
    }
}

/// TensorFlow's normalisation.
fn norm() -> BatchNormConfig {
    BatchNormConfig::default()
        .with_epsilon(1e-3)
        .with_momentum(Some(0.01))
}

/// A stem, blocks and, where it is wanted, the last convolution: [`MobileNetV3`](super::MobileNetV3) without its head.
#[derive(Debug)]
pub struct MobileNetV3Features {
    config: MobileNetV3Config,
    path: ParamPath,
    end: BackboneEnd,
    stem: ConvBatchNorm<2>,
    blocks: Vec<InvertedResidual<2>>,
    head: Option<ConvBatchNorm<2>>,
}

impl MobileNetV3Features {
    /// The modules `features.0` and on up to that end with new parameters below `path`, drawn as torchvision does; the
    /// classes of the settings are of no meaning.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &MobileNetV3Config, end: BackboneEnd, path: &ParamPath) -> Result<Self> {
        config.check()?;
        let list = path.child("features");
        let stem = config.stem_features();
        let configs = config.blocks();
        let last = configs.last().map_or(stem, |block| block.to);
        let layer = |conv: ConvConfig<2>, path: &ParamPath| {
            let paths = ConvNormPaths::torchvision(path);
            ConvBatchNorm::with_norm(
                &with_fan_out_init(conv.with_bias(false)),
                &norm().with_activation(Activation::HardSwish),
                &paths.conv,
                &paths.norm,
            )
        };
        let block = |(at, block): (usize, &InvertedResidualConfig<2>)| {
            let has = (block.expands(), block.squeeze.is_some());
            let paths = InvertedResidualPaths::torchvision(&list.child(at), has.0, has.1);
            InvertedResidual::new(block, &paths)
        };
        let head = || {
            let conv = ConvConfig::same(last, EXPANSION * last, [1; 2]);
            layer(conv, &list.child(configs.len() + 1))
        };
        let first = ConvConfig::same(config.in_channels, stem, [3; 2]).with_stride([2; 2]);
        Ok(Self {
            stem: layer(first, &list.child(0))?,
            blocks: (1..)
                .zip(&configs)
                .map(block)
                .collect::<mednn::Result<_>>()?,
            head: (end == BackboneEnd::Pooling).then(head).transpose()?,
            end,
            path: path.clone(),
            config: config.clone(),
        })
    }

    /// Runs the network and shows what its modules give, with their names; the features of the last are the result.
    pub(crate) fn walk(
        &self,
        image: &Tensor,
        context: &Context,
        show: &mut dyn FnMut(&str, &Tensor),
    ) -> mednn::Result<Tensor> {
        check_input(NAME, image, self.config.in_channels, 2)?;
        check_smallest(NAME, image, 1)?;
        let list = self.path.child("features");
        let mut show = |place: usize, value: &Tensor| show(list.child(place).name(), value);
        let mut out = self.stem.forward(image, context)?;
        show(0, &out);
        for (place, block) in (1..).zip(&self.blocks) {
            out = block.forward(&out, context)?;
            show(place, &out);
        }
        if let Some(head) = &self.head {
            out = head.forward(&out, context)?;
            show(self.blocks.len() + 1, &out);
        }
        Ok(out)
    }
}

impl MobileNetV3Config {
    /// Features in front of the pooling.
    pub(super) fn pooled_features(&self) -> usize {
        let blocks = self.blocks();
        EXPANSION * blocks.last().map_or(self.stem_features(), |block| block.to)
    }

    /// The levels of the features, named from their root: the last module in front of each that strides, or would if it did
    /// not dilate, and the last.
    pub(crate) fn levels(&self, end: BackboneEnd) -> Vec<Level> {
        let (rows, blocks) = (self.size.rows(), self.blocks());
        let (mut stride, mut channels) = (2, self.stem_features());
        let mut levels = Vec::new();
        let level = |place: usize, channels, stride| {
            Level::new(format!("features.{place}"), channels, vec![stride; 2])
        };
        for (place, (row, block)) in rows.iter().zip(&blocks).enumerate() {
            if row.stride > 1 {
                levels.push(level(place, channels, stride));
            }
            stride *= block.stride;
            channels = block.to;
        }
        levels.push(match end {
            BackboneEnd::Stages => level(rows.len(), channels, stride),
            BackboneEnd::Pooling => level(rows.len() + 1, EXPANSION * channels, stride),
        });
        levels
    }

    /// What a file of the classifier holds behind that end, from the classifier's root.
    pub(crate) fn behind(&self, end: BackboneEnd) -> Vec<String> {
        let head = "classifier.**".to_owned();
        match end {
            BackboneEnd::Stages => {
                vec![format!("features.{}.**", self.size.rows().len() + 1), head]
            }
            BackboneEnd::Pooling => vec![head],
        }
    }
}

impl Backbone for MobileNetV3Features {
    /// The last module of each resolution (for the large network `features.1`, `features.3`, `features.6`, `features.12`
    /// and `features.15`); behind the last convolution, where it ends there, what that gives in place of the last block.
    fn levels(&self) -> Vec<Level> {
        below(&self.path, self.config.levels(self.end))
    }

    fn pyramid(&self, image: &Tensor, context: &Context) -> mednn::Result<Vec<Tensor>> {
        pyramid(&self.levels(), |show| self.walk(image, context, show))
    }
}
