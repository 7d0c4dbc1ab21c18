//! Why a training run stopped.

use std::path::PathBuf;

use crate::manifest::Difference;
use crate::split::Overlap;

/// The result of a fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the application.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a training run could not start, go on or be resumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operator, a network or the parameter store refused.
    #[error(transparent)]
    Network(#[from] mednn::Error),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] mednn::candle_core::Error),
    /// An image operation or an atomic write failed.
    #[error(transparent)]
    Image(#[from] medcore::Error),
    /// A transform failed.
    #[error("case {case}: {source}")]
    Transform {
        /// The case being transformed.
        case: String,
        /// What went wrong.
        #[source]
        source: Box<medaug::Error>,
    },
    /// The loss became NaN or infinite.
    #[error(
        "the loss is {loss} at epoch {epoch}, step {step}, on cases {cases:?}: the last checkpoint is unchanged"
    )]
    NonFiniteLoss {
        /// The loss.
        loss: f64,
        /// Epoch, from zero.
        epoch: u32,
        /// Step within the epoch, from zero.
        step: u32,
        /// The cases in the batch.
        cases: Vec<String>,
    },
    /// The gradients of a step are infinite or not a number; nothing was changed by them.
    #[error(
        "the norm of the gradients is {norm} at epoch {epoch}, step {step}, on cases {cases:?}: the last checkpoint is unchanged"
    )]
    NonFiniteGradient {
        /// The norm of all gradients together.
        norm: f64,
        /// Epoch, from zero.
        epoch: u32,
        /// Step within the epoch, from zero.
        step: u32,
        /// The cases in its batches.
        cases: Vec<String>,
    },
    /// A thread of the loader panicked.
    #[error("a loader thread panicked while preparing step {step}: {message}")]
    LoaderPanicked {
        /// The step it was working on.
        step: u32,
        /// The panic's message.
        message: String,
    },
    /// The samples of a batch cannot be stacked.
    #[error(
        "batch of {what}: {first:?} of case {first_case} does not match {other:?} of case {other_case}"
    )]
    Ragged {
        /// Images or labels.
        what: &'static str,
        /// Shape of the first sample, channels first.
        first: Vec<usize>,
        /// Its case.
        first_case: String,
        /// The shape that differs.
        other: Vec<usize>,
        /// Its case.
        other_case: String,
    },
    /// A training case has no label map.
    #[error("case {case} has no label map and cannot be trained on")]
    MissingLabels {
        /// The case.
        case: String,
    },
    /// A setting of the run, of a source or a sampler is out of range.
    #[error("{setting} must be {rule}, got {value}")]
    InvalidSetting {
        /// Its name.
        setting: &'static str,
        /// What it must be.
        rule: &'static str,
        /// What was given.
        value: String,
    },
    /// A pattern of names picks out no parameter, or no running mean: a slip of the pen, most likely.
    #[error("no {what} is called {pattern:?}; the first are {names:?}")]
    NoSuchParameter {
        /// Parameter or running mean.
        what: &'static str,
        /// The pattern.
        pattern: String,
        /// The first names that it could have picked out.
        names: Vec<String>,
    },
    /// A network does not give a feature that an objective needs.
    #[error("the network gives no feature called {name:?}")]
    NoSuchFeature {
        /// The name.
        name: String,
    },
    /// Features of two networks cannot be compared.
    #[error(
        "feature {feature}: {student:?} of the student does not match {teacher:?} of the teacher"
    )]
    OtherShape {
        /// Its name in the student.
        feature: String,
        /// The student's shape.
        student: Vec<usize>,
        /// The teacher's shape.
        teacher: Vec<usize>,
    },
    /// An objective has a parameter that would not be trained.
    #[error(
        "the objective's parameter {name} is none of the network's: no optimizer would train it"
    )]
    ForeignParameter {
        /// Its name.
        name: String,
    },
    /// A batch has no samples of two domains.
    #[error(
        "a batch of {samples} samples with {labelled} targets, where those of the source have targets and those of the target have none: cases {cases:?}"
    )]
    OneDomain {
        /// How many samples it has.
        samples: usize,
        /// How many targets.
        labelled: usize,
        /// The cases in it.
        cases: Vec<String>,
    },
    /// The system refused the handlers of signals.
    #[error("handling signals: {source}")]
    Signals {
        /// What it said.
        #[source]
        source: std::io::Error,
    },
    /// There is nothing to train on.
    #[error("{what} must be at least 1, got 0")]
    Nothing {
        /// What was empty.
        what: &'static str,
    },
    /// A case could not be read.
    #[error("reading case {case}: {source}")]
    Reading {
        /// The case.
        case: String,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no case of this number.
    #[error("there are {count} cases, number {number} is none of them")]
    NoSuchCase {
        /// The number asked for, from zero.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// A pipeline that should make whole cases has steps that draw.
    #[error(
        "step {step} draws, but patches are taken before it: put it into the pipeline of the patches"
    )]
    RandomBeforePatch {
        /// Name of the step.
        step: &'static str,
    },
    /// A share of the patients is none.
    #[error("the share of {what} must be within 0 and 1, of training above 0, got {share}")]
    InvalidShare {
        /// Whose share.
        what: &'static str,
        /// The refused value.
        share: f64,
    },
    /// Two cases in different parts of a split share what they should not, or two in one part are the same.
    #[error("{overlap}")]
    Leak {
        /// What they share, both cases and their parts.
        overlap: Box<Overlap>,
    },
    /// Two cases have one name, or one is listed twice.
    #[error("case {case} is there twice")]
    SameName {
        /// The case.
        case: String,
    },
    /// A case lacks what it is to be divided or learnt by.
    #[error("case {case:?} has no {what}")]
    Unnamed {
        /// The case.
        case: String,
        /// What is missing or empty.
        what: &'static str,
    },
    /// There are fewer patients than parts.
    #[error("{needed} parts need a patient each, there are {patients}")]
    TooFewPatients {
        /// How many patients there are.
        patients: usize,
        /// How many are needed.
        needed: usize,
    },
    /// There is nothing to hold out in turn.
    #[error("there must be at least 2 folds, got {folds}")]
    TooFewFolds {
        /// How many there are.
        folds: usize,
    },
    /// A list names a case that is not there.
    #[error("case {case} is listed, but not there")]
    UnknownCase {
        /// The case.
        case: String,
    },
    /// A case is in no list.
    #[error("case {case} is in none of the lists")]
    UnlistedCase {
        /// The case.
        case: String,
    },
    /// Two descriptions of the cases are in another order, or of other cases.
    #[error("case number {number} is {expected}, but {found} where it should be read")]
    OtherCase {
        /// Its number, from zero.
        number: usize,
        /// The name it should have.
        expected: String,
        /// The name it has.
        found: String,
    },
    /// What a case is to be recognised as breaks a rule.
    #[error("the target of case {case} must {rule}, got {found}")]
    InvalidTarget {
        /// The case.
        case: String,
        /// The rule.
        rule: &'static str,
        /// The refused value.
        found: String,
    },
    /// A file of the run could not be read or written.
    #[error("{operation} {path}: {source}")]
    Io {
        /// What was being done.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file of the data does not lie where a manifest can name it.
    #[error("{path} is not below {folder}, or its name is not UTF-8")]
    OutsideFolder {
        /// The file.
        path: PathBuf,
        /// The folder of the data.
        folder: PathBuf,
    },
    /// A file is no manifest.
    #[error("data manifest {path}: {reason}")]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Files of the data are not what they were.
    #[error("the data in {folder} are not those of the manifest: {first}, and {others} more")]
    OtherData {
        /// The folder of the data.
        folder: PathBuf,
        /// The first file that differs.
        first: Box<Difference>,
        /// How many more there are.
        others: usize,
    },
    /// A file of DVC is not what it must be.
    #[error("DVC's file {path}: {reason}")]
    BadDvcFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Data are not what DVC says they were.
    #[error("{path} has the hash {found}, but DVC's file says {expected}")]
    OtherDvcData {
        /// The file or folder.
        path: PathBuf,
        /// The hash it had.
        expected: String,
        /// The hash it has.
        found: String,
    },
    /// A tracking server could not be told something.
    #[cfg(feature = "mlflow")]
    #[error("{doing}: {fault}")]
    Mlflow {
        /// What was being done.
        doing: String,
        /// What went wrong.
        #[source]
        fault: Box<crate::log::mlflow::MlflowFault>,
    },
    /// A file is no record of a run.
    #[error("record {path}: {reason}; without the file, a new record is begun")]
    BadRecord {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint is damaged or of another kind.
    #[error("checkpoint {path}: {reason}")]
    BadCheckpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint belongs to a run with another configuration.
    #[error(
        "checkpoint {path} was written by a run with another configuration: {field} was {checkpoint}, is {current}"
    )]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// What differs.
        field: String,
        /// Its value in the checkpoint.
        checkpoint: String,
        /// Its value now.
        current: String,
    },
    /// Another process is training in the same folder.
    #[error("{path} is in use by another run")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// Processes that learn together do not fit each other, or what carries their numbers failed.
    #[error("learning together: {reason}")]
    Collective {
        /// What went wrong.
        reason: String,
    },
    /// A process that learns with this one has ended.
    #[error("rank {rank} has ended: what it reported says why")]
    RankLeft {
        /// Its number, from zero.
        rank: usize,
    },
    /// Networks of several sites do not fit each other, or a setting of their averaging is out of range.
    #[error("federated learning: {name}: {reason}")]
    Federated {
        /// The value or setting.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A launcher's variable makes no sense.
    #[error("the variable {variable} must be {rule}, got {value:?}")]
    Launch {
        /// The variable.
        variable: &'static str,
        /// What it must be.
        rule: &'static str,
        /// Its value; empty when it is not set.
        value: String,
    },
    /// What the application's validation or observer reported.
    #[error("{what}: {source}")]
    Application {
        /// `validation` or `observer`.
        what: &'static str,
        /// What went wrong.
        #[source]
        source: BoxError,
    },
}

impl Error {
    /// Refuses a setting out of range.
    pub(crate) fn require(
        holds: bool,
        setting: &'static str,
        rule: &'static str,
        value: impl std::fmt::Display,
    ) -> Result<()> {
        if holds {
            return Ok(());
        }
        Err(Self::InvalidSetting {
            setting,
            rule,
            value: value.to_string(),
        })
    }
}
