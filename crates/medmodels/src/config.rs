//! Networks by name, for files that describe them.

use mednn::model::Model;
use mednn::params::{LoadPolicy, Params};
use serde::{Deserialize, Serialize};

use crate::basic_unet::BasicUNetConfig;
use crate::densenet::DenseNetConfig;
use crate::error::Result;
use crate::plain_conv_unet::PlainConvUNetConfig;
use crate::resnet::ResNetConfig;
use crate::vgg::VggConfig;
use crate::yolo::YoloConfig;

/// What a network makes of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// One logit for each class, `[batch, classes]`.
    Classification,
    /// One logit for each class and voxel, `[batch, classes, depth, height, width]`.
    Segmentation,
    /// What is said of each cell of several levels, from which boxes are made.
    Detection,
}

/// The settings of a network, and the way from there to the network.
pub trait Architecture {
    /// The network's name, that of the reference library.
    const NAME: &'static str;

    /// What it makes of an image.
    fn task(&self) -> Task;

    /// Spatial axes of the image, 1 to 3.
    fn spatial_dims(&self) -> usize;

    /// Channels of the image.
    fn in_channels(&self) -> usize;

    /// Classes or regions of the logits.
    fn out_channels(&self) -> usize;

    /// What every extent of the image should be a multiple of; where a network pads by itself, so that it need not.
    fn divisor(&self) -> Vec<usize> {
        vec![1; self.spatial_dims()]
    }

    /// How weights of the reference library are loaded: strictly, aliases of the same tensor passed over.
    fn load_policy(&self) -> LoadPolicy {
        LoadPolicy::strict()
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    fn check(&self) -> Result<()>;

    /// The network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range and a store that already holds parameters of these names.
    fn build(&self, params: &Params) -> Result<Box<dyn Model>>;
}

/// Builds a network that exists in two and in three dimensions.
macro_rules! in_two_or_three_dimensions {
    ($network:ident, $config:expr, $params:expr) => {
        match $config.spatial_dims {
            2 => Ok(Box::new($network::<2>::new($config, $params)?)),
            3 => Ok(Box::new($network::<3>::new($config, $params)?)),
            dims => Err($crate::error::Error::setting(
                Self::NAME,
                "spatial_dims",
                "2 or 3",
                dims,
            )),
        }
    };
}
pub(crate) use in_two_or_three_dimensions;

/// All networks: the enum of their settings, and what holds for each.
macro_rules! architectures {
    ($($(#[$doc:meta])* $name:ident($config:ty),)*) => {
        /// A network and its settings.
        ///
        /// As JSON the settings stand beside the name:
        ///
        /// ```
        /// use medmodels::ModelConfig;
        /// use medmodels::basic_unet::BasicUNetConfig;
        ///
        /// let config = ModelConfig::from(BasicUNetConfig::new_2d(1, 4));
        /// let json = serde_json::to_value(&config)?;
        /// assert_eq!(json["architecture"], "BasicUNet");
        /// assert_eq!(json["features"][4], 256);
        /// assert_eq!(serde_json::from_value::<ModelConfig>(json)?, config);
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "architecture")]
        #[non_exhaustive]
        pub enum ModelConfig {
            $($(#[$doc])* $name($config),)*
        }

        $(impl From<$config> for ModelConfig {
            fn from(config: $config) -> Self {
                Self::$name(config)
            }
        })*

        /// The same for every network.
        macro_rules! of_each {
            ($self:expr, $settings:ident => $value:expr) => {
                match $self {
                    $(ModelConfig::$name($settings) => $value,)*
                }
            };
        }

        impl ModelConfig {
            /// The network's name.
            #[must_use]
            pub fn architecture(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => <$config as Architecture>::NAME,)*
                }
            }
        }
    };
}

architectures! {
    /// MONAI's `BasicUNet`.
    BasicUNet(BasicUNetConfig),
    /// nnU-Net's `PlainConvUNet`.
    PlainConvUNet(PlainConvUNetConfig),
    /// YOLOv5 and YOLOv8.
    Yolo(YoloConfig),
    /// torchvision's, MONAI's and MedicalNet's `ResNet`.
    ResNet(ResNetConfig),
    /// torchvision's and MONAI's `DenseNet`.
    DenseNet(DenseNetConfig),
    /// torchvision's `VGG`.
    #[serde(rename = "VGG")]
    Vgg(VggConfig),
}

impl ModelConfig {
    /// What it makes of an image.
    #[must_use]
    pub fn task(&self) -> Task {
        of_each!(self, config => Architecture::task(config))
    }

    /// Spatial axes of the image, 1 to 3.
    #[must_use]
    pub fn spatial_dims(&self) -> usize {
        of_each!(self, config => Architecture::spatial_dims(config))
    }

    /// Channels of the image.
    #[must_use]
    pub fn in_channels(&self) -> usize {
        of_each!(self, config => Architecture::in_channels(config))
    }

    /// Classes or regions of the logits.
    #[must_use]
    pub fn out_channels(&self) -> usize {
        of_each!(self, config => Architecture::out_channels(config))
    }

    /// What every extent of a window should be a multiple of; where a network pads by itself, so that it need not.
    #[must_use]
    pub fn divisor(&self) -> Vec<usize> {
        of_each!(self, config => Architecture::divisor(config))
    }

    /// How weights of the reference library are loaded: strictly, aliases of the same tensor passed over.
    #[must_use]
    pub fn load_policy(&self) -> LoadPolicy {
        of_each!(self, config => Architecture::load_policy(config))
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        of_each!(self, config => Architecture::check(config))
    }
}

/// Builds a network with new parameters in `params`.
///
/// ```
/// use medmodels::basic_unet::BasicUNetConfig;
/// use mednn::params::Params;
///
/// let params = Params::new(1);
/// let network = medmodels::create(&BasicUNetConfig::new_3d(1, 2).into(), &params)?;
/// assert_eq!(network.params().count(), 5_749_410);
/// # Ok::<(), medmodels::Error>(())
/// ```
///
/// # Errors
/// Refuses settings out of range and a store that already holds parameters of these names.
pub fn create(config: &ModelConfig, params: &Params) -> Result<Box<dyn Model>> {
    config.check()?;
    of_each!(config, config => config.build(params))
}
