//! The image's side: a classifier without its head.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::ops::{self, Reduced};
use mednn::params::{LoadPolicy, NameMap, ParamPath};
use serde::{Deserialize, Serialize};

use super::NAME;
use crate::backbone::{Backbone, BackboneConfig, BackboneEnd, with_backbones};
use crate::blocks::Features;
use crate::check::{check_asked, check_axes};
use crate::config::Architecture;
use crate::convnext::ConvNeXtConfig;
use crate::densenet::DenseNetConfig;
use crate::efficientnet::EfficientNetConfig;
use crate::error::Result;
use crate::mobilenet_v3::MobileNetV3Config;
use crate::resnet::ResNetConfig;
use crate::senet::SENetConfig;
use crate::swin::SwinConfig;
use crate::vgg::VggConfig;
use crate::vit::{Encoder, ViTConfig};
use crate::weights::names;

/// All networks that look at images: the enum of their settings, and what holds for each.
macro_rules! image_networks {
    ($($(#[$doc:meta])* $name:ident($config:ty),)*) => {
        /// What looks at the image, by the settings of a classifier whose classes are of no meaning; it ends where the
        /// classifier pools.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "network")]
        #[non_exhaustive]
        pub enum ImageConfig {
            $($(#[$doc])* $name($config),)*
            /// A vision transformer.
            ViT(ViTConfig),
        }

        $(impl From<$config> for ImageConfig {
            fn from(config: $config) -> Self {
                Self::$name(config)
            }
        })*

        impl From<BackboneConfig> for ImageConfig {
            fn from(config: BackboneConfig) -> Self {
                match config {
                    $(BackboneConfig::$name(config) => Self::$name(config),)*
                }
            }
        }

        impl ImageConfig {
            /// Its backbone, or the transformer of one resolution.
            fn backbone(&self) -> std::result::Result<BackboneConfig, &ViTConfig> {
                match self {
                    $(Self::$name(config) => Ok(config.clone().into()),)*
                    Self::ViT(config) => Err(config),
                }
            }
        }

        /// The same for every network.
        macro_rules! of_each {
            ($self:expr, $settings:ident => $value:expr) => {
                match $self {
                    $(ImageConfig::$name($settings) => $value,)*
                    ImageConfig::ViT($settings) => $value,
                }
            };
        }
    };
}

with_backbones!(image_networks);

impl From<ViTConfig> for ImageConfig {
    fn from(config: ViTConfig) -> Self {
        Self::ViT(config)
    }
}

/// Where the modules of a classifier stand.
const PATH: &str = "image";

/// Where it ends.
const END: BackboneEnd = BackboneEnd::Pooling;

impl ImageConfig {
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

    /// What every extent of the image should be a multiple of.
    #[must_use]
    pub fn divisor(&self) -> Vec<usize> {
        of_each!(self, config => Architecture::divisor(config))
    }

    pub(super) fn check(&self) -> Result<()> {
        of_each!(self, config => Architecture::check(config))?;
        check_axes(NAME, self.spatial_dims())
    }

    /// What files of the classifier's library may lack or hold besides, below the image's path.
    pub(super) fn accept(&self, policy: LoadPolicy) -> LoadPolicy {
        match self {
            Self::ViT(config) => config.accept_below(&format!("{PATH}."), policy),
            _ => policy,
        }
    }

    /// How weights of the classifier are loaded; what does not belong to the image keeps its values.
    pub(super) fn policy(&self) -> LoadPolicy {
        let below = |name: &str| format!("{PATH}.{name}");
        // The first of the two ends the renaming of what is renamed already.
        let below_image = NameMap::new()
            .with(below("**"), below("$1"))
            .with("**", below("$1"));
        let of_classifier = of_each!(self, config => config.names());
        let policy = LoadPolicy::strict()
            .with_names(names::wrappers().then(of_classifier).then(below_image))
            .with_missing_allowed("**.num_batches_tracked");
        let (stems, heads) = of_each!(self, config => (config.stem(), config.head()));
        let policy = stems.iter().fold(self.accept(policy), |policy, stem| {
            policy.with_stem(below(stem))
        });
        let policy = heads.iter().fold(policy, |policy, head| {
            policy.with_unexpected_allowed(below(head))
        });
        let policy = match self.backbone() {
            Ok(backbone) => backbone.accept_behind(END, &below(""), policy),
            Err(_) => policy,
        };
        let others = ["table.**", "tokens.**", "fusion.**", "head.**"];
        { others.into_iter() }.fold(policy, LoadPolicy::with_missing_allowed)
    }
}

/// What the image's side says of a batch of images.
#[derive(Debug)]
pub(super) struct Seen {
    positions: Tensor,
    class: Option<Tensor>,
}

impl Seen {
    /// The features at each position, `[batch, positions, channels]`.
    pub(super) fn positions(&self) -> &Tensor {
        &self.positions
    }

    /// The class token, or the mean of all positions, `[batch, channels]`.
    pub(super) fn vector(&self) -> mednn::Result<Tensor> {
        match &self.class {
            Some(class) => Ok(class.clone()),
            None => ops::mean(&self.positions, &[1], Reduced::Dropped),
        }
    }
}

/// A classifier without its head.
#[derive(Debug)]
pub(super) enum ImageEncoder<const D: usize> {
    Backbone {
        backbone: Box<dyn Backbone>,
        channels: usize,
    },
    Transformer {
        encoder: Box<Encoder<D>>,
        config: ViTConfig,
        /// Tokens in front of the patches.
        front: usize,
    },
}

impl<const D: usize> ImageEncoder<D> {
    /// The modules of the classifier below `image`; settings were checked.
    pub(super) fn new(config: &ImageConfig, root: &ParamPath) -> Result<Self> {
        check_asked(NAME, config.spatial_dims(), D)?;
        let path = root.child(PATH);
        match config.backbone() {
            // The features of a DenseNet stand in a module of their own.
            Ok(backbone @ BackboneConfig::DenseNet(_)) => {
                Self::on(&backbone, &path.child("features"))
            }
            Ok(backbone) => Self::on(&backbone, &path),
            Err(config) => {
                let prefix = config.prefix();
                Ok(Self::Transformer {
                    encoder: Box::new(Encoder::new(config, &prefix, &path)?),
                    front: prefix.iter().map(|prefix| prefix.tokens).sum(),
                    config: config.clone(),
                })
            }
        }
    }

    fn on(config: &BackboneConfig, path: &ParamPath) -> Result<Self> {
        let last = config.levels_until(END).pop();
        Ok(Self::Backbone {
            backbone: config.build_until::<D>(END, path)?,
            channels: last.expect("every backbone has levels").channels,
        })
    }

    /// Channels of what it says.
    pub(super) fn channels(&self) -> usize {
        match self {
            Self::Backbone { channels, .. } => *channels,
            Self::Transformer { config, .. } => config.features,
        }
    }

    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`
    pub(super) fn forward(
        &self,
        image: &Tensor,
        shown: &mut Features<'_>,
        context: &Context,
    ) -> mednn::Result<Seen> {
        match self {
            Self::Backbone { backbone, .. } => {
                let mut pyramid = backbone.pyramid(image, context)?;
                for (level, value) in backbone.levels().iter().zip(&pyramid) {
                    shown.keep(&level.name, value);
                }
                let map = pyramid.pop().expect("every backbone has levels");
                Ok(Seen {
                    positions: ops::permute(&ops::flatten_from(&map, 2)?, &[0, 2, 1])?,
                    class: None,
                })
            }
            Self::Transformer {
                encoder,
                config,
                front,
            } => {
                encoder.check_image(NAME, image)?;
                let (blocks, norm) = config.convention.feature_names();
                let tokens = encoder.forward(image, context, |i, tokens| {
                    shown.keep(&format!("{PATH}.{blocks}{i}"), tokens);
                })?;
                shown.keep(&format!("{PATH}.{norm}"), &tokens);
                let patches = tokens.dims()[1] - front;
                let class = ops::narrow(&tokens, 1, 0, 1)?;
                Ok(Seen {
                    positions: ops::narrow(&tokens, 1, *front, patches)?,
                    class: Some(ops::flatten_from(&class, 1)?),
                })
            }
        }
    }
}
