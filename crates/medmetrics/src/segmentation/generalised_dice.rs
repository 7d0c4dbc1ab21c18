//! One Dice over several classes, each weighted against its size (Crum et al., IEEE TMI 25, 2006; Sudre et
//! al., DLMIA 2017).

use serde::{Deserialize, Serialize};

use super::overlap::Overlap;

/// What a class weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeighting {
    /// One over the square of its voxels in the reference: every class counts about as much.
    #[default]
    Square,
    /// One over its voxels in the reference.
    Simple,
    /// All the same (`uniform` in MONAI, `linear` in torchmetrics): large classes decide.
    Uniform,
}

/// Whose rule for classes that the reference does not have, where the weight is one over zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GeneralisedDiceConvention {
    /// MONAI 1.6: an absent class weighs as much as the heaviest present one (1 if there is none). Two
    /// empty maps give 1.
    #[default]
    Monai,
    /// torchmetrics 1.9 on one case: an absent class weighs nothing, so what is predicted of it costs
    /// nothing; no class at all gives 0. (In a batch it takes the heaviest weight of the class in other
    /// cases: its value of a case depends on its neighbours.)
    Torchmetrics,
}

/// How classes are weighted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneralisedDiceRule {
    /// What a class weighs.
    pub weighting: ClassWeighting,
    /// Whose rule for absent classes.
    pub convention: GeneralisedDiceConvention,
}

/// Generalised Dice over classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GeneralisedDice {
    /// `2 Σ w TP / Σ w (P + R)`; where nothing has a weight, what the convention says.
    pub value: f64,
    /// The weight of each class, in the order in which they came.
    pub weights: Vec<f64>,
    /// How classes were weighted.
    pub rule: GeneralisedDiceRule,
}

impl GeneralisedDiceRule {
    /// Its name in [`crate::Estimate::convention`].
    #[must_use]
    pub fn name(self) -> String {
        let weighting = match self.weighting {
            ClassWeighting::Square => "square",
            ClassWeighting::Simple => "simple",
            ClassWeighting::Uniform => "uniform",
        };
        let convention = match self.convention {
            GeneralisedDiceConvention::Monai => "monai",
            GeneralisedDiceConvention::Torchmetrics => "torchmetrics",
        };
        format!("{weighting}/{convention}")
    }

    /// The generalised Dice of classes, such as the labels of a [`super::JointHistogram`] with or without
    /// the background.
    ///
    /// ```
    /// use medmetrics::Overlap;
    /// use medmetrics::segmentation::GeneralisedDiceRule;
    ///
    /// let class = |tp, fp, fn_| Overlap { true_positive: tp, false_positive: fp, false_negative: fn_,
    ///     true_negative: 0 };
    /// // A large class that is right and a small one that is half missed.
    /// let found = GeneralisedDiceRule::default().of(&[class(1000, 0, 0), class(5, 0, 5)]);
    /// assert!((found.value - 0.102 / 0.152).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn of(self, classes: &[Overlap]) -> GeneralisedDice {
        let raw = classes.iter().map(|class| match self.weighting {
            ClassWeighting::Square => (class.reference() as f64).powi(2).recip(),
            ClassWeighting::Simple => (class.reference() as f64).recip(),
            ClassWeighting::Uniform => 1.0,
        });
        let raw: Vec<f64> = raw.collect();
        let present = raw.iter().copied().filter(|w| w.is_finite());
        let absent = match self.convention {
            GeneralisedDiceConvention::Monai => present.reduce(f64::max).unwrap_or(1.0),
            GeneralisedDiceConvention::Torchmetrics => 0.0,
        };
        let weights: Vec<f64> = raw
            .into_iter()
            .map(|w| if w.is_finite() { w } else { absent })
            .collect();
        let sum = |part: &dyn Fn(&Overlap) -> u64| -> f64 {
            let parts = classes.iter().zip(&weights);
            parts.map(|(class, w)| w * part(class) as f64).sum()
        };
        let shared = 2.0 * sum(&|class| class.true_positive);
        let whole = sum(&|class| class.reference()) + sum(&|class| class.prediction());
        let value = match (whole > 0.0, self.convention) {
            (true, _) => shared / whole,
            (false, GeneralisedDiceConvention::Monai) => 1.0,
            (false, GeneralisedDiceConvention::Torchmetrics) => 0.0,
        };
        GeneralisedDice {
            value,
            weights,
            rule: self,
        }
    }
}
