//! An image as a whole: which findings it shows, how sure that is, and whether it is of the kind the network knows.

mod answer;
mod classifier;
mod config;
mod decision;
mod grade;
mod image;
mod kind;
mod label;
mod panel;
mod pooled;
mod result;
mod rules;
mod uncertainty;

pub use answer::AnswerConfig;
pub use classifier::Classifier;
pub use config::{Calibration, ClassifierConfig};
pub use decision::{Decision, OperatingPoint};
pub use grade::Grade;
pub use kind::LabelKind;
pub use label::{ClassLabel, Code};
pub use result::Classification;
pub use uncertainty::{MonteCarlo, Uncertainty};

pub(crate) use config::{VERSION, check_model, check_pipeline, check_version, refuse};
pub(crate) use image::{Sight, check_input};
pub(crate) use label::check_labels;
pub(crate) use panel::Panel;
pub(crate) use rules::Rules;
pub(crate) use uncertainty::entropy_part;
