//! What the detectors are built of.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{BatchNorm, BatchNormConfig, Conv, ConvConfig};
use mednn::ops::{self, Activation, Interpolation, PoolConfig, Size};
use mednn::params::ParamPath;

/// Convolution, batch normalisation and SiLU.
#[derive(Debug)]
pub(super) struct ConvUnit<const D: usize> {
    conv: Conv<D>,
    norm: BatchNorm,
}

/// What a convolution does along an axis.
#[derive(Debug, Clone, Copy)]
struct Reach {
    extent: usize,
    stride: usize,
    padding: usize,
}

impl Reach {
    const fn same(extent: usize) -> Self {
        Self {
            extent,
            stride: 1,
            padding: extent / 2,
        }
    }

    const HALVING: Self = Self {
        stride: 2,
        ..Self::same(3)
    };
    /// The first of YOLOv5.
    const STEM: Self = Self {
        extent: 6,
        stride: 2,
        padding: 2,
    };
}

/// Extents and steps of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kernel<const D: usize>([Reach; D]);

impl<const D: usize> Kernel<D> {
    pub(super) const POINT: Self = Self([Reach::same(1); D]);
    pub(super) const THREE: Self = Self([Reach::same(3); D]);

    /// Halves the axes whose factor is 2.
    pub(super) fn halving(factors: [usize; D]) -> Self {
        Self::reducing(factors, Reach::HALVING)
    }

    /// As [`Kernel::halving`], the way YOLOv5 does it first.
    pub(super) fn stem(factors: [usize; D]) -> Self {
        Self::reducing(factors, Reach::STEM)
    }

    fn reducing(factors: [usize; D], reach: Reach) -> Self {
        Self(factors.map(|factor| if factor == 2 { reach } else { Reach::same(3) }))
    }

    pub(super) fn config(self, from: usize, to: usize) -> ConvConfig<D> {
        let mut config = ConvConfig::same(from, to, self.0.map(|reach| reach.extent))
            .with_stride(self.0.map(|reach| reach.stride));
        config.geometry.padding = self.0.map(|reach| (reach.padding, reach.padding));
        config
    }
}

impl<const D: usize> ConvUnit<D> {
    pub(super) fn new(
        from: usize,
        to: usize,
        kernel: Kernel<D>,
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
    /// - input: `[batch, from, depth, height, width]`
    /// - output: `[batch, to, ...]`, the spatial shape divided by the stride
    pub(super) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let out = self.conv.forward(input, context)?;
        self.norm.forward(&out, context)
    }
}

/// Two convolutions beside a way that leaves them out.
#[derive(Debug)]
struct Bottleneck<const D: usize> {
    cv1: ConvUnit<D>,
    cv2: ConvUnit<D>,
    adds: bool,
}

impl<const D: usize> Bottleneck<D> {
    fn new(features: usize, first: Kernel<D>, adds: bool, path: &ParamPath) -> mednn::Result<Self> {
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
pub(super) struct C2f<const D: usize> {
    cv1: ConvUnit<D>,
    cv2: ConvUnit<D>,
    m: Vec<Bottleneck<D>>,
    half: usize,
}

impl<const D: usize> C2f<D> {
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
pub(super) struct C3<const D: usize> {
    cv1: ConvUnit<D>,
    cv2: ConvUnit<D>,
    cv3: ConvUnit<D>,
    m: Vec<Bottleneck<D>>,
}

impl<const D: usize> C3<D> {
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
pub(super) struct Sppf<const D: usize> {
    cv1: ConvUnit<D>,
    cv2: ConvUnit<D>,
}

impl<const D: usize> Sppf<D> {
    pub(super) fn new(features: usize, path: &ParamPath) -> mednn::Result<Self> {
        let half = features / 2;
        Ok(Self {
            cv1: ConvUnit::new(features, half, Kernel::POINT, &path.child("cv1"))?,
            cv2: ConvUnit::new(4 * half, features, Kernel::POINT, &path.child("cv2"))?,
        })
    }

    pub(super) fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let pool = PoolConfig::new([5; D])
            .with_stride([1; D])
            .with_padding([2; D]);
        let once = self.cv1.forward(input, context)?;
        let twice = ops::max_pool(&once, &pool)?;
        let thrice = ops::max_pool(&twice, &pool)?;
        let last = ops::max_pool(&thrice, &pool)?;
        self.cv2
            .forward(&ops::concat(&[&once, &twice, &thrice, &last])?, context)
    }
}

/// So many times as many cells along each axis, each the copy of the one it lies in.
pub(super) fn repeated<const D: usize>(
    input: &Tensor,
    factors: [usize; D],
) -> mednn::Result<Tensor> {
    let factors = factors.map(|factor| factor as f64);
    ops::resize(input, Size::Factor(factors), Interpolation::Nearest)
}
