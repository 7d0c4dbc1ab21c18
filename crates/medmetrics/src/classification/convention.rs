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
    /// No AUC, and none of an average with such a class; average precision 0.
    ScikitLearn,
    /// AUC 0 and average precision 0, which also enter averages.
    Torchmetrics,
    /// Neither an AUC nor an average precision, and no average with such a class.
    Monai,
}

impl RankingConvention {
    pub(super) fn auc_of_one_class(self) -> Option<f64> {
        (self == Self::Torchmetrics).then_some(0.0)
    }

    pub(super) fn average_precision_without_positives(self, cases: u64) -> Option<f64> {
        (cases > 0 && matches!(self, Self::ScikitLearn | Self::Torchmetrics)).then_some(0.0)
    }

    /// Whether one undefined class leaves the whole average undefined.
    pub(super) fn spoils_averages(self) -> bool {
        matches!(self, Self::ScikitLearn | Self::Monai)
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
