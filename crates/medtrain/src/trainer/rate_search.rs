//! The learning rate range test (Smith 2017, "Cyclical learning rates for training neural networks",
//! <https://arxiv.org/abs/1506.01186>), as fastai and PyTorch Lightning run it.

use std::sync::Arc;

use super::Trainer;
use crate::error::{Error, Result};
use crate::loader::Source;
use crate::objective::Batch;

/// Points at either end that suggest nothing: the smoothed loss has not settled, or has left.
const SKIPPED: (usize, usize) = (10, 1);

/// Rates to try: one step each, every rate the same factor above the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RateSearch {
    /// First rate.
    pub lowest: f64,
    /// The rate the last step would come to.
    pub highest: f64,
    /// Steps, each on the next batch.
    pub steps: u32,
    /// Part of the smoothed loss that a step keeps, in [0, 1).
    pub smoothing: f64,
    /// The search ends where the smoothed loss is this many times its least.
    pub divergence: f64,
}

impl Default for RateSearch {
    /// 100 rates from 1e-7 to 10.
    fn default() -> Self {
        Self {
            lowest: 1e-7,
            highest: 10.0,
            steps: 100,
            smoothing: 0.98,
            divergence: 4.0,
        }
    }
}

/// One rate that was tried.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RatePoint {
    /// The learning rate of the step.
    pub rate: f64,
    /// The loss before it.
    pub loss: f64,
    /// The mean of the losses so far, recent ones counting more.
    pub smoothed: f64,
}

/// The loss as the learning rate grows.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RateCurve {
    /// The rates that were tried, rising.
    pub points: Vec<RatePoint>,
}

impl RateCurve {
    /// The rate at which the smoothed loss falls most from point to point, the first ten and the last left out; none for a
    /// curve that is too short or never falls.
    #[must_use]
    pub fn suggestion(&self) -> Option<f64> {
        let end = self.points.len().checked_sub(SKIPPED.1)?;
        let points = self.points.get(SKIPPED.0..end)?;
        let last = points.len().checked_sub(1).filter(|&last| last > 0)?;
        let slope = |i: usize| {
            let (before, after) = (i.saturating_sub(1), (i + 1).min(last));
            (points[after].smoothed - points[before].smoothed) / (after - before) as f64
        };
        let steepest = (0..=last).min_by(|&a, &b| slope(a).total_cmp(&slope(b)))?;
        (slope(steepest) < 0.0).then(|| points[steepest].rate)
    }
}

impl RateSearch {
    fn check(&self) -> Result<()> {
        let lowest = self.lowest > 0.0 && self.lowest.is_finite();
        Error::require(lowest, "lowest", "positive and finite", self.lowest)?;
        let highest = self.highest > self.lowest && self.highest.is_finite();
        Error::require(
            highest,
            "highest",
            "above the lowest and finite",
            self.highest,
        )?;
        Error::require(self.steps > 0, "steps", "at least 1", self.steps)?;
        let smoothing = (0.0..1.0).contains(&self.smoothing);
        Error::require(smoothing, "smoothing", "in [0, 1)", self.smoothing)?;
        let divergence = self.divergence > 1.0;
        Error::require(divergence, "divergence", "above 1", self.divergence)
    }

    fn rate(&self, step: u32) -> f64 {
        let share = f64::from(step) / f64::from(self.steps);
        self.lowest * libm::pow(self.highest / self.lowest, share)
    }
}

impl Trainer<'_> {
    /// Tries ever greater learning rates on the batches of the first epoch, in turn; network and optimizer are as before
    /// afterwards.
    ///
    /// The curve ends early where the loss explodes or stops being a number.
    ///
    /// # Errors
    /// When a setting is out of range, a batch cannot be made or the first loss is not a number.
    pub fn find_learning_rate<S: Source<Item = Batch>>(
        &mut self,
        source: &Arc<S>,
        search: &RateSearch,
    ) -> Result<RateCurve> {
        search.check()?;
        self.config.check()?;
        let before = self.before_trial()?;
        let points = self.try_rates(source, search);
        self.take_back(&before)?;
        Ok(RateCurve { points: points? })
    }

    fn try_rates<S: Source<Item = Batch>>(
        &mut self,
        source: &Arc<S>,
        search: &RateSearch,
    ) -> Result<Vec<RatePoint>> {
        let batches = source.steps_per_epoch().max(1);
        let mut points: Vec<RatePoint> = Vec::new();
        let (mut mean, mut left, mut least) = (0.0, 1.0, f64::INFINITY);
        for step in 0..search.steps {
            let rate = search.rate(step);
            let loss = match self.trial_step(source, (step % batches, step), rate) {
                Err(Error::NonFiniteLoss { .. } | Error::NonFiniteGradient { .. })
                    if !points.is_empty() =>
                {
                    break;
                }
                loss => loss?,
            };
            mean = search.smoothing * mean + (1.0 - search.smoothing) * loss;
            left *= search.smoothing;
            let smoothed = mean / (1.0 - left);
            points.push(RatePoint {
                rate,
                loss,
                smoothed,
            });
            least = least.min(smoothed);
            if step > 0 && smoothed > search.divergence * least {
                break;
            }
        }
        Ok(points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suggestion_is_where_the_curve_falls_most() {
        // A logistic fall around the thirtieth of fifty rates.
        let points = (0..50).map(|i| {
            let smoothed = 1.0 / (1.0 + f64::from(i - 30).exp());
            RatePoint {
                rate: f64::from(i),
                loss: smoothed,
                smoothed,
            }
        });
        let curve = RateCurve {
            points: points.collect(),
        };
        assert_eq!(curve.suggestion(), Some(30.0));
        let rising = curve.points.iter().rev().copied().collect();
        assert_eq!(RateCurve { points: rising }.suggestion(), None);
        let short = curve.points[..11].to_vec();
        assert_eq!(RateCurve { points: short }.suggestion(), None);
    }
}
