//! What scores and labels must be before anything is computed from them.

use super::score::Score;
use crate::error::{Error, Result};

/// Refuses lists of different lengths.
pub(crate) fn same_length(what: &'static str, got: usize, expected: usize) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(Error::Length {
        what,
        got,
        against: "scores",
        expected,
    })
}

/// Refuses what is not a probability, NaN among them; `offset` is the place of the first entry.
pub(crate) fn probabilities<P: Score>(values: &[P], offset: usize) -> Result<()> {
    // Without a branch the test vectorises.
    let fine = |p: f64| (0.0..=1.0).contains(&p);
    if values.iter().fold(true, |all, &p| all & fine(p.into())) {
        return Ok(());
    }
    refuse(values, offset, "a probability from 0 to 1", fine)
}

/// Refuses probabilities that have no logit: 0, 1 and what is no probability.
pub(crate) fn open_probabilities<P: Score>(values: &[P]) -> Result<()> {
    let rule = "a probability between 0 and 1, both excluded, to have a logit";
    refuse(values, 0, rule, |p| p > 0.0 && p < 1.0)
}

/// Refuses infinities and NaN.
pub(crate) fn finite<P: Score>(values: &[P]) -> Result<()> {
    refuse(values, 0, "a finite number", f64::is_finite)
}

fn refuse<P: Score>(
    values: &[P],
    offset: usize,
    rule: &'static str,
    fine: impl Fn(f64) -> bool,
) -> Result<()> {
    match values.iter().position(|&v| !fine(v.into())) {
        None => Ok(()),
        Some(index) => Err(Error::InvalidValue {
            what: "scores",
            rule,
            index: offset + index,
            value: values[index].into(),
        }),
    }
}
