//! Agreement with the field's Python libraries, through committed fixtures, and the laws of calibration.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod calibrators;
mod laws;
mod scores;
mod tables;

/// Equal to six digits, or to twelve after the point.
fn assert_near(got: f64, want: f64, what: &str) {
    assert_within(got, want, 1e-6, what);
}

fn assert_within(got: f64, want: f64, relative: f64, what: &str) {
    let far = (got - want).abs();
    assert!(
        far <= relative * want.abs() + 1e-12,
        "{what}: {got} is not {want}"
    );
}

/// Numbers of a fixture.
fn numbers(value: &serde_json::Value) -> Vec<f64> {
    let entries = value.as_array().unwrap();
    entries.iter().map(|v| v.as_f64().unwrap()).collect()
}

/// Truths of a fixture.
fn truths(value: &serde_json::Value) -> Vec<bool> {
    let entries = value.as_array().unwrap();
    entries.iter().map(|v| v.as_bool().unwrap()).collect()
}
