//! What libraries give where a curve is not defined.

use serde::{Deserialize, Serialize};

/// Whose value is given where cases of one class are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RankingConvention {
    /// None: what is undefined is undefined, and left out of averages.
    #[default]
    Exact,
    /// No AUC, and no macro average over classes with such a class (one over pairs leaves it out); average
    /// precision 0 without positives.
    ScikitLearn,
    /// AUC 0 and average precision 0, which also enter averages.
    Torchmetrics,
    /// Neither an AUC nor an average precision unless there are cases of both kinds, and no average with a
    /// class without.
    Monai,
}

impl RankingConvention {
    pub(super) fn auc_of_one_class(self) -> Option<f64> {
        (self == Self::Torchmetrics).then_some(0.0)
    }

    pub(super) fn average_precision_without_positives(self, cases: u64) -> Option<f64> {
        (cases > 0 && matches!(self, Self::ScikitLearn | Self::Torchmetrics)).then_some(0.0)
    }

    /// Whether an average precision needs negatives.
    pub(super) fn needs_negatives(self) -> bool {
        self == Self::Monai
    }

    /// Whether an undefined class of this weight leaves the whole average undefined.
    pub(super) fn spoils_averages(self, weight: f64) -> bool {
        match self {
            Self::Exact | Self::Torchmetrics => false,
            Self::ScikitLearn => weight > 0.0,
            Self::Monai => true,
        }
    }

    pub(super) fn named(self, name: &str) -> String {
        match self {
            Self::Exact => name.to_owned(),
            Self::ScikitLearn => format!("{name}/scikit-learn"),
            Self::Torchmetrics => format!("{name}/torchmetrics"),
            Self::Monai => format!("{name}/monai"),
        }
    }
}
