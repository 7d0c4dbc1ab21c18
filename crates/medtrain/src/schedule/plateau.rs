//! A smaller rate when the validation score no longer improves (`torch.optim.lr_scheduler.ReduceLROnPlateau`).

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::exact::Exact;
use crate::stop::Waiting;

/// Settings of PyTorch's scheduler with `mode="max"` and `threshold_mode="abs"`: it acts after validations, on any schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    /// Factor on the rate when the score stalls.
    pub factor: f64,
    /// Validations in a row without improvement that are borne; the next one cuts the rate.
    pub patience: u32,
    /// A score must be greater than the best by more than this to count as an improvement.
    pub minimum_change: f64,
    /// Validations after a cut in which none is counted against it.
    pub cooldown: u32,
    /// Least rate as a part of the scheduled one.
    pub floor: f64,
}

impl Default for Plateau {
    /// A tenth after ten validations without improvement.
    fn default() -> Self {
        Self {
            factor: 0.1,
            patience: 10,
            minimum_change: 1e-4,
            cooldown: 0,
            floor: 0.0,
        }
    }
}

impl Plateau {
    pub(crate) fn check(&self) -> Result<()> {
        let below_one = (0.0..1.0).contains(&self.factor);
        Error::require(below_one, "factor", "in [0, 1)", self.factor)?;
        let change = self.minimum_change;
        let holds = change >= 0.0 && change.is_finite();
        Error::require(holds, "minimum_change", "finite and at least 0", change)?;
        let share = (0.0..=1.0).contains(&self.floor);
        Error::require(share, "floor", "in [0, 1]", self.floor)
    }
}

/// What the rate has come to; part of a run's position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlateauState {
    /// The factor on the scheduled rate.
    pub factor: Exact,
    /// How long the score has stalled.
    pub waiting: Waiting,
    /// Validations that are not counted yet.
    pub cooling: u32,
}

impl Default for PlateauState {
    fn default() -> Self {
        Self {
            factor: 1.0.into(),
            waiting: Waiting::default(),
            cooling: 0,
        }
    }
}

impl PlateauState {
    /// Takes a score in.
    pub fn observe(&mut self, plateau: &Plateau, score: f64) {
        self.waiting.observe(score, plateau.minimum_change);
        if self.cooling > 0 {
            self.cooling -= 1;
            self.waiting.count = 0;
        }
        if self.waiting.count > plateau.patience {
            let cut = (self.factor.value() * plateau.factor).max(plateau.floor);
            self.factor = cut.into();
            self.cooling = plateau.cooldown;
            self.waiting.count = 0;
        }
    }
}
