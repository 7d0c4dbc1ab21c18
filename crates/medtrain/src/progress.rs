//! A progress bar.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::log::EpochReport;
use crate::observer::{Heard, Observer, RunReport, StepReport};
use crate::trainer::TrainSummary;

/// Part of the last steps in what is shown, so that a person can read it: about twenty of them count.
const KEPT: f64 = 0.95;

/// A progress bar on standard error: steps done, time left, loss, part of the time spent waiting for data, and best score.
#[derive(Debug)]
pub struct ProgressDisplay {
    bar: ProgressBar,
    best: Option<f64>,
    shown: Option<Shown>,
}

/// Means over the last steps.
#[derive(Debug, Clone, Copy)]
struct Shown {
    loss: f64,
    seconds: f64,
    waited: f64,
}

impl Shown {
    fn then(self, new: Self) -> Self {
        let mean = |old, new| KEPT * old + (1.0 - KEPT) * new;
        Self {
            loss: mean(self.loss, new.loss),
            seconds: mean(self.seconds, new.seconds),
            waited: mean(self.waited, new.waited),
        }
    }
}

impl ProgressDisplay {
    /// A bar that hides itself when standard error is not a terminal.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            best: None,
            shown: None,
        }
    }

    fn message(&self, epoch: u32) -> String {
        let mut message = format!("epoch {}", epoch + 1);
        if let Some(shown) = self.shown {
            let share = 100.0 * shown.waited / shown.seconds.max(f64::MIN_POSITIVE);
            message += &format!("  loss {:.3}  data {share:.0} %", shown.loss);
        }
        if let Some(best) = self.best {
            message += &format!("  best {best:.3}");
        }
        message
    }
}

impl Default for ProgressDisplay {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for ProgressDisplay {
    fn started(&mut self, run: &RunReport<'_>) -> Heard {
        let steps = u64::from(run.steps);
        self.bar = ProgressBar::new(u64::from(run.epochs) * steps);
        if let Ok(style) =
            ProgressStyle::with_template("{bar:30} {pos}/{len} steps  {elapsed} < {eta}  {msg}")
        {
            self.bar.set_style(style);
        }
        let done = u64::from(run.first_epoch) * steps + u64::from(run.first_step);
        self.bar.set_position(done);
        self.bar.reset_eta();
        self.bar.enable_steady_tick(Duration::from_millis(500));
        Ok(())
    }

    fn step(&mut self, report: &StepReport) -> Heard {
        let new = Shown {
            loss: report.loss,
            seconds: report.seconds,
            waited: report.data_wait_seconds,
        };
        self.shown = Some(self.shown.map_or(new, |shown| shown.then(new)));
        self.bar.inc(1);
        self.bar.set_message(self.message(report.epoch));
        Ok(())
    }

    fn epoch(&mut self, report: &EpochReport) -> Heard {
        if report.is_best {
            self.best = report.validation.as_ref().map(|v| v.score);
        }
        self.bar.set_message(self.message(report.epoch));
        Ok(())
    }

    fn finished(&mut self, _: &TrainSummary) -> Heard {
        self.bar.finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_how_much_of_the_time_goes_into_data() {
        let mut display = ProgressDisplay::new();
        assert_eq!(display.message(0), "epoch 1");
        display.shown = Some(Shown {
            loss: 1.0,
            seconds: 2.0,
            waited: 0.24,
        });
        display.best = Some(0.5);
        assert_eq!(
            display.message(2),
            "epoch 3  loss 1.000  data 12 %  best 0.500"
        );
    }
}
