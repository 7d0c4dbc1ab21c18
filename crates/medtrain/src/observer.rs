//! Who watches a run: progress bars, plots, stop conditions.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::log::EpochReport;

/// One optimizer step.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct StepReport {
    /// Epoch, from zero.
    pub epoch: u32,
    /// Step within the epoch, from zero.
    pub step: u32,
    /// Optimizer steps in the epoch.
    pub steps: u32,
    /// Epochs in the run.
    pub epochs: u32,
    /// The mean loss of this step's batches.
    pub loss: f64,
    /// The norm of all gradients before clipping, if clipping asked for it.
    pub gradient_norm: Option<f64>,
}

/// Hears what happens in a run. Every method does nothing unless written.
pub trait Observer {
    /// A run starts, at `first_epoch` of `epochs` with `steps` of the optimizer each.
    fn started(&mut self, first_epoch: u32, epochs: u32, steps: u32) {
        let _ = (first_epoch, epochs, steps);
    }
    /// An optimizer step was made.
    fn step(&mut self, report: &StepReport) {
        let _ = report;
    }
    /// An epoch ended and its checkpoint is on disk.
    fn epoch(&mut self, report: &EpochReport) {
        let _ = report;
    }
    /// The run ended.
    fn finished(&mut self) {}
}

/// A progress bar on standard error: steps done, time left, loss and best score.
#[derive(Debug)]
pub struct ProgressDisplay {
    bar: ProgressBar,
    best: Option<f64>,
    loss: f64,
}

impl ProgressDisplay {
    /// A bar that hides itself when standard error is not a terminal.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            best: None,
            loss: f64::NAN,
        }
    }

    fn message(&self, epoch: u32) -> String {
        let best = self
            .best
            .map(|score| format!("  best {score:.3}"))
            .unwrap_or_default();
        format!("epoch {}  loss {:.3}{best}", epoch + 1, self.loss)
    }
}

impl Default for ProgressDisplay {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for ProgressDisplay {
    fn started(&mut self, first_epoch: u32, epochs: u32, steps: u32) {
        self.bar = ProgressBar::new(u64::from(epochs) * u64::from(steps));
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30} {pos}/{len} steps  {elapsed} < {eta}  {msg}")
        {
            self.bar.set_style(style);
        }
        self.bar
            .set_position(u64::from(first_epoch) * u64::from(steps));
        self.bar.reset_eta();
        self.bar.enable_steady_tick(Duration::from_millis(500));
    }

    fn step(&mut self, report: &StepReport) {
        // Smoothed over about twenty steps, so that a person can read it.
        self.loss = if self.loss.is_nan() {
            report.loss
        } else {
            0.95 * self.loss + 0.05 * report.loss
        };
        self.bar.inc(1);
        self.bar.set_message(self.message(report.epoch));
    }

    fn epoch(&mut self, report: &EpochReport) {
        if report.is_best {
            self.best = report.validation.as_ref().map(|v| v.score);
        }
        self.bar.set_message(self.message(report.epoch));
    }

    fn finished(&mut self) {
        self.bar.finish();
    }
}
