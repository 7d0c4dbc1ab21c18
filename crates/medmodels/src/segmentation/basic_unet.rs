//! The U-Net of Falk et al. (Nature Methods 2019, <https://doi.org/10.1038/s41592-018-0261-2>) with five levels.
//!
//! Parameters have the names of MONAI 1.x `BasicUNet`, so its state dictionaries load unchanged, and outputs,
//! gradients and features are equal to its own. Every level pools by two with rounding down; on the way up the
//! missing last voxel of an odd extent is the one before it again, so extents need not be multiples of 16.

use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::Params;
use serde::{Deserialize, Serialize};

use crate::blocks::two_conv::{Down, TwoConv, TwoConvConfig, UpCat, UpCatShape, check_halvings};
use crate::blocks::upsample::Upsampling;
use crate::blocks::{Features, Nonlinearity, Normalization, check_input};
use crate::check::{check_asked, check_axes, check_dropout, check_positive};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};

const NAME: &str = "BasicUNet";

/// How many times every axis is halved.
const HALVINGS: usize = 4;

/// Settings of [`BasicUNet`]; defaults are MONAI's.
///
/// ```
/// use medmodels::basic_unet::BasicUNetConfig;
///
/// let config = BasicUNetConfig::new_3d(1, 14).with_features([16, 16, 32, 64, 128, 16]);
/// assert_eq!(config.spatial_dims, 3);
/// config.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BasicUNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features of the five levels going down, and of the last block.
    pub features: [usize; 6],
    /// What normalises features.
    pub normalization: Normalization,
    /// What follows a normalisation.
    pub activation: Nonlinearity,
    /// Whether the convolutions of the blocks have a bias.
    pub bias: bool,
    /// Probability that training drops a value after a normalisation.
    pub dropout: f64,
}

impl Architecture for BasicUNetConfig {
    described_by_fields!(Segmentation);

    fn divisor(&self) -> Vec<usize> {
        vec![1 << HALVINGS; self.spatial_dims]
    }

    fn stem(&self) -> &'static [&'static str] {
        &["conv_0.conv_0.conv.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["final_conv.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(BasicUNet, self, params, "2 or 3": 2 3)
    }
}

impl BasicUNetConfig {
    /// MONAI's network for volumes: 32, 32, 64, 128, 256 and 32 features.
    #[must_use]
    pub fn new_3d(in_channels: usize, out_channels: usize) -> Self {
        Self {
            spatial_dims: 3,
            in_channels,
            out_channels,
            features: [32, 32, 64, 128, 256, 32],
            normalization: Normalization::Instance,
            activation: Nonlinearity::LeakyRelu { slope: 0.1 },
            bias: true,
            dropout: 0.0,
        }
    }

    /// The same network for images.
    #[must_use]
    pub fn new_2d(in_channels: usize, out_channels: usize) -> Self {
        Self {
            spatial_dims: 2,
            ..Self::new_3d(in_channels, out_channels)
        }
    }

    /// Sets the features of the five levels and of the last block.
    #[must_use]
    pub fn with_features(self, features: [usize; 6]) -> Self {
        Self { features, ..self }
    }

    /// Sets what normalises features.
    #[must_use]
    pub fn with_normalization(self, normalization: Normalization) -> Self {
        Self {
            normalization,
            ..self
        }
    }

    /// Sets what follows a normalisation.
    #[must_use]
    pub fn with_activation(self, activation: Nonlinearity) -> Self {
        Self { activation, ..self }
    }

    /// Sets whether the convolutions of the blocks have a bias.
    #[must_use]
    pub fn with_bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Sets the probability that training drops a value.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        check_axes(NAME, self.spatial_dims)?;
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
            ],
        )?;
        // A level hands half of its features up, so all but the first have at least two.
        let too_few = self.features[1..5].iter().any(|&n| n < 2);
        if too_few || self.features.contains(&0) {
            let value = format!("{:?}", self.features);
            let rule = "at least 1, and 2 from the second level on";
            return Err(Error::setting(NAME, "features", rule, value));
        }
        check_dropout(NAME, self.dropout)
    }
}

/// U-Net with max pooling and upsampling by transposed convolution.
#[derive(Debug)]
pub struct BasicUNet<const D: usize> {
    config: BasicUNetConfig,
    params: Params,
    conv_0: TwoConv<D>,
    down_1: Down<D>,
    down_2: Down<D>,
    down_3: Down<D>,
    down_4: Down<D>,
    upcat_4: UpCat<D>,
    upcat_3: UpCat<D>,
    upcat_2: UpCat<D>,
    upcat_1: UpCat<D>,
    final_conv: Conv<D>,
}

impl<const D: usize> BasicUNet<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &BasicUNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let path = params.root();
        let [f0, f1, f2, f3, f4, last] = config.features;
        let blocks = TwoConvConfig {
            normalization: config.normalization,
            activation: config.activation,
            bias: config.bias,
            dropout: config.dropout,
            upsampling: Upsampling::Transposed,
        };
        let down = |from, to, name: &str| Down::new(&blocks, from, to, &path.child(name));
        // All but the last halve the features from below.
        let up = |(from, up, skip, out), name: &str| {
            let shape = UpCatShape {
                from,
                up,
                skip,
                out,
            };
            UpCat::new(&blocks, shape, &path.child(name))
        };
        Ok(Self {
            conv_0: TwoConv::new(&blocks, config.in_channels, f0, &path.child("conv_0"))?,
            down_1: down(f0, f1, "down_1")?,
            down_2: down(f1, f2, "down_2")?,
            down_3: down(f2, f3, "down_3")?,
            down_4: down(f3, f4, "down_4")?,
            upcat_4: up((f4, f4 / 2, f3, f3), "upcat_4")?,
            upcat_3: up((f3, f3 / 2, f2, f2), "upcat_3")?,
            upcat_2: up((f2, f2 / 2, f1, f1), "upcat_2")?,
            upcat_1: up((f1, f1, f0, last), "upcat_1")?,
            final_conv: Conv::new(
                &ConvConfig::same(last, config.out_channels, [1; D]),
                &path.child("final_conv"),
            )?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &BasicUNetConfig {
        &self.config
    }
}

impl<const D: usize> Model for BasicUNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, every extent at least 16, one at least 32
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - features: `conv_0`, `down_1` to `down_4`, `upcat_4` to `upcat_1`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        check_halvings(NAME, image, HALVINGS, self.config.normalization)?;
        let mut features = Features::of(context);
        let x0 = self.conv_0.checkpointed(image.clone(), context)?;
        features.keep("conv_0", &x0);
        let x1 = self.down_1.forward(&x0, context)?;
        features.keep("down_1", &x1);
        let x2 = self.down_2.forward(&x1, context)?;
        features.keep("down_2", &x2);
        let x3 = self.down_3.forward(&x2, context)?;
        features.keep("down_3", &x3);
        let x4 = self.down_4.forward(&x3, context)?;
        features.keep("down_4", &x4);
        let u4 = self.upcat_4.forward(x4, Some(x3), context)?;
        features.keep("upcat_4", &u4);
        let u3 = self.upcat_3.forward(u4, Some(x2), context)?;
        features.keep("upcat_3", &u3);
        let u2 = self.upcat_2.forward(u3, Some(x1), context)?;
        features.keep("upcat_2", &u2);
        let u1 = self.upcat_1.forward(u2, Some(x0), context)?;
        features.keep("upcat_1", &u1);
        let logits = self.final_conv.forward(&u1, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
