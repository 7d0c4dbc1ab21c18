//! The U-Net of Falk et al. (Nature Methods 2019, <https://doi.org/10.1038/s41592-018-0261-2>) with five levels.
//!
//! Parameters have the names of MONAI 1.x `BasicUNet`, so its state dictionaries load unchanged, and outputs,
//! gradients and features are equal to its own. Every level pools by two with rounding down; on the way up the
//! missing last voxel of an odd extent is the one before it again, so extents need not be multiples of 16.

use std::collections::BTreeMap;

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, ConvTranspose, ConvTransposeConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops;
use mednn::params::{ParamPath, Params};
use mednn::tape::checkpoint;
use serde::{Deserialize, Serialize};

use crate::block::{
    ConvBlock, ConvBlockConfig, DropoutPlace, Nonlinearity, Normalization, check_input,
};
use crate::config::{Architecture, Task, in_two_or_three_dimensions};
use crate::error::{Error, Result};

const NAME: &str = "BasicUNet";

/// Every axis is halved four times.
const SMALLEST: usize = 16;

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
    /// Probability that training drops a channel after a normalisation.
    pub dropout: f64,
}

impl Architecture for BasicUNetConfig {
    const NAME: &'static str = NAME;

    fn task(&self) -> Task {
        Task::Segmentation
    }

    fn spatial_dims(&self) -> usize {
        self.spatial_dims
    }

    fn in_channels(&self) -> usize {
        self.in_channels
    }

    fn out_channels(&self) -> usize {
        self.out_channels
    }

    fn divisor(&self) -> Vec<usize> {
        vec![SMALLEST; self.spatial_dims]
    }

    fn check(&self) -> Result<()> {
        self.check()
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_two_or_three_dimensions!(BasicUNet, self, params)
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

    /// Sets the probability that training drops a channel.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        let refuse = |setting, rule: &str, value: String| {
            Err(Error::Setting {
                architecture: NAME,
                setting,
                rule: rule.to_owned(),
                value,
            })
        };
        if !matches!(self.spatial_dims, 2 | 3) {
            return refuse("spatial_dims", "2 or 3", self.spatial_dims.to_string());
        }
        for (setting, value) in [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
        ] {
            if value == 0 {
                return refuse(setting, "at least 1", value.to_string());
            }
        }
        // A level hands half of its features up, so all but the first have at least two.
        let too_few = self.features[1..5].iter().any(|&n| n < 2);
        if too_few || self.features.contains(&0) {
            let value = format!("{:?}", self.features);
            return refuse(
                "features",
                "at least 1, and 2 from the second level on",
                value,
            );
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return refuse(
                "dropout",
                "at least 0 and below 1",
                self.dropout.to_string(),
            );
        }
        Ok(())
    }
}

/// Two convolutions of size 3.
#[derive(Debug, Clone)]
struct TwoConv<const D: usize> {
    conv_0: ConvBlock<D>,
    conv_1: ConvBlock<D>,
}

impl<const D: usize> TwoConv<D> {
    fn new(
        config: &BasicUNetConfig,
        in_channels: usize,
        out_channels: usize,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let block = |in_channels, path: ParamPath| {
            let block = ConvBlockConfig {
                conv: ConvConfig::same(in_channels, out_channels, [3; D]).with_bias(config.bias),
                norm: config.normalization,
                activation: config.activation,
                dropout: config.dropout,
                dropout_place: DropoutPlace::BeforeActivation,
            };
            ConvBlock::new(&block, &path.child("conv"), &path.child("adn").child("N"))
        };
        Ok(Self {
            conv_0: block(in_channels, path.child("conv_0"))?,
            conv_1: block(out_channels, path.child("conv_1"))?,
        })
    }

    fn forward(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        let out = self.conv_0.forward(&input, context)?;
        drop(input);
        self.conv_1.forward(&out, context)
    }

    /// As [`TwoConv::forward`], with a checkpoint around it.
    fn checkpointed(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        if !context.is_gradient_checkpointing() {
            return self.forward(input, context);
        }
        let block = self.clone();
        checkpoint(context, &[&input], move |inputs, context| {
            block.forward(inputs[0].clone(), context)
        })
    }
}

/// Pooling by two, then two convolutions.
#[derive(Debug, Clone)]
struct Down<const D: usize> {
    convs: TwoConv<D>,
}

impl<const D: usize> Down<D> {
    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        self.convs
            .checkpointed(max_pool_by_two::<D>(input)?, context)
    }
}

/// Upsampling by two, concatenation behind the features of the way down, then two convolutions.
#[derive(Debug, Clone)]
struct UpCat<const D: usize> {
    upsample: ConvTranspose<D>,
    convs: TwoConv<D>,
}

impl<const D: usize> UpCat<D> {
    fn new(
        config: &BasicUNetConfig,
        (from, up, skip, out): (usize, usize, usize, usize),
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let upsample = ConvTransposeConfig::upsampling(from, up, [2; D]);
        let deconv = path.child("upsample").child("deconv");
        Ok(Self {
            upsample: ConvTranspose::new(&upsample, &deconv)?,
            convs: TwoConv::new(config, skip + up, out, &path.child("convs"))?,
        })
    }

    /// Takes its inputs by value: outside of training their memory is free before the convolutions ask for more.
    fn forward(&self, input: Tensor, skip: Tensor, context: &Context) -> mednn::Result<Tensor> {
        if !context.is_gradient_checkpointing() {
            return self.join(input, skip, context);
        }
        let block = self.clone();
        checkpoint(context, &[&input, &skip], move |inputs, context| {
            block.join(inputs[0].clone(), inputs[1].clone(), context)
        })
    }

    fn join(&self, input: Tensor, skip: Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut up = self.upsample.forward(&input, context)?;
        drop(input);
        let missing: [_; D] =
            std::array::from_fn(|axis| (0, skip.dims()[axis + 2] - up.dims()[axis + 2]));
        if missing != [(0, 0); D] {
            up = ops::pad(&up, missing, ops::PadMode::Replicate)?;
        }
        let both = ops::concat(&[&skip, &up])?;
        drop((skip, up));
        self.convs.forward(both, context)
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
        if config.spatial_dims != D {
            return Err(Error::SpatialDims {
                architecture: NAME,
                configured: config.spatial_dims,
                asked: D,
            });
        }
        let path = params.root();
        let [f0, f1, f2, f3, f4, last] = config.features;
        let down = |from, to, name: &str| -> mednn::Result<Down<D>> {
            let convs = TwoConv::new(config, from, to, &path.child(name).child("convs"))?;
            Ok(Down { convs })
        };
        // (from below, upsampled, from the way down, out): all but the last halve the features from below.
        let up = |features, name: &str| UpCat::new(config, features, &path.child(name));
        Ok(Self {
            conv_0: TwoConv::new(config, config.in_channels, f0, &path.child("conv_0"))?,
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

    fn check_extents(&self, image: &Tensor) -> mednn::Result<()> {
        let refuse = |axis, rule: String| {
            Err(mednn::Error::Axis {
                op: NAME,
                tensor: "the image",
                axis,
                rule,
                got: image.dims().to_vec(),
            })
        };
        let extents = &image.dims()[2..];
        if let Some(axis) = extents.iter().position(|&n| n < SMALLEST) {
            return refuse(axis + 2, format!("at least {SMALLEST} long"));
        }
        let one_voxel = extents.iter().all(|&n| n < 2 * SMALLEST);
        if one_voxel && self.config.normalization == Normalization::Instance {
            let rule = format!(
                "{} long, or another axis, for more than one voxel to normalise at the lowest level",
                2 * SMALLEST
            );
            return refuse(2, rule);
        }
        Ok(())
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
        self.check_extents(image)?;
        let mut features = BTreeMap::new();
        let mut keep = |name: &str, value: &Tensor| {
            if context.wants_feature(name) {
                features.insert(name.to_owned(), value.clone());
            }
        };
        let x0 = self.conv_0.checkpointed(image.clone(), context)?;
        keep("conv_0", &x0);
        let x1 = self.down_1.forward(&x0, context)?;
        keep("down_1", &x1);
        let x2 = self.down_2.forward(&x1, context)?;
        keep("down_2", &x2);
        let x3 = self.down_3.forward(&x2, context)?;
        keep("down_3", &x3);
        let x4 = self.down_4.forward(&x3, context)?;
        keep("down_4", &x4);
        let u4 = self.upcat_4.forward(x4, x3, context)?;
        keep("upcat_4", &u4);
        let u3 = self.upcat_3.forward(u4, x2, context)?;
        keep("upcat_3", &u3);
        let u2 = self.upcat_2.forward(u3, x1, context)?;
        keep("upcat_2", &u2);
        let u1 = self.upcat_1.forward(u2, x0, context)?;
        keep("upcat_1", &u1);
        let logits = self.final_conv.forward(&u1, context)?;
        Ok(Outputs::new(logits).with_features(features))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

/// Max pooling of size and stride 2.
fn max_pool_by_two<const D: usize>(input: &Tensor) -> mednn::Result<Tensor> {
    if D == 2 {
        ops::max_pool2d(input, &ops::PoolConfig::new([2; 2]))
    } else {
        ops::max_pool3d(input, &ops::PoolConfig::new([2; 3]))
    }
}
