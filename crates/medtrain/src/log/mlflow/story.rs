//! What a server is told of a run, while it goes on and afterwards.

use std::path::{Path, PathBuf};

use super::batch::{Batch, Metric};
use super::client::{Experiment, Mlflow};
use super::run::{Run, RunStatus};
use crate::error::Result;
use crate::log::{self, EpochReport, LOG_FILE, RUN_FILE, RunRecord};
use crate::provenance::Time;

/// Files of every run that are sent at its end.
const FILES: [&str; 3] = [RUN_FILE, LOG_FILE, "log.csv"];

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
