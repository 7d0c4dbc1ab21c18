//! The way up of UNETR, SwinUNETR and DynUNet.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, ConvTranspose, ConvTransposeConfig, Dropout, DropoutUnit};
use mednn::ops;
use mednn::params::ParamPath;

use super::checkpointed;
use super::unet_block::{UnetBlock, UnetBlockConfig};

fn doubling<const D: usize>(
    from: usize,
    to: usize,
    path: &ParamPath,
) -> mednn::Result<ConvTranspose<D>> {
    let config = ConvTransposeConfig::upsampling(from, to, [2; D]).with_bias(false);
    ConvTranspose::new(&config, &path.child("conv"))
}

/// One step up: a transposed convolution, dropout, concatenation in front of a skip connection, convolutions (MONAI's
/// `UnetrUpBlock` and `UnetUpBlock`).
#[derive(Debug, Clone)]
pub(crate) struct Decoder<const D: usize> {
    transposed: ConvTranspose<D>,
    dropout: Dropout,
    block: UnetBlock<D>,
}

impl<const D: usize> Decoder<D> {
    /// A step that doubles extents; its block gets twice as many features as it gives.
    pub(crate) fn new(config: &UnetBlockConfig<D>, path: &ParamPath) -> mednn::Result<Self> {
        let to = config.out_channels;
        let upsampling = ConvTransposeConfig::upsampling(config.in_channels, to, [2; D]);
        Self::with_upsampling(&upsampling.with_bias(false), config, path)
    }

    /// A step with another transposed convolution, which drops values as its block does.
    pub(crate) fn with_upsampling(
        upsampling: &ConvTransposeConfig<D>,
        config: &UnetBlockConfig<D>,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let inside = UnetBlockConfig {
            in_channels: 2 * config.out_channels,
            ..*config
        };
        let conv = path.child("transp_conv");
        let dropout = conv.child("adn").child("D");
        Ok(Self {
            transposed: ConvTranspose::new(upsampling, &conv.child("conv"))?,
            dropout: Dropout::new(config.dropout, DropoutUnit::Element, &dropout)?,
            block: UnetBlock::new(&inside, &path.child("conv_block"))?,
        })
    }

    /// Takes its inputs by value: outside of training their memory is free before the convolutions ask for more.
    ///
    /// # Shapes
    /// - input: `[batch, in_channels, depth, height, width]`
    /// - skip and output: `[batch, out_channels, ...]`, extents as the transposed convolution makes them
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
            |step, [input, skip], context| {
                let up = step.transposed.forward(&input, context)?;
                let up = step.dropout.forward(&up, context)?;
                let both = ops::concat(&[&up, &skip])?;
                drop((input, up, skip));
                step.block.forward(both, context)
            },
        )
    }
}

/// Features of patches at a higher resolution: transposed convolutions, with a block behind all but the first (MONAI's
/// `UnetrPrUpBlock`).
#[derive(Debug)]
pub(crate) struct Projection<const D: usize> {
    first: ConvTranspose<D>,
    steps: Vec<(ConvTranspose<D>, Option<UnetBlock<D>>)>,
}

impl<const D: usize> Projection<D> {
    /// One doubling and `steps` more, with blocks behind these if there shall be.
    pub(crate) fn new(
        config: &UnetBlockConfig<D>,
        steps: usize,
        blocks: bool,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let to = config.out_channels;
        let inside = UnetBlockConfig {
            in_channels: to,
            ..*config
        };
        let step = |i| {
            let path = path.child("blocks").child(i);
            if !blocks {
                return Ok((doubling(to, to, &path)?, None));
            }
            let block = UnetBlock::new(&inside, &path.child(1))?;
            Ok((doubling(to, to, &path.child(0))?, Some(block)))
        };
        Ok(Self {
            first: doubling(config.in_channels, to, &path.child("transp_conv_init"))?,
            steps: (0..steps).map(step).collect::<mednn::Result<_>>()?,
        })
    }

    /// # Shapes
    /// - input: `[batch, in_channels, depth, height, width]`
    /// - output: `[batch, out_channels, ...]`, extents doubled by each step
    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut out = self.first.forward(input, context)?;
        for (transposed, block) in &self.steps {
            out = transposed.forward(&out, context)?;
            if let Some(block) = block {
                out = block.checkpointed(out, context)?;
            }
        }
        Ok(out)
    }
}

/// The convolution of size 1 that makes logits (MONAI's `UnetOutBlock`).
pub(crate) fn logits<const D: usize>(
    from: usize,
    to: usize,
    path: &ParamPath,
) -> mednn::Result<Conv<D>> {
    let config = ConvConfig::same(from, to, [1; D]);
    Conv::new(&config, &path.child("conv").child("conv"))
}
