//! The residual network for segmentation of Myronenko (BrainLes 2018, <https://arxiv.org/abs/1810.11654>) with the
//! variational autoencoder that keeps its encoder from learning the training set by heart.
//!
//! Parameters have the names of MONAI 1.x `SegResNetVAE`, so its state dictionaries load unchanged, and outputs, gradients,
//! features and the autoencoder's loss are equal to its own. The autoencoder runs in training, when its features `vae.mean`
//! or `vae.image` are asked for; [`SegResNetVAEConfig::loss`] makes its loss of them, to be added to that of the task.

use mednn::candle_core::{DType, Tensor};
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops::{self, Activation};
use mednn::params::{ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::upsample::{UpSample, UpSampleConfig};
use crate::blocks::{Features, Norm};
use crate::check::{check_positive, fixed_activation};
use crate::config::{Architecture, Task};
use crate::error::{Error, Result};
use crate::seg_resnet::{ConvFinal, SegResNet, SegResNetConfig};

const NAME: &str = "SegResNetVAE";

/// Features of the lowest resolution, that of the latent variables.
const NARROWEST: usize = 16;

/// What the autoencoder gives.
const FEATURES: [&str; 3] = ["vae.mean", "vae.std", "vae.image"];

/// Settings of [`SegResNetVAE`]; defaults are MONAI's.
///
/// ```
/// use medmodels::seg_resnet::SegResNetConfig;
/// use medmodels::seg_resnet_vae::SegResNetVAEConfig;
///
/// let segmenter = SegResNetConfig::new_3d(4, 3).with_filters(16);
/// let config = SegResNetVAEConfig::new(segmenter, [128, 160, 160]);
/// config.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SegResNetVAEConfig {
    /// The network that segments.
    pub segmenter: SegResNetConfig,
    /// Extents of the images in training, multiples of twice the divisor of the segmenter.
    pub image_size: Vec<usize>,
    /// Number of latent variables.
    pub latent: usize,
    /// Whether the standard deviation of the latent variables is estimated from the image.
    pub estimated_std: bool,
    /// Their standard deviation where it is not.
    pub std: f64,
}

impl Architecture for SegResNetVAEConfig {
    const NAME: &'static str = NAME;

    fn task(&self) -> Task {
        Task::Segmentation
    }

    fn spatial_dims(&self) -> usize {
        self.segmenter.spatial_dims
    }

    fn in_channels(&self) -> usize {
        self.segmenter.in_channels
    }

    fn out_channels(&self) -> usize {
        self.segmenter.out_channels
    }

    fn divisor(&self) -> Vec<usize> {
        self.segmenter.divisor()
    }

    fn check(&self) -> Result<()> {
        self.check()
    }

    fn stem(&self) -> &'static [&'static str] {
        &["convInit.conv.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["conv_final.2.conv.*", "vae_conv_final.2.conv.*"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        match self.segmenter.spatial_dims {
            2 => Ok(Box::new(SegResNetVAE::<2>::new(self, params)?)),
            _ => Ok(Box::new(SegResNetVAE::<3>::new(self, params)?)),
        }
    }
}

impl SegResNetVAEConfig {
    /// 256 latent variables with a standard deviation of 0.3 beside a segmenter.
    #[must_use]
    pub fn new<const D: usize>(segmenter: SegResNetConfig, image_size: [usize; D]) -> Self {
        Self {
            segmenter,
            image_size: image_size.to_vec(),
            latent: 256,
            estimated_std: false,
            std: 0.3,
        }
    }

    /// Sets the number of latent variables.
    #[must_use]
    pub fn with_latent(self, latent: usize) -> Self {
        Self { latent, ..self }
    }

    /// Lets the standard deviation of the latent variables be estimated.
    #[must_use]
    pub fn with_estimated_std(self) -> Self {
        Self {
            estimated_std: true,
            ..self
        }
    }

    /// Sets the standard deviation of the latent variables.
    #[must_use]
    pub fn with_std(self, std: f64) -> Self {
        Self { std, ..self }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        self.segmenter.check()?;
        check_positive(NAME, &[("latent", self.latent)])?;
        let divisor = self.segmenter.divisor();
        let fits = |(n, d): (&usize, &usize)| *n > 0 && n.is_multiple_of(2 * d);
        let axes = self.image_size.len() == divisor.len();
        if !axes || !self.image_size.iter().zip(&divisor).all(fits) {
            let rule = format!("multiples of twice {divisor:?}");
            let value = format!("{:?}", self.image_size);
            return Err(Error::setting(NAME, "image_size", rule, value));
        }
        if !self.std.is_finite() || self.std < 0.0 {
            return Err(Error::setting(NAME, "std", "0 or positive", self.std));
        }
        Ok(())
    }

    /// Extents of the lowest resolution.
    fn lowest(&self) -> Vec<usize> {
        let divisors = self.segmenter.divisor();
        let halved = self.image_size.iter().zip(divisors);
        halved.map(|(n, divisor)| n / (2 * divisor)).collect()
    }

    /// The loss of the autoencoder: the mean squared error of its image, and the distance of its latent variables from
    /// standard normal ones; where their standard deviation is given, the mean square of their means, as in MONAI.
    ///
    /// # Errors
    /// Refuses outputs without the features `vae.mean` and `vae.image`, and `vae.std` where it is estimated.
    pub fn loss(&self, outputs: &Outputs, image: &Tensor) -> mednn::Result<Tensor> {
        let feature = |name: &str| {
            outputs
                .features
                .get(name)
                .ok_or_else(|| mednn::Error::MissingInput {
                    name: name.to_owned(),
                    given: outputs.features.keys().cloned().collect(),
                })
        };
        let of_image = (feature("vae.image")? - image)?.sqr()?.mean_all()?;
        let mean = feature("vae.mean")?.sqr()?;
        let of_latent = if self.estimated_std {
            let variance = feature("vae.std")?.sqr()?;
            let log = (&variance + 1e-8)?.log()?;
            (((mean + variance)? - log)? - 1.0)?
                .mean_all()?
                .affine(0.5, 0.0)?
        } else {
            mean.mean_all()?
        };
        Ok((of_latent + of_image)?)
    }
}

/// From the lowest level of the segmenter to latent variables and back to an image.
#[derive(Debug)]
struct Autoencoder<const D: usize> {
    norm_in: Norm,
    narrowing: Conv<D>,
    norm_narrow: Norm,
    mean: Linear,
    std: Linear,
    from_latent: Linear,
    activation: Activation,
    widening: Conv<D>,
    doubling: UpSample<D>,
    norm_out: Norm,
    conv_final: ConvFinal<D>,
}

impl<const D: usize> Autoencoder<D> {
    fn new(config: &SegResNetVAEConfig, path: &ParamPath) -> Result<Self> {
        let segmenter = &config.segmenter;
        let activation = fixed_activation(NAME, segmenter.activation)?;
        let wide = segmenter.filters << (segmenter.blocks_down.len() - 1);
        let flat = NARROWEST * config.lowest().iter().product::<usize>();
        let norm = |channels, path: &ParamPath| {
            Norm::new(channels, segmenter.normalization, activation, path)
        };
        let linear =
            |from, to, name: &str| Linear::new(&LinearConfig::new(from, to), &path.child(name));
        let (down, up) = (path.child("vae_down"), path.child("vae_fc_up_sample"));
        let narrowing = ConvConfig::same(wide, NARROWEST, [3; D]).with_stride([2; D]);
        let widening = ConvConfig::same(NARROWEST, wide, [1; D]).with_bias(false);
        let doubling = UpSampleConfig {
            mode: segmenter.upsampling,
            in_channels: wide,
            out_channels: wide,
            factor: [2; D],
            kernel: None,
            bias: true,
        };
        let conv_final = path.child("vae_conv_final");
        Ok(Self {
            norm_in: norm(wide, &down.child(0))?,
            narrowing: Conv::new(&narrowing, &down.child(2).child("conv"))?,
            norm_narrow: norm(NARROWEST, &down.child(3))?,
            mean: linear(flat, config.latent, "vae_fc1")?,
            std: linear(flat, config.latent, "vae_fc2")?,
            from_latent: linear(config.latent, flat, "vae_fc3")?,
            activation,
            widening: Conv::new(&widening, &up.child(0).child("conv"))?,
            doubling: UpSample::new(&doubling, &up.child(1))?,
            norm_out: norm(wide, &up.child(2))?,
            conv_final: ConvFinal::new(segmenter, segmenter.in_channels, &conv_final)?,
        })
    }
}

/// Encoder and decoder of residual blocks, and an autoencoder on the same encoder.
#[derive(Debug)]
pub struct SegResNetVAE<const D: usize> {
    config: SegResNetVAEConfig,
    segmenter: SegResNet<D>,
    autoencoder: Autoencoder<D>,
}

impl<const D: usize> SegResNetVAE<D> {
    /// The optional input that stands for the random numbers of the latent variables, `[batch, latent]`.
    pub const NOISE: &'static str = "noise";

    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &SegResNetVAEConfig, params: &Params) -> Result<Self> {
        config.check()?;
        Ok(Self {
            segmenter: SegResNet::new(&config.segmenter, params)?,
            autoencoder: Autoencoder::new(config, &params.root())?,
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &SegResNetVAEConfig {
        &self.config
    }

    /// Mean and standard deviation of the latent variables, and the image made of a draw of them.
    fn reconstruct(
        &self,
        below: &Tensor,
        inputs: &Inputs,
        context: &Context,
    ) -> mednn::Result<[Tensor; 3]> {
        let vae = &self.autoencoder;
        let out = vae.norm_in.forward(below, context)?;
        let out = vae.narrowing.forward(&out, context)?;
        let out = vae.norm_narrow.forward(&out, context)?;
        let flat = ops::flatten_from(&out, 1)?;
        let mean = vae.mean.forward(&flat, context)?;
        let noise = match inputs.get(Self::NOISE) {
            Ok(noise) => noise.clone(),
            Err(_) => {
                let (batch, length) = mean.dims2()?;
                let mut values = Vec::with_capacity(batch * length);
                for item in 0..batch {
                    let mut random = context.item_key("vae", item).stream("noise");
                    values.extend((0..length).map(|_| random.normal() as f32));
                }
                Tensor::from_vec(values, mean.dims(), mean.device())?.to_dtype(mean.dtype())?
            }
        };
        let std = if self.config.estimated_std {
            softplus(&vae.std.forward(&flat, context)?)?
        } else {
            (noise.ones_like()? * self.config.std)?
        };
        let drawn = ops::add(&mean, &ops::multiply(&std, &noise)?)?;
        let out = vae.from_latent.forward(&drawn, context)?;
        let out = ops::activation(&out, vae.activation)?;
        let mut shape = vec![out.dims()[0], NARROWEST];
        shape.extend(self.config.lowest());
        let out = vae
            .widening
            .forward(&ops::reshape(&out, &shape)?, context)?;
        let out = vae.doubling.forward(&out, context)?;
        let out = vae.norm_out.forward(&out, context)?;
        let out = self.segmenter.decode(out, Vec::new(), context, |_, _| {})?;
        Ok([mean, std, vae.conv_final.forward(&out, context)?])
    }
}

/// `log(1 + exp(x))`, which is minus the logarithm of what softmax gives 0 beside x.
fn softplus(input: &Tensor) -> mednn::Result<Tensor> {
    let [batch, width] = [input.dims()[0], input.dims()[1]];
    let column = ops::reshape(input, &[batch, 1, width])?;
    let zeros = Tensor::zeros((batch, 1, width), DType::F32, input.device())?;
    let both = ops::concat(&[&column, &zeros.to_dtype(input.dtype())?])?;
    let of_zero = ops::narrow(&ops::log_softmax(&both, 1)?, 1, 1, 1)?;
    ops::scale(&ops::reshape(&of_zero, &[batch, width])?, -1.0)
}

impl<const D: usize> Model for SegResNetVAE<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of the segmenter's divisor
    /// - noise, optional: `[batch, latent]`, standard normal numbers; drawn from the context's key if not given
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - features: those of [`SegResNet`]; when training, `vae.mean` and `vae.std`, `[batch, latent]`, and `vae.image`, of the
    ///   shape of the image, which has to be that of the settings
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        self.segmenter.check_image(image)?;
        let mut features = Features::of(context);
        let (below, skips) = self.segmenter.encode(image, context, &mut features)?;
        let wanted = FEATURES.iter().any(|name| context.wants_feature(name));
        if wanted && context.is_training() {
            if image.dims()[2..] != self.config.image_size {
                return Err(mednn::Error::Shape {
                    op: NAME,
                    tensor: "the image",
                    expected: self.config.image_size.clone(),
                    got: image.dims()[2..].to_vec(),
                });
            }
            let given = self.reconstruct(&below, inputs, context)?;
            for (name, value) in FEATURES.iter().zip(&given) {
                features.keep(name, value);
            }
        }
        let logits = self
            .segmenter
            .segment(below, skips, context, &mut features)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        self.segmenter.params()
    }
}
