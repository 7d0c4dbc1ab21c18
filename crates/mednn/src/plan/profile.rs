//! Where a pass spends its time.

use std::fmt;
use std::time::Duration;

use candle_core::Tensor;

/// One step of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepTime {
    /// The operator; for a convolution also channels, kernel and what runs in the same pass.
    pub operator: String,
    /// The shape of its first result.
    pub shape: Vec<usize>,
    /// How long it took.
    pub time: Duration,
}

/// How long each step of a pass took, in the order in which they ran.
///
/// As text it is a table: steps of the same operator and shape are one row, those that took longest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    steps: Vec<StepTime>,
}

impl Profile {
    /// The steps in the order in which they ran.
    #[must_use]
    pub fn steps(&self) -> &[StepTime] {
        &self.steps
    }

    /// All steps together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.steps.iter().map(|step| step.time).sum()
    }

    pub(super) fn add(&mut self, operator: String, result: Option<&Tensor>, time: Duration) {
        let shape = result.map_or_else(Vec::new, |tensor| tensor.dims().to_vec());
        self.steps.push(StepTime {
            operator,
            shape,
            time,
        });
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<(&StepTime, usize, Duration)> = Vec::new();
        for step in &self.steps {
            let same = |row: &&mut (&StepTime, usize, Duration)| {
                (&row.0.operator, &row.0.shape) == (&step.operator, &step.shape)
            };
            match rows.iter_mut().find(same) {
                Some((_, count, time)) => {
                    *count += 1;
                    *time += step.time;
                }
                None => rows.push((step, 1, step.time)),
            }
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.2));
        let total = self.total().as_secs_f64().max(f64::MIN_POSITIVE);
        for (step, count, time) in rows {
            let seconds = time.as_secs_f64();
            writeln!(
                f,
                "{:9.3} ms {:5.1} % {count:4} x {} -> {:?}",
                seconds * 1e3,
                seconds / total * 100.0,
                step.operator,
                step.shape,
            )?;
        }
        Ok(())
    }
}
