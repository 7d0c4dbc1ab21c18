//! Tells a server of a run while it goes on.

use std::path::PathBuf;

use super::Retry;
use super::batch::{Batch, Metric};
use super::client::{Experiment, Mlflow};
use super::run::{Run, RunStatus};
use super::story::{best, failure, introduce, metrics, send_files, title};
use crate::error::{Error, Result};
use crate::log::{EpochReport, RunRecord};
use crate::observer::{Heard, Observer, RunReport, StepReport};
use crate::provenance::Time;
use crate::trainer::TrainSummary;

/// Tells a server of a run: settings, data, commit and machine at its start, numbers after each epoch, its logs at its end.
///
/// A server that cannot be reached ends no run and delays it little: what was not told is kept and tried again after the next epoch,
/// once, and at the end with patience. [`problem`](Self::problem) says what was left untold; [`replay`](super::replay) tells it
/// later. A run that is resumed goes on as the same one.
#[derive(Debug)]
pub struct MlflowLogger {
    client: Mlflow,
    experiment: Experiment,
    title: Option<String>,
    files: Vec<(PathBuf, String)>,
    every: u32,
    step: i64,
    folder: PathBuf,
    record: Option<RunRecord>,
    run: Option<Run>,
    unsent: Batch,
    problem: Option<String>,
}

impl MlflowLogger {
    /// Tells of a run as one of an experiment.
    #[must_use]
    pub fn new(client: Mlflow, experiment: Experiment) -> Self {
        Self {
            client,
            experiment,
            title: None,
            files: Vec::new(),
            every: 0,
            step: 0,
            folder: PathBuf::new(),
            record: None,
            run: None,
            unsent: Batch::default(),
            problem: None,
        }
    }

    /// Sets the title of the run; without it, it is the name of its folder.
    #[must_use]
    pub fn with_title(self, title: impl Into<String>) -> Self {
        Self {
            title: Some(title.into()),
            ..self
        }
    }

    /// Also tells loss, rate and norm of the gradients of every so many optimizer steps, after the epoch they are in.
    #[must_use]
    pub fn with_steps_every(self, every: u32) -> Self {
        Self { every, ..self }
    }

    /// Also sends a file, or a folder with all that is in it, at the end of the run, under a name.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>, name: impl Into<String>) -> Self {
        self.files.push((path.into(), name.into()));
        self
    }

    /// The run as the server knows it, once it does.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// What could not be told and why, if anything could not.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Tells what is left; a server that did not hear the last time is tried once.
    fn deliver(&mut self) {
        let client = match self.problem {
            Some(_) => self.client.with_retry(Retry::none()),
            None => self.client.clone(),
        };
        let told = self.tell(client);
        self.note(told);
    }

    fn note(&mut self, told: Result<()>) {
        self.problem = told.err().map(|error| error.to_string());
    }

    fn tell(&mut self, client: Mlflow) -> Result<()> {
        let Some(record) = &self.record else {
            return Ok(());
        };
        let mut run = match &self.run {
            Some(run) => run.clone(),
            None => {
                let title = title(self.title.as_deref(), &self.folder);
                introduce(&client, &self.experiment, record, &title)?
            }
        };
        run.client = client;
        if !self.unsent.is_empty() {
            run.log(&self.unsent)?;
            self.unsent = Batch::default();
        }
        run.client = self.client.clone();
        self.run = Some(run);
        Ok(())
    }

    /// The end of a run.
    fn end(&mut self, status: RunStatus) {
        let told = self.tell(self.client.clone()).and_then(|()| {
            let Some(run) = &self.run else {
                return Ok(());
            };
            let sent = send_files(run, &self.folder, &self.files);
            // A file that is not there does not keep the run open.
            run.set_status(status, Time::now())?;
            sent
        });
        self.note(told);
    }
}

impl Observer for MlflowLogger {
    fn started(&mut self, run: &RunReport<'_>) -> Heard {
        self.folder = run.folder.to_owned();
        self.step = i64::from(run.first_epoch) * i64::from(run.steps) + i64::from(run.first_step);
        self.record = Some(run.run.clone());
        self.deliver();
        Ok(())
    }

    fn step(&mut self, report: &StepReport) -> Heard {
        self.step += 1;
        if self.every == 0 || self.step % i64::from(self.every) != 0 {
            return Ok(());
        }
        let norm = report
            .gradient_norm
            .map(|norm| ("step/gradient_norm", norm));
        let numbers = [
            ("step/loss", report.loss),
            ("step/learning_rate", report.learning_rate),
        ];
        let (at, step) = (Time::now(), self.step);
        let metric = |(name, value): (&str, f64)| Metric {
            name: name.to_owned(),
            value,
            at,
            step,
        };
        let metrics = numbers.into_iter().chain(norm).map(metric);
        self.unsent.metrics.extend(metrics);
        Ok(())
    }

    fn epoch(&mut self, report: &EpochReport) -> Heard {
        self.unsent.metrics.extend(metrics(report, Time::now()));
        self.deliver();
        Ok(())
    }

    fn finished(&mut self, summary: &TrainSummary) -> Heard {
        let status = match summary.ending.is_resumable() {
            true => RunStatus::Killed,
            false => RunStatus::Finished,
        };
        if let Some((epoch, score)) = summary.best {
            self.unsent.tags.extend(best(epoch, score));
        }
        self.end(status);
        Ok(())
    }

    fn failed(&mut self, error: &Error) {
        self.unsent.tags.push(failure(&error.to_string()));
        self.end(RunStatus::Failed);
    }
}
