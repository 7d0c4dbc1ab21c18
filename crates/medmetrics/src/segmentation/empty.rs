//! What a measure is when a mask is empty: said aloud, never NaN by accident.
//!
//! Libraries disagree here more than anywhere else: for two empty masks MONAI gives NaN, nnU-Net NaN,
//! MetricsReloaded 1; for an empty prediction the Hausdorff distance is infinite, NaN or an exception. A
//! [`Measured`] keeps which case happened beside the number that a policy put in its place.

use serde::{Deserialize, Serialize};

/// Which of the two masks are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyCase {
    /// Neither the reference nor the prediction has a voxel of the structure.
    Both,
    /// The reference has voxels, the prediction none.
    Prediction,
    /// The prediction has voxels, the reference none.
    Reference,
}

impl EmptyCase {
    /// The case of two counts of voxels, `None` when both masks have some.
    #[must_use]
    pub fn of(reference: u64, prediction: u64) -> Option<Self> {
        match (reference, prediction) {
            (0, 0) => Some(Self::Both),
            (_, 0) => Some(Self::Prediction),
            (0, _) => Some(Self::Reference),
            _ => None,
        }
    }
}

/// A measure, with the reason when it is not an ordinary one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The value; `None` when it is undefined. Infinity is written as `"inf"`.
    #[serde(with = "crate::number")]
    pub value: Option<f64>,
    /// Which mask was empty; the value, if there is one, was then set by the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<EmptyCase>,
}

impl Measured {
    /// An ordinary value.
    #[must_use]
    pub fn value(value: f64) -> Self {
        Self {
            value: Some(value),
            empty: None,
        }
    }

    /// Nothing was measured, for no other reason than that nobody asked.
    #[must_use]
    pub fn undefined(empty: EmptyCase) -> Self {
        Self {
            value: None,
            empty: Some(empty),
        }
    }
}

/// What stands for a measure that its formula does not define.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Substitute {
    /// Nothing: left out of averages, and counted there as undefined.
    Undefined,
    /// The worst value of an overlap.
    Zero,
    /// The best value of an overlap.
    One,
    /// A mark for "absent" that looks like a number (torchmetrics' IoU); averages go wrong with it.
    MinusOne,
    /// An infinite distance: averages become infinite.
    Infinite,
    /// The diagonal of the image in millimetres, the largest distance it can hold; undefined for what is not
    /// a distance.
    Diagonal,
}

impl Substitute {
    fn measured(self, empty: EmptyCase, diagonal_mm: f64) -> Measured {
        let value = match self {
            Self::Undefined => None,
            Self::Zero => Some(0.0),
            Self::One => Some(1.0),
            Self::MinusOne => Some(-1.0),
            Self::Infinite => Some(f64::INFINITY),
            Self::Diagonal => Some(diagonal_mm).filter(|mm| mm.is_finite()),
        };
        Measured {
            value,
            empty: Some(empty),
        }
    }
}

/// The substitutes of one kind of measure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Substitutes {
    /// When both masks are empty.
    pub both: Substitute,
    /// When only the prediction is.
    pub prediction: Substitute,
    /// When only the reference is.
    pub reference: Substitute,
}

impl Substitutes {
    /// The measure in an empty case; distances may need the image's diagonal in millimetres, NaN if there is
    /// none.
    #[must_use]
    pub fn measured(&self, empty: EmptyCase, diagonal_mm: f64) -> Measured {
        let substitute = match empty {
            EmptyCase::Both => self.both,
            EmptyCase::Prediction => self.prediction,
            EmptyCase::Reference => self.reference,
        };
        substitute.measured(empty, diagonal_mm)
    }
}

/// What every kind of measure is when a mask is empty.
///
/// The presets say what libraries say; where a library ends in an exception the measure is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EmptyPolicy {
    /// Dice and what is made like it: centreline Dice, F-beta, Tversky.
    pub overlap: Substitutes,
    /// Intersection over union, of masks and of their boundaries.
    pub iou: Substitutes,
    /// Hausdorff distance.
    pub distance: Substitutes,
    /// Percentiles of the Hausdorff distance.
    pub percentile: Substitutes,
    /// Average surface distances.
    pub average: Substitutes,
    /// Surface Dice.
    pub surface_dice: Substitutes,
}

const fn substitutes(
    both: Substitute,
    prediction: Substitute,
    reference: Substitute,
) -> Substitutes {
    Substitutes {
        both,
        prediction,
        reference,
    }
}

const fn one_empty(both: Substitute, one: Substitute) -> Substitutes {
    substitutes(both, one, one)
}

/// Nothing whatever is empty: the library ends in an exception.
const REFUSED: Substitutes = one_empty(Substitute::Undefined, Substitute::Undefined);

/// Undefined for two empty masks, the worst overlap for one.
const UNDEFINED_OR_ZERO: Substitutes = one_empty(Substitute::Undefined, Substitute::Zero);

const UNDEFINED_OR_INFINITE: Substitutes = one_empty(Substitute::Undefined, Substitute::Infinite);

const ONE_OR_ZERO: Substitutes = one_empty(Substitute::One, Substitute::Zero);

impl EmptyPolicy {
    /// Ours: two empty masks are undefined and counted as such; one empty mask is the worst there is,
    /// overlap 0 and distance the image's diagonal (Maier-Hein, Reinke et al., "Metrics reloaded",
    /// Nature Methods 21, 2024, on aggregation).
    pub const WORST: Self = Self {
        overlap: UNDEFINED_OR_ZERO,
        iou: UNDEFINED_OR_ZERO,
        distance: one_empty(Substitute::Undefined, Substitute::Diagonal),
        percentile: one_empty(Substitute::Undefined, Substitute::Diagonal),
        average: one_empty(Substitute::Undefined, Substitute::Diagonal),
        surface_dice: UNDEFINED_OR_ZERO,
    };

    /// MONAI 1.6 by default (`ignore_empty=True`): no overlap for an empty reference whatever was
    /// predicted, infinite distances for one empty mask, but percentiles NaN (here: undefined).
    pub const MONAI: Self = Self {
        overlap: substitutes(
            Substitute::Undefined,
            Substitute::Zero,
            Substitute::Undefined,
        ),
        iou: substitutes(
            Substitute::Undefined,
            Substitute::Zero,
            Substitute::Undefined,
        ),
        distance: UNDEFINED_OR_INFINITE,
        percentile: REFUSED,
        average: UNDEFINED_OR_INFINITE,
        surface_dice: UNDEFINED_OR_ZERO,
    };

    /// MONAI 1.6 with `ignore_empty=False`.
    pub const MONAI_KEEP_EMPTY: Self = Self {
        overlap: ONE_OR_ZERO,
        iou: ONE_OR_ZERO,
        ..Self::MONAI
    };

    /// nnU-Net 2: undefined for two empty masks. (It has no distances; these are MONAI's.)
    pub const NNUNET: Self = Self {
        overlap: UNDEFINED_OR_ZERO,
        iou: UNDEFINED_OR_ZERO,
        ..Self::MONAI
    };

    /// torchmetrics 1.9: -1 for the IoU of an absent class. (It has no percentiles, averages and surface
    /// Dice; undefined here.)
    pub const TORCHMETRICS: Self = Self {
        overlap: UNDEFINED_OR_ZERO,
        iou: one_empty(Substitute::MinusOne, Substitute::Zero),
        distance: UNDEFINED_OR_INFINITE,
        percentile: REFUSED,
        average: REFUSED,
        surface_dice: REFUSED,
    };

    /// DeepMind's surface-distance 0.1 (with NumPy 1, later ones end it in an exception): two empty masks
    /// are infinitely far apart.
    pub const DEEPMIND: Self = Self {
        overlap: UNDEFINED_OR_ZERO,
        iou: UNDEFINED_OR_ZERO,
        distance: one_empty(Substitute::Infinite, Substitute::Infinite),
        percentile: one_empty(Substitute::Infinite, Substitute::Infinite),
        average: REFUSED,
        surface_dice: UNDEFINED_OR_ZERO,
    };

    /// MedPy 0.5: two empty masks agree perfectly; it refuses distances to an empty mask.
    pub const MEDPY: Self = Self {
        overlap: ONE_OR_ZERO,
        iou: ONE_OR_ZERO,
        distance: REFUSED,
        percentile: REFUSED,
        average: REFUSED,
        surface_dice: REFUSED,
    };

    /// MetricsReloaded: two empty masks agree perfectly, yet their IoU is undefined; so are distances to
    /// one empty mask.
    pub const METRICS_RELOADED: Self = Self {
        overlap: ONE_OR_ZERO,
        iou: UNDEFINED_OR_ZERO,
        distance: one_empty(Substitute::Zero, Substitute::Undefined),
        percentile: one_empty(Substitute::Zero, Substitute::Undefined),
        average: one_empty(Substitute::Zero, Substitute::Undefined),
        surface_dice: ONE_OR_ZERO,
    };

    /// panoptica 2.1: averages are infinite for one empty mask, other surface measures refused.
    pub const PANOPTICA: Self = Self {
        overlap: UNDEFINED_OR_ZERO,
        iou: UNDEFINED_OR_ZERO,
        distance: REFUSED,
        percentile: REFUSED,
        average: UNDEFINED_OR_INFINITE,
        surface_dice: REFUSED,
    };
}

impl Default for EmptyPolicy {
    fn default() -> Self {
        Self::WORST
    }
}
