//! Reading what the scripts beside the tests have written.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// A committed JSON file by its path from the folder of tests, such as `agreement/kappa.json`.
#[track_caller]
pub(crate) fn read<T: DeserializeOwned>(name: &str) -> T {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    serde_json::from_slice(&std::fs::read(tests.join(name)).unwrap()).unwrap()
}

/// A list of numbers.
#[track_caller]
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    let entries = value.as_array().unwrap();
    entries.iter().map(|v| v.as_f64().unwrap()).collect()
}
