//! Semantic versions of bundles.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::classify::refuse;
use crate::error::{Error, Result};

/// A version as `1.2.0` (<https://semver.org>), without labels behind it.
///
/// For a bundle, major counts what those who feed it and read it notice: another input or other labels. Minor counts other
/// answers to the same question: weights, thresholds, calibration. Patch counts the rest.
///
/// ```
/// use medinfer::Version;
///
/// let version: Version = "1.2.0".parse()?;
/// assert!(version < Version::new(1, 10, 0));
/// assert!("1.2".parse::<Version>().is_err());
/// # Ok::<(), medinfer::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// Changes with the input or the labels.
    pub major: u32,
    /// Changes with weights or thresholds.
    pub minor: u32,
    /// Changes with anything else.
    pub patch: u32,
}

impl Version {
    /// A version of these numbers.
    #[must_use]
    pub fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl FromStr for Version {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let part = |part: &str| {
            let is_plain = part.bytes().all(|byte| byte.is_ascii_digit())
                && (part.len() == 1 || !part.starts_with('0'));
            part.parse().ok().filter(|_| is_plain)
        };
        let parts: Option<Vec<u32>> = text.split('.').map(part).collect();
        match parts.as_deref() {
            Some(&[major, minor, patch]) => Ok(Self::new(major, minor, patch)),
            _ => refuse("version", "three numbers as 1.2.0", format!("{text:?}")),
        }
    }
}

impl TryFrom<String> for Version {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}
