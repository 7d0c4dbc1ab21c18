//! Probabilities or logits.

use serde::{Deserialize, Serialize};

/// Of what the mean over views is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MeanOf {
    /// Of probabilities, as MONAI's `TestTimeAugmentation` does behind a softmax: every view has the same
    /// vote. What is led back by interpolation is a probability again.
    #[default]
    Probabilities,
    /// Of logits, as of mirror images, folds and the views of classifiers: a view that is sure counts more.
    Logits,
}

impl MeanOf {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
