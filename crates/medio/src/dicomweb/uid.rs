//! Unique identifiers, checked before they go into a path or a file name (PS3.5 section 9.1).

use std::fmt;
use std::str::FromStr;

use super::fault::Fault;

/// A unique identifier: numbers with full stops between them, 64 characters at most.
///
/// Leading zeros of a number, which the standard forbids and some devices write, are let through.
///
/// ```
/// use medio::dicomweb::Uid;
///
/// let uid: Uid = "1.2.840.10008.1.1".parse()?;
/// assert!("../../etc/passwd".parse::<Uid>().is_err());
/// # Ok::<(), medio::dicomweb::Fault>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(Box<str>);

impl Uid {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Uid {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if text.len() <= 64 && text.split('.').all(digits) {
            return Ok(Self(text.into()));
        }
        Err(Fault::InvalidUid {
            value: text.chars().take(80).collect(),
        })
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Uid {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_and_full_stops_pass() {
        for text in ["1", "1.2.840", "2.25.0123", &"1".repeat(64)] {
            assert_eq!(text.parse::<Uid>().unwrap().as_str(), text);
        }
        for text in [
            "",
            ".",
            "..",
            "1.",
            ".1",
            "1..2",
            "1.a",
            "1/2",
            "1.2 ",
            "1.2\0",
            "١.٢",
            &"1".repeat(65),
        ] {
            assert!(text.parse::<Uid>().is_err(), "{text:?}");
        }
    }
}
