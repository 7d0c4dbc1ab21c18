//! Decisions, scores and probabilities: agreement with the field's Python libraries, and laws.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod benefit;
mod decisions;
mod decisions_laws;
mod rankings;
mod rankings_laws;
mod reference;
mod resampling;
