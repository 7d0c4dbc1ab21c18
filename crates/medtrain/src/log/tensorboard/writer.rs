//! Writes events.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use prost::Message;

use super::Histogram;
use super::frame;
use super::message::{
    End, Event, Experiment, Hparams, HparamsData, Image, MetricInfo, MetricName, Plugin,
    SessionLog, Setting, SettingInfo, Shown, Start, Summary, Tensor, Value, What,
};
use crate::error::{Error, Result};
use crate::provenance::{System, Time};

/// When something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// By the count of the run, optimizer steps say.
    pub step: i64,
    /// By the clock.
    pub time: Time,
}

impl At {
    /// A step, now.
    #[must_use]
    pub fn step(step: i64) -> Self {
        Self {
            step,
            time: Time::now(),
        }
    }
}

/// How a session ended, for the table of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Success = 1,
    Failure = 2,
}

/// Writes events of TensorBoard, one after another.
///
/// ```
/// use medtrain::log::tensorboard::{At, EventWriter, Histogram};
///
/// let folder = tempfile::tempdir()?;
/// let mut events = EventWriter::create(folder.path())?;
/// events.scalar("validation/dice", At::step(100), 0.83)?;
/// events.text("notes", At::step(100), "a **good** epoch")?;
/// if let Some(histogram) = Histogram::of([0.1, 0.2, 0.2], 30) {
///     events.histogram("scores", At::step(100), histogram)?;
/// }
/// events.flush()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EventWriter<W: Write> {
    out: W,
    /// For messages.
    path: PathBuf,
}

impl EventWriter<BufWriter<File>> {
    /// Starts a new file in `folder`, which is made if need be.
    ///
    /// TensorBoard reads all files of a folder as one run, in the order of their names, which begin with the time.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(folder: &Path) -> Result<Self> {
        let io = |operation, path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io {
                operation,
                path,
                source,
            }
        };
        std::fs::create_dir_all(folder).map_err(io("create", folder))?;
        let now = Time::now();
        let host = System::capture().host.unwrap_or_else(|| "host".to_owned());
        let begin = format!("events.out.tfevents.{:010}.{host}", now.0 / 1000);
        let process = std::process::id();
        let mut number = 0_u32;
        let (path, file) = loop {
            let path = folder.join(format!("{begin}.{process}.{number}"));
            match File::options().write(true).create_new(true).open(&path) {
                Ok(file) => break (path, file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(io("create", &path)(error)),
            }
        };
        Self::begin(BufWriter::new(file), path, now)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl<W: Write> EventWriter<W> {
    /// Writes events to anything, beginning with the version of the format.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn new(out: W, begun: Time) -> Result<Self> {
        Self::begin(out, PathBuf::from("events"), begun)
    }

    fn begin(out: W, path: PathBuf, begun: Time) -> Result<Self> {
        let mut writer = Self { out, path };
        writer.event(
            At {
                step: 0,
                time: begun,
            },
            What::FileVersion("brain.Event:2".to_owned()),
        )?;
        writer.flush()?;
        Ok(writer)
    }

    /// Writes a point of a curve; TensorBoard keeps numbers of 32 bits.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn scalar(&mut self, tag: &str, at: At, value: f64) -> Result<()> {
        self.value(tag, at, Shown::Simple(value as f32))
    }

    /// Writes a picture, the bytes of a PNG file.
    ///
    /// # Errors
    /// Refuses what is no PNG; when it cannot be written.
    pub fn image(&mut self, tag: &str, at: At, png: &[u8]) -> Result<()> {
        let (width, height, colorspace) = header(png).ok_or_else(|| Error::InvalidSetting {
            setting: "picture",
            rule: "a PNG file",
            value: format!("{} other bytes, for {tag:?}", png.len()),
        })?;
        let image = Image {
            height,
            width,
            colorspace,
            encoded: png.to_vec(),
        };
        self.value(tag, at, Shown::Image(image))
    }

    /// Writes a histogram.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn histogram(&mut self, tag: &str, at: At, histogram: Histogram) -> Result<()> {
        self.value(tag, at, Shown::Histogram(histogram.into_message()))
    }

    /// Writes a text in Markdown.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn text(&mut self, tag: &str, at: At, text: &str) -> Result<()> {
        let plugin = Plugin {
            name: "text".to_owned(),
            content: Vec::new(),
        };
        self.summary(at, vec![Value::of_plugin(tag, Tensor::text(text), plugin)])
    }

    /// Writes the settings of a run ([`settings`](crate::log::settings)) and the tags of the curves to compare runs by, for the
    /// table of settings.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn settings(
        &mut self,
        at: At,
        settings: &[(String, serde_json::Value)],
        metrics: &[&str],
    ) -> Result<()> {
        let metric = |tag: &&str| MetricInfo {
            name: Some(MetricName {
                tag: (*tag).to_owned(),
            }),
        };
        let info = |(name, value): &(String, serde_json::Value)| SettingInfo {
            name: name.clone(),
            kind: Setting::of(value).1,
        };
        let setting =
            |(name, value): &(String, serde_json::Value)| (name.clone(), Setting::of(value).0);
        let experiment = Experiment {
            settings: settings.iter().map(info).collect(),
            metrics: metrics.iter().map(metric).collect(),
        };
        let start = Start {
            settings: settings.iter().map(setting).collect(),
            at: at.time.seconds(),
        };
        self.hparams(
            "_hparams_/experiment",
            at,
            HparamsData::Experiment(experiment),
        )?;
        self.hparams(
            "_hparams_/session_start_info",
            at,
            HparamsData::Start(start),
        )
    }

    /// Writes how the run ended, for the table of settings.
    pub(super) fn ended(&mut self, at: At, status: Status) -> Result<()> {
        let end = End {
            status: status as i32,
            at: at.time.seconds(),
        };
        self.hparams("_hparams_/session_end_info", at, HparamsData::End(end))
    }

    /// Says that what stands in earlier files for this step and later ones no longer counts.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn resumed(&mut self, at: At) -> Result<()> {
        self.event(at, What::SessionLog(SessionLog::START))
    }

    /// Gives what was written to the system.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(|source| self.failed(source))
    }

    /// Where the events went.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn hparams(&mut self, tag: &str, at: At, data: HparamsData) -> Result<()> {
        let plugin = Plugin {
            name: "hparams".to_owned(),
            content: Hparams { data: Some(data) }.encode_to_vec(),
        };
        self.summary(at, vec![Value::of_plugin(tag, Tensor::empty(), plugin)])
    }

    fn value(&mut self, tag: &str, at: At, shown: Shown) -> Result<()> {
        let value = Value {
            tag: tag.to_owned(),
            value: Some(shown),
            metadata: None,
        };
        self.summary(at, vec![value])
    }

    fn summary(&mut self, at: At, value: Vec<Value>) -> Result<()> {
        self.event(at, What::Summary(Summary { value }))
    }

    fn event(&mut self, at: At, what: What) -> Result<()> {
        let event = Event {
            wall_time: at.time.seconds(),
            step: at.step,
            what: Some(what),
        };
        frame::write(&mut self.out, &event.encode_to_vec()).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Io {
            operation: "write",
            path: self.path.clone(),
            source,
        }
    }
}

/// Width, height and number of channels in the header of a PNG file.
fn header(png: &[u8]) -> Option<(i32, i32, i32)> {
    let header = png.strip_prefix(b"\x89PNG\r\n\x1a\n")?.get(..18)?;
    let side = |from: usize| {
        let bytes = header.get(from..from + 4)?.try_into().ok()?;
        i32::try_from(u32::from_be_bytes(bytes)).ok()
    };
    let channels = match header.get(17)? {
        0 => 1,
        4 => 2,
        6 => 4,
        // Colours, of the pixels or of a palette.
        _ => 3,
    };
    (header.get(4..8)? == b"IHDR").then_some((side(8)?, side(12)?, channels))
}
