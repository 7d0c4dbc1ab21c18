//! Patient data, with an image or without: what a record says, or what both say together.

mod examination;
mod fused;
mod fused_config;
mod known;
mod record;
mod record_config;
mod token_source;

pub use examination::Examination;
pub use fused::FusedClassifier;
pub use fused_config::FusedConfig;
pub use known::{Known, PatientData};
pub use record::RecordClassifier;
pub use record_config::RecordConfig;
pub use token_source::TokenSource;
