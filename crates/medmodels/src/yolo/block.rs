//! What the detectors are built of.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{BatchNorm, BatchNormConfig, Conv, ConvConfig};
use mednn::ops::{self, Activation, Interpolation, PoolConfig, Size};
use mednn::params::ParamPath;

/// Convolution, batch normalisation and SiLU.
#[derive(Debug)]
pub(super) struct ConvUnit {
    conv: Conv<2>,
    norm: BatchNorm,
}

/// Extent and step of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernel {
    pub(super) extent: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl Kernel {
    pub(super) const POINT: Self = Self::same(1);
    pub(super) const THREE: Self = Self::same(3);
    pub(super) const HALVING: Self = Self {
        stride: 2,
        ..Self::same(3)
    };
    /// The first of YOLOv5.
    pub(super) const STEM: Self = Self {
        extent: 6,
        stride: 2,
        padding: 2,
    };

    const fn same(extent: usize) -> Self {
        Self {
            extent,
            stride: 1,
            padding: extent / 2,
        }
    }

    pub(super) fn config(self, from: usize, to: usize) -> ConvConfig<2> {
        let mut config = ConvConfig::same(from, to, [self.extent; 2]).with_stride([self.stride; 2]);
        config.geometry.padding = [(self.padding, self.padding); 2];
        config
    }
}

impl ConvUnit {
    pub(super) fn new(
        from: usize,
        to: usize,
        kernel: Kernel,
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let norm = BatchNormConfig::default()
            .with_epsilon(1e-3)
            .with_momentum(Some(0.03))
            .with_activation(Activation::Silu);
        Ok(Self {
            conv: Conv::new(
                &kernel.config(from, to).with_bias(false),
                &path.child("conv"),
            )?,
            norm: BatchNorm::new(to, &norm, &path.child("bn"))?,
        })
    }

    /// # Shapes
    /// - input: `[batch, from, height, width]`
    /// - output: `[batch, to, ...]`, the spatial shape divided by the stride
    pub(super) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let out = self.conv.forward(input, context)?;
        self.norm.forward(&out, context)
    }
}

/// Two convolutions beside a way that leaves them out.
#[derive(Debug)]
struct Bottleneck {
    cv1: ConvUnit,
    cv2: ConvUnit,
    adds: bool,
}

impl Bottleneck {
    fn new(features: usize, first: Kernel, adds: bool, path: &ParamPath) -> mednn::Result<Self> {
        Ok(Self {
            cv1: ConvUnit::new(features, features, first, &path.child("cv1"))?,
            cv2: ConvUnit::new(features, features, Kernel::THREE, &path.child("cv2"))?,
            adds,
        })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let out = self
            .cv2
            .forward(&self.cv1.forward(input, context)?, context)?;
        if self.adds {
            ops::add(&out, input)
        } else {
            Ok(out)
        }
    }
}

/// A stage of bottlenecks.
#[derive(Debug, Clone, Copy)]
pub(super) struct StageShape {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) repeats: usize,
    /// Whether the bottlenecks add what they are given.
    pub(super) adds: bool,
}

/// YOLOv8's stage: half of the features pass the bottlenecks one after the other, and all results are kept.
#[derive(Debug)]
pub(super) struct C2f {
    cv1: ConvUnit,
    cv2: ConvUnit,
    m: Vec<Bottleneck>,
    half: usize,
}

impl C2f {
    pub(super) fn new(shape: StageShape, path: &ParamPath) -> mednn::Result<Self> {
        let half = shape.to / 2;
        let bottlenecks = (0..shape.repeats)
            .map(|i| Bottleneck::new(half, Kernel::THREE, shape.adds, &path.child("m").child(i)));
        let kept = (2 + shape.repeats) * half;
        Ok(Self {
            cv1: ConvUnit::new(shape.from, 2 * half, Kernel::POINT, &path.child("cv1"))?,
            cv2: ConvUnit::new(kept, shape.to, Kernel::POINT, &path.child("cv2"))?,
            m: bottlenecks.collect::<mednn::Result<_>>()?,
            half,
        })
    }

    pub(super) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let both = self.cv1.forward(input, context)?;
        let mut kept = vec![
            ops::narrow(&both, 1, 0, self.half)?,
            ops::narrow(&both, 1, self.half, self.half)?,
        ];
        for bottleneck in &self.m {
            kept.push(bottleneck.forward(&kept[kept.len() - 1], context)?);
        }
        let kept: Vec<&Tensor> = kept.iter().collect();
        self.cv2.forward(&ops::concat(&kept)?, context)
    }
}

/// YOLOv5's stage: bottlenecks beside a single convolution.
#[derive(Debug)]
pub(super) struct C3 {
    cv1: ConvUnit,
    cv2: ConvUnit,
    cv3: ConvUnit,
    m: Vec<Bottleneck>,
}

impl C3 {
    pub(super) fn new(shape: StageShape, path: &ParamPath) -> mednn::Result<Self> {
        let half = shape.to / 2;
        let bottlenecks = (0..shape.repeats)
            .map(|i| Bottleneck::new(half, Kernel::POINT, shape.adds, &path.child("m").child(i)));
        Ok(Self {
            cv1: ConvUnit::new(shape.from, half, Kernel::POINT, &path.child("cv1"))?,
            cv2: ConvUnit::new(shape.from, half, Kernel::POINT, &path.child("cv2"))?,
            cv3: ConvUnit::new(2 * half, shape.to, Kernel::POINT, &path.child("cv3"))?,
            m: bottlenecks.collect::<mednn::Result<_>>()?,
        })
    }

    pub(super) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let mut deep = self.cv1.forward(input, context)?;
        for bottleneck in &self.m {
            deep = bottleneck.forward(&deep, context)?;
        }
        let beside = self.cv2.forward(input, context)?;
        self.cv3.forward(&ops::concat(&[&deep, &beside])?, context)
    }
}

/// Maxima over windows of 5, 9 and 13 beside one another.
#[derive(Debug)]
pub(super) struct Sppf {
    cv1: ConvUnit,
    cv2: ConvUnit,
}

impl Sppf {
    pub(super) fn new(features: usize, path: &ParamPath) -> mednn::Result<Self> {
        let half = features / 2;
        Ok(Self {
            cv1: ConvUnit::new(features, half, Kernel::POINT, &path.child("cv1"))?,
            cv2: ConvUnit::new(4 * half, features, Kernel::POINT, &path.child("cv2"))?,
        })
    }

    pub(super) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let pool = PoolConfig::new([5; 2])
            .with_stride([1; 2])
            .with_padding([2; 2]);
        let once = self.cv1.forward(input, context)?;
        let twice = ops::max_pool(&once, &pool)?;
        let thrice = ops::max_pool(&twice, &pool)?;
        let last = ops::max_pool(&thrice, &pool)?;
        self.cv2
            .forward(&ops::concat(&[&once, &twice, &thrice, &last])?, context)
    }
}

/// Twice as many cells along each axis, each the copy of the one it lies in.
pub(super) fn doubled(input: &Tensor) -> mednn::Result<Tensor> {
    ops::resize(input, Size::Factor([2.0; 2]), Interpolation::Nearest)
}
