//! Backbone, neck and head of a detector.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops;
use mednn::params::{ParamPath, Params};

use super::block::{C2f, C3, ConvUnit, Kernel, Sppf, StageShape, repeated};
use super::config::{NAME, YoloConfig, YoloHead};
use super::head::Head;
use crate::blocks::{Features, check_input, check_multiples};
use crate::check::check_asked;
use crate::config::Architecture as _;
use crate::error::Result;

/// A stage of either detector.
#[derive(Debug)]
enum Stage<const D: usize> {
    C2f(Box<C2f<D>>),
    C3(Box<C3<D>>),
}

impl<const D: usize> Stage<D> {
    fn new(head: YoloHead, shape: StageShape, path: &ParamPath) -> mednn::Result<Self> {
        Ok(match head {
            YoloHead::V8 => Self::C2f(Box::new(C2f::new(shape, path)?)),
            _ => Self::C3(Box::new(C3::new(shape, path)?)),
        })
    }

    fn forward(&self, input: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        match self {
            Self::C2f(stage) => stage.forward(input, context),
            Self::C3(stage) => stage.forward(input, context),
        }
    }
}

/// A layer with its place in the names.
#[derive(Debug)]
struct Numbered<L> {
    name: String,
    layer: L,
}

/// Halves the image and works on what is left.
#[derive(Debug)]
struct Down<const D: usize> {
    halving: Numbered<ConvUnit<D>>,
    stage: Numbered<Stage<D>>,
}

/// From a coarse level to the next finer one.
#[derive(Debug)]
struct Up<const D: usize> {
    /// How many times finer that is along each axis.
    factors: [usize; D],
    /// YOLOv5 has fewer features first.
    narrowing: Option<Numbered<ConvUnit<D>>>,
    stage: Numbered<Stage<D>>,
}

/// YOLOv5 or YOLOv8, for pictures or volumes.
#[derive(Debug)]
pub struct Yolo<const D: usize> {
    config: YoloConfig,
    params: Params,
    stem: Numbered<ConvUnit<D>>,
    /// The levels 2 to 5.
    backbone: Vec<Down<D>>,
    pyramid: Numbered<Sppf<D>>,
    /// From the coarsest level but one to the finest.
    up: Vec<Up<D>>,
    /// From the finest level but one to the coarsest.
    down: Vec<Down<D>>,
    head: Head<D>,
}

/// Gives layers their numbers.
struct Builder<'a> {
    config: &'a YoloConfig,
    path: ParamPath,
    next: usize,
}

impl Builder<'_> {
    fn numbered<L>(
        &mut self,
        layer: impl FnOnce(&ParamPath) -> mednn::Result<L>,
    ) -> mednn::Result<Numbered<L>> {
        let layer = layer(&self.path.child(self.next))?;
        let name = format!("model.{}", self.next);
        self.next += 1;
        Ok(Numbered { name, layer })
    }

    fn conv<const D: usize>(
        &mut self,
        from: usize,
        to: usize,
        kernel: Kernel<D>,
    ) -> mednn::Result<Numbered<ConvUnit<D>>> {
        self.numbered(|path| ConvUnit::new(from, to, kernel, path))
    }

    fn stage<const D: usize>(&mut self, shape: StageShape) -> mednn::Result<Numbered<Stage<D>>> {
        let head = self.config.head;
        self.numbered(|path| Stage::new(head, shape, path))
    }
}

impl<const D: usize> Yolo<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &YoloConfig, params: &Params) -> Result<Self> {
        config.check()?;
        check_asked(NAME, config.spatial_dims, D)?;
        Ok(Self::build(config, params)?)
    }

    fn build(config: &YoloConfig, params: &Params) -> mednn::Result<Self> {
        let v8 = config.head == YoloHead::V8;
        let features = |level: usize| config.features(YoloConfig::level_features(level));
        let mut build = Builder {
            config,
            path: params.root().child("model"),
            next: 0,
        };
        let factors = config.halving(1);
        let first = if v8 {
            Kernel::halving(factors)
        } else {
            Kernel::stem(factors)
        };
        let stem = build.conv(config.in_channels, features(1), first)?;
        let mut backbone = Vec::new();
        for level in 2..=config.coarsest {
            let (from, to) = (features(level - 1), features(level));
            let repeats = match (level, v8) {
                (3, _) | (4, true) => 6,
                (4, false) => 9,
                _ => 3,
            };
            let shape = StageShape {
                from: to,
                to,
                repeats: config.repeats(repeats),
                adds: true,
            };
            backbone.push(Down {
                halving: build.conv(from, to, Kernel::halving(config.halving(level)))?,
                stage: build.stage(shape)?,
            });
        }
        let coarsest = features(config.coarsest);
        let pyramid = build.numbered(|path| Sppf::new(coarsest, path))?;
        let stage = |from, to| StageShape {
            from,
            to,
            repeats: config.repeats(3),
            adds: false,
        };
        let (mut up, mut below) = (Vec::new(), coarsest);
        for level in (config.finest..config.coarsest).rev() {
            let to = features(level);
            let narrowing = (!v8)
                .then(|| build.conv(below, to, Kernel::POINT))
                .transpose()?;
            let from = if v8 { below } else { to };
            // Doubling and joining have numbers, too.
            build.next += 2;
            let stage = build.stage(stage(from + to, to))?;
            up.push(Up {
                factors: config.halving(level + 1),
                narrowing,
                stage,
            });
            below = to;
        }
        let mut down = Vec::new();
        for level in config.finest + 1..=config.coarsest {
            let (from, to) = (features(level - 1), features(level));
            let halving = build.conv(from, from, Kernel::halving(config.halving(level)))?;
            build.next += 1;
            // YOLOv5 joins what it narrowed on the way up.
            let beside = if v8 { to } else { from };
            let stage = build.stage(stage(from + beside, to))?;
            down.push(Down { halving, stage });
        }
        let levels: Vec<usize> = (config.finest..=config.coarsest).map(features).collect();
        let head = Head::new(config, &levels, &build.path.child(build.next))?;
        Ok(Self {
            config: config.clone(),
            params: params.clone(),
            stem,
            backbone,
            pyramid,
            up,
            down,
            head,
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &YoloConfig {
        &self.config
    }

    pub(super) fn head(&self) -> &Head<D> {
        &self.head
    }
}

impl<const D: usize> Model for Yolo<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`, extents multiples of the coarsest strides, values 0 to 1
    /// - logits and auxiliary: one map a level, the finest first, a cell for every stride voxels. In 2D
    ///   `[batch, 64 + classes, ...]`: distances to the left, top, right and bottom side as 16 bins each, then classes; in 3D
    ///   `[batch, 96 + classes, ...]`: left, top, front, right, bottom, back. With anchors
    ///   `[batch, anchors * (2 D + 1 + classes), ...]`: offset and size in the order x, y, z, objectness, classes
    /// - features: `model.0` and on, as the layers are numbered
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        check_input(NAME, image, self.config.in_channels, D)?;
        check_multiples(NAME, image, &self.config.divisor())?;
        let mut features = Features::of(context);
        let mut map = self.stem.layer.forward(image, context)?;
        features.keep(&self.stem.name, &map);
        let mut levels = Vec::new();
        for Down { halving, stage } in &self.backbone {
            map = halving.layer.forward(&map, context)?;
            features.keep(&halving.name, &map);
            map = stage.layer.forward(&map, context)?;
            features.keep(&stage.name, &map);
            levels.push(map.clone());
        }
        levels.pop();
        map = self.pyramid.layer.forward(&map, context)?;
        features.keep(&self.pyramid.name, &map);
        // What waits on each level for the way back down.
        let mut waiting = Vec::new();
        for Up {
            factors,
            narrowing,
            stage,
        } in &self.up
        {
            if let Some(narrowing) = narrowing {
                map = narrowing.layer.forward(&map, context)?;
                features.keep(&narrowing.name, &map);
            }
            waiting.push(map.clone());
            let beside = levels.pop().expect("one level for every step up");
            map = stage.layer.forward(
                &ops::concat(&[&repeated(&map, *factors)?, &beside])?,
                context,
            )?;
            features.keep(&stage.name, &map);
        }
        let mut found = vec![map.clone()];
        for Down { halving, stage } in &self.down {
            map = halving.layer.forward(&map, context)?;
            features.keep(&halving.name, &map);
            let beside = waiting.pop().expect("one level for every step down");
            map = stage
                .layer
                .forward(&ops::concat(&[&map, &beside])?, context)?;
            features.keep(&stage.name, &map);
            found.push(map.clone());
        }
        let mut maps = self.head.forward(&found, context)?.into_iter();
        let finest = maps.next().expect("there is a finest level");
        Ok(Outputs::new(finest)
            .with_auxiliary(maps.collect())
            .with_features(features.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
