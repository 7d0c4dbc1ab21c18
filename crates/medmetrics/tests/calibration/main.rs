//! Agreement with the field's Python libraries, through committed fixtures, and the laws of calibration.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod calibrators;
#[path = "../common/fixture.rs"]
mod fixture;
mod laws;
mod scores;
mod tables;
#[path = "../common/within.rs"]
mod within;

use fixture::numbers;
use within::assert_within;

/// Equal to six digits, or to twelve after the point.
fn assert_near(got: f64, want: f64, what: &str) {
    assert_within(got, want, 1e-6, what);
}

/// Truths of a fixture.
fn truths(value: &serde_json::Value) -> Vec<bool> {
    let entries = value.as_array().unwrap();
    entries.iter().map(|v| v.as_bool().unwrap()).collect()
}
