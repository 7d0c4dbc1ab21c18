//! What the tests of this folder share: fixtures and comparisons.

use medcore::random::Random;
use serde_json::Value;

pub(crate) use crate::fixture::numbers;
use crate::fixture::read;

/// The fixture of this name, written by the script beside it.
pub(crate) fn fixture(name: &str) -> Value {
    read(&format!("agreement/{name}.json"))
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

pub(crate) fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

/// Equal to a relative error, or an absolute one for numbers below one.
#[track_caller]
pub(crate) fn near(got: f64, want: f64, tolerance: f64, what: &str) {
    assert!(
        (got - want).abs() <= tolerance * want.abs().max(1.0),
        "{what}: {got}, should be {want}"
    );
}

/// The place at which a uniform number falls among shares that sum to one.
pub(crate) fn draw(shares: &[f64], random: &mut Random) -> usize {
    let mut left = random.uniform();
    for (place, share) in shares.iter().enumerate() {
        left -= share;
        if left < 0.0 {
            return place;
        }
    }
    shares.len() - 1
}

/// An interval holds the truth as often as the reference's does, within Monte-Carlo error.
#[track_caller]
pub(crate) fn assert_coverage(reference: &Value, mut holds: impl FnMut() -> bool) {
    const RUNS: u32 = 4000;
    let want = number(&reference["coverage"]);
    let hits = (0..RUNS).filter(|_| holds()).count();
    let got = hits as f64 / f64::from(RUNS);
    let runs = 1.0 / f64::from(RUNS) + 1.0 / number(&reference["runs"]);
    let error = (want * (1.0 - want) * runs).sqrt();
    assert!(
        (got - want).abs() <= 3.5 * error,
        "{got} of intervals hold the truth, the reference's {want} ± {error}: {reference}"
    );
}
