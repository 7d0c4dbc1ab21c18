//! Settings of the detectors, and what follows from them.

use mednn::model::Model;
use mednn::params::Params;
use serde::{Deserialize, Serialize};

use super::network::Yolo;
use crate::check::{check_axes, check_positive};
use crate::config::{Architecture, described_by_fields, in_dimensions};
use crate::error::{Error, Result};

pub(super) const NAME: &str = "Yolo";
/// YOLOv5's anchors in pixels, height and width, of the levels 3 to 5; fitted to COCO.
const ANCHORS: [[[f64; 2]; 3]; 3] = [
    [[13.0, 10.0], [30.0, 16.0], [23.0, 33.0]],
    [[61.0, 30.0], [45.0, 62.0], [119.0, 59.0]],
    [[90.0, 116.0], [198.0, 156.0], [326.0, 373.0]],
];

/// Which head a detector ends in; it decides about the blocks too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum YoloHead {
    /// YOLOv5's backbone and neck; for each of a few anchors a cell: a box, whether something is there, and what.
    V5Anchors,
    /// YOLOv5's backbone and neck, YOLOv8's head (`yolov5nu` and the like).
    V5AnchorFree,
    /// YOLOv8: distances to the sides of a box as distributions over 16 bins, and what is in it.
    V8,
}

/// Settings of [`Yolo`].
///
/// ```
/// use medmodels::yolo::YoloConfig;
///
/// // Lesions of a few pixels: one level finer than usual.
/// let config = YoloConfig::v8n(1, 2).with_levels(2, 5);
/// assert_eq!(config.strides(), [[4, 4], [8, 8], [16, 16], [32, 32]]);
/// // Slices twice as thick as pixels are wide.
/// let config = YoloConfig::v8n(1, 2).in_3d().with_flat_halvings(1);
/// assert_eq!(config.strides(), [[2, 4, 4], [4, 8, 8], [8, 16, 16]]);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct YoloConfig {
    /// Which detector.
    pub head: YoloHead,
    /// Spatial axes of the image, 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// Factor of the number of blocks in a stage.
    pub depth: f64,
    /// Factor of the number of features.
    pub width: f64,
    /// Features before the factor are no more than this.
    pub max_features: usize,
    /// The finest level on which boxes are found: its cells are 2 to this power pixels wide.
    pub finest: usize,
    /// The coarsest level; the backbone ends there.
    pub coarsest: usize,
    /// How many of the first halvings leave the depth of a volume as it is.
    pub flat_halvings: usize,
    /// Extents of the anchors of each level in pixels, axes in storage order; those of YOLOv5 where there are none.
    pub anchors: Vec<Vec<Vec<f64>>>,
}

/// Depth, width and most features of the sizes n, s, m, l and x.
type Size = (f64, f64, usize);

impl YoloConfig {
    fn new(head: YoloHead, size: Size, in_channels: usize, classes: usize) -> Self {
        let (depth, width, max_features) = size;
        Self {
            head,
            spatial_dims: 2,
            in_channels,
            out_channels: classes,
            depth,
            width,
            max_features,
            finest: 3,
            coarsest: 5,
            flat_halvings: 0,
            anchors: Vec::new(),
        }
    }
}

macro_rules! presets {
    ($($(#[$doc:meta])* $name:ident: $head:ident, $size:expr;)*) => {
        impl YoloConfig {
            $($(#[$doc])*
            #[must_use]
            pub fn $name(in_channels: usize, classes: usize) -> Self {
                Self::new(YoloHead::$head, $size, in_channels, classes)
            })*
        }
    };
}

presets! {
    /// YOLOv8 nano: 3.2 million parameters for 80 classes.
    v8n: V8, (0.33, 0.25, 1024);
    /// YOLOv8 small: 11.2 million.
    v8s: V8, (0.33, 0.5, 1024);
    /// YOLOv8 medium: 25.9 million.
    v8m: V8, (0.67, 0.75, 768);
    /// YOLOv8 large: 43.7 million.
    v8l: V8, (1.0, 1.0, 512);
    /// YOLOv8 extra large: 68.2 million.
    v8x: V8, (1.0, 1.25, 512);
    /// YOLOv5 nano with anchors: 1.9 million.
    v5n: V5Anchors, (0.33, 0.25, usize::MAX);
    /// YOLOv5 small with anchors: 7.2 million.
    v5s: V5Anchors, (0.33, 0.5, usize::MAX);
    /// YOLOv5 medium with anchors: 21.2 million.
    v5m: V5Anchors, (0.67, 0.75, usize::MAX);
    /// YOLOv5 large with anchors: 46.6 million.
    v5l: V5Anchors, (1.0, 1.0, usize::MAX);
    /// YOLOv5 extra large with anchors: 86.7 million.
    v5x: V5Anchors, (1.33, 1.25, usize::MAX);
    /// YOLOv5 nano without anchors: 2.7 million.
    v5nu: V5AnchorFree, (0.33, 0.25, usize::MAX);
    /// YOLOv5 small without anchors: 9.2 million.
    v5su: V5AnchorFree, (0.33, 0.5, usize::MAX);
    /// YOLOv5 medium without anchors: 25.1 million.
    v5mu: V5AnchorFree, (0.67, 0.75, usize::MAX);
    /// YOLOv5 large without anchors.
    v5lu: V5AnchorFree, (1.0, 1.0, usize::MAX);
    /// YOLOv5 extra large without anchors.
    v5xu: V5AnchorFree, (1.33, 1.25, usize::MAX);
}

impl YoloConfig {
    /// The same blocks for volumes, with boxes on the levels 2 to 4: lesions are small.
    #[must_use]
    pub fn in_3d(self) -> Self {
        Self {
            spatial_dims: 3,
            ..self.with_levels(2, 4)
        }
    }

    /// Sets how many of the first halvings leave the depth as it is: as many as slices are thicker than pixels are wide, as a
    /// power of 2.
    #[must_use]
    pub fn with_flat_halvings(self, flat_halvings: usize) -> Self {
        Self {
            flat_halvings,
            ..self
        }
    }

    /// Sets the extents of the anchors of each level, the finest first, in pixels and storage order: `[height, width]`.
    #[must_use]
    pub fn with_anchors<const D: usize>(self, anchors: &[Vec<[f64; D]>]) -> Self {
        let level = |level: &Vec<[f64; D]>| level.iter().map(|extent| extent.to_vec()).collect();
        Self {
            anchors: anchors.iter().map(level).collect(),
            ..self
        }
    }

    /// Sets the finest and the coarsest level on which boxes are found: 3 and 5 unless set, 2 and 4 or 5 for small lesions.
    #[must_use]
    pub fn with_levels(self, finest: usize, coarsest: usize) -> Self {
        Self {
            finest,
            coarsest,
            ..self
        }
    }

    /// Sets the factors of depth and width.
    #[must_use]
    pub fn with_factors(self, depth: f64, width: f64) -> Self {
        Self {
            depth,
            width,
            ..self
        }
    }

    /// Pixels of a cell along each axis on each level, the finest first.
    #[must_use]
    pub fn strides(&self) -> Vec<Vec<usize>> {
        (self.finest..=self.coarsest)
            .map(|level| self.strides_of(level))
            .collect()
    }

    fn strides_of(&self, level: usize) -> Vec<usize> {
        let flat = |axis| self.spatial_dims == 3 && axis == 0;
        let halvings = |axis| level.saturating_sub(if flat(axis) { self.flat_halvings } else { 0 });
        (0..self.spatial_dims)
            .map(|axis| 1 << halvings(axis))
            .collect()
    }

    /// How many times coarser a level is than the one before it, along each axis.
    pub(super) fn halving<const D: usize>(&self, level: usize) -> [usize; D] {
        let (fine, coarse) = (self.strides_of(level - 1), self.strides_of(level));
        std::array::from_fn(|axis| coarse[axis] / fine[axis])
    }

    /// Anchors of each cell.
    pub(super) fn anchors_of_a_cell(&self) -> usize {
        self.anchors.first().map_or(ANCHORS[0].len(), Vec::len)
    }

    /// Extents of the anchors of each level, in pixels.
    pub(super) fn level_anchors(&self) -> Vec<Vec<Vec<f64>>> {
        if !self.anchors.is_empty() {
            return self.anchors.clone();
        }
        let known = 3..3 + ANCHORS.len();
        (self.finest..=self.coarsest)
            .map(|level| {
                // A level finer than these has the anchors of the finest, halved for each step.
                let finer = 1 << known.start.saturating_sub(level);
                let of_level = ANCHORS[level.max(known.start) - known.start];
                let extent = |anchor: [f64; 2]| anchor.map(|extent| extent / f64::from(finer));
                of_level.map(|anchor| extent(anchor).to_vec()).to_vec()
            })
            .collect()
    }

    /// Features of a layer that has so many at width 1: a multiple of 8.
    pub(super) fn features(&self, at_one: usize) -> usize {
        let scaled = at_one.min(self.max_features) as f64 * self.width;
        8 * (scaled / 8.0).ceil() as usize
    }

    /// Blocks of a stage that has so many at depth 1.
    pub(super) fn repeats(&self, at_one: usize) -> usize {
        match at_one {
            1 => 1,
            n => ((n as f64 * self.depth).round_ties_even() as usize).max(1),
        }
    }

    /// Features at width 1 of the backbone at a level.
    pub(super) fn level_features(level: usize) -> usize {
        (32 << level).min(1024)
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        let refuse = |setting, rule: &str, value: &dyn std::fmt::Display| {
            Err(Error::setting(NAME, setting, rule, value))
        };
        check_axes(NAME, self.spatial_dims)?;
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
                ("max_features", self.max_features),
            ],
        )?;
        for (setting, value) in [("depth", self.depth), ("width", self.width)] {
            if !(0.01..=16.0).contains(&value) {
                return refuse(setting, "0.01 to 16", &value);
            }
        }
        if !(2..=5).contains(&self.coarsest) {
            return refuse("coarsest", "2 to 5", &self.coarsest);
        }
        if !(2..=self.coarsest).contains(&self.finest) {
            return refuse("finest", "2 to the coarsest", &self.finest);
        }
        if self.flat_halvings
            > if self.spatial_dims == 3 {
                self.finest
            } else {
                0
            }
        {
            let rule = "0, in 3D up to the finest level";
            return refuse("flat_halvings", rule, &self.flat_halvings);
        }
        self.check_anchors()
    }

    fn check_anchors(&self) -> Result<()> {
        if self.head != YoloHead::V5Anchors {
            return Ok(());
        }
        let levels = 1 + self.coarsest - self.finest;
        let each = self.anchors_of_a_cell();
        let given = self.anchors.len() == levels || self.anchors.is_empty();
        let extents = self.anchors.iter().flatten();
        let fits = |extent: &Vec<f64>| {
            let positive = |&side: &f64| side > 0.0 && side.is_finite();
            extent.len() == self.spatial_dims && extent.iter().all(positive)
        };
        let same = self.anchors.iter().all(|level| level.len() == each) && each > 0;
        let known = self.spatial_dims == 2 || !self.anchors.is_empty();
        if given && same && known && extents.clone().all(fits) {
            return Ok(());
        }
        let rule = format!("positive extents of {levels} levels, as many anchors on each");
        let value = format!("{:?}", self.anchors);
        Err(Error::setting(NAME, "anchors", rule, value))
    }
}

impl Architecture for YoloConfig {
    described_by_fields!(Detection);

    fn divisor(&self) -> Vec<usize> {
        self.strides_of(self.coarsest)
    }

    fn stem(&self) -> &'static [&'static str] {
        &["model.0.conv.weight"]
    }

    fn head(&self) -> &'static [&'static str] {
        match self.head {
            YoloHead::V5Anchors => &["model.*.m.*.*"],
            // Its inner features depend on the number of classes too.
            YoloHead::V5AnchorFree | YoloHead::V8 => &["model.*.cv3.**"],
        }
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        in_dimensions!(Yolo, self, params, "2 or 3": 2 3)
    }
}
