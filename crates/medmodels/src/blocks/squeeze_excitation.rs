//! Squeeze-and-excitation (Hu et al., CVPR 2018, <https://arxiv.org/abs/1709.01507>): a factor for each channel, found from
//! the means of all.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, Linear, LinearConfig};
use mednn::ops::{self, Activation};
use mednn::params::{Init, ParamPath};

/// What stands between the means and the factors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SqueezeConfig {
    /// Features between the two maps.
    pub(crate) features: usize,
    /// What follows the first map.
    pub(crate) activation: Activation,
    /// What follows the second, into `[0, 1]`.
    pub(crate) gate: Activation,
}

/// Multiplies each channel by a factor that two linear maps make of the means of all channels.
#[derive(Debug, Clone)]
pub(crate) struct SqueezeExcitation<const D: usize> {
    maps: Maps<D>,
    config: SqueezeConfig,
}

/// The maps by the shape of their weights.
#[derive(Debug, Clone)]
enum Maps<const D: usize> {
    /// Convolutions of size 1.
    Convs([Conv<D>; 2]),
    /// Linear layers.
    Linears([Linear; 2]),
}

impl<const D: usize> SqueezeExcitation<D> {
    /// Two convolutions of size 1, drawn by `draw`, with these paths.
    pub(crate) fn new(
        channels: usize,
        config: SqueezeConfig,
        draw: fn(ConvConfig<D>) -> ConvConfig<D>,
        [reduce, expand]: &[ParamPath; 2],
    ) -> mednn::Result<Self> {
        let map = |from, to, path| Conv::new(&draw(ConvConfig::same(from, to, [1; D])), path);
        Ok(Self {
            maps: Maps::Convs([
                map(channels, config.features, reduce)?,
                map(config.features, channels, expand)?,
            ]),
            config,
        })
    }

    /// Two linear layers with these paths, bias zero at first.
    pub(crate) fn linear(
        channels: usize,
        config: SqueezeConfig,
        [reduce, expand]: &[ParamPath; 2],
    ) -> mednn::Result<Self> {
        let map = |from, to, path| {
            let config = LinearConfig::new(from, to);
            let weight = config.weight_init;
            Linear::new(&config.with_init(weight, Some(Init::ZEROS)), path)
        };
        Ok(Self {
            maps: Maps::Linears([
                map(channels, config.features, reduce)?,
                map(config.features, channels, expand)?,
            ]),
            config,
        })
    }

    /// # Shapes
    /// - input and output: `[batch, channels, depth, height, width]`
    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let SqueezeConfig {
            activation, gate, ..
        } = self.config;
        let means = ops::adaptive_avg_pool(input, [1; D])?;
        let factors = match &self.maps {
            Maps::Convs([reduce, expand]) => {
                let squeezed = ops::activation(&reduce.forward(&means, context)?, activation)?;
                ops::activation(&expand.forward(&squeezed, context)?, gate)?
            }
            Maps::Linears([reduce, expand]) => {
                let means = ops::flatten_from(&means, 1)?;
                let squeezed = ops::activation(&reduce.forward(&means, context)?, activation)?;
                let factors = ops::activation(&expand.forward(&squeezed, context)?, gate)?;
                let mut shape = factors.dims().to_vec();
                shape.extend([1; D]);
                ops::reshape(&factors, &shape)?
            }
        };
        ops::multiply(input, &factors)
    }
}
