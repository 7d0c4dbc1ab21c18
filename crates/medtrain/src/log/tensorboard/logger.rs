//! Tells TensorBoard of a run.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::writer::Status;
use super::{At, EventWriter, Histogram};
use crate::error::{Error, Result};
use crate::log::{self, EpochReport, LOG_FILE, RunRecord};
use crate::observer::{Heard, Observer, RunReport, StepReport};
use crate::trainer::TrainSummary;

/// Buckets of a histogram: as many as TensorBoard shows.
const BUCKETS: usize = 30;

/// The curves that runs are compared by.
const COMPARED: [&str; 2] = ["score", "train/loss"];

type Events = EventWriter<BufWriter<File>>;

/// Writes the epochs of a run as events of TensorBoard, with its settings and where it takes place; also every so many steps.
///
/// Clones write into the same file, at the step the run has come to: give one to the validator, for pictures and histograms. What
/// cannot be written ends no run; [`problem`](Self::problem) says what it was. A run that is resumed begins another file, which
/// takes back what the run had written after its checkpoint.
///
/// ```
/// use medtrain::log::tensorboard::TensorBoard;
///
/// let mut board = TensorBoard::new().with_steps_every(10);
/// let pictures = board.clone();
/// // `trainer.with_observer(&mut board)`; then, in the validator:
/// pictures.scalar("validation/cases", 12.0);
/// assert_eq!(board.problem(), None);
/// ```
#[derive(Debug, Clone, Default)]
pub struct TensorBoard {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    folder: Option<PathBuf>,
    every: u32,
    events: Option<Events>,
    step: i64,
    problem: Option<String>,
}

impl Shared {
    /// Writes, unless there is no file; after the first failure there is none.
    fn write(&mut self, write: impl FnOnce(&mut Events, At) -> Result<()>) {
        let at = At::step(self.step);
        if let Some(events) = &mut self.events
            && let Err(error) = write(events, at)
        {
            // A picture that is none is not the file's fault.
            if matches!(error, Error::Io { .. }) {
                self.events = None;
            }
            self.problem.get_or_insert(error.to_string());
        }
    }
}

impl TensorBoard {
    /// Writes into `tensorboard` in the folder of the run.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes into a folder: each run wants one of its own, below one that all runs share.
    #[must_use]
    pub fn in_folder(self, folder: impl Into<PathBuf>) -> Self {
        self.shared().folder = Some(folder.into());
        self
    }

    /// Writes loss, rate and norm of the gradients of every so many optimizer steps; 0, the default, those of epochs alone.
    #[must_use]
    pub fn with_steps_every(self, every: u32) -> Self {
        self.shared().every = every;
        self
    }

    /// Writes a point of a curve at the present step. Before the run has started, nothing is written.
    pub fn scalar(&self, tag: &str, value: f64) {
        self.shared()
            .write(|events, at| events.scalar(tag, at, value));
    }

    /// Writes a picture, the bytes of a PNG file, at the present step.
    pub fn image(&self, tag: &str, png: &[u8]) {
        self.shared().write(|events, at| events.image(tag, at, png));
    }

    /// Writes the histogram of values at the present step; nothing if none of them is a number.
    pub fn histogram(&self, tag: &str, values: impl IntoIterator<Item = f64>) {
        if let Some(histogram) = Histogram::of(values, BUCKETS) {
            self.shared()
                .write(|events, at| events.histogram(tag, at, histogram));
        }
    }

    /// Writes a text in Markdown at the present step.
    pub fn text(&self, tag: &str, text: &str) {
        self.shared().write(|events, at| events.text(tag, at, text));
    }

    /// What went wrong first, if anything did: after a file that could not be written, nothing more was.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.shared().problem.clone()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for TensorBoard {
    fn started(&mut self, run: &RunReport<'_>) -> Heard {
        let mut shared = self.shared();
        let own = || run.folder.join("tensorboard");
        let folder = shared.folder.clone().unwrap_or_else(own);
        let done = i64::from(run.first_epoch) * i64::from(run.steps) + i64::from(run.first_step);
        shared.step = done;
        match Events::create(&folder) {
            Ok(events) => shared.events = Some(events),
            Err(error) => shared.problem = Some(error.to_string()),
        }
        shared.write(|events, at| begin(events, at, run.run));
        Ok(())
    }

    fn step(&mut self, report: &StepReport) -> Heard {
        let mut shared = self.shared();
        shared.step += 1;
        if shared.every == 0 || shared.step % i64::from(shared.every) != 0 {
            return Ok(());
        }
        shared.write(|events, at| {
            events.scalar("step/loss", at, report.loss)?;
            events.scalar("step/learning_rate", at, report.learning_rate)?;
            match report.gradient_norm {
                Some(norm) => events.scalar("step/gradient_norm", at, norm),
                None => Ok(()),
            }
        });
        Ok(())
    }

    fn epoch(&mut self, report: &EpochReport) -> Heard {
        self.shared().write(|events, at| epoch(events, at, report));
        Ok(())
    }

    fn finished(&mut self, _: &TrainSummary) -> Heard {
        self.shared()
            .write(|events, at| end(events, at, Status::Success));
        Ok(())
    }

    fn failed(&mut self, _: &Error) {
        self.shared()
            .write(|events, at| end(events, at, Status::Failure));
    }
}

/// Settings and surroundings of a run; one that is resumed takes back what no checkpoint stands behind.
fn begin(events: &mut Events, at: At, run: &RunRecord) -> Result<()> {
    if at.step > 0 {
        let step = at.step + 1;
        events.resumed(At { step, ..at })?;
    }
    events.settings(at, &log::settings(&run.configuration), &COMPARED)?;
    if let Some(session) = run.sessions.last() {
        let environment = serde_json::to_string_pretty(&session.environment).unwrap_or_default();
        // Indented, a text is shown as it is.
        let lines: Vec<String> = environment
            .lines()
            .map(|line| format!("    {line}"))
            .collect();
        events.text("environment", at, &lines.join("\n"))?;
    }
    events.flush()
}

fn epoch(events: &mut Events, at: At, report: &EpochReport) -> Result<()> {
    for (tag, value) in report.numbers() {
        events.scalar(&tag, at, value)?;
    }
    events.flush()
}

fn end(events: &mut Events, at: At, status: Status) -> Result<()> {
    events.ended(at, status)?;
    events.flush()
}

/// Makes events of the log of a run, for one that was made without them, and gives the new file.
///
/// Its epochs stand at the times that the log tells; what was never logged (single steps, pictures) is not there.
///
/// # Errors
/// When the log or the record in `run` cannot be read, or `folder` cannot be written.
pub fn export(run: &Path, folder: &Path) -> Result<PathBuf> {
    let record = RunRecord::read(run)?;
    let history = log::read(&run.join(LOG_FILE))?;
    let started = record.sessions.first().map(|session| session.started);
    let mut events = Events::create(folder)?;
    let mut at = At {
        step: 0,
        time: started.unwrap_or_default(),
    };
    begin(&mut events, at, &record)?;
    for (report, time) in history.iter().zip(record.ends_of(&history)) {
        let step = i64::from(record.steps) * (i64::from(report.epoch) + 1);
        at = At { step, time };
        epoch(&mut events, at, report)?;
    }
    if let Some(ended) = record.end() {
        let status = match ended.error {
            Some(_) => Status::Failure,
            None => Status::Success,
        };
        let time = ended.at;
        end(&mut events, At { time, ..at }, status)?;
    }
    Ok(events.path().to_owned())
}
