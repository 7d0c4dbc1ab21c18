//! Networks by name, for files that describe them.

use mednn::model::Model;
use mednn::params::{LoadPolicy, Params};
use serde::{Deserialize, Serialize};

use crate::basic_unet::{BasicUNet, BasicUNetConfig};
use crate::error::{Error, Result};
use crate::plain_conv_unet::{PlainConvUNet, PlainConvUNetConfig};

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
    /// MONAI's `BasicUNet`.
    BasicUNet(BasicUNetConfig),
    /// nnU-Net's `PlainConvUNet`.
    PlainConvUNet(PlainConvUNetConfig),
}

impl From<BasicUNetConfig> for ModelConfig {
    fn from(config: BasicUNetConfig) -> Self {
        Self::BasicUNet(config)
    }
}

impl From<PlainConvUNetConfig> for ModelConfig {
    fn from(config: PlainConvUNetConfig) -> Self {
        Self::PlainConvUNet(config)
    }
}

impl ModelConfig {
    /// The network's name.
    #[must_use]
    pub fn architecture(&self) -> &'static str {
        match self {
            Self::BasicUNet(_) => "BasicUNet",
            Self::PlainConvUNet(_) => "PlainConvUNet",
        }
    }

    /// Spatial axes of the image, 2 or 3.
    #[must_use]
    pub fn spatial_dims(&self) -> usize {
        match self {
            Self::BasicUNet(config) => config.spatial_dims,
            Self::PlainConvUNet(config) => config.spatial_dims,
        }
    }

    /// Channels of the image.
    #[must_use]
    pub fn in_channels(&self) -> usize {
        match self {
            Self::BasicUNet(config) => config.in_channels,
            Self::PlainConvUNet(config) => config.in_channels,
        }
    }

    /// Classes or regions of the logits.
    #[must_use]
    pub fn out_channels(&self) -> usize {
        match self {
            Self::BasicUNet(config) => config.out_channels,
            Self::PlainConvUNet(config) => config.out_channels,
        }
    }

    /// What every extent of a window should be a multiple of; where a network pads by itself, so that it need not.
    #[must_use]
    pub fn divisor(&self) -> Vec<usize> {
        match self {
            Self::BasicUNet(config) => vec![16; config.spatial_dims],
            Self::PlainConvUNet(config) => config.divisor(),
        }
    }

    /// How weights of the reference library are loaded: strictly, aliases of the same tensor passed over.
    #[must_use]
    pub fn load_policy(&self) -> LoadPolicy {
        match self {
            Self::BasicUNet(_) => LoadPolicy::strict(),
            Self::PlainConvUNet(config) => config.load_policy(),
        }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::BasicUNet(config) => config.check(),
            Self::PlainConvUNet(config) => config.check(),
        }
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
    Ok(match (config, config.spatial_dims()) {
        (ModelConfig::BasicUNet(config), 2) => Box::new(BasicUNet::<2>::new(config, params)?),
        (ModelConfig::BasicUNet(config), 3) => Box::new(BasicUNet::<3>::new(config, params)?),
        (ModelConfig::PlainConvUNet(config), 2) => {
            Box::new(PlainConvUNet::<2>::new(config, params)?)
        }
        (ModelConfig::PlainConvUNet(config), 3) => {
            Box::new(PlainConvUNet::<3>::new(config, params)?)
        }
        (_, dims) => {
            return Err(Error::Setting {
                architecture: config.architecture(),
                setting: "spatial_dims",
                rule: "2 or 3".to_owned(),
                value: dims.to_string(),
            });
        }
    })
}
