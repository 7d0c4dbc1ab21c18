//! Boxes around findings, on the image they were found in.

mod config;
mod detector;
mod fusion;
mod tile;

pub use config::{BoxRules, DetectorConfig, Framing};
pub use detector::{BoxDetector, FoundBox};
pub use fusion::BoxFusion;
