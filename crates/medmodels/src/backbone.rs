//! What detectors and segmenters stand on: a network that gives features at several resolutions.
//!
//! [`ResNetFeatures`] and [`DenseNetFeatures`] are such networks; their weights have the names that the classifiers give
//! them, below the path of the backbone. [`BackboneConfig`] is one of them by its settings.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::params::ParamPath;
use serde::{Deserialize, Serialize};

use crate::densenet::{DenseNetConfig, DenseNetFeatures};
use crate::error::Result;
use crate::resnet::{ResNetConfig, ResNetFeatures};

/// One resolution of a [`Backbone`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Level {
    /// The name of the module whose output it is, from the root of the network.
    pub name: String,
    /// Channels of the features.
    pub channels: usize,
    /// Voxels of the image to one of the features, along each axis.
    pub stride: Vec<usize>,
}

impl Level {
    /// A level.
    #[must_use]
    pub fn new(name: impl Into<String>, channels: usize, stride: Vec<usize>) -> Self {
        Self {
            name: name.into(),
            channels,
            stride,
        }
    }
}

/// A network whose intermediate features others use.
///
/// ```
/// use mednn::params::Params;
/// use medmodels::backbone::Backbone;
/// use medmodels::resnet::{ResNetConfig, ResNetFeatures};
///
/// let path = Params::new(1).root().child("backbone");
/// let backbone = ResNetFeatures::<2>::new(&ResNetConfig::resnet50(1), &path)?;
/// let last = backbone.levels().pop().expect("ResNet has five levels");
/// assert_eq!((last.name.as_str(), last.channels), ("backbone.layer4", 2048));
/// assert_eq!(last.stride, [32, 32]);
/// # Ok::<(), medmodels::Error>(())
/// ```
pub trait Backbone: std::fmt::Debug + Send + Sync {
    /// The levels it gives, the highest resolution first.
    fn levels(&self) -> Vec<Level>;

    /// The features of every level, the highest resolution first.
    ///
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`
    /// - each level: `[batch, channels, ...]`, the spatial shape divided by the stride
    ///
    /// # Errors
    /// Refuses an image the network cannot work on.
    fn pyramid(&self, image: &Tensor, context: &Context) -> mednn::Result<Vec<Tensor>>;
}

/// Levels with names from the root of the network, given those from the root of the backbone.
pub(crate) fn below(path: &ParamPath, mut levels: Vec<Level>) -> Vec<Level> {
    for level in &mut levels {
        level.name = if level.name.is_empty() {
            path.name().to_owned()
        } else {
            path.child(&level.name).name().to_owned()
        };
    }
    levels
}

/// Of what a network shows of its modules while it runs, the levels.
pub(crate) fn pyramid(
    levels: &[Level],
    run: impl FnOnce(&mut dyn FnMut(&str, &Tensor)) -> mednn::Result<Tensor>,
) -> mednn::Result<Vec<Tensor>> {
    let mut pyramid = Vec::with_capacity(levels.len());
    run(&mut |name, value| {
        if levels.iter().any(|level| level.name == name) {
            pyramid.push(value.clone());
        }
    })?;
    Ok(pyramid)
}

/// A backbone by its settings, of which the classes are of no meaning.
///
/// ```
/// use medmodels::backbone::BackboneConfig;
/// use medmodels::resnet::ResNetConfig;
///
/// let config = BackboneConfig::from(ResNetConfig::resnet18(1).with_in_channels(1));
/// let channels: Vec<usize> = config.levels().iter().map(|level| level.channels).collect();
/// assert_eq!(channels, [64, 64, 128, 256, 512]);
/// let json = serde_json::to_value(&config)?;
/// assert_eq!(json["network"], "ResNet");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "network")]
#[non_exhaustive]
pub enum BackboneConfig {
    /// A residual network.
    ResNet(ResNetConfig),
    /// A densely connected network.
    DenseNet(DenseNetConfig),
}

impl From<ResNetConfig> for BackboneConfig {
    fn from(config: ResNetConfig) -> Self {
        Self::ResNet(config)
    }
}

impl From<DenseNetConfig> for BackboneConfig {
    fn from(config: DenseNetConfig) -> Self {
        Self::DenseNet(config)
    }
}

impl BackboneConfig {
    /// Spatial axes of the image.
    #[must_use]
    pub fn spatial_dims(&self) -> usize {
        match self {
            Self::ResNet(config) => config.spatial_dims,
            Self::DenseNet(config) => config.spatial_dims,
        }
    }

    /// Channels of the image.
    #[must_use]
    pub fn in_channels(&self) -> usize {
        match self {
            Self::ResNet(config) => config.in_channels,
            Self::DenseNet(config) => config.in_channels,
        }
    }

    /// Says whether such a backbone exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::ResNet(config) => config.check(),
            Self::DenseNet(config) => config.check(),
        }
    }

    /// The levels it will give, named from its own root.
    #[must_use]
    pub fn levels(&self) -> Vec<Level> {
        match self {
            Self::ResNet(config) => config.levels(),
            Self::DenseNet(config) => config.levels(),
        }
    }

    /// The backbone with new parameters below `path`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn build<const D: usize>(&self, path: &ParamPath) -> Result<Box<dyn Backbone>> {
        Ok(match self {
            Self::ResNet(config) => Box::new(ResNetFeatures::<D>::new(config, path)?),
            Self::DenseNet(config) => Box::new(DenseNetFeatures::<D>::new(config, path)?),
        })
    }
}

/// What the settings of a network say of themselves that has an `encoder` and works in two and three dimensions.
macro_rules! described_by_encoder {
    ($network:ident) => {
        const NAME: &'static str = NAME;

        fn task(&self) -> crate::config::Task {
            crate::config::Task::Segmentation
        }

        fn spatial_dims(&self) -> usize {
            self.encoder.spatial_dims()
        }

        fn in_channels(&self) -> usize {
            self.encoder.in_channels()
        }

        fn stem(&self) -> &'static [&'static str] {
            &["*.conv1.weight", "*.**.conv0.weight"]
        }

        fn out_channels(&self) -> usize {
            self.out_channels
        }

        fn divisor(&self) -> Vec<usize> {
            self.divisor()
        }

        fn check(&self) -> crate::error::Result<()> {
            self.check()
        }

        fn build(&self, params: &Params) -> crate::error::Result<Box<dyn Model>> {
            match self.encoder.spatial_dims() {
                2 => Ok(Box::new($network::<2>::new(self, params)?)),
                _ => Ok(Box::new($network::<3>::new(self, params)?)),
            }
        }
    };
}
pub(crate) use described_by_encoder;
