//! Leaves a run's numbers where DVC looks for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use medcore::atomic;
use serde_json::{Map, Value};

use super::yaml;
use crate::error::{Error, Result};
use crate::log::plain::plain;
use crate::log::{EpochReport, LOG_FILE, RunRecord, read};
use crate::observer::{Heard, Observer, RunReport};

/// Writes the epochs of a run in the layout of DVCLive: `params.yaml` with its settings, `metrics.json` with the last number of
/// each kind, and `plots/metrics/NAME.tsv` with the curve of each.
///
/// `dvc metrics show`, `dvc plots` and the tables of experiments read them. Numbers have the names of
/// [`EpochReport::numbers`]; characters that cannot be in a file's name are written as `_`. Whole files are written after each
/// epoch. What cannot be written ends no run; [`problem`](Self::problem) says what it was.
#[derive(Debug, Clone)]
pub struct DvcLive {
    folder: PathBuf,
    epochs: Vec<EpochReport>,
    problem: Option<String>,
}

impl DvcLive {
    /// Writes into a folder; `dvclive` in the folder of the project is where DVC looks first.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            epochs: Vec::new(),
            problem: None,
        }
    }

    /// What went wrong first, if anything did.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Writes the files of a run from its log, for one that was made without them.
    ///
    /// # Errors
    /// When the log or the record in `run` cannot be read, or `folder` cannot be written.
    pub fn export(run: &Path, folder: &Path) -> Result<()> {
        let record = RunRecord::read(run)?;
        let mut files = Self::new(folder);
        files.epochs = read(&run.join(LOG_FILE))?;
        files.write_settings(&record.configuration)?;
        files.write_epochs()
    }

    fn remember(&mut self, written: Result<()>) {
        if let Err(error) = written {
            self.problem.get_or_insert(error.to_string());
        }
    }

    fn write_settings(&self, configuration: &Value) -> Result<()> {
        self.write("params.yaml", yaml::write(configuration).as_bytes())
    }

    fn write_epochs(&self) -> Result<()> {
        let mut curves: BTreeMap<String, Vec<(u32, f64)>> = BTreeMap::new();
        for report in &self.epochs {
            for (name, value) in report.numbers() {
                let curve = curves.entry(plain(&name)).or_default();
                curve.push((report.epoch, value));
            }
        }
        let mut metrics = Map::new();
        for (name, curve) in &curves {
            let column = name.rsplit('/').next().unwrap_or_default();
            let mut lines = format!("step\t{column}\n");
            for (epoch, value) in curve {
                lines += &format!("{epoch}\t{value}\n");
            }
            self.write(&format!("plots/metrics/{name}.tsv"), lines.as_bytes())?;
            if let Some((_, last)) = curve.last() {
                place(&mut metrics, name, number(*last));
            }
        }
        if let Some(last) = self.epochs.last() {
            metrics.insert("step".to_owned(), last.epoch.into());
        }
        self.write(
            "metrics.json",
            format!("{:#}\n", Value::Object(metrics)).as_bytes(),
        )
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| Error::Io {
                operation: "create",
                path: folder.to_owned(),
                source,
            })?;
        }
        Ok(atomic::write_bytes(&path, bytes)?)
    }
}

/// A number as JSON has it, or the name of what is none.
fn number(value: f64) -> Value {
    let number = serde_json::Number::from_f64(value);
    number.map_or_else(|| Value::String(value.to_string()), Value::Number)
}

/// Puts a value where its path of names leads; a name that is a value already keeps it, and the rest of the path is one name.
fn place(map: &mut Map<String, Value>, path: &str, value: Value) {
    if let Some((first, rest)) = path.split_once('/') {
        let inner = map
            .entry(first)
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(inner) = inner {
            return place(inner, rest, value);
        }
    }
    map.insert(path.to_owned(), value);
}

impl Observer for DvcLive {
    fn started(&mut self, run: &RunReport<'_>) -> Heard {
        self.epochs = run.history.to_vec();
        let written = self.write_settings(run.configuration);
        self.remember(written);
        if !self.epochs.is_empty() {
            let written = self.write_epochs();
            self.remember(written);
        }
        Ok(())
    }

    fn epoch(&mut self, report: &EpochReport) -> Heard {
        self.epochs.push(report.clone());
        let written = self.write_epochs();
        self.remember(written);
        Ok(())
    }
}
