//! The description of a detector.

use medaug::{Compose, Letterbox};
use medmodels::detection::DetectionRules;
use medmodels::{ModelConfig, Task};
use serde::{Deserialize, Serialize};

use super::BoxFusion;
use crate::classify::{ClassLabel, VERSION, check_labels, check_model, check_pipeline, refuse};
use crate::error::Result;

/// How an image of any size becomes one that the network sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Framing {
    /// Scaled as a whole, with a border.
    Letterbox(Letterbox),
    /// In tiles at full resolution; small findings of large images stay as large as they are.
    Tiles {
        /// Extents of a tile, slowest axis first.
        shape: Vec<usize>,
        /// The share of a tile that it has in common with the next; findings should fit into it.
        overlap: f64,
        /// What is behind an image that is smaller than a tile.
        fill: f32,
    },
}

/// Which boxes are reported.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxRules {
    /// The score a box must be above.
    pub score_threshold: f64,
    /// The intersection over union above which the worse of two boxes of a class is dropped.
    pub iou_threshold: f64,
    /// How many boxes an image, or a tile of it, has at most.
    pub most: usize,
}

impl Default for BoxRules {
    fn default() -> Self {
        Self {
            score_threshold: 0.25,
            iou_threshold: 0.7,
            most: 300,
        }
    }
}

/// Everything about a detection but the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DetectorConfig<const D: usize> {
    /// Version of this description, 1.
    pub version: u32,
    /// The network.
    pub model: ModelConfig,
    /// What happens to the intensities of an image first; nothing in it may be random or move a voxel.
    #[serde(default)]
    pub preparation: Compose<D>,
    /// How it then becomes what the network sees.
    pub framing: Framing,
    /// What the classes mean, in their order.
    pub labels: Vec<ClassLabel>,
    /// Which boxes are reported.
    #[serde(default)]
    pub rules: BoxRules,
    /// Axes along which mirror images are looked at too, each subset of them. None unless said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mirror_axes: Vec<usize>,
    /// How boxes of several networks and mirror images become one list.
    #[serde(default)]
    pub fusion: BoxFusion,
}

impl<const D: usize> DetectorConfig<D> {
    /// A network over images whose intensities stay as they are.
    #[must_use]
    pub fn new(model: ModelConfig, framing: Framing, labels: impl Into<Vec<ClassLabel>>) -> Self {
        Self {
            version: VERSION,
            model,
            preparation: Compose::default(),
            framing,
            labels: labels.into(),
            rules: BoxRules::default(),
            mirror_axes: Vec::new(),
            fusion: BoxFusion::default(),
        }
    }

    /// Sets what happens to the intensities of an image first.
    #[must_use]
    pub fn with_preparation(self, preparation: Compose<D>) -> Self {
        Self {
            preparation,
            ..self
        }
    }

    /// Sets which boxes are reported.
    #[must_use]
    pub fn with_rules(self, rules: BoxRules) -> Self {
        Self { rules, ..self }
    }

    /// Sets the axes along which mirror images are looked at too.
    #[must_use]
    pub fn with_mirror_axes(self, axes: impl Into<Vec<usize>>) -> Self {
        Self {
            mirror_axes: axes.into(),
            ..self
        }
    }

    /// Sets how boxes of several networks and mirror images become one list.
    #[must_use]
    pub fn with_fusion(self, fusion: BoxFusion) -> Self {
        Self { fusion, ..self }
    }

    /// Says whether the parts fit each other.
    ///
    /// # Errors
    /// Names the first setting that does not.
    pub fn check(&self) -> Result<()> {
        if self.version != VERSION {
            return refuse("version", "1", self.version.to_string());
        }
        self.model.check()?;
        check_model(&self.model, Task::Detection, D)?;
        check_labels(&self.labels, self.model.out_channels())?;
        check_pipeline("preparation", &self.preparation)?;
        let BoxRules {
            score_threshold,
            iou_threshold,
            most,
        } = self.rules;
        for (setting, value) in [
            ("score_threshold", score_threshold),
            ("iou_threshold", iou_threshold),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return refuse(setting, "from 0 to 1", value.to_string());
            }
        }
        if most == 0 {
            return refuse("most", "at least 1", "0".to_owned());
        }
        self.fusion.check()?;
        let axes = &self.mirror_axes;
        let repeats = |(i, axis): (usize, &usize)| *axis >= D || axes[..i].contains(axis);
        if axes.iter().enumerate().any(repeats) {
            let rule = "axes of the image, each once";
            return refuse("mirror_axes", rule, format!("{axes:?}"));
        }
        match &self.framing {
            Framing::Letterbox(letterbox) => {
                letterbox.fit([1; D])?;
            }
            Framing::Tiles {
                shape,
                overlap,
                fill,
            } => {
                if shape.len() != D || shape.contains(&0) {
                    let value = format!("{shape:?}");
                    return refuse("tiles", "a positive extent for each axis", value);
                }
                if !(0.0..1.0).contains(overlap) || !fill.is_finite() {
                    let value = format!("{overlap}, fill {fill}");
                    return refuse(
                        "overlap",
                        "at least 0 and below 1, with a finite fill",
                        value,
                    );
                }
            }
        }
        Ok(())
    }

    /// The same for the network's own boxes.
    pub(super) fn network_rules(&self) -> DetectionRules {
        let rules = match self.model {
            ModelConfig::RetinaNet(_) => DetectionRules::retina_net(),
            _ => DetectionRules::new(),
        };
        rules
            .score_threshold(self.rules.score_threshold)
            .iou_threshold(self.rules.iou_threshold)
            .most(self.rules.most)
    }
}
