//! V-Net (Milletari et al., 3DV 2016, <https://arxiv.org/abs/1606.04797>) for volumes and images.
//!
//! Parameters have the names of MONAI 1.x `VNet`, so its state dictionaries load unchanged, and outputs, gradients and
//! features are equal to its own. Every level adds what its convolutions of size 5 make of its input to the input; the
//! first adds the image itself, repeated to as many channels as there are features.

use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::Params;
use serde::{Deserialize, Serialize};

use crate::blocks::vnet::{Down, Input, LevelConfig, Up};
use crate::blocks::{ConvBlock, Features, Nonlinearity, check_input, check_multiples};
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

    fn level(&self) -> LevelConfig {
        LevelConfig {
            activation: self.activation,
            bias: self.bias,
        }
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
        let level_config = config.level();
        // The two lowest levels drop channels.
        let dropout = |level: usize, p: f64| if level < 2 { 0.0 } else { p };
        let down = |(level, (name, convs, _)): (usize, (&str, usize, usize))| {
            let path = root.child(format!("down_tr{name}"));
            let dropout = dropout(level, config.dropout_down);
            Down::new(&level_config, (filters << level, convs), dropout, &path)
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
            let dropout = [dropout(level, config.dropout_up), config.dropout_across];
            Up::new(&level_config, (from, to, convs), dropout, &path)
        };
        let levels = || LEVELS.into_iter().enumerate();
        let out_tr = root.child("out_tr");
        let shape = (2 * filters, classes);
        let conv2 = ConvConfig::same(classes, classes, [1; D]);
        Ok(Self {
            input: Input::new(
                &level_config,
                config.in_channels,
                filters,
                &root.child("in_tr"),
            )?,
            down: levels().map(down).collect::<mednn::Result<_>>()?,
            up: levels().rev().map(up).collect::<mednn::Result<_>>()?,
            output: level_config.conv(shape, config.bias, Some("act_function1"), &out_tr)?,
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
        let mut out = self.input.forward(image, context)?;
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
