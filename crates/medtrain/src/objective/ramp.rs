//! Strengths that grow with time.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How strong something is as a run goes on.
///
/// ```
/// use medtrain::objective::Ramp;
///
/// let ramp = Ramp::ganin();
/// assert_eq!(ramp.at(0.0), 0.0);
/// assert!((ramp.at(0.1) - 0.4621).abs() < 1e-4);
/// assert!(ramp.at(1.0) > 0.999);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Ramp {
    /// The same all the time.
    Constant(f64),
    /// `highest (2 / (1 + exp(-steepness progress)) - 1)`, from 0 on.
    Sigmoid {
        /// What it comes to.
        highest: f64,
        /// How fast.
        steepness: f64,
    },
}

impl Ramp {
    /// From 0 to 1 with steepness 10: half way after a tenth of the run, so that features settle first (Ganin et al. 2016,
    /// <https://jmlr.org/papers/v17/15-239.html>, section 5.2.2).
    #[must_use]
    pub fn ganin() -> Self {
        Self::Sigmoid {
            highest: 1.0,
            steepness: 10.0,
        }
    }

    /// The strength when this part of the run is done, from 0 to 1.
    #[must_use]
    pub fn at(&self, progress: f64) -> f64 {
        match *self {
            Self::Constant(strength) => strength,
            Self::Sigmoid { highest, steepness } => {
                highest * (2.0 / (1.0 + libm::exp(-steepness * progress)) - 1.0)
            }
        }
    }

    /// Refuses settings out of range.
    pub(super) fn check(&self, setting: &'static str) -> Result<()> {
        let holds = |value: f64| value >= 0.0 && value.is_finite();
        let all = match *self {
            Self::Constant(strength) => holds(strength),
            Self::Sigmoid { highest, steepness } => holds(highest) && holds(steepness),
        };
        Error::require(all, setting, "finite and at least 0", format!("{self:?}"))
    }
}
