//! Tells a server of a run while it goes on.

use std::path::{Path, PathBuf};

use super::Retry;
use super::batch::{Batch, Metric};
use super::client::{Experiment, Mlflow};
use super::run::{Run, RunStatus};
use crate::error::{Error, Result};
use crate::log::{self, EpochReport, LOG_FILE, RUN_FILE, RunRecord};
use crate::observer::{Heard, Observer, RunReport, StepReport};
use crate::provenance::Time;
use crate::trainer::TrainSummary;

/// Files of every run that are sent at its end.
const FILES: [&str; 3] = [RUN_FILE, LOG_FILE, "log.csv"];

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

/// The run of a record with its settings, data and surroundings, told as going on.
pub(super) fn introduce(
    client: &Mlflow,
    experiment: &Experiment,
    record: &RunRecord,
    title: &str,
) -> Result<Run> {
    let begun = record.sessions.first().map(|session| session.started);
    let begun = begun.unwrap_or_default();
    let run = client.run(experiment, &record.id, title, begun)?;
    run.set_status(RunStatus::Running, begun)?;
    run.log(&introduction(record))?;
    run.log_data(&record.data)?;
    Ok(run)
}

/// Settings and surroundings of a run.
fn introduction(record: &RunRecord) -> Batch {
    let mut batch = Batch::default();
    for (name, value) in log::settings(&record.configuration) {
        let value = match value {
            serde_json::Value::String(text) => text,
            value => value.to_string(),
        };
        batch.settings.push((name, short(value)));
    }
    let Some(session) = record.sessions.last() else {
        return batch;
    };
    let environment = &session.environment;
    let program = environment.program.as_ref();
    let program = program.map(|program| format!("{} {}", program.name, program.version));
    let words = environment.command_line.join(" ");
    let system = &environment.system;
    let tags = [
        (
            "mlflow.source.name",
            program.or_else(|| environment.command_line.first().cloned()),
        ),
        ("mlflow.source.type", Some("LOCAL".to_owned())),
        ("mlflow.source.git.commit", environment.git.commit.clone()),
        ("mlflow.source.git.branch", environment.git.branch.clone()),
        (
            "medtrain.git.dirty",
            environment.git.dirty.map(|dirty| dirty.to_string()),
        ),
        (
            "medtrain.command",
            Some(words).filter(|words| !words.is_empty()),
        ),
        ("medtrain.version", Some(environment.medtrain.clone())),
        ("medtrain.host", system.host.clone()),
        ("medtrain.os", Some(system.os.clone())),
        ("medtrain.cpu", system.cpu.clone()),
        ("medtrain.threads", Some(system.threads.to_string())),
        ("medtrain.sessions", Some(record.sessions.len().to_string())),
    ];
    for (name, value) in tags {
        batch
            .tags
            .extend(value.map(|value| (name.to_owned(), short(value))));
    }
    batch
}

/// A text that fits, or its beginning and where all of it is.
fn short(text: String) -> String {
    const MOST: usize = 5900;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} ... (whole in {RUN_FILE})", &text[..end]),
        None => text,
    }
}

/// The numbers of an epoch, which stand at the number of epochs done.
pub(super) fn metrics(report: &EpochReport, at: Time) -> Vec<Metric> {
    let step = i64::from(report.epoch) + 1;
    let metric = |(name, value)| Metric {
        name,
        value,
        at,
        step,
    };
    report.numbers().into_iter().map(metric).collect()
}

pub(super) fn best(epoch: u32, score: f64) -> [(String, String); 2] {
    [
        ("medtrain.best.epoch".to_owned(), epoch.to_string()),
        ("medtrain.best.score".to_owned(), score.to_string()),
    ]
}

pub(super) fn failure(error: &str) -> (String, String) {
    ("medtrain.error".to_owned(), short(error.to_owned()))
}

/// The title of a run: its own, or the name of its folder.
pub(super) fn title(own: Option<&str>, folder: &Path) -> String {
    let name = || Some(folder.file_name()?.to_string_lossy().into_owned());
    own.map(str::to_owned)
        .or_else(name)
        .unwrap_or_else(|| "run".to_owned())
}

/// The logs of a run and files beside them.
pub(super) fn send_files(run: &Run, folder: &Path, more: &[(PathBuf, String)]) -> Result<()> {
    for name in FILES {
        run.upload(&folder.join(name), name)?;
    }
    for (path, name) in more {
        match path.is_dir() {
            true => run.upload_folder(path, name)?,
            false => run.upload(path, name)?,
        }
    }
    Ok(())
}
