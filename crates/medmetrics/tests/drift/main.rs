//! Agreement with SciPy and with evidently's rules, through committed fixtures, and the laws of drift.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod distances;
mod reports;
mod sequential;

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

fn fixture() -> serde_json::Value {
    serde_json::from_str(include_str!("distances.json")).unwrap()
}
