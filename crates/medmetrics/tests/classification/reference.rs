//! How numbers of a fixture are compared.

use serde_json::Value;

/// A number of the fixture; `None` for what the library calls NaN.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Null => None,
        Value::Number(number) => number.as_f64(),
        other => panic!("{other} is no number"),
    }
}

/// Asserts equality within a relative error, of `None` with `None`.
#[track_caller]
pub(crate) fn assert_close(got: Option<f64>, want: Option<f64>, tolerance: f64, what: &str) {
    match (got, want) {
        (None, None) => {}
        (Some(got), Some(want)) if got == want => {}
        (Some(got), Some(want)) if (got - want).abs() <= tolerance * want.abs().max(1e-3) => {}
        _ => panic!("{what}: {got:?}, should be {want:?}"),
    }
}

/// The list under a name.
#[track_caller]
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

/// The numbers under a name.
#[track_caller]
pub(crate) fn numbers(value: &Value, name: &str) -> Vec<f64> {
    let list = list(value, name);
    list.iter().map(|v| number(v).unwrap()).collect()
}

/// The whole numbers under a name.
#[track_caller]
pub(crate) fn labels(value: &Value, name: &str) -> Vec<u32> {
    let list = list(value, name);
    list.iter()
        .map(|v| u32::try_from(v.as_u64().unwrap()).unwrap())
        .collect()
}
