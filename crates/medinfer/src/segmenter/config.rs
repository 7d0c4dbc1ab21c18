//! The description of a segmentation.

use medaug::{Compose, Preprocess};
use medcore::LabelTable;
use medmodels::ModelConfig;
use serde::{Deserialize, Serialize};

use crate::blend::Accumulation;
use crate::error::{Error, Result};
use crate::rule::LabelRule;
use crate::views::{MeanOf, check_sides, check_view};
use crate::window::SlidingWindow;

/// The version of the description this crate writes and reads.
const VERSION: u32 = 1;

/// Everything about a segmentation but the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SegmenterConfig {
    /// Version of this description, 1.
    pub version: u32,
    /// The network.
    pub model: ModelConfig,
    /// What happens to a scan before the network sees it.
    pub preprocess: Preprocess,
    /// How the network sees it.
    pub window: SlidingWindow,
    /// How logits become labels.
    #[serde(default)]
    pub rule: LabelRule,
    /// Axes of the window along which mirror images are averaged; see [`Predictor::with_mirror_axes`](crate::Predictor::with_mirror_axes).
    #[serde(default)]
    pub mirror_axes: Vec<usize>,
    /// Further views of a prepared scan whose predictions, led back onto its grid, are averaged with that of the scan as it
    /// is; see [`TestTimeAugmentation`](crate::TestTimeAugmentation). None unless said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<Compose<3>>,
    /// Of what the mean over views is taken.
    #[serde(default, skip_serializing_if = "MeanOf::is_default")]
    pub mean_of: MeanOf,
    /// How sums of overlapping windows are stored.
    #[serde(default)]
    pub accumulation: Accumulation,
    /// What label values mean.
    #[serde(default)]
    pub labels: LabelTable,
}

impl SegmenterConfig {
    /// A segmentation by argmax, without mirroring and without names.
    #[must_use]
    pub fn new(model: ModelConfig, preprocess: Preprocess, window: SlidingWindow) -> Self {
        Self {
            version: VERSION,
            model,
            preprocess,
            window,
            rule: LabelRule::Argmax,
            mirror_axes: Vec::new(),
            views: Vec::new(),
            mean_of: MeanOf::Probabilities,
            accumulation: Accumulation::F32,
            labels: LabelTable::default(),
        }
    }

    /// Sets how logits become labels.
    #[must_use]
    pub fn with_rule(self, rule: LabelRule) -> Self {
        Self { rule, ..self }
    }

    /// Sets the axes along which mirror images are averaged.
    #[must_use]
    pub fn with_mirror_axes(self, axes: impl Into<Vec<usize>>) -> Self {
        Self {
            mirror_axes: axes.into(),
            ..self
        }
    }

    /// Sets further views whose predictions are averaged with that of the scan as it is.
    #[must_use]
    pub fn with_views(self, views: impl Into<Vec<Compose<3>>>) -> Self {
        Self {
            views: views.into(),
            ..self
        }
    }

    /// Sets of what the mean over views is taken.
    #[must_use]
    pub fn with_mean_of(self, mean_of: MeanOf) -> Self {
        Self { mean_of, ..self }
    }

    /// Sets how sums of overlapping windows are stored.
    #[must_use]
    pub fn with_accumulation(self, accumulation: Accumulation) -> Self {
        Self {
            accumulation,
            ..self
        }
    }

    /// Sets what label values mean, and by it how logits become labels.
    ///
    /// # Errors
    /// As [`LabelRule::of`].
    pub fn with_labels(self, labels: LabelTable) -> Result<Self> {
        let rule = LabelRule::of(&labels)?;
        Ok(Self {
            labels,
            rule,
            ..self
        })
    }

    /// Says whether the parts fit each other.
    ///
    /// # Errors
    /// Names the first setting that does not.
    pub fn check(&self) -> Result<()> {
        let refuse = |setting, rule, value: String| {
            Err(Error::Setting {
                setting,
                rule,
                value,
            })
        };
        if self.version != VERSION {
            return refuse("version", "1", self.version.to_string());
        }
        self.model.check()?;
        self.preprocess.check()?;
        self.window.check()?;
        self.rule.check(self.model.out_channels())?;
        if self.window.roi.len() != self.model.spatial_dims() {
            let value = format!("{:?}", self.window.roi);
            return refuse("window.roi", "as many axes as the network", value);
        }
        if let Some(axis) = self
            .mirror_axes
            .iter()
            .find(|&&axis| axis >= self.window.roi.len())
        {
            return refuse(
                "mirror_axes",
                "below the axes of the window",
                axis.to_string(),
            );
        }
        for view in &self.views {
            check_view(view, Some(self.model.in_channels()))?;
            check_sides(view.steps(), &self.rule, self.model.out_channels())?;
        }
        Ok(())
    }
}
