//! An image as a whole: which findings it shows, how sure that is, and whether it is of the kind the network knows.

mod classifier;
mod config;
mod decision;
mod label;
mod result;
mod uncertainty;

pub use classifier::Classifier;
pub use config::{Calibration, ClassifierConfig, LabelKind};
pub use decision::{Decision, OperatingPoint};
pub use label::{ClassLabel, Code};
pub use result::Classification;
pub use uncertainty::{MonteCarlo, Uncertainty};

pub(crate) use config::refuse;
use label::check_labels;
