//! What RECIST 1.1 makes of sums of diameters.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The least long axis of a target lesion, in mm (CT with slices up to 5 mm).
pub const TARGET_MM: f64 = 10.0;

/// The least short axis of a lymph node that is a target, in mm.
pub const NODE_TARGET_MM: f64 = 15.0;

/// A lymph node with a short axis below this is normal, in mm.
pub const NODE_NORMAL_MM: f64 = 10.0;

/// A target lesion at one visit, with the diameter that counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A lesion outside lymph nodes: its long axis in mm, 0 once it has vanished.
    Lesion(f64),
    /// A lymph node: its short axis in mm.
    Node(f64),
}

impl Target {
    /// The diameter that counts, in mm.
    #[must_use]
    pub fn diameter_mm(self) -> f64 {
        match self {
            Self::Lesion(diameter) | Self::Node(diameter) => diameter,
        }
    }

    /// Whether it is large enough at baseline to be a target.
    #[must_use]
    pub fn is_measurable(self) -> bool {
        match self {
            Self::Lesion(diameter) => diameter >= TARGET_MM,
            Self::Node(diameter) => diameter >= NODE_TARGET_MM,
        }
    }

    /// Whether nothing pathological is left of it.
    fn is_gone(self) -> bool {
        match self {
            Self::Lesion(diameter) => diameter == 0.0,
            Self::Node(diameter) => diameter < NODE_NORMAL_MM,
        }
    }
}

/// Earlier sums of target diameters, in mm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Before treatment.
    pub baseline_mm: f64,
    /// The smallest so far, baseline included.
    pub nadir_mm: f64,
}

/// The response of target lesions (Eisenhauer et al., Eur. J. Cancer 45:228, 2009, section 4.3).
///
/// ```
/// use medmetrics::measurement::{Response, Sums, Target};
///
/// let sums = Sums { baseline_mm: 80.0, nadir_mm: 40.0 };
/// // Half of baseline, but a quarter above the nadir.
/// let visit = [Target::Lesion(32.0), Target::Node(18.0)];
/// assert_eq!(Response::of_targets(&sums, &visit)?, Some(Response::Progressive));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// All lesions have vanished and all nodes are below 10 mm.
    Complete,
    /// The sum is at least 30 % below baseline.
    Partial,
    /// Neither of the others.
    Stable,
    /// The sum is at least 20 % and 5 mm above the nadir.
    Progressive,
}

/// Sums of rounded millimetres reach a threshold despite the rounding of binary fractions.
const ROUNDING: f64 = 1e-9;

impl Response {
    /// The response of one visit's targets, `None` without targets or with a baseline of 0.
    ///
    /// Progression is judged before partial response, complete response before both. A new lesion is
    /// progression whatever the targets say, which is for the caller to add.
    ///
    /// # Errors
    /// Refuses diameters and sums that are negative or not finite, and a nadir above the baseline.
    pub fn of_targets(sums: &Sums, targets: &[Target]) -> Result<Option<Self>> {
        let diameters: Vec<f64> = targets.iter().map(|target| target.diameter_mm()).collect();
        check("target diameters", &diameters)?;
        check("sums", &[sums.baseline_mm, sums.nadir_mm])?;
        if sums.nadir_mm > sums.baseline_mm {
            return Err(Error::InvalidParameter {
                parameter: "nadir_mm",
                rule: "at most the baseline",
                value: sums.nadir_mm,
            });
        }
        if targets.is_empty() || sums.baseline_mm == 0.0 {
            return Ok(None);
        }
        let sum: f64 = diameters.iter().sum();
        let growth = sum - sums.nadir_mm;
        Ok(Some(if targets.iter().all(|target| target.is_gone()) {
            Self::Complete
        } else if growth >= 5.0 - ROUNDING && growth >= 0.2 * sums.nadir_mm - ROUNDING {
            Self::Progressive
        } else if sum <= 0.7 * sums.baseline_mm + ROUNDING {
            Self::Partial
        } else {
            Self::Stable
        }))
    }
}

/// `CR`, `PR`, `SD` or `PD`.
impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "CR",
            Self::Partial => "PR",
            Self::Stable => "SD",
            Self::Progressive => "PD",
        })
    }
}

fn check(what: &'static str, values: &[f64]) -> Result<()> {
    match { values.iter() }.position(|value| !(value.is_finite() && *value >= 0.0)) {
        Some(index) => Err(Error::InvalidValue {
            what,
            rule: "finite and not negative",
            index,
            value: values[index],
        }),
        None => Ok(()),
    }
}
