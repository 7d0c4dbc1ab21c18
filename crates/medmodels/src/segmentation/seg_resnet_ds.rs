//! The residual network for segmentation of Myronenko (BrainLes 2018, <https://arxiv.org/abs/1810.11654>) with deep
//! supervision and kernels that follow the spacing of the voxels.
//!
//! Parameters have the names of MONAI 1.x `SegResNetDS`, so its state dictionaries load unchanged, and outputs,
//! gradients and features are equal to its own. It is the network of Auto3DSeg.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops;
use mednn::params::{ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::upsample::{UpSample, UpSampleConfig, Upsampling};
use crate::blocks::{
    Features, Nonlinearity, Normalization, check_input, check_multiples, per_axis,
};
use crate::check::{
    check_asked, check_axes, check_levels, check_positive, fixed_activation, product_of_strides,
};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};
use crate::seg_resnet::{ConvNames, ResBlock};

const NAME: &str = "SegResNetDS";

/// Settings of [`SegResNetDS`]; defaults are MONAI's.
///
/// ```
/// use medmodels::seg_resnet_ds::SegResNetDSConfig;
///
/// // Slices of 5 mm with pixels of 1 mm: the first two halvings are within slices.
/// let config = SegResNetDSConfig::new_3d(1, 2)
///     .with_blocks_down(&[1, 2, 2, 4, 4])
///     .with_heads(4)
///     .with_spacing(&[5.0, 1.0, 1.0]);
/// assert_eq!(config.divisor(), [4, 16, 16]);
/// config.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SegResNetDSConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features of the highest level; every level has twice those of the level above it.
    pub filters: usize,
    /// Residual blocks of every level on the way down, the highest first; at least two levels.
    pub blocks_down: Vec<usize>,
    /// Residual blocks of every level but the lowest on the way up, the lowest of them first.
    pub blocks_up: Vec<usize>,
    /// Resolutions that give logits in training, the highest first; at least one.
    pub heads: usize,
    /// What normalises features.
    pub normalization: Normalization,
    /// What follows a normalisation; not one with parameters.
    pub activation: Nonlinearity,
    /// How features get a higher resolution.
    pub upsampling: Upsampling,
    /// Distance of voxels along each axis, in any unit: an axis with coarser voxels is neither convolved nor halved before
    /// the others have come within a factor of two. All alike if not given.
    pub spacing: Option<Vec<f64>>,
}

impl Architecture for SegResNetDSConfig {
    described_by_fields!(Segmentation);

    fn divisor(&self) -> Vec<usize> {
        self.divisor()
    }

    fn stem(&self) -> &'static [&'static str] {
        &["encoder.conv_init.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["up_layers.*.head.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(SegResNetDS, self, params, "2 or 3": 2 3)
    }
}

impl SegResNetDSConfig {
    /// MONAI's network for volumes: 32 features, 1, 2, 2 and 4 blocks down, 1 up, logits of the full resolution.
    #[must_use]
    pub fn new_3d(in_channels: usize, out_channels: usize) -> Self {
        Self {
            spatial_dims: 3,
            in_channels,
            out_channels,
            filters: 32,
            blocks_down: vec![1, 2, 2, 4],
            blocks_up: vec![1, 1, 1],
            heads: 1,
            normalization: Normalization::Batch,
            activation: Nonlinearity::Relu,
            upsampling: Upsampling::Transposed,
            spacing: None,
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

    /// Sets the features of the highest level.
    #[must_use]
    pub fn with_filters(self, filters: usize) -> Self {
        Self { filters, ..self }
    }

    /// Sets the residual blocks of every level on the way down, and one for each level on the way up.
    #[must_use]
    pub fn with_blocks_down(self, blocks: &[usize]) -> Self {
        Self {
            blocks_down: blocks.to_vec(),
            blocks_up: vec![1; blocks.len().saturating_sub(1)],
            ..self
        }
    }

    /// Sets the residual blocks of every level on the way up.
    #[must_use]
    pub fn with_blocks_up(self, blocks: &[usize]) -> Self {
        Self {
            blocks_up: blocks.to_vec(),
            ..self
        }
    }

    /// Sets how many resolutions give logits in training.
    #[must_use]
    pub fn with_heads(self, heads: usize) -> Self {
        Self { heads, ..self }
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

    /// Sets how features get a higher resolution.
    #[must_use]
    pub fn with_upsampling(self, upsampling: Upsampling) -> Self {
        Self { upsampling, ..self }
    }

    /// Sets the distance of voxels along each axis.
    #[must_use]
    pub fn with_spacing(self, spacing: &[f64]) -> Self {
        Self {
            spacing: Some(spacing.to_vec()),
            ..self
        }
    }

    /// What every extent of an input must be a multiple of: the product of the strides.
    #[must_use]
    pub fn divisor(&self) -> Vec<usize> {
        let strides = self.strides();
        let passed = &strides[..strides.len().saturating_sub(1)];
        product_of_strides(passed, self.spatial_dims)
    }

    /// The stride out of every level; MONAI's `scales_for_resolution`.
    fn strides(&self) -> Vec<Vec<usize>> {
        let levels = self.blocks_down.len();
        let Some(spacing) = &self.spacing else {
            return vec![vec![2; self.spatial_dims]; levels];
        };
        let coarsest = spacing.iter().copied().fold(0.0, f64::max);
        // Halvings after which an axis is within a factor of two of the coarsest.
        let halvings: Vec<usize> = (0..self.spatial_dims)
            .map(|axis| match spacing.get(axis) {
                Some(&distance) => (coarsest / distance).log2().floor() as usize,
                None => 0,
            })
            .collect();
        let together = halvings.iter().copied().max().unwrap_or(0);
        (0..levels)
            .map(|level| {
                let halved = |&own: &usize| level >= together || level < own;
                let stride = |own| if halved(own) { 2 } else { 1 };
                halvings.iter().map(stride).collect()
            })
            .collect()
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
                ("filters", self.filters),
                ("heads", self.heads),
            ],
        )?;
        check_levels(NAME, &self.blocks_down, &self.blocks_up)?;
        fixed_activation(NAME, self.activation)?;
        if let Some(spacing) = &self.spacing {
            let positive = spacing.iter().all(|s| s.is_finite() && *s > 0.0);
            if spacing.len() != self.spatial_dims || !positive {
                let value = format!("{spacing:?}");
                let rule = "one positive number an axis";
                return Err(Error::setting(NAME, "spacing", rule, value));
            }
        }
        Ok(())
    }
}

/// Residual blocks of one resolution.
#[derive(Debug)]
struct Blocks<const D: usize>(Vec<ResBlock<D>>);

impl<const D: usize> Blocks<D> {
    fn forward(&self, mut features: Tensor, context: &Context) -> mednn::Result<Tensor> {
        for block in &self.0 {
            features = block.forward(features, context)?;
        }
        Ok(features)
    }
}

/// A level on the way down: residual blocks, then, except at the lowest, halving.
#[derive(Debug)]
struct Down<const D: usize> {
    blocks: Blocks<D>,
    downsample: Option<Conv<D>>,
}

/// A level on the way up: doubling, addition to the way down, residual blocks, and logits.
#[derive(Debug)]
struct Up<const D: usize> {
    upsample: UpSample<D>,
    blocks: Blocks<D>,
    head: Option<Conv<D>>,
}

/// Encoder and decoder of residual blocks, with logits at several resolutions.
#[derive(Debug)]
pub struct SegResNetDS<const D: usize> {
    config: SegResNetDSConfig,
    params: Params,
    conv_init: Conv<D>,
    layers: Vec<Down<D>>,
    up_layers: Vec<Up<D>>,
}

impl<const D: usize> SegResNetDS<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &SegResNetDSConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let encoder = params.root().child("encoder");
        let strides: Vec<[usize; D]> = config.strides().iter().map(|s| per_axis(s)).collect();
        // An axis that a level does not halve is not convolved there either.
        let kernel = |level: usize| strides[level].map(|stride| if stride > 1 { 3 } else { 1 });
        let activation = fixed_activation(NAME, config.activation)?;
        let blocks = |count: usize, level: usize, path: &ParamPath| {
            let channels = config.filters << level;
            let kinds = (config.normalization, activation);
            let path = path.child("blocks");
            (0..count)
                .map(|i| {
                    let path = path.child(i);
                    ResBlock::new(channels, kernel(level), kinds, ConvNames::Plain, &path)
                })
                .collect::<mednn::Result<Vec<_>>>()
                .map(Blocks)
        };
        let last = config.blocks_down.len() - 1;
        let down = |(level, &count): (usize, &usize)| -> mednn::Result<_> {
            let path = encoder.child("layers").child(level);
            let channels = config.filters << level;
            let downsample = ConvConfig::same(channels, 2 * channels, kernel(level))
                .with_stride(strides[level])
                .with_bias(false);
            Ok(Down {
                blocks: blocks(count, level, &path)?,
                downsample: (level < last)
                    .then(|| Conv::new(&downsample, &path.child("downsample")))
                    .transpose()?,
            })
        };
        let up = |(i, &count): (usize, &usize)| -> mednn::Result<_> {
            let path = params.root().child("up_layers").child(i);
            let level = last - 1 - i;
            let channels = config.filters << level;
            let upsample = UpSampleConfig {
                mode: config.upsampling,
                in_channels: 2 * channels,
                out_channels: channels,
                factor: strides[level],
                kernel: Some(kernel(level)),
                bias: false,
            };
            let head = ConvConfig::same(channels, config.out_channels, [1; D]);
            Ok(Up {
                upsample: UpSample::new(&upsample, &path.child("upsample"))?,
                blocks: blocks(count, level, &path)?,
                head: (level < config.heads)
                    .then(|| Conv::new(&head, &path.child("head")))
                    .transpose()?,
            })
        };
        let first = ConvConfig::same(config.in_channels, config.filters, kernel(0));
        let (down_counts, up_counts) = (&config.blocks_down, &config.blocks_up);
        Ok(Self {
            conv_init: Conv::new(&first.with_bias(false), &encoder.child("conv_init"))?,
            layers: down_counts
                .iter()
                .enumerate()
                .map(down)
                .collect::<mednn::Result<_>>()?,
            up_layers: up_counts
                .iter()
                .enumerate()
                .map(up)
                .collect::<mednn::Result<_>>()?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &SegResNetDSConfig {
        &self.config
    }
}

impl<const D: usize> Model for SegResNetDS<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of [`SegResNetDSConfig::divisor`]
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - auxiliary, when training: the logits of as many lower resolutions as have further heads
    /// - features: `encoder.conv_init`, `encoder.layers.0.blocks` and on, `up_layers.0.blocks` and on
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        check_multiples(NAME, image, &self.config.divisor())?;
        let mut features = Features::of(context);
        let mut out = self.conv_init.forward(image, context)?;
        features.keep("encoder.conv_init", &out);
        let mut skips = Vec::with_capacity(self.up_layers.len());
        for (i, level) in self.layers.iter().enumerate() {
            out = level.blocks.forward(out, context)?;
            features.keep(&format!("encoder.layers.{i}.blocks"), &out);
            if let Some(downsample) = &level.downsample {
                skips.push(out.clone());
                out = downsample.forward(&out, context)?;
            }
        }
        let mut scales = Vec::new();
        for (i, level) in self.up_layers.iter().enumerate() {
            out = level.upsample.forward(&out, context)?;
            out = ops::add(&out, &skips.pop().expect("one for every step up"))?;
            out = level.blocks.forward(out, context)?;
            features.keep(&format!("up_layers.{i}.blocks"), &out);
            let is_wanted = context.is_training() || i + 1 == self.up_layers.len();
            if let (Some(head), true) = (&level.head, is_wanted) {
                scales.push(head.forward(&out, context)?);
            }
        }
        let logits = scales.pop().expect("the last step up always has a head");
        scales.reverse();
        Ok(Outputs::new(logits)
            .with_auxiliary(scales)
            .with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
