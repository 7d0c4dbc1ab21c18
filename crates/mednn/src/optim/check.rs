//! Ranges of settings.

use crate::error::{Error, Result};

fn require(
    holds: bool,
    op: &'static str,
    setting: &'static str,
    rule: &'static str,
    value: f64,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Setting {
        op,
        setting,
        rule,
        value: value.to_string(),
    })
}

/// A memory: 0 forgets at once, 1 would never learn.
pub(super) fn memory(op: &'static str, setting: &'static str, value: f64) -> Result<()> {
    let holds = (0.0..1.0).contains(&value);
    require(holds, op, setting, "in [0, 1)", value)
}

pub(super) fn not_negative(op: &'static str, setting: &'static str, value: f64) -> Result<()> {
    let holds = value >= 0.0 && value.is_finite();
    require(holds, op, setting, "finite and at least 0", value)
}

pub(super) fn positive(op: &'static str, setting: &'static str, value: f64) -> Result<()> {
    require(value > 0.0, op, setting, "positive", value)
}

pub(super) fn finite(op: &'static str, setting: &'static str, value: f64) -> Result<()> {
    require(value.is_finite(), op, setting, "finite", value)
}

pub(super) fn fraction(op: &'static str, setting: &'static str, value: f64) -> Result<()> {
    let holds = (0.0..=1.0).contains(&value);
    require(holds, op, setting, "in [0, 1]", value)
}
