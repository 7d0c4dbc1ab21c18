//! V-Net (Milletari et al., 3DV 2016, <https://arxiv.org/abs/1606.04797>) for volumes and images.
//!
//! Parameters have the names of MONAI 1.x `VNet`, so its state dictionaries load unchanged, and outputs, gradients and
//! features are equal to its own. Every level adds what its convolutions of size 5 make of its input to the input; the
//! first adds the image itself, repeated to as many channels as there are features.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, ConvTranspose, ConvTransposeConfig, Dropout, DropoutUnit};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops;
use mednn::params::{ParamPath, Params};
use serde::{Deserialize, Serialize};

use crate::blocks::{
    Act, Adn, AdnConfig, AdnPaths, AdnStep, ConvBlock, Features, Nonlinearity, Normalization,
    check_input, check_multiples, checkpointed,
};
use crate::check::{check_asked, check_axes, check_dropout, check_positive};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};

const NAME: &str = "VNet";

/// The levels below the first, by the names of their modules, with their convolutions down and up.
const LEVELS: [(&str, usize, usize); 4] =
    [("32", 1, 1), ("64", 2, 1), ("128", 3, 2), ("256", 2, 2)];

/// Settings of [`VNet`]; defaults are MONAI's.
///
/// ```
/// use medmodels::vnet::VNetConfig;
///
/// let prostate = VNetConfig::new_3d(1, 2);
/// assert_eq!(prostate.divisor(), [16, 16, 16]);
/// prostate.check()?;
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct VNetConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image, a divisor of `filters`.
    pub in_channels: usize,
    /// Classes or regions.
    pub out_channels: usize,
    /// Features of the first level, 16 in MONAI; every level has twice those of the level above it.
    pub filters: usize,
    /// What follows a normalisation or a sum; MONAI's `prelu` is [`Nonlinearity::ChannelPrelu`].
    pub activation: Nonlinearity,
    /// Whether convolutions on the way down, and the last of size 5, have a bias.
    pub bias: bool,
    /// Probability that training drops a channel in the two lowest levels on the way down.
    pub dropout_down: f64,
    /// Probability that training drops a channel of what comes up into the two lowest levels on the way up.
    pub dropout_up: f64,
    /// Probability that training drops a channel on the way across; MONAI has 0.5 at the two highest levels whatever is set.
    pub dropout_across: f64,
}

impl Architecture for VNetConfig {
    described_by_fields!(Segmentation);

    fn divisor(&self) -> Vec<usize> {
        self.divisor()
    }

    fn stem(&self) -> &'static [&'static str] {
        &["in_tr.conv_block.conv.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        &["out_tr.**"]
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(VNet, self, params, "2 or 3": 2 3)
    }
}

impl VNetConfig {
    /// MONAI's network for volumes: 16 features, ELU, half of the channels dropped.
    #[must_use]
    pub fn new_3d(in_channels: usize, out_channels: usize) -> Self {
        Self {
            spatial_dims: 3,
            in_channels,
            out_channels,
            filters: 16,
            activation: Nonlinearity::Elu { alpha: 1.0 },
            bias: false,
            dropout_down: 0.5,
            dropout_up: 0.5,
            dropout_across: 0.5,
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

    /// Sets the features of the first level.
    #[must_use]
    pub fn with_filters(self, filters: usize) -> Self {
        Self { filters, ..self }
    }

    /// Sets what follows a normalisation or a sum.
    #[must_use]
    pub fn with_activation(self, activation: Nonlinearity) -> Self {
        Self { activation, ..self }
    }

    /// Sets whether convolutions on the way down have a bias.
    #[must_use]
    pub fn with_bias(self, bias: bool) -> Self {
        Self { bias, ..self }
    }

    /// Sets the probabilities of dropout on the way down, up and across.
    #[must_use]
    pub fn with_dropout(self, down: f64, up: f64, across: f64) -> Self {
        Self {
            dropout_down: down,
            dropout_up: up,
            dropout_across: across,
            ..self
        }
    }

    /// What every extent of an input must be a multiple of.
    #[must_use]
    pub fn divisor(&self) -> Vec<usize> {
        vec![1 << LEVELS.len(); self.spatial_dims]
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
            ],
        )?;
        if !self.filters.is_multiple_of(self.in_channels) {
            let rule = format!("a divisor of the {} filters", self.filters);
            return Err(Error::setting(NAME, "in_channels", rule, self.in_channels));
        }
        for dropout in [self.dropout_down, self.dropout_up, self.dropout_across] {
            check_dropout(NAME, dropout)?;
        }
        Ok(())
    }

    /// Normalisation by the batch, then the activation where it is wanted.
    fn adn(&self, activated: bool) -> AdnConfig<'static> {
        const STEPS: [AdnStep; 2] = [AdnStep::Normalization, AdnStep::Activation];
        AdnConfig {
            norm: Normalization::Batch,
            activation: self.activation,
            dropout: 0.0,
            dropout_unit: DropoutUnit::Channel,
            order: if activated { &STEPS } else { &STEPS[..1] },
        }
    }

    /// A convolution of size 5, normalised, with an activation of this name beside it where it is wanted.
    fn conv<const D: usize>(
        &self,
        (from, to): (usize, usize),
        bias: bool,
        activation: Option<&str>,
        path: &ParamPath,
    ) -> mednn::Result<ConvBlock<D>> {
        let conv = ConvConfig::same(from, to, [5; D]).with_bias(bias);
        let block = path.child("conv_block");
        let mut paths = AdnPaths::monai(&block);
        if let Some(name) = activation {
            paths.activation = path.child(name);
        }
        ConvBlock::new(
            &conv,
            &self.adn(activation.is_some()),
            &block.child("conv"),
            &paths,
        )
    }

    /// Convolutions of size 5 that keep the number of features (`LUConv`).
    fn convs<const D: usize>(
        &self,
        channels: usize,
        count: usize,
        bias: bool,
        path: &ParamPath,
    ) -> mednn::Result<Vec<ConvBlock<D>>> {
        (0..count)
            .map(|i| {
                let path = path.child("ops").child(i);
                self.conv((channels, channels), bias, Some("act_function"), &path)
            })
            .collect()
    }

    /// What stands between a change of resolution and the convolutions behind it: `bn1` and `act_function1`.
    fn norm_act(&self, channels: usize, path: &ParamPath) -> mednn::Result<Adn> {
        let paths = AdnPaths {
            norm: path.child("bn1"),
            dropout: path.child("dropout"),
            activation: path.child("act_function1"),
        };
        Adn::new(channels, &self.adn(true), &paths)
    }
}

fn run<const D: usize>(
    convs: &[ConvBlock<D>],
    mut features: Tensor,
    context: &Context,
) -> mednn::Result<Tensor> {
    for conv in convs {
        features = conv.forward(&features, context)?;
    }
    Ok(features)
}

/// The first level: what a convolution makes of the image, and the image.
#[derive(Debug)]
struct Input<const D: usize> {
    conv: ConvBlock<D>,
    act: Act,
}

impl<const D: usize> Input<D> {
    fn forward(&self, image: &Tensor, filters: usize, context: &Context) -> mednn::Result<Tensor> {
        let out = self.conv.forward(image, context)?;
        let channels = image.dims()[1];
        // An image of one channel is repeated by the addition.
        let out = if channels == 1 {
            ops::add(&out, image)?
        } else {
            ops::add(&out, &ops::concat(&vec![image; filters / channels])?)?
        };
        self.act.forward(&out, context)
    }
}

/// Halving by a convolution, then convolutions whose result is added to their input.
#[derive(Debug, Clone)]
struct Down<const D: usize> {
    halving: Conv<D>,
    norm_act: Adn,
    dropout: Dropout,
    convs: Vec<ConvBlock<D>>,
    act: Act,
}

impl<const D: usize> Down<D> {
    fn new(
        config: &VNetConfig,
        (from, convs): (usize, usize),
        dropout: f64,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let to = 2 * from;
        let mut halving = ConvConfig::same(from, to, [2; D])
            .with_stride([2; D])
            .with_bias(config.bias);
        halving.geometry.padding = [(0, 0); D];
        let unit = DropoutUnit::Channel;
        Ok(Self {
            halving: Conv::new(&halving, &path.child("down_conv"))?,
            norm_act: config.norm_act(to, path)?,
            dropout: Dropout::new(dropout, unit, &path.child("dropout"))?,
            convs: config.convs(to, convs, config.bias, path)?,
            act: Act::new(config.activation, to, &path.child("act_function2"))?,
        })
    }

    fn forward(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [input], context, |level, [input], context| {
            let down = level.halving.forward(&input, context)?;
            drop(input);
            let down = level.norm_act.forward(down, context)?;
            let out = level.dropout.forward(&down, context)?;
            let out = run(&level.convs, out, context)?;
            level.act.forward(&ops::add(&out, &down)?, context)
        })
    }
}

/// Doubling by a transposed convolution, concatenation in front of the features of the way down, then convolutions whose
/// result is added to their input.
#[derive(Debug, Clone)]
struct Up<const D: usize> {
    dropout: Dropout,
    dropout_across: Dropout,
    doubling: ConvTranspose<D>,
    norm_act: Adn,
    convs: Vec<ConvBlock<D>>,
    act: Act,
}

impl<const D: usize> Up<D> {
    fn new(
        config: &VNetConfig,
        (from, to, convs): (usize, usize, usize),
        dropout: f64,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let doubling = ConvTransposeConfig::upsampling(from, to / 2, [2; D]);
        let unit = DropoutUnit::Channel;
        Ok(Self {
            dropout: Dropout::new(dropout, unit, &path.child("dropout"))?,
            dropout_across: Dropout::new(config.dropout_across, unit, &path.child("dropout2"))?,
            doubling: ConvTranspose::new(&doubling, &path.child("up_conv"))?,
            norm_act: config.norm_act(to / 2, path)?,
            convs: config.convs(to, convs, false, path)?,
            act: Act::new(config.activation, to, &path.child("act_function2"))?,
        })
    }

    fn forward(&self, input: Tensor, skip: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(
            self,
            [input, skip],
            context,
            |level, [input, skip], context| {
                let across = level.dropout_across.forward(&skip, context)?;
                let up = level.dropout.forward(&input, context)?;
                drop((input, skip));
                let up = level.doubling.forward(&up, context)?;
                let up = level.norm_act.forward(up, context)?;
                let both = ops::concat(&[&up, &across])?;
                drop((up, across));
                let out = run(&level.convs, both.clone(), context)?;
                level.act.forward(&ops::add(&out, &both)?, context)
            },
        )
    }
}

/// Encoder and decoder whose levels add what they make of their input to it.
#[derive(Debug)]
pub struct VNet<const D: usize> {
    config: VNetConfig,
    params: Params,
    input: Input<D>,
    down: Vec<Down<D>>,
    /// The lowest level first.
    up: Vec<Up<D>>,
    output: ConvBlock<D>,
    logits: Conv<D>,
}

impl<const D: usize> VNet<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &VNetConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        let root = params.root();
        let (filters, classes) = (config.filters, config.out_channels);
        let in_tr = root.child("in_tr");
        let input = Input {
            conv: config.conv((config.in_channels, filters), config.bias, None, &in_tr)?,
            act: Act::new(config.activation, filters, &in_tr.child("act_function"))?,
        };
        // The two lowest levels drop channels.
        let dropout = |level: usize, p: f64| if level < 2 { 0.0 } else { p };
        let down = |(level, (name, convs, _)): (usize, (&str, usize, usize))| {
            let path = root.child(format!("down_tr{name}"));
            let dropout = dropout(level, config.dropout_down);
            Down::new(config, (filters << level, convs), dropout, &path)
        };
        let up = |(level, (name, _, convs)): (usize, (&str, usize, usize))| {
            let path = root.child(format!("up_tr{name}"));
            let to = filters << (level + 1);
            // The lowest level gives as many features as it gets, the others half as many.
            let from = if level + 1 == LEVELS.len() {
                to
            } else {
                2 * to
            };
            let dropout = dropout(level, config.dropout_up);
            Up::new(config, (from, to, convs), dropout, &path)
        };
        let levels = || LEVELS.into_iter().enumerate();
        let out_tr = root.child("out_tr");
        let shape = (2 * filters, classes);
        let conv2 = ConvConfig::same(classes, classes, [1; D]);
        Ok(Self {
            input,
            down: levels().map(down).collect::<mednn::Result<_>>()?,
            up: levels().rev().map(up).collect::<mednn::Result<_>>()?,
            output: config.conv(shape, config.bias, Some("act_function1"), &out_tr)?,
            logits: Conv::new(&conv2, &out_tr.child("conv2"))?,
            params: params.clone(),
            config: config.clone(),
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &VNetConfig {
        &self.config
    }
}

impl<const D: usize> Model for VNet<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of 16
    /// - logits: `[batch, out_channels, depth, height, width]`
    /// - features: `in_tr`, `down_tr32` to `down_tr256`, `up_tr256` to `up_tr32`
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        check_multiples(NAME, image, &self.config.divisor())?;
        let mut features = Features::of(context);
        let mut out = self.input.forward(image, self.config.filters, context)?;
        features.keep("in_tr", &out);
        let mut skips = Vec::with_capacity(LEVELS.len());
        for (level, (name, ..)) in self.down.iter().zip(LEVELS) {
            skips.push(out.clone());
            out = level.forward(out, context)?;
            features.keep(&format!("down_tr{name}"), &out);
        }
        for (level, (name, ..)) in self.up.iter().zip(LEVELS.into_iter().rev()) {
            let skip = skips.pop().expect("one for every step up");
            out = level.forward(out, skip, context)?;
            features.keep(&format!("up_tr{name}"), &out);
        }
        let out = self.output.forward(&out, context)?;
        let logits = self.logits.forward(&out, context)?;
        Ok(Outputs::new(logits).with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
