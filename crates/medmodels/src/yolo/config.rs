//! Settings of the detectors, and what follows from them.

use mednn::model::Model;
use mednn::params::Params;
use serde::{Deserialize, Serialize};

use super::network::Yolo;
use crate::config::{Architecture, Task};
use crate::error::{Error, Result};

pub(super) const NAME: &str = "Yolo";

/// Which head a detector ends in; it decides about the blocks too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum YoloHead {
    /// YOLOv5's backbone and neck; for each of three anchors a cell: a box, whether something is there, and what.
    V5Anchors,
    /// YOLOv5's backbone and neck, YOLOv8's head (`yolov5nu` and the like).
    V5AnchorFree,
    /// YOLOv8: distances to the four sides of a box as distributions over 16 bins, and what is in it.
    V8,
}

/// Settings of [`Yolo`].
///
/// ```
/// use medmodels::yolo::YoloConfig;
///
/// // Lesions of a few pixels: one level finer than usual.
/// let config = YoloConfig::v8n(1, 2).with_levels(2, 5);
/// assert_eq!(config.strides(), [4, 8, 16, 32]);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct YoloConfig {
    /// Which detector.
    pub head: YoloHead,
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
}

/// Depth, width and most features of the sizes n, s, m, l and x.
type Size = (f64, f64, usize);

impl YoloConfig {
    fn new(head: YoloHead, size: Size, in_channels: usize, classes: usize) -> Self {
        let (depth, width, max_features) = size;
        Self {
            head,
            in_channels,
            out_channels: classes,
            depth,
            width,
            max_features,
            finest: 3,
            coarsest: 5,
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
    /// Sets the finest and the coarsest level on which boxes are found: 3 and 5 unless set, 2 for small lesions.
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

    /// Pixels of a cell on each level, the finest first.
    #[must_use]
    pub fn strides(&self) -> Vec<usize> {
        (self.finest..=self.coarsest)
            .map(|level| 1 << level)
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
        for (setting, value) in [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("max_features", self.max_features),
        ] {
            if value == 0 {
                return refuse(setting, "at least 1", &value);
            }
        }
        for (setting, value) in [("depth", self.depth), ("width", self.width)] {
            if !(0.01..=16.0).contains(&value) {
                return refuse(setting, "0.01 to 16", &value);
            }
        }
        if !(2..=5).contains(&self.finest) {
            return refuse("finest", "2 to 5", &self.finest);
        }
        if self.coarsest != 5 {
            return refuse("coarsest", "5", &self.coarsest);
        }
        Ok(())
    }
}

impl Architecture for YoloConfig {
    const NAME: &'static str = NAME;

    fn task(&self) -> Task {
        Task::Detection
    }

    fn spatial_dims(&self) -> usize {
        2
    }

    fn in_channels(&self) -> usize {
        self.in_channels
    }

    fn out_channels(&self) -> usize {
        self.out_channels
    }

    fn divisor(&self) -> Vec<usize> {
        vec![1 << self.coarsest; 2]
    }

    fn check(&self) -> Result<()> {
        self.check()
    }

    fn build(&self, params: &Params) -> Result<Box<dyn Model>> {
        Ok(Box::new(Yolo::new(self, params)?))
    }
}
