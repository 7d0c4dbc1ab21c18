//! Comparing with what another library found.

/// Equal to a relative error, or to twelve digits after the point.
#[track_caller]
pub(crate) fn assert_within(got: f64, want: f64, relative: f64, what: &str) {
    let far = (got - want).abs();
    assert!(
        far <= relative * want.abs() + 1e-12,
        "{what}: {got} is not {want}"
    );
}
