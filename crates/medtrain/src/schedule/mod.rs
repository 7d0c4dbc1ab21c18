//! Learning rates as a function of progress, PyTorch's formulas (`torch.optim.lr_scheduler`).
//!
//! | schedule | changes after every | reference |
//! | --- | --- | --- |
//! | [`Schedule::Poly`] | step | `PolynomialLR` over the steps of the run |
//! | [`Schedule::Cosine`] | step | `CosineAnnealingLR` over the steps of the run, behind a rise |
//! | [`Schedule::OneCycle`] | step | `OneCycleLR` |
//! | [`Schedule::Step`] | epoch | `StepLR` |
//! | [`Schedule::Milestones`] | epoch | `MultiStepLR` |
//! | [`Schedule::Exponential`] | epoch | `ExponentialLR` |
//! | [`Schedule::Warmup`] | step | `SequentialLR` of `LinearLR` and another |
//! | [`Plateau`], on top of any | validation | `ReduceLROnPlateau` |

mod one_cycle;
mod plateau;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

pub use one_cycle::{Anneal, OneCycle};
pub use plateau::{Plateau, PlateauState};

/// How the learning rate changes from the first step to the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schedule {
    /// The base rate throughout.
    Constant,
    /// `base * (1 - progress)^power`, by steps; nnU-Net trains with power 0.9.
    Poly {
        /// The exponent.
        power: f64,
    },
    /// Half a cosine from the base rate to `floor * base`, after a linear rise over the first `warmup` of the run, by steps.
    Cosine {
        /// Part of the run spent rising, in [0, 1).
        warmup: f64,
        /// Last rate as a part of the base rate.
        floor: f64,
    },
    /// `base * gamma^(epoch / every)`, rounded down: a factor after every so many epochs.
    Step {
        /// Epochs between two changes, at least 1.
        every: u32,
        /// The factor.
        gamma: f64,
    },
    /// A factor at each of these epochs.
    Milestones {
        /// The epochs that begin with another rate, counted from zero; one named twice counts twice.
        epochs: Vec<u32>,
        /// The factor.
        gamma: f64,
    },
    /// `base * gamma^epoch`.
    Exponential {
        /// The factor of an epoch.
        gamma: f64,
    },
    /// A rise to the base rate and a long fall far below where it started, by steps.
    OneCycle(OneCycle),
    /// A linear rise from `from * base` over the first `steps`, then another schedule.
    ///
    /// For one that goes by steps the run begins after the rise; one that goes by epochs counts those of the run.
    Warmup {
        /// Optimizer steps spent rising; the one after them has the full rate.
        steps: u32,
        /// First rate as a part of the base rate.
        from: f64,
        /// What follows.
        then: Box<Self>,
    },
}

/// Where in a run an optimizer step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Optimizer steps done.
    pub step: u64,
    /// Optimizer steps in an epoch.
    pub steps_per_epoch: u32,
    /// Epochs in the run.
    pub epochs: u32,
}

impl Progress {
    /// Optimizer steps in the run.
    #[must_use]
    pub fn total(&self) -> u64 {
        u64::from(self.steps_per_epoch) * u64::from(self.epochs)
    }

    /// Epochs done.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.step / u64::from(self.steps_per_epoch.max(1))
    }

    /// Part of the run that is done, in [0, 1].
    #[must_use]
    pub fn share(&self) -> f64 {
        share(self.step, self.total())
    }
}

fn share(step: u64, total: u64) -> f64 {
    match total {
        0 => 0.0,
        total => (step as f64 / total as f64).min(1.0),
    }
}

impl Schedule {
    /// A cosine down to a hundredth of the base rate, after a rise over a twentieth of the run.
    pub const COSINE: Self = Self::Cosine {
        warmup: 0.05,
        floor: 0.01,
    };

    /// The same after a linear rise from a hundredth of the base rate over the first `steps`.
    #[must_use]
    pub fn warmed_up(self, steps: u32) -> Self {
        Self::Warmup {
            steps,
            from: 0.01,
            then: Box::new(self),
        }
    }

    /// The factor on the base rate of the step that comes next.
    ///
    /// ```
    /// use medtrain::schedule::{Progress, Schedule};
    ///
    /// let at = |step| Progress { step, steps_per_epoch: 10, epochs: 10 };
    /// let poly = Schedule::Poly { power: 1.0 };
    /// assert_eq!((poly.factor(&at(0)), poly.factor(&at(75))), (1.0, 0.25));
    /// let halved = Schedule::Step { every: 3, gamma: 0.5 }.warmed_up(4);
    /// assert_eq!((halved.factor(&at(0)), halved.factor(&at(4)), halved.factor(&at(30))), (0.01, 1.0, 0.5));
    /// ```
    #[must_use]
    pub fn factor(&self, at: &Progress) -> f64 {
        self.after(0, at)
    }

    /// The factor where steps are counted from `first` on.
    fn after(&self, first: u64, at: &Progress) -> f64 {
        let (step, total) = (
            at.step.saturating_sub(first),
            at.total().saturating_sub(first),
        );
        let done = share(step, total);
        match self {
            Self::Constant => 1.0,
            Self::Poly { power } => libm::pow(1.0 - done, *power),
            Self::Cosine { warmup, .. } if done < *warmup => {
                // The rise need not end with a whole step.
                ((step + 1) as f64 / (warmup * total as f64).max(1.0)).min(1.0)
            }
            Self::Cosine { warmup, floor } => {
                let t = (done - warmup) / (1.0 - warmup).max(f64::EPSILON);
                cosine(1.0, *floor, t)
            }
            Self::Step { every, gamma } => {
                libm::pow(*gamma, (at.epoch() / u64::from((*every).max(1))) as f64)
            }
            Self::Milestones { epochs, gamma } => {
                let passed = epochs.iter().filter(|&&e| u64::from(e) <= at.epoch());
                libm::pow(*gamma, passed.count() as f64)
            }
            Self::Exponential { gamma } => libm::pow(*gamma, at.epoch() as f64),
            Self::OneCycle(cycle) => cycle.factor(step, total),
            Self::Warmup { steps, from, .. } if step < u64::from(*steps) => {
                from + (1.0 - from) * (step as f64 / f64::from(*steps))
            }
            Self::Warmup { steps, then, .. } => then.after(first + u64::from(*steps), at),
        }
    }

    /// Refuses settings out of range.
    pub(crate) fn check(&self) -> Result<()> {
        let positive = |name, value: f64| {
            let holds = value > 0.0 && value.is_finite();
            Error::require(holds, name, "positive and finite", value)
        };
        let share = |name, value: f64| {
            Error::require((0.0..=1.0).contains(&value), name, "in [0, 1]", value)
        };
        match self {
            Self::Constant => Ok(()),
            Self::Poly { power } => positive("power", *power),
            Self::Cosine { warmup, floor } => {
                let below_one = (0.0..1.0).contains(warmup);
                Error::require(below_one, "warmup", "in [0, 1)", warmup)?;
                share("floor", *floor)
            }
            Self::Step { every, gamma } => {
                Error::require(*every > 0, "every", "at least 1", every)?;
                positive("gamma", *gamma)
            }
            Self::Milestones { gamma, .. } | Self::Exponential { gamma } => {
                positive("gamma", *gamma)
            }
            Self::OneCycle(cycle) => cycle.check(),
            Self::Warmup { from, then, .. } => {
                share("from", *from)?;
                then.check()
            }
        }
    }
}

/// Half a cosine from one factor to another as `t` goes from 0 to 1.
fn cosine(from: f64, to: f64, t: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * t))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: u64) -> Progress {
        Progress {
            step,
            steps_per_epoch: 100,
            epochs: 1,
        }
    }

    #[test]
    fn a_cosine_rises_then_falls_to_its_floor() {
        let cosine = Schedule::Cosine {
            warmup: 0.1,
            floor: 0.01,
        };
        let factor = |step| cosine.factor(&at(step));
        assert!((factor(0) - 0.1).abs() < 1e-12);
        assert!((factor(10) - 1.0).abs() < 1e-12);
        assert!((factor(100) - 0.01).abs() < 1e-12);
        assert!((0..99).all(|step| factor(step) <= 1.0));
        // The rise ends within a step as well as after one.
        for total in 1..400 {
            let at = |step| Progress {
                step,
                steps_per_epoch: total,
                epochs: 1,
            };
            for warmup in [0.05, 0.1, 0.37] {
                let cosine = Schedule::Cosine { warmup, floor: 0.0 };
                let factors: Vec<f64> = (0..u64::from(total))
                    .map(|s| cosine.factor(&at(s)))
                    .collect();
                assert!(
                    factors.iter().all(|&f| (0.0..=1.0).contains(&f)),
                    "{total}: {factors:?}"
                );
                let falls = factors.windows(2).position(|pair| pair[1] < pair[0]);
                let falls = falls.unwrap_or(factors.len() - 1);
                assert!(
                    falls as f64 <= warmup * f64::from(total) + 1.0,
                    "{total}: {factors:?}"
                );
                assert!(
                    factors[falls..].windows(2).all(|pair| pair[1] < pair[0]),
                    "{total}"
                );
            }
        }
    }

    #[test]
    fn nnunets_poly_matches_its_formula() {
        let progress = Progress {
            step: 500,
            steps_per_epoch: 1,
            epochs: 1000,
        };
        let rate = 0.01 * Schedule::Poly { power: 0.9 }.factor(&progress);
        assert!((rate - 0.01 * 0.5f64.powf(0.9)).abs() < 1e-15);
    }

    #[test]
    fn what_a_run_wrote_before_there_were_more_schedules_is_read_as_it_was_meant() {
        for (text, schedule) in [
            (r#"{"kind":"constant"}"#, Schedule::Constant),
            (
                r#"{"kind":"poly","power":0.9}"#,
                Schedule::Poly { power: 0.9 },
            ),
            (
                r#"{"kind":"cosine","warmup":0.05,"floor":0.01}"#,
                Schedule::COSINE,
            ),
        ] {
            assert_eq!(serde_json::from_str::<Schedule>(text).unwrap(), schedule);
            assert_eq!(serde_json::to_string(&schedule).unwrap(), text);
        }
        let nested = Schedule::OneCycle(OneCycle::default()).warmed_up(5);
        let text = serde_json::to_string(&nested).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), nested);
    }

    #[test]
    fn settings_out_of_range_are_refused_wherever_they_stand() {
        let never = Schedule::Step {
            every: 0,
            gamma: 0.5,
        };
        let error = never.warmed_up(3).check().unwrap_err().to_string();
        assert!(error.contains("every"), "{error}");
        assert!(Schedule::Exponential { gamma: f64::NAN }.check().is_err());
        assert!(Schedule::COSINE.warmed_up(3).check().is_ok());
    }
}
