//! The blocks of MONAI's U-Nets of two convolutions a level: `TwoConv`, `Down` and `UpCat`.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{ConvConfig, DropoutUnit};
use mednn::ops;
use mednn::params::ParamPath;

use crate::blocks::upsample::{UpSample, UpSampleConfig, Upsampling};
use crate::blocks::{
    AdnConfig, AdnStep, ConvBlock, Nonlinearity, Normalization, check_smallest, checkpointed,
    one_voxel_left,
};

/// What all blocks of a network have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TwoConvConfig {
    pub(crate) normalization: Normalization,
    pub(crate) activation: Nonlinearity,
    pub(crate) bias: bool,
    pub(crate) dropout: f64,
    pub(crate) upsampling: Upsampling,
}

/// Two convolutions of size 3.
#[derive(Debug, Clone)]
pub(crate) struct TwoConv<const D: usize> {
    conv_0: ConvBlock<D>,
    conv_1: ConvBlock<D>,
}

impl<const D: usize> TwoConv<D> {
    pub(crate) fn new(
        config: &TwoConvConfig,
        in_channels: usize,
        out_channels: usize,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let adn = AdnConfig {
            norm: config.normalization,
            activation: config.activation,
            dropout: config.dropout,
            dropout_unit: DropoutUnit::Element,
            order: &AdnStep::NDA,
        };
        let block = |in_channels, path: ParamPath| {
            let conv = ConvConfig::same(in_channels, out_channels, [3; D]).with_bias(config.bias);
            ConvBlock::monai(&conv, &adn, &path)
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
    pub(crate) fn checkpointed(&self, input: Tensor, context: &Context) -> mednn::Result<Tensor> {
        checkpointed(self, [input], context, |convs, [input], context| {
            convs.forward(input, context)
        })
    }
}

/// Pooling by two, then two convolutions.
#[derive(Debug, Clone)]
pub(crate) struct Down<const D: usize> {
    convs: TwoConv<D>,
}

impl<const D: usize> Down<D> {
    pub(crate) fn new(
        config: &TwoConvConfig,
        from: usize,
        to: usize,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let convs = TwoConv::new(config, from, to, &path.child("convs"))?;
        Ok(Self { convs })
    }

    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let halved = ops::max_pool(input, &ops::PoolConfig::new([2; D]))?;
        self.convs.checkpointed(halved, context)
    }
}

/// Features of an [`UpCat`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct UpCatShape {
    /// From the level below.
    pub(crate) from: usize,
    /// Of these, after upsampling.
    pub(crate) up: usize,
    /// From the way down, 0 where nothing is concatenated.
    pub(crate) skip: usize,
    /// Of the result.
    pub(crate) out: usize,
}

/// Upsampling by two, concatenation behind the features of the way down, then two convolutions.
#[derive(Debug, Clone)]
pub(crate) struct UpCat<const D: usize> {
    upsample: UpSample<D>,
    convs: TwoConv<D>,
}

impl<const D: usize> UpCat<D> {
    pub(crate) fn new(
        config: &TwoConvConfig,
        shape: UpCatShape,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let upsample = UpSampleConfig {
            mode: config.upsampling,
            in_channels: shape.from,
            out_channels: shape.up,
            factor: [2; D],
            kernel: None,
            bias: true,
        };
        let convs = path.child("convs");
        Ok(Self {
            upsample: UpSample::new(&upsample, &path.child("upsample"))?,
            convs: TwoConv::new(config, shape.skip + shape.up, shape.out, &convs)?,
        })
    }

    /// Takes its inputs by value: outside of training their memory is free before the convolutions ask for more.
    pub(crate) fn forward(
        &self,
        input: Tensor,
        skip: Option<Tensor>,
        context: &Context,
    ) -> mednn::Result<Tensor> {
        match skip {
            Some(skip) => checkpointed(
                self,
                [input, skip],
                context,
                |block, [input, skip], context| {
                    let up = block.upsample.forward(&input, context)?;
                    drop(input);
                    let both = ops::concat(&[&skip, &fitted::<D>(up, &skip)?])?;
                    drop(skip);
                    block.convs.forward(both, context)
                },
            ),
            None => checkpointed(self, [input], context, |block, [input], context| {
                let up = block.upsample.forward(&input, context)?;
                block.convs.forward(up, context)
            }),
        }
    }
}

/// Repeats the last voxels of features where those of the way down are longer.
fn fitted<const D: usize>(up: Tensor, skip: &Tensor) -> mednn::Result<Tensor> {
    let missing: [_; D] =
        std::array::from_fn(|axis| (0, skip.dims()[axis + 2] - up.dims()[axis + 2]));
    if missing == [(0, 0); D] {
        return Ok(up);
    }
    ops::pad(&up, missing, ops::PadMode::Replicate)
}

/// That halving extents, rounded down, leaves every level something, and something to normalise.
pub(crate) fn check_halvings(
    op: &'static str,
    image: &Tensor,
    halvings: usize,
    normalization: Normalization,
) -> mednn::Result<()> {
    let smallest = 1 << halvings;
    check_smallest(op, image, smallest)?;
    let one_voxel = image.dims()[2..].iter().all(|&n| n < 2 * smallest);
    if !one_voxel || !normalization.is_of_instances() {
        return Ok(());
    }
    Err(one_voxel_left(op, image, smallest))
}
