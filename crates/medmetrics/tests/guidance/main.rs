//! Recommendations for fingerprints, and lints on data with known faults.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod lints;
mod recommendations;
