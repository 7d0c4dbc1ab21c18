//! An image as a whole: which findings it shows, how sure that is, and whether it is of the kind the network knows.

mod classifier;
mod config;
mod decision;
mod label;
mod pooled;
mod result;
mod uncertainty;

pub use classifier::Classifier;
pub use config::{Calibration, ClassifierConfig, LabelKind};
pub use decision::{Decision, OperatingPoint};
pub use label::{ClassLabel, Code};
pub use result::Classification;
pub use uncertainty::{MonteCarlo, Uncertainty};

pub(crate) use classifier::check_input;
pub(crate) use config::{VERSION, check_model, check_pipeline, refuse};
pub(crate) use label::check_labels;
