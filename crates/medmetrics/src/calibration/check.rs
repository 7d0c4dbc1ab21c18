//! What scores and labels must be before anything is computed from them.

use super::binning::Binning;
use crate::error::{Error, Result};
use crate::score::Score;

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

/// Refuses cells that belong to other bins.
pub(crate) fn cells(got: usize, expected: usize) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(Error::Length {
        what: "cells",
        got,
        against: "binning",
        expected,
    })
}

/// Refuses to merge tables of different bins.
/// Refuses saved cells that scores from 0 to 1 cannot have made.
pub(crate) fn possible(cells: impl Iterator<Item = bool>) -> Result<()> {
    let cells: Vec<bool> = cells.collect();
    match cells.iter().position(|possible| !possible) {
        None => Ok(()),
        Some(index) => Err(Error::InvalidParameter {
            parameter: "a cell's sums",
            rule: "those of fewer than 2^44 scores from 0 to 1, but not in cell",
            value: index as f64,
        }),
    }
}

pub(crate) fn same_binning(left: &Binning, right: &Binning) -> Result<()> {
    if left == right {
        return Ok(());
    }
    Err(Error::Incompatible {
        setting: "bins",
        left: left.to_string(),
        right: right.to_string(),
    })
}

/// Refuses fewer than two classes.
pub(crate) fn classes(classes: usize) -> Result<()> {
    if classes >= 2 {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        parameter: "classes",
        rule: "at least 2",
        value: classes as f64,
    })
}

/// Refuses rows of another number of classes.
pub(crate) fn same_classes(got: usize, expected: usize) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(Error::Length {
        what: "a row of classes",
        got,
        against: "what was declared",
        expected,
    })
}

/// Refuses labels that are all alike.
pub(crate) fn both_kinds(what: &'static str, labels: &[bool]) -> Result<()> {
    let positives = labels.iter().filter(|&&label| label).count();
    for (of, got) in [
        ("positive cases", positives),
        ("negative cases", labels.len() - positives),
    ] {
        if got == 0 {
            let least = 1;
            return Err(Error::TooFew {
                what,
                of,
                least,
                got,
            });
        }
    }
    Ok(())
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
