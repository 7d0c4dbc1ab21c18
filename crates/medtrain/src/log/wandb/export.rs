//! From the files of a run to those of W&B.

use std::fs;
use std::path::{Path, PathBuf};

use medcore::atomic;
use prost::Message as _;

use super::frame::Frames;
use super::message::{
    Config, Exit, Git, Header, History, Item, Record, Run, Setting, Step, Summary, Timestamp,
    Version, What,
};
use crate::error::{Error, Result};
use crate::log::{self, EpochReport, LOG_FILE, RunRecord};
use crate::provenance::Time;

/// Makes a run of W&B of the log of a run: `offline-run-DAY_TIME-ID` below `folder`, which is returned, for a
/// project of this name.
///
/// Settings and data become its configuration. Its steps are those of the optimizer, one line for each epoch, with the numbers
/// of [`EpochReport::numbers`] and the epoch, which counts from zero. A run that goes on or was killed has no end there. Told
/// twice, it is the same run.
///
/// ```no_run
/// let offline = medtrain::log::wandb::export("runs/7".as_ref(), "wandb".as_ref(), "pneumonia")?;
/// println!("wandb sync {}", offline.display());
/// # Ok::<(), medtrain::Error>(())
/// ```
///
/// # Errors
/// When the log or the record in `run` cannot be read, or `folder` cannot be written.
pub fn export(run: &Path, folder: &Path, project: &str) -> Result<PathBuf> {
    let record = RunRecord::read(run)?;
    let history = log::read(&run.join(LOG_FILE))?;
    let started = record.sessions.first().map(|session| session.started);
    let started = started.unwrap_or_default();
    let mut told = Told {
        frames: Frames::new(),
        number: 0,
    };
    let producer = concat!("medtrain ", env!("CARGO_PKG_VERSION")).to_owned();
    let version = Some(Version { producer });
    told.tell(What::Header(Header { version }));
    told.tell(What::Run(described(&record, project, started)));
    let mut last = Vec::new();
    for (report, time) in history.iter().zip(record.ends_of(&history)) {
        let step = i64::from(record.steps) * (i64::from(report.epoch) + 1);
        last = line(report, step, (started, time));
        told.tell(What::History(History {
            items: last.clone(),
            step: Some(Step { number: step }),
        }));
    }
    if let Some(best) = record.end().and_then(|end| end.best) {
        last.push(item("best/score", number(best.score)));
        last.push(item("best/epoch", best.epoch.to_string()));
    }
    told.tell(What::Summary(Summary { update: last }));
    if let Some(end) = record.end() {
        let runtime = (end.at.seconds() - started.seconds()).max(0.0);
        told.tell(What::Exit(Exit {
            code: i32::from(end.error.is_some()),
            runtime: runtime as i32,
        }));
    }
    let offline = folder.join(format!("offline-run-{}-{}", stamp(started), record.id));
    // The program expects a folder for files beside its log.
    let files = offline.join("files");
    fs::create_dir_all(&files).map_err(|source| Error::Io {
        operation: "make",
        path: files.clone(),
        source,
    })?;
    let path = offline.join(format!("run-{}.wandb", record.id));
    atomic::write_bytes(&path, &told.frames.into_bytes())?;
    Ok(offline)
}

/// Records with their numbers.
struct Told {
    frames: Frames,
    number: i64,
}

impl Told {
    fn tell(&mut self, what: What) {
        self.number += 1;
        let record = Record {
            number: self.number,
            what: Some(what),
        };
        self.frames.push(&record.encode_to_vec());
    }
}

/// What a run is.
fn described(record: &RunRecord, project: &str, started: Time) -> Run {
    let setting = |(key, value): (&String, &serde_json::Value)| {
        let json = value.to_string();
        (!value.is_null()).then(|| Setting {
            key: key.clone(),
            json,
        })
    };
    let settings = record.configuration.as_object();
    let mut update: Vec<Setting> = { settings.into_iter().flatten() }
        .filter_map(setting)
        .collect();
    if settings.is_none() {
        update.extend(setting((
            &"configuration".to_owned(),
            &record.configuration,
        )));
    }
    let session = record.sessions.last();
    let commit = session.and_then(|session| session.environment.git.commit.clone());
    Run {
        id: record.id.clone(),
        project: project.to_owned(),
        config: Some(Config { update }),
        display_name: record.id.clone(),
        started: Some(Timestamp {
            seconds: (started.0 / 1000) as i64,
            nanoseconds: (started.0 % 1000) as i32 * 1_000_000,
        }),
        git: commit.map(|commit| Git { commit }),
    }
}

/// The numbers of an epoch, with those that W&B adds itself.
fn line(report: &EpochReport, step: i64, (started, ended): (Time, Time)) -> Vec<Item> {
    let numbers = report.numbers().into_iter();
    let mut items: Vec<Item> = numbers
        .map(|(name, value)| item(&name, number(value)))
        .collect();
    let since = (ended.seconds() - started.seconds()).max(0.0);
    items.extend([
        item("epoch", report.epoch.to_string()),
        item("_step", step.to_string()),
        item("_timestamp", number(ended.seconds())),
        item("_runtime", number(since)),
    ]);
    items
}

fn item(name: &str, json: String) -> Item {
    Item {
        key: vec![name.to_owned()],
        json,
    }
}

/// A number as W&B's library writes it, which has words for what JSON has none for.
fn number(value: f64) -> String {
    if value.is_finite() {
        serde_json::json!(value).to_string()
    } else if value.is_nan() {
        "NaN".to_owned()
    } else if value > 0.0 {
        "Infinity".to_owned()
    } else {
        "-Infinity".to_owned()
    }
}

/// `20260301_120000`.
fn stamp(time: Time) -> String {
    { time.rfc3339() }
        .replace('T', "_")
        .replace(['-', ':', 'Z'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_as_w_and_b_writes_them() {
        let numbers = [0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-9];
        let texts = ["0.5", "NaN", "Infinity", "-Infinity", "1e-9"];
        assert_eq!(numbers.map(number), texts);
        assert_eq!(stamp(Time(1_772_366_400_999)), "20260301_120000");
    }
}
