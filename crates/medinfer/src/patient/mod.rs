//! Patient data, with an image or without: what a record says, or what both say together.

mod examination;
mod fused;
mod fused_config;
mod record;
mod record_config;

pub use examination::Examination;
pub use fused::FusedClassifier;
pub use fused_config::FusedConfig;
pub use record::RecordClassifier;
pub use record_config::RecordConfig;
