//! What detectors have in common: the boxes they find, the boxes they are trained on, and rows of what they say.

mod detector;
mod found;
pub mod retinanet;
pub(crate) mod rows;
mod truths;
pub mod yolo;

pub use detector::{Detector, create_detector};
pub use found::{Detected, DetectionRules};
pub use mednn::detection::Truth;
pub use truths::stack_truths;

pub(crate) use truths::{as_loss, check_truths};

/// The probability of a logit.
pub(crate) fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}
