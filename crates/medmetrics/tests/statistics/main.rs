//! Agreement with SciPy, statsmodels and published examples, coverage of intervals, laws.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bootstrap;
mod delong;
mod limits;
mod multi_reader;
mod proportion;
mod sample_size;
mod tests;

/// Fails unless the two agree to a share of the second, or to that much where it is below 1e-3.
#[track_caller]
fn assert_near(got: f64, want: f64, relative: f64) {
    assert!(
        (got - want).abs() <= relative * want.abs().max(1e-3),
        "{got} is not {want}"
    );
}
