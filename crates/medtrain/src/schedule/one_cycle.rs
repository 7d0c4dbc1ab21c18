//! One rise, one long fall (Smith and Topin 2018, <https://arxiv.org/abs/1708.07120>; `torch.optim.lr_scheduler.OneCycleLR`).

use serde::{Deserialize, Serialize};

use super::cosine;
use crate::error::{Error, Result};

/// The way from one rate to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anneal {
    /// Half a cosine.
    #[default]
    Cosine,
    /// A straight line.
    Linear,
}

impl Anneal {
    fn between(self, from: f64, to: f64, t: f64) -> f64 {
        match self {
            Self::Cosine => cosine(from, to, t),
            Self::Linear => from + (to - from) * t,
        }
    }
}

/// Settings of a one-cycle schedule, PyTorch's defaults; the base rate is the highest. Momentum stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OneCycle {
    /// Part of the steps spent rising.
    pub rise: f64,
    /// First rate as a part of the base rate (one through PyTorch's `div_factor`).
    pub from: f64,
    /// Last rate as a part of the first (one through PyTorch's `final_div_factor`).
    pub to: f64,
    /// The way up and down.
    pub anneal: Anneal,
}

impl Default for OneCycle {
    fn default() -> Self {
        Self {
            rise: 0.3,
            from: 1.0 / 25.0,
            to: 1e-4,
            anneal: Anneal::Cosine,
        }
    }
}

impl OneCycle {
    pub(super) fn factor(&self, step: u64, total: u64) -> f64 {
        let (step, last) = (step as f64, total.saturating_sub(1) as f64);
        let top = self.rise * total as f64 - 1.0;
        match step <= top {
            true if top > 0.0 => self.anneal.between(self.from, 1.0, step / top),
            true => 1.0,
            false => {
                let t = ((step - top) / (last - top).max(f64::EPSILON)).min(1.0);
                self.anneal.between(1.0, self.from * self.to, t)
            }
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let open = |name, value: f64| {
            let holds = value > 0.0 && value < 1.0;
            Error::require(holds, name, "between 0 and 1", value)
        };
        open("rise", self.rise)?;
        let share = |value: f64| value > 0.0 && value <= 1.0;
        Error::require(share(self.from), "from", "in (0, 1]", self.from)?;
        Error::require(share(self.to), "to", "in (0, 1]", self.to)
    }
}
