//! How an image is changed along a map.

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use crate::LabelKind;
use crate::explain::{Baseline, Channels, Saliency};

/// What happens to the places of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Perturbation {
    /// They are filled: the probability of the class falls early if the map is right.
    Deletion,
    /// They appear on an image that is filled: it rises early if the map is right.
    Insertion,
}

/// Which places come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PlaceOrder {
    /// Those with the highest values of the map.
    #[default]
    Highest,
    /// Those with the lowest (Samek et al. 2017, <https://arxiv.org/abs/1509.06321>).
    Lowest,
    /// Any, drawn by this seed: what is to be expected of a map that knows nothing.
    Random(u64),
}

/// How [`perturbation_curve`](super::perturbation_curve()) changes an image, and what it follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PerturbationSettings {
    /// What happens to places.
    pub perturbation: Perturbation,
    /// What places are filled with.
    pub fill: Baseline,
    /// Steps from the first image to the last, each of as many places.
    pub steps: usize,
    /// Which places come first.
    #[serde(default)]
    pub order: PlaceOrder,
    /// What makes probabilities of the logits: a softmax over all, or a sigmoid of each; of one logit the
    /// sigmoid; of a logit between grades the probability of a grade above.
    #[serde(default)]
    pub labels: LabelKind,
}

impl Perturbation {
    /// In 32 steps, filled so, the highest values first, of exclusive labels.
    #[must_use]
    pub fn with_fill(self, fill: Baseline) -> PerturbationSettings {
        PerturbationSettings {
            perturbation: self,
            fill,
            steps: 32,
            order: PlaceOrder::default(),
            labels: LabelKind::default(),
        }
    }
}

impl PerturbationSettings {
    /// Takes so many steps.
    #[must_use]
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// Begins with other places.
    #[must_use]
    pub fn with_order(self, order: PlaceOrder) -> Self {
        Self { order, ..self }
    }

    /// Says how the labels relate to each other.
    #[must_use]
    pub fn with_labels(self, labels: LabelKind) -> Self {
        Self { labels, ..self }
    }
}

impl PlaceOrder {
    /// All places of a map in this order.
    pub(super) fn of(self, map: &Saliency) -> Vec<usize> {
        let map = map.merged(Channels::Sum);
        let values = map.values();
        let mut order: Vec<usize> = (0..values.len()).collect();
        match self {
            Self::Highest => order.sort_by(|&a, &b| values[b].total_cmp(&values[a])),
            Self::Lowest => order.sort_by(|&a, &b| values[a].total_cmp(&values[b])),
            Self::Random(seed) => Key::new(seed).stream("place_order").shuffle(&mut order),
        }
        order
    }
}
