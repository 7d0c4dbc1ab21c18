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
/// YOLOv5's anchors in pixels, width and height, of the levels 3 to 5; fitted to COCO.
const ANCHORS: [[[f32; 2]; 3]; 3] = [
    [[10.0, 13.0], [16.0, 30.0], [33.0, 23.0]],
    [[30.0, 61.0], [62.0, 45.0], [59.0, 119.0]],
    [[116.0, 90.0], [156.0, 198.0], [373.0, 326.0]],
];

/// The head of a detector.
#[derive(Debug)]
pub(super) enum Head {
    AnchorFree(AnchorFreeHead),
    Anchors(AnchorHead),
}

impl Head {
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
            Self::AnchorFree(_) => 4 * BINS + config.out_channels,
            Self::Anchors(_) => ANCHORS[0].len() * (5 + config.out_channels),
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
pub(super) struct AnchorFreeHead {
    levels: Vec<AnchorFreeLevel>,
    /// The middles of the bins; never trained.
    _bins: Buffer,
}

/// One branch: two convolutions and a linear one.
#[derive(Debug)]
struct Branch {
    first: ConvUnit,
    second: ConvUnit,
    last: Conv<2>,
}

impl Branch {
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
struct AnchorFreeLevel {
    boxes: Branch,
    classes: Branch,
}

impl AnchorFreeLevel {
    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let boxes = self.boxes.forward(input, context)?;
        let classes = self.classes.forward(input, context)?;
        ops::concat(&[&boxes, &classes])
    }
}

impl AnchorFreeHead {
    fn new(config: &YoloConfig, features: &[usize], path: &ParamPath) -> mednn::Result<Self> {
        let classes = config.out_channels;
        let finest = features.first().copied().unwrap_or(0);
        let of_boxes = (finest / 4).max(4 * BINS);
        let of_classes = finest.max(classes.min(100));
        let levels = features.iter().zip(config.strides()).enumerate();
        let levels = levels.map(|(i, (&from, stride))| {
            // Five objects in an image of 640 pixels, of any class.
            let cells = (640.0 / stride as f64).powi(2);
            let rare = (5.0 / classes as f64 / cells).ln();
            Ok(AnchorFreeLevel {
                boxes: Branch::new([from, of_boxes, 4 * BINS], 1.0, &path.child("cv2").child(i))?,
                classes: Branch::new(
                    [from, of_classes, classes],
                    rare,
                    &path.child("cv3").child(i),
                )?,
            })
        });
        let levels = levels.collect::<mednn::Result<_>>()?;
        let bins = path
            .child("dfl")
            .child("conv")
            .buffer("weight", &[1, BINS, 1, 1], 0.0)?;
        let middles: Vec<f32> = (0..BINS).map(|bin| bin as f32).collect();
        bins.set(&Tensor::from_vec(middles, (1, BINS, 1, 1), path.device())?)?;
        Ok(Self {
            levels,
            _bins: bins,
        })
    }
}

/// Boxes relative to anchors, whether something is there, and what.
#[derive(Debug)]
pub(super) struct AnchorHead {
    levels: Vec<Conv<2>>,
    /// Width and height in cells, `[levels, anchors, 2]`.
    anchors: Buffer,
}

impl AnchorHead {
    fn new(config: &YoloConfig, features: &[usize], path: &ParamPath) -> mednn::Result<Self> {
        let each = ANCHORS[0].len();
        let to = each * (config.out_channels + 5);
        let levels = features.iter().enumerate().map(|(i, &from)| {
            let conv: ConvConfig<2> = Kernel::POINT.config(from, to);
            Conv::new(&conv, &path.child("m").child(i))
        });
        let levels: Vec<Conv<2>> = levels.collect::<mednn::Result<_>>()?;
        let anchors = path.buffer("anchors", &[levels.len(), each, 2], 0.0)?;
        let strides = config.strides();
        let cells: Vec<f32> = { strides.iter().enumerate() }
            .flat_map(|(level, &stride)| {
                // A level finer than the three has the anchors of the finest, halved for each step.
                let known = (level + ANCHORS.len()).saturating_sub(strides.len());
                let finer = strides.len().saturating_sub(ANCHORS.len() + level);
                let scale = stride as f32 * (1 << finer) as f32;
                ANCHORS[known]
                    .into_iter()
                    .flatten()
                    .map(move |pixels| pixels / scale)
            })
            .collect();
        anchors.set(&Tensor::from_vec(
            cells,
            (levels.len(), each, 2),
            path.device(),
        )?)?;
        Ok(Self { levels, anchors })
    }

    /// Width and height of the anchors of a level, in cells.
    pub(super) fn anchors(&self, level: usize) -> mednn::Result<Vec<[f64; 2]>> {
        let all = self.anchors.tensor().get(level)?.to_vec2::<f32>()?;
        let pair = |pair: Vec<f32>| [0, 1].map(|i| f64::from(pair[i]));
        Ok(all.into_iter().map(pair).collect())
    }
}
