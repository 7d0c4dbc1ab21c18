//! The epochs of a run as JSON lines (the truth) and as CSV (for spreadsheets).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::EpochReport;
use crate::error::{Error, Result};

/// The name of the log of epochs in the folder of a run.
pub const LOG_FILE: &str = "log.jsonl";

/// The log files of a run.
#[derive(Debug)]
pub(crate) struct RunLog {
    jsonl: PathBuf,
    csv: PathBuf,
    history: Vec<EpochReport>,
}

impl RunLog {
    /// Opens the logs in `folder`, taking up the epochs before `first_epoch` and not what a stopped run wrote after its last
    /// checkpoint. Changes no file.
    pub(crate) fn open(folder: &Path, first_epoch: u32) -> Result<Self> {
        let jsonl = folder.join(LOG_FILE);
        let mut history = if first_epoch > 0 && jsonl.exists() {
            read(&jsonl)?
        } else {
            Vec::new()
        };
        history.retain(|report| report.epoch < first_epoch);
        Ok(Self {
            jsonl,
            csv: folder.join("log.csv"),
            history,
        })
    }

    /// Adds an epoch, to be [written](Self::write).
    pub(crate) fn push(&mut self, report: EpochReport) {
        self.history.push(report);
    }

    /// Keeps the log of an earlier run until its checkpoints have made way: neither run must be taken for the other.
    pub(crate) fn set_earlier_aside(&self) -> Result<()> {
        self.rename(&self.jsonl, &self.earlier())
    }

    /// Lets the earlier run have its log again, where the first checkpoint of this one could not be written.
    pub(crate) fn put_earlier_back(&self) {
        // What kept the checkpoint from being written is the error to tell.
        let _ = self.rename(&self.earlier(), &self.jsonl);
    }

    /// Writes the log in the place of an earlier run's.
    pub(crate) fn write_for_earlier(&self) -> Result<()> {
        self.write()?;
        match std::fs::remove_file(self.earlier()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("remove", &self.earlier())(error))
            }
            _ => Ok(()),
        }
    }

    fn earlier(&self) -> PathBuf {
        self.jsonl.with_extension("jsonl.earlier")
    }

    /// Renames a file that need not be there.
    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        match std::fs::rename(from, to) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("rename to", to)(error))
            }
            _ => Ok(()),
        }
    }

    /// All epochs, from the first.
    pub(crate) fn history(&self) -> &[EpochReport] {
        &self.history
    }

    /// Both files anew: runs have hundreds of epochs, not millions, and a whole file is never half a line.
    pub(crate) fn write(&self) -> Result<()> {
        let mut lines = String::new();
        for report in &self.history {
            let line = serde_json::to_string(report);
            lines += &line.map_err(|e| failed("write", &self.jsonl)(e.into()))?;
            lines.push('\n');
        }
        medcore::atomic::write_bytes(&self.jsonl, lines.as_bytes())?;
        let table = table(&self.history).map_err(failed("write", &self.csv))?;
        medcore::atomic::write_bytes(&self.csv, &table)?;
        Ok(())
    }
}

fn failed(operation: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::Io {
        operation,
        path: path.to_owned(),
        source,
    }
}

/// Reads the epochs of a `log.jsonl`.
///
/// # Errors
/// When the file cannot be read or a line is not an epoch.
pub fn read(path: &Path) -> Result<Vec<EpochReport>> {
    let failed = failed("read", path);
    let text = std::fs::read_to_string(path).map_err(&failed)?;
    text.lines()
        .map(|line| serde_json::from_str(line).map_err(|e| failed(e.into())))
        .collect()
}

fn table(history: &[EpochReport]) -> std::io::Result<Vec<u8>> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in history
        .iter()
        .flat_map(|r| &r.validation)
        .flat_map(|v| &v.metrics)
    {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let fixed = [
        "epoch",
        "learning_rate",
        "train_loss",
        "score",
        "is_best",
        "seconds",
        "data_wait_seconds",
    ];
    writer.write_record(fixed.iter().chain(&names))?;
    for report in history {
        let validation = report.validation.as_ref();
        let mut row = vec![
            report.epoch.to_string(),
            report.learning_rate.to_string(),
            report.train_loss.to_string(),
            validation.map(|v| v.score.to_string()).unwrap_or_default(),
            report.is_best.to_string(),
            format!("{:.3}", report.seconds),
            format!("{:.3}", report.data_wait_seconds),
        ];
        for name in &names {
            let value = validation.and_then(|v| v.metrics.iter().find(|(n, _)| n == name));
            row.push(value.map(|(_, v)| v.to_string()).unwrap_or_default());
        }
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

#[cfg(test)]
mod tests {
    use super::super::Validation;
    use super::*;

    fn report(epoch: u32, score: Option<f64>) -> EpochReport {
        let validation = score.map(|score| Validation {
            score,
            metrics: vec![("liver".to_owned(), score / 2.0)],
        });
        EpochReport {
            epoch,
            learning_rate: 0.01,
            train_loss: 1.5,
            validation,
            is_best: false,
            seconds: 2.0,
            data_wait_seconds: 0.1,
        }
    }

    #[test]
    fn a_resumed_log_keeps_the_epochs_of_its_checkpoint_and_no_later_ones() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::open(folder.path(), 0).unwrap();
        for epoch in 0..4 {
            log.push(report(epoch, (epoch % 2 == 1).then_some(0.5)));
        }
        log.write().unwrap();
        let log = RunLog::open(folder.path(), 3).unwrap();
        log.write().unwrap();
        assert_eq!(log.history().len(), 3);
        assert_eq!(
            read(&folder.path().join("log.jsonl")).unwrap(),
            log.history()
        );
        let csv = std::fs::read_to_string(folder.path().join("log.csv")).unwrap();
        assert_eq!(csv.lines().count(), 4);
        assert!(csv.lines().next().unwrap().ends_with("liver"));
        assert!(csv.lines().nth(2).unwrap().ends_with("0.25"));
    }

    #[test]
    fn numbers_that_are_none_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = RunLog::open(folder.path(), 0).unwrap();
        for (epoch, score) in (0..).zip([f64::NAN, f64::INFINITY, -f64::INFINITY, 0.1 + 0.2]) {
            log.push(report(epoch, Some(score)));
        }
        log.write().unwrap();
        let log = RunLog::open(folder.path(), 4).unwrap();
        let scores = |report: &EpochReport| {
            let validation = report.validation.as_ref().unwrap();
            [validation.score, validation.metrics[0].1]
        };
        let bits: Vec<_> = log.history().iter().map(scores).collect();
        assert!(bits[0].iter().all(|score| score.is_nan()));
        assert_eq!(bits[1], [f64::INFINITY; 2]);
        assert_eq!(bits[2], [-f64::INFINITY; 2]);
        assert_eq!(bits[3], [0.1 + 0.2, (0.1 + 0.2) / 2.0]);
        // As it was written before there were names for them.
        let line = r#"{"score":null,"metrics":[["a",null]]}"#;
        let old: Validation = serde_json::from_str(line).unwrap();
        assert!(old.score.is_nan() && old.metrics[0].1.is_nan());
        assert!(serde_json::from_str::<Validation>(r#"{"score":"much","metrics":[]}"#).is_err());
    }

    #[test]
    fn a_new_run_starts_with_an_empty_log_and_leaves_an_earlier_one_until_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut earlier = RunLog::open(folder.path(), 0).unwrap();
        earlier.push(report(0, None));
        earlier.write().unwrap();
        let log = RunLog::open(folder.path(), 0).unwrap();
        assert!(log.history().is_empty());
        assert_eq!(read(&path).unwrap(), earlier.history());
        log.set_earlier_aside().unwrap();
        assert!(!path.exists());
        log.put_earlier_back();
        assert_eq!(read(&path).unwrap(), earlier.history());
        log.set_earlier_aside().unwrap();
        log.write_for_earlier().unwrap();
        assert!(read(&path).unwrap().is_empty());
        let names = std::fs::read_dir(folder.path()).unwrap();
        assert_eq!(names.count(), 2, "the log and its table");
        // There need not be an earlier one.
        let folder = tempfile::tempdir().unwrap();
        let log = RunLog::open(folder.path(), 0).unwrap();
        log.set_earlier_aside().unwrap();
        log.put_earlier_back();
        log.write_for_earlier().unwrap();
    }
}
