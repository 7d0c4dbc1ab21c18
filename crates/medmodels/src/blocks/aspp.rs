//! Atrous spatial pyramid pooling (Chen et al. 2017, <https://arxiv.org/abs/1706.05587>), as both DeepLabs have it.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{BatchNorm, BatchNormConfig, Conv, ConvConfig, Dropout, DropoutUnit};
use mednn::ops::{self, Activation, Interpolation, Size};
use mednn::params::{Init, ParamPath};

/// A convolution of a [`ConvNormRelu`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConvShape {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// 1 or 3.
    pub(crate) size: usize,
    pub(crate) dilation: usize,
    /// Whether each channel is convolved by itself first, and one of size 1 follows.
    pub(crate) separable: bool,
}

impl ConvShape {
    /// A convolution of size 1.
    pub(crate) fn pointwise(from: usize, to: usize) -> Self {
        Self {
            from,
            to,
            size: 1,
            dilation: 1,
            separable: false,
        }
    }

    /// A convolution of size 3.
    pub(crate) fn of_three(from: usize, to: usize) -> Self {
        Self {
            size: 3,
            ..Self::pointwise(from, to)
        }
    }

    pub(crate) fn with_dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    pub(crate) fn with_separable(self, separable: bool) -> Self {
        Self { separable, ..self }
    }
}

/// A convolution without bias, in one step or two, batch normalisation and a rectifier.
#[derive(Debug, Clone)]
pub(crate) struct ConvNormRelu<const D: usize> {
    convs: Vec<Conv<D>>,
    norm: BatchNorm,
}

impl<const D: usize> ConvNormRelu<D> {
    /// The two steps of a separable convolution are `0` and `1` below the path.
    pub(crate) fn new(
        shape: ConvShape,
        init: Init,
        path: &ParamPath,
        norm: &ParamPath,
    ) -> mednn::Result<Self> {
        let conv = |from, to, size, dilation: usize| {
            let conv = ConvConfig::same(from, to, [size; D])
                .with_bias(false)
                .with_init(init, None);
            let padding = dilation * (size / 2);
            let geometry = conv.geometry.with_padding([(padding, padding); D]);
            conv.with_geometry(geometry.with_dilation([dilation; D]))
        };
        let whole = conv(shape.from, shape.to, shape.size, shape.dilation);
        let convs = if shape.separable {
            let mut depthwise = conv(shape.from, shape.from, shape.size, shape.dilation);
            depthwise.geometry.groups = shape.from;
            let pointwise = conv(shape.from, shape.to, 1, 1);
            vec![
                Conv::new(&depthwise, &path.child(0))?,
                Conv::new(&pointwise, &path.child(1))?,
            ]
        } else {
            vec![Conv::new(&whole, path)?]
        };
        let after = BatchNormConfig::default().with_activation(Activation::Relu);
        Ok(Self {
            convs,
            norm: BatchNorm::new(shape.to, &after, norm)?,
        })
    }

    /// As [`ConvNormRelu::new`] with convolution and normalisation at these places of a sequence.
    pub(crate) fn at(
        shape: ConvShape,
        init: Init,
        path: &ParamPath,
        (conv, norm): (usize, usize),
    ) -> mednn::Result<Self> {
        Self::new(shape, init, &path.child(conv), &path.child(norm))
    }

    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut out = input.clone();
        for conv in &self.convs {
            out = conv.forward(&out, context)?;
        }
        self.norm.forward(&out, context)
    }
}

/// What an [`Aspp`] consists of.
#[derive(Debug, Clone)]
pub(crate) struct AsppConfig {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) rates: [usize; 3],
    pub(crate) separable: bool,
    pub(crate) dropout: f64,
    pub(crate) init: Init,
}

/// A convolution of size 1, three dilated ones and the mean of the image beside one another, and one that joins them.
#[derive(Debug, Clone)]
pub(crate) struct Aspp<const D: usize> {
    convs: Vec<ConvNormRelu<D>>,
    pooled: ConvNormRelu<D>,
    project: ConvNormRelu<D>,
    dropout: Dropout,
}

impl<const D: usize> Aspp<D> {
    pub(crate) fn new(config: &AsppConfig, path: &ParamPath) -> mednn::Result<Self> {
        let &AsppConfig { from, to, init, .. } = config;
        let convs = path.child("convs");
        let pointwise = ConvShape::pointwise(from, to);
        let mut branches = vec![ConvNormRelu::at(pointwise, init, &convs.child(0), (0, 1))?];
        for (i, rate) in (1..).zip(config.rates) {
            let dilated = ConvShape::of_three(from, to)
                .with_dilation(rate)
                .with_separable(config.separable);
            branches.push(ConvNormRelu::at(dilated, init, &convs.child(i), (0, 1))?);
        }
        let project = path.child("project");
        Ok(Self {
            convs: branches,
            pooled: ConvNormRelu::at(pointwise, init, &convs.child(4), (1, 2))?,
            project: ConvNormRelu::at(ConvShape::pointwise(5 * to, to), init, &project, (0, 1))?,
            dropout: Dropout::new(config.dropout, DropoutUnit::Element, &project.child(3))?,
        })
    }

    /// # Shapes
    /// - input: `[batch, from, depth, height, width]`
    /// - output: `[batch, to, depth, height, width]`
    pub(crate) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut branches = Vec::with_capacity(self.convs.len() + 1);
        for conv in &self.convs {
            branches.push(conv.forward(input, context)?);
        }
        let mean = ops::adaptive_avg_pool(input, [1; D])?;
        let mean = self.pooled.forward(&mean, context)?;
        let everywhere = Size::<D>::Voxels(std::array::from_fn(|axis| input.dims()[axis + 2]));
        branches.push(ops::resize(&mean, everywhere, Interpolation::Nearest)?);
        let branches: Vec<&Tensor> = branches.iter().collect();
        let joined = self.project.forward(&ops::concat(&branches)?, context)?;
        self.dropout.forward(&joined, context)
    }
}

/// Linear interpolation to the spatial shape of the image.
pub(crate) fn resized_to<const D: usize>(
    features: &Tensor,
    image: &Tensor,
    align_corners: bool,
) -> mednn::Result<Tensor> {
    let size = Size::<D>::Voxels(std::array::from_fn(|axis| image.dims()[axis + 2]));
    ops::resize(features, size, Interpolation::Linear { align_corners })
}
