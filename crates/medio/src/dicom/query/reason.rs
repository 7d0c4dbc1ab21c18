//! Why stacks are not what was asked for.

use std::fmt;

use super::super::scan::{Series, Study};
use super::super::stack::Stack;
use super::{AnatomicalPlane, Preference, TextPattern, Within};

/// A stack, or a series without images, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// Study instance UID.
    pub study_uid: String,
    /// Series instance UID.
    pub series_uid: String,
    /// `SeriesNumber`
    pub number: Option<i64>,
    /// `SeriesDescription`
    pub description: Option<String>,
    /// Number, role and raster of its slices; none if the series has no images.
    pub stack: Option<String>,
}

impl Candidate {
    pub(super) fn of(study: &Study, series: &Series, stack: Option<&Stack>) -> Self {
        Self {
            study_uid: study.uid.clone(),
            series_uid: series.uid.clone(),
            number: series.number,
            description: series.description.clone(),
            stack: stack.map(Stack::describe),
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("series ")?;
        match self.number {
            Some(number) => write!(f, "{number}")?,
            None => f.write_str(&self.series_uid)?,
        }
        if let Some(description) = &self.description {
            write!(f, " {description:?}")?;
        }
        match &self.stack {
            Some(stack) => write!(f, ", {stack}"),
            None => Ok(()),
        }
    }
}

/// A stack that was not chosen, and why.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Rejection {
    /// Which.
    pub candidate: Candidate,
    /// Everything that speaks against it.
    pub reasons: Vec<Reason>,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<String> = self.reasons.iter().map(Reason::to_string).collect();
        write!(f, "{}: {}", self.candidate, reasons.join(", "))
    }
}

/// One thing that speaks against a stack.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// There are no images.
    #[error("it has no images")]
    NoImages,
    /// A text is another, or is not given.
    #[error("{attribute} must {wanted}, {}", is(found.as_ref().map(|text| format!("{text:?}"))))]
    Text {
        /// The attribute's keyword.
        attribute: &'static str,
        /// What it has to be.
        wanted: TextPattern,
        /// What it is.
        found: Option<String>,
    },
    /// A term is not among the values of an attribute.
    #[error("{attribute} must name {wanted}, is {found:?}")]
    Lacks {
        /// The attribute's keyword.
        attribute: &'static str,
        /// What is not there.
        wanted: String,
        /// What is there.
        found: Vec<String>,
    },
    /// Something is there that must not be.
    #[error("{attribute} must not name {unwanted}")]
    Names {
        /// The attribute's keyword.
        attribute: &'static str,
        /// What is there.
        unwanted: String,
    },
    /// A number is outside its range, or is not given.
    #[error("{what} must be {within} mm, {}", is(found.map(|mm| format!("{mm:.3} mm"))))]
    Outside {
        /// `slice thickness`, `slice spacing` or `pixel spacing`.
        what: &'static str,
        /// The range, in millimetres.
        within: Within,
        /// What it is, in millimetres.
        found: Option<f64>,
    },
    /// The slices are turned out of the plane.
    #[error(
        "it must be {plane} within {limit} degrees, {}",
        is(degrees.map(|d| format!("turned by {d:.1}")))
    )]
    Turned {
        /// The plane.
        plane: AnatomicalPlane,
        /// How far it may be turned.
        limit: f64,
        /// How far it is turned.
        degrees: Option<f64>,
    },
    /// A contrast agent is named and must not be, or the other way round.
    #[error("a contrast agent {}", if *wanted { "must be named, none is" } else { "must not be named, one is" })]
    Contrast {
        /// Whether one must be named.
        wanted: bool,
    },
    /// There are too few slices.
    #[error("{least} slices or more are needed, there are {found}")]
    TooFewSlices {
        /// The least.
        least: usize,
        /// How many there are.
        found: usize,
    },
    /// Another stack is better by a preference.
    #[error("another is better in {preference}: {best} against {}", found.map_or("none".to_owned(), |v| v.to_string()))]
    NotPreferred {
        /// The preference.
        preference: Preference,
        /// The best number.
        best: f64,
        /// The number of this stack.
        found: Option<f64>,
    },
}

fn is(found: Option<String>) -> String {
    found.map_or_else(|| "is not given".to_owned(), |found| format!("is {found}"))
}

impl fmt::Display for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contains(text) => write!(f, "contain {text:?}"),
            Self::Equals(text) => write!(f, "be {text:?}"),
        }
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.at_least, self.at_most) {
            (Some(least), Some(most)) => write!(f, "{least} to {most}"),
            (Some(least), None) => write!(f, "at least {least}"),
            (None, Some(most)) => write!(f, "at most {most}"),
            (None, None) => f.write_str("any number of"),
        }
    }
}

impl fmt::Display for AnatomicalPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        })
    }
}

impl fmt::Display for Preference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ThinnestSlices => "slice thickness (mm)",
            Self::ClosestSlices => "slice spacing (mm)",
            Self::MostSlices => "number of slices",
            Self::FinestPixels => "pixel spacing (mm)",
            Self::FirstSeries | Self::LastSeries => "series number",
        })
    }
}
