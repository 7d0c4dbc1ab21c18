//! What detectors and segmenters stand on: a network that gives features at several resolutions.
//!
//! Every classifier whose resolution falls from stage to stage has such a part, as [`ResNetFeatures`] is that of a ResNet; its
//! weights have the names that the classifier gives them, below the path of the backbone. [`BackboneConfig`] is one of them
//! by its settings.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::params::{LoadPolicy, ParamPath};
use serde::{Deserialize, Serialize};

use crate::check::check_asked;
use crate::config::Architecture;
use crate::convnext::{ConvNeXtConfig, ConvNeXtFeatures};
use crate::densenet::{DenseNetConfig, DenseNetFeatures};
use crate::efficientnet::{EfficientNetConfig, EfficientNetFeatures};
use crate::error::Result;
use crate::mobilenet_v3::{MobileNetV3Config, MobileNetV3Features};
use crate::resnet::{ResNetConfig, ResNetFeatures};
use crate::senet::{SENetConfig, SENetFeatures};
use crate::swin::{SwinConfig, SwinFeatures};
use crate::vgg::{VggConfig, VggFeatures};

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

/// Where a backbone ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BackboneEnd {
    /// Behind the last stage, where decoders begin.
    #[default]
    Stages,
    /// In front of the classifier's pooling: behind the last convolution or normalisation, where it has one there.
    Pooling,
}

/// All backbones: the enum of their settings, and what holds for each.
macro_rules! backbones {
    ($($(#[$doc:meta])* $name:ident($config:ty),)*) => {
        /// A backbone by its settings, of which the classes are of no meaning.
        ///
        /// ```
        /// use medmodels::backbone::BackboneConfig;
        /// use medmodels::efficientnet::EfficientNetConfig;
        /// use medmodels::resnet::ResNetConfig;
        ///
        /// let config = BackboneConfig::from(ResNetConfig::resnet18(1).with_in_channels(1));
        /// let channels = |config: &BackboneConfig| -> Vec<usize> {
        ///     config.levels().iter().map(|level| level.channels).collect()
        /// };
        /// assert_eq!(channels(&config), [64, 64, 128, 256, 512]);
        /// let json = serde_json::to_value(&config)?;
        /// assert_eq!(json["network"], "ResNet");
        /// let config = BackboneConfig::from(EfficientNetConfig::b0(1));
        /// assert_eq!(channels(&config), [16, 24, 40, 112, 320]);
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "network")]
        #[non_exhaustive]
        pub enum BackboneConfig {
            $($(#[$doc])* $name($config),)*
        }

        $(impl From<$config> for BackboneConfig {
            fn from(config: $config) -> Self {
                Self::$name(config)
            }
        })*

        /// The same for every backbone.
        macro_rules! of_each {
            ($self:expr, $settings:ident => $value:expr) => {
                match $self {
                    $(BackboneConfig::$name($settings) => $value,)*
                }
            };
        }
    };
}

/// Hands the list of backbones to a macro.
macro_rules! with_backbones {
    ($macro:ident) => {
        $macro! {
            /// A residual network.
            ResNet(ResNetConfig),
            /// A densely connected network.
            DenseNet(DenseNetConfig),
            /// An EfficientNet.
            EfficientNet(EfficientNetConfig),
            /// A residual network with squeeze-and-excitation.
            SENet(SENetConfig),
            /// A MobileNetV3, for images.
            MobileNetV3(MobileNetV3Config),
            /// A ConvNeXt, for images; its levels begin at a quarter of the resolution.
            ConvNeXt(ConvNeXtConfig),
            /// A Swin transformer, for images; its levels begin at a quarter of the resolution.
            #[serde(rename = "SwinTransformer")]
            Swin(SwinConfig),
            /// A VGG network, for images.
            #[serde(rename = "VGG")]
            Vgg(VggConfig),
        }
    };
}
pub(crate) use with_backbones;

with_backbones!(backbones);

impl BackboneConfig {
    /// Spatial axes of the image.
    #[must_use]
    pub fn spatial_dims(&self) -> usize {
        of_each!(self, config => Architecture::spatial_dims(config))
    }

    /// Channels of the image.
    #[must_use]
    pub fn in_channels(&self) -> usize {
        of_each!(self, config => Architecture::in_channels(config))
    }

    /// Says whether such a backbone exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        of_each!(self, config => Architecture::check(config))
    }

    /// The levels it will give, named from its own root.
    #[must_use]
    pub fn levels(&self) -> Vec<Level> {
        self.levels_until(BackboneEnd::Stages)
    }

    /// The levels it will give if it ends there, named from its own root.
    #[must_use]
    pub fn levels_until(&self, end: BackboneEnd) -> Vec<Level> {
        match self {
            Self::ResNet(config) => config.levels(),
            Self::DenseNet(config) => config.levels(),
            Self::EfficientNet(config) => config.levels(end),
            Self::SENet(config) => config.levels(),
            Self::MobileNetV3(config) => config.levels(end),
            Self::ConvNeXt(config) => config.levels(),
            Self::Swin(config) => config.levels(end),
            Self::Vgg(config) => config.levels(),
        }
    }

    /// The tensors of the classifier behind that end, as [`NamePattern`](mednn::params::NamePattern)s from its root.
    fn behind(&self, end: BackboneEnd) -> Vec<String> {
        match self {
            Self::ResNet(_) | Self::DenseNet(_) => {
                let heads = of_each!(self, config => config.head());
                heads.iter().map(|&head| head.to_owned()).collect()
            }
            Self::EfficientNet(config) => config.behind(end),
            Self::SENet(config) => config.behind(),
            Self::MobileNetV3(config) => config.behind(end),
            Self::ConvNeXt(config) => config.behind(),
            Self::Swin(config) => config.behind(end),
            Self::Vgg(config) => config.behind(),
        }
    }

    /// Lets files hold what the classifier has behind that end and the backbone below that prefix has not.
    pub(crate) fn accept_behind(
        &self,
        end: BackboneEnd,
        prefix: &str,
        policy: LoadPolicy,
    ) -> LoadPolicy {
        let policy = match self {
            // Names of any depth.
            Self::Swin(config) => config.accept(policy),
            _ => policy,
        };
        let behind = self.behind(end).into_iter();
        behind.fold(policy, |policy, name| {
            policy.with_unexpected_allowed(format!("{prefix}{name}"))
        })
    }

    /// The backbone up to its last stage with new parameters below `path`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn build<const D: usize>(&self, path: &ParamPath) -> Result<Box<dyn Backbone>> {
        self.build_until::<D>(BackboneEnd::Stages, path)
    }

    /// The backbone up to that end with new parameters below `path`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn build_until<const D: usize>(
        &self,
        end: BackboneEnd,
        path: &ParamPath,
    ) -> Result<Box<dyn Backbone>> {
        let name = of_each!(self, config => name_of(config));
        check_asked(name, self.spatial_dims(), D)?;
        Ok(match self {
            Self::ResNet(config) => Box::new(ResNetFeatures::<D>::new(config, path)?),
            Self::DenseNet(config) => Box::new(DenseNetFeatures::<D>::new(config, path)?),
            Self::EfficientNet(config) => {
                Box::new(EfficientNetFeatures::<D>::new(config, end, path)?)
            }
            Self::SENet(config) => Box::new(SENetFeatures::<D>::new(config, path)?),
            Self::MobileNetV3(config) => Box::new(MobileNetV3Features::new(config, end, path)?),
            Self::ConvNeXt(config) => Box::new(ConvNeXtFeatures::new(config, path)?),
            Self::Swin(config) => Box::new(SwinFeatures::new(config, end, path)?),
            Self::Vgg(config) => Box::new(VggFeatures::new(config, path)?),
        })
    }
}

fn name_of<A: Architecture>(_: &A) -> &'static str {
    A::NAME
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
            crate::backbone::stems!("*.")
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

/// The weights of the convolutions of all backbones that read the image, below a prefix.
macro_rules! stems {
    ($prefix:literal $(, $more:literal)*) => {
        &[
            concat!($prefix, "conv1.weight"),
            concat!($prefix, "**.conv0.weight"),
            concat!($prefix, "features.0.0.weight"),
            concat!($prefix, "features.0.weight"),
            concat!($prefix, "conv_stem.weight"),
            concat!($prefix, "_conv_stem.weight"),
            concat!($prefix, "layer0.conv1.weight"),
            concat!($prefix, "stem.0.weight"),
            concat!($prefix, "patch_embed.proj.weight"),
            $(concat!($prefix, $more),)*
        ]
    };
}
pub(crate) use stems;
