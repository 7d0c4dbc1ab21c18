//! UNet++ (Zhou et al., DLMIA 2018, <https://arxiv.org/abs/1807.10165>): a U-Net whose skip connections are U-Nets.
//!
//! Parameters have the names of MONAI 1.x `BasicUNetPlusPlus`, so its state dictionaries load unchanged, and outputs,
//! gradients and features are equal to its own. Every level pools by two with rounding down; on the way up the
//! missing last voxel of an odd extent is the one before it again, so extents need not be multiples of 16.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops;
use mednn::params::Params;
use serde::{Deserialize, Serialize};

use crate::blocks::two_conv::{Down, TwoConv, TwoConvConfig, UpCat, UpCatShape, check_halvings};
use crate::blocks::upsample::Upsampling;
use crate::blocks::{Features, Nonlinearity, Normalization, check_input};
use crate::check::{check_asked, check_axes, check_dropout, check_positive};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};

const NAME: &str = "BasicUNetPlusPlus";

/// How many times every axis is halved.
const HALVINGS: usize = 4;

/// Settings of [`BasicUNetPlusPlus`]; defaults are MONAI's.
///
/// ```
/// use medmodels::basic_unet_plus_plus::BasicUNetPlusPlusConfig;
///
/// let config = BasicUNetPlusPlusConfig::new_2d(1, 2)
///     .with_features([64, 128, 256, 512, 1024, 128])
///     .with_deep_supervision(true);
/// config.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BasicUNetPlusPlusConfig {
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
    /// Whether training also gives the logits of the shallower U-Nets inside; without, their heads are not trained.
    pub deep_supervision: bool,
}

impl Architecture for BasicUNetPlusPlusConfig {
    described_by_fields!(Segmentation);

    fn divisor(&self) -> Vec<usize> {
        vec![1 << HALVINGS; self.spatial_dims]
    }

    fn stem(&self) -> &'static [&'static str] {
        &["conv_0_0.conv_0.conv.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["final_conv_0_*.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(BasicUNetPlusPlus, self, params, "2 or 3": 2 3)
    }
}

impl BasicUNetPlusPlusConfig {
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
            deep_supervision: false,
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

    /// Sets whether training also gives the logits of the shallower U-Nets inside.
    #[must_use]
    pub fn with_deep_supervision(self, deep_supervision: bool) -> Self {
        Self {
            deep_supervision,
            ..self
        }
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
        // From the third level on, half of the features go up.
        let too_few = self.features[2..5].iter().any(|&n| n < 2);
        if too_few || self.features.contains(&0) {
            let value = format!("{:?}", self.features);
            let rule = "at least 1, and 2 from the third to the fifth level";
            return Err(Error::setting(NAME, "features", rule, value));
        }
        check_dropout(NAME, self.dropout)
    }
}

/// A triangle of blocks: `conv_0_0` to `conv_4_0` down its first side, and `upcat_i_j` at level i from all blocks before it
/// at its level and the block before it at the level below.
#[derive(Debug)]
pub struct BasicUNetPlusPlus<const D: usize> {
    config: BasicUNetPlusPlusConfig,
    params: Params,
    conv_0_0: TwoConv<D>,
    /// `conv_1_0` to `conv_4_0`.
    down: Vec<Down<D>>,
    /// For each of these the diagonal that starts at it: `upcat_0_1`; `upcat_1_1`, `upcat_0_2`; and on.
    diagonals: Vec<Vec<UpCat<D>>>,
    /// `final_conv_0_1` to `final_conv_0_4`.
    heads: Vec<Conv<D>>,
}

impl<const D: usize> BasicUNetPlusPlus<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &BasicUNetPlusPlusConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let path = params.root();
        let features = config.features;
        let blocks = TwoConvConfig {
            normalization: config.normalization,
            activation: config.activation,
            bias: config.bias,
            dropout: config.dropout,
            upsampling: Upsampling::Transposed,
        };
        let (mut down, mut diagonals, mut heads) = (Vec::new(), Vec::new(), Vec::new());
        for depth in 1..=HALVINGS {
            let conv = path.child(format!("conv_{depth}_0"));
            let (from, to) = (features[depth - 1], features[depth]);
            down.push(Down::new(&blocks, from, to, &conv)?);
            let diagonal = |step: usize| {
                let level = depth - step;
                let from = features[level + 1];
                let is_last = level == 0 && depth == HALVINGS;
                let shape = UpCatShape {
                    from,
                    up: if level == 0 { from } else { from / 2 },
                    skip: step * features[level],
                    out: features[if is_last { 5 } else { level }],
                };
                let path = path.child(format!("upcat_{level}_{step}"));
                UpCat::new(&blocks, shape, &path)
            };
            diagonals.push((1..=depth).map(diagonal).collect::<mednn::Result<_>>()?);
            let from = features[if depth == HALVINGS { 5 } else { 0 }];
            let head = ConvConfig::same(from, config.out_channels, [1; D]);
            let head_path = path.child(format!("final_conv_0_{depth}"));
            heads.push(Conv::new(&head, &head_path)?);
        }
        let conv_0_0 = path.child("conv_0_0");
        Ok(Self {
            conv_0_0: TwoConv::new(&blocks, config.in_channels, features[0], &conv_0_0)?,
            down,
            diagonals,
            heads,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &BasicUNetPlusPlusConfig {
        &self.config
    }
}

impl<const D: usize> Model for BasicUNetPlusPlus<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, every extent at least 16, one at least 32
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - auxiliary, when training with deep supervision: logits of the same shape from `final_conv_0_3`, `final_conv_0_2`
    ///   and `final_conv_0_1`
    /// - features: `conv_0_0` to `conv_4_0`, `upcat_0_1` to `upcat_3_1`, `upcat_0_2` to `upcat_2_2`, and on
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        check_halvings(NAME, image, HALVINGS, self.config.normalization)?;
        let mut features = Features::of(context);
        let first = self.conv_0_0.checkpointed(image.clone(), context)?;
        features.keep("conv_0_0", &first);
        // What there is of each level so far.
        let mut levels: Vec<Vec<Tensor>> = vec![vec![first]];
        let all_heads = self.config.deep_supervision && context.is_training();
        let mut scales = Vec::new();
        for (d, (down, diagonal)) in self.down.iter().zip(&self.diagonals).enumerate() {
            let depth = d + 1;
            let mut out = down.forward(&levels[d][0], context)?;
            features.keep(&format!("conv_{depth}_0"), &out);
            levels.push(vec![out.clone()]);
            for (step, upcat) in (1..).zip(diagonal) {
                let level = depth - step;
                let before: Vec<&Tensor> = levels[level].iter().collect();
                let skip = match before[..] {
                    [only] => only.clone(),
                    _ => ops::concat(&before)?,
                };
                out = upcat.forward(out, Some(skip), context)?;
                features.keep(&format!("upcat_{level}_{step}"), &out);
                levels[level].push(out.clone());
            }
            if all_heads || depth == HALVINGS {
                scales.push(self.heads[d].forward(&out, context)?);
            }
        }
        let logits = scales
            .pop()
            .expect("the deepest diagonal always gives logits");
        scales.reverse();
        Ok(Outputs::new(logits)
            .with_auxiliary(scales)
            .with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
