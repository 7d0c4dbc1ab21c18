//! The levels of V-Net, which add what convolutions of size 5 make of their input to it.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, ConvTranspose, ConvTransposeConfig, Dropout, DropoutUnit};
use mednn::ops;
use mednn::params::ParamPath;

use super::{
    Act, Adn, AdnConfig, AdnPaths, AdnStep, ConvBlock, Nonlinearity, Normalization, checkpointed,
};

/// What all levels have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LevelConfig {
    /// What follows a normalisation or a sum.
    pub(crate) activation: Nonlinearity,
    /// Whether convolutions on the way down have a bias.
    pub(crate) bias: bool,
}

impl LevelConfig {
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
    pub(crate) fn conv<const D: usize>(
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
pub(crate) struct Input<const D: usize> {
    conv: ConvBlock<D>,
    act: Act,
}

impl<const D: usize> Input<D> {
    /// A level of so many features, which the channels of the image divide.
    pub(crate) fn new(
        config: &LevelConfig,
        channels: usize,
        filters: usize,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        Ok(Self {
            conv: config.conv((channels, filters), config.bias, None, path)?,
            act: Act::new(config.activation, filters, &path.child("act_function"))?,
        })
    }

    /// # Shapes
    /// - image: `[batch, channels, depth, height, width]`
    /// - output: `[batch, filters, depth, height, width]`
    pub(crate) fn forward(&self, image: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let out = self.conv.forward(image, context)?;
        let (filters, channels) = (out.dims()[1], image.dims()[1]);
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
pub(crate) struct Down<const D: usize> {
    halving: Conv<D>,
    norm_act: Adn,
    dropout: Dropout,
    convs: Vec<ConvBlock<D>>,
    act: Act,
}

impl<const D: usize> Down<D> {
    /// A level with twice as many features as it gets and so many convolutions.
    pub(crate) fn new(
        config: &LevelConfig,
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

    /// # Shapes
    /// - input: `[batch, from, depth, height, width]`
    /// - output: `[batch, 2 from, depth / 2, height / 2, width / 2]`
    pub(crate) fn forward(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
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
pub(crate) struct Up<const D: usize> {
    dropout: Dropout,
    dropout_across: Dropout,
    doubling: ConvTranspose<D>,
    norm_act: Adn,
    convs: Vec<ConvBlock<D>>,
    act: Act,
}

impl<const D: usize> Up<D> {
    /// A level with so many convolutions; the probabilities that channels of what comes up and across are dropped.
    pub(crate) fn new(
        config: &LevelConfig,
        (from, to, convs): (usize, usize, usize),
        [dropout, dropout_across]: [f64; 2],
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let doubling = ConvTransposeConfig::upsampling(from, to / 2, [2; D]);
        let unit = DropoutUnit::Channel;
        Ok(Self {
            dropout: Dropout::new(dropout, unit, &path.child("dropout"))?,
            dropout_across: Dropout::new(dropout_across, unit, &path.child("dropout2"))?,
            doubling: ConvTranspose::new(&doubling, &path.child("up_conv"))?,
            norm_act: config.norm_act(to / 2, path)?,
            convs: config.convs(to, convs, false, path)?,
            act: Act::new(config.activation, to, &path.child("act_function2"))?,
        })
    }

    /// # Shapes
    /// - input: `[batch, from, depth, height, width]`
    /// - skip: `[batch, to / 2, 2 depth, 2 height, 2 width]`
    /// - output: `[batch, to, 2 depth, 2 height, 2 width]`
    pub(crate) fn forward(
        &self,
        input: Tensor,
        skip: Tensor,
        context: &Context,
    ) -> mednn::Result<Tensor> {
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
