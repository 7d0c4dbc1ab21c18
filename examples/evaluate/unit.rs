//! Which cases belong to one patient.

use std::str::FromStr;

/// How a patient is read from a case's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UnitRule {
    /// Each case is one.
    Case,
    /// The name before the first such text.
    Before(String),
    /// This many letters of the name.
    First(usize),
}

impl FromStr for UnitRule {
    type Err = String;

    fn from_str(rule: &str) -> Result<Self, String> {
        match rule.split_once(':') {
            None if rule == "case" => Ok(Self::Case),
            Some(("before", text)) if !text.is_empty() => Ok(Self::Before(text.to_owned())),
            Some(("first", count)) => match count.parse() {
                Ok(count) if count > 0 => Ok(Self::First(count)),
                _ => Err(format!("{count:?} is no number of letters")),
            },
            _ => Err(format!("{rule:?} is not case, before:TEXT or first:N")),
        }
    }
}

impl UnitRule {
    /// The patient of a case.
    pub(crate) fn unit(&self, case: &str) -> String {
        match self {
            Self::Case => case.to_owned(),
            Self::Before(text) => case.split(text.as_str()).next().unwrap_or(case).to_owned(),
            Self::First(count) => case.chars().take(*count).collect(),
        }
    }
}
