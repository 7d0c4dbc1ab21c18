//! What a detector says of each cell of its levels.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig};
use mednn::ops;
use mednn::params::{Buffer, Init, ParamPath};

use super::block::{ConvUnit, Kernel};
use super::config::{YoloConfig, YoloHead};

/// Bins of a distance, each a cell wide.
pub(super) const BINS: usize = 16;

/// The head of a detector.
#[derive(Debug)]
pub(super) enum Head<const D: usize> {
    AnchorFree(AnchorFreeHead<D>),
    Anchors(AnchorHead<D>),
}

impl<const D: usize> Head<D> {
    /// A head for levels of so many features, the finest first.
    pub(super) fn new(
        config: &YoloConfig,
        features: &[usize],
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        Ok(match config.head {
            YoloHead::V5Anchors => Self::Anchors(AnchorHead::new(config, features, path)?),
            _ => Self::AnchorFree(AnchorFreeHead::new(config, features, path)?),
        })
    }

    /// Channels of what it says.
    pub(super) fn channels(&self, config: &YoloConfig) -> usize {
        match self {
            Self::AnchorFree(_) => 2 * D * BINS + config.out_channels,
            Self::Anchors(_) => config.anchors_of_a_cell() * (2 * D + 1 + config.out_channels),
        }
    }

    /// What it says of each level.
    pub(super) fn forward(
        &self,
        levels: &[Tensor],
        context: &Context,
    ) -> mednn::Result<Vec<Tensor>> {
        let level = |(i, map): (usize, &Tensor)| match self {
            Self::AnchorFree(head) => head.levels[i].forward(map, context),
            Self::Anchors(head) => head.levels[i].forward(map, context),
        };
        levels.iter().enumerate().map(level).collect()
    }
}

/// Distances and classes of each cell.
#[derive(Debug)]
pub(super) struct AnchorFreeHead<const D: usize> {
    levels: Vec<AnchorFreeLevel<D>>,
    /// The middles of the bins; never trained.
    _bins: Buffer,
}

/// One branch: two convolutions and a linear one.
#[derive(Debug)]
struct Branch<const D: usize> {
    first: ConvUnit<D>,
    second: ConvUnit<D>,
    last: Conv<D>,
}

impl<const D: usize> Branch<D> {
    fn new([from, inner, to]: [usize; 3], bias: f64, path: &ParamPath) -> mednn::Result<Self> {
        let last = Kernel::POINT.config(inner, to);
        let last = last.with_init(Init::PYTORCH_WEIGHT, Some(Init::Constant(bias)));
        Ok(Self {
            first: ConvUnit::new(from, inner, Kernel::THREE, &path.child(0))?,
            second: ConvUnit::new(inner, inner, Kernel::THREE, &path.child(1))?,
            last: Conv::new(&last, &path.child(2))?,
        })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let out = self.first.forward(input, context)?;
        let out = self.second.forward(&out, context)?;
        self.last.forward(&out, context)
    }
}

#[derive(Debug)]
struct AnchorFreeLevel<const D: usize> {
    boxes: Branch<D>,
    classes: Branch<D>,
}

impl<const D: usize> AnchorFreeLevel<D> {
    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let boxes = self.boxes.forward(input, context)?;
        let classes = self.classes.forward(input, context)?;
        ops::concat(&[&boxes, &classes])
    }
}

impl<const D: usize> AnchorFreeHead<D> {
    fn new(config: &YoloConfig, features: &[usize], path: &ParamPath) -> mednn::Result<Self> {
        let classes = config.out_channels;
        let finest = features.first().copied().unwrap_or(0);
        let of_boxes = (finest / 4).max(2 * D * BINS);
        let of_classes = finest.max(classes.min(100));
        // Five objects in a picture 640 pixels wide or a volume 128 voxels wide, of any class.
        let width = if D == 2 { 640.0 } else { 128.0 };
        let levels = features.iter().zip(config.strides()).enumerate();
        let levels = levels.map(|(i, (&from, strides))| {
            let cells: f64 = strides
                .iter()
                .map(|&stride| width / stride as f64)
                .product();
            let rare = (5.0 / classes as f64 / cells).ln();
            Ok(AnchorFreeLevel {
                boxes: Branch::new(
                    [from, of_boxes, 2 * D * BINS],
                    1.0,
                    &path.child("cv2").child(i),
                )?,
                classes: Branch::new(
                    [from, of_classes, classes],
                    rare,
                    &path.child("cv3").child(i),
                )?,
            })
        });
        let levels = levels.collect::<mednn::Result<_>>()?;
        let shape = [&[1, BINS][..], &[1; D]].concat();
        let bins = path
            .child("dfl")
            .child("conv")
            .buffer("weight", &shape, 0.0)?;
        let middles: Vec<f32> = (0..BINS).map(|bin| bin as f32).collect();
        bins.set(&Tensor::from_vec(middles, shape, path.device())?)?;
        Ok(Self {
            levels,
            _bins: bins,
        })
    }
}

/// Boxes relative to anchors, whether something is there, and what.
#[derive(Debug)]
pub(super) struct AnchorHead<const D: usize> {
    levels: Vec<Conv<D>>,
    /// Width, height and depth in cells, `[levels, anchors, D]`.
    anchors: Buffer,
}

impl<const D: usize> AnchorHead<D> {
    fn new(config: &YoloConfig, features: &[usize], path: &ParamPath) -> mednn::Result<Self> {
        let each = config.anchors_of_a_cell();
        let to = each * (2 * D + 1 + config.out_channels);
        let levels = features.iter().enumerate().map(|(i, &from)| {
            let conv: ConvConfig<D> = Kernel::POINT.config(from, to);
            Conv::new(&conv, &path.child("m").child(i))
        });
        let levels: Vec<Conv<D>> = levels.collect::<mednn::Result<_>>()?;
        let shape = [levels.len(), each, D];
        let anchors = path.buffer("anchors", &shape, 0.0)?;
        let extents = config.level_anchors();
        let cells: Vec<f32> = { extents.iter().zip(config.strides()) }
            .flat_map(|(of_level, strides)| {
                let extents = |anchor: &Vec<f64>| {
                    let cells = anchor.iter().zip(&strides);
                    let cells = cells.map(|(&extent, &stride)| (extent / stride as f64) as f32);
                    cells.rev().collect::<Vec<_>>()
                };
                of_level.iter().flat_map(extents).collect::<Vec<_>>()
            })
            .collect();
        anchors.set(&Tensor::from_vec(cells, &shape, path.device())?)?;
        Ok(Self { levels, anchors })
    }

    /// Extents of the anchors of a level, in cells.
    pub(super) fn anchors(&self, level: usize) -> mednn::Result<Vec<[f64; D]>> {
        let all = self.anchors.tensor().get(level)?.to_vec2::<f32>()?;
        let extent = |anchor: Vec<f32>| std::array::from_fn(|axis| f64::from(anchor[D - 1 - axis]));
        Ok(all.into_iter().map(extent).collect())
    }
}
