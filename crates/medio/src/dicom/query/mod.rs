//! The choice of one stack from all that a folder holds, declared as data and explained by numbers.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "counts of slices, degrees and millimetres"
)]

mod judge;
mod reason;
mod select;

use serde::{Deserialize, Serialize};

pub use reason::{Candidate, Reason, Rejection};
pub use select::Selection;

/// How slices lie in the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnatomicalPlane {
    /// At right angles to the long axis of the body.
    Axial,
    /// Parallel to chest and back.
    Coronal,
    /// Parallel to the sides.
    Sagittal,
}

/// What a text has to be; upper and lower case count alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextPattern {
    /// It has this in it.
    Contains(String),
    /// It is this.
    Equals(String),
}

/// A range of numbers with both its ends; either may be open.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Within {
    /// The lowest number allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// The highest number allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
}

impl Within {
    /// From one number to another, both allowed.
    #[must_use]
    pub fn new(at_least: f64, at_most: f64) -> Self {
        Self {
            at_least: Some(at_least),
            at_most: Some(at_most),
        }
    }

    /// Up to a number.
    #[must_use]
    pub fn at_most(most: f64) -> Self {
        Self {
            at_least: None,
            at_most: Some(most),
        }
    }

    /// From a number on.
    #[must_use]
    pub fn at_least(least: f64) -> Self {
        Self {
            at_least: Some(least),
            at_most: None,
        }
    }
}

/// Which of several stacks that answer a query is the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Preference {
    /// The smallest `SliceThickness`.
    ThinnestSlices,
    /// The smallest distance from slice to slice.
    ClosestSlices,
    /// The most slices in different places.
    MostSlices,
    /// The smallest pixels.
    FinestPixels,
    /// The lowest `SeriesNumber`.
    FirstSeries,
    /// The highest `SeriesNumber`.
    LastSeries,
}

/// What a series of images has to be.
///
/// Nothing is asked unless it is set. What is asked must be said by the files: a stack without the attribute
/// is refused, never guessed. If several stacks answer, the preferences are applied in their order; what is
/// ambiguous then is an error.
///
/// ```
/// use medio::dicom::{AnatomicalPlane, Preference, SeriesQuery, Within};
///
/// let query = SeriesQuery::new()
///     .modality("CT")
///     .plane(AnatomicalPlane::Axial)
///     .slice_thickness(Within::at_most(3.0))
///     .image_type("ORIGINAL")
///     .without_image_type("LOCALIZER")
///     .minimum_slices(20)
///     .prefer(Preference::ThinnestSlices);
/// let same: SeriesQuery = serde_json::from_str(&serde_json::to_string(&query)?)?;
/// assert_eq!(same, query);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeriesQuery {
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    study_uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    series_uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plane: Option<AnatomicalPlane>,
    within_degrees: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_slices: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contrast: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    image_type: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    image_type_excludes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    description_excludes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    prefer: Vec<Preference>,
    // Tables come last, as TOML wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    slice_thickness: Option<Within>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slice_spacing: Option<Within>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pixel_spacing: Option<Within>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<TextPattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_part: Option<TextPattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<TextPattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<TextPattern>,
}

impl Default for SeriesQuery {
    fn default() -> Self {
        Self {
            patient_id: None,
            study_uid: None,
            series_uid: None,
            modality: None,
            plane: None,
            within_degrees: 20.0,
            minimum_slices: None,
            contrast: None,
            phase: None,
            image_type: Vec::new(),
            image_type_excludes: Vec::new(),
            description_excludes: Vec::new(),
            prefer: Vec::new(),
            slice_thickness: None,
            slice_spacing: None,
            pixel_spacing: None,
            kernel: None,
            body_part: None,
            description: None,
            protocol: None,
        }
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident)*) => { $(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, value: impl Into<String>) -> Self {
            self.$name = Some(value.into());
            self
        }
    )* };
}

macro_rules! values {
    ($($(#[$doc:meta])* $name:ident: $t:ty)*) => { $(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, value: $t) -> Self {
            self.$name = Some(value);
            self
        }
    )* };
}

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident to $field:ident)*) => { $(
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, term: impl Into<String>) -> Self {
            self.$field.push(term.into());
            self
        }
    )* };
}

impl SeriesQuery {
    /// Asks nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    texts! {
        /// `PatientID` is this.
        patient_id
        /// `StudyInstanceUID` is this.
        study_uid
        /// `SeriesInstanceUID` is this.
        series_uid
        /// `Modality` is this, for instance `CT`.
        modality
        /// `ContrastBolusAgentPhase` is this, for instance `PORTAL_VENOUS`: no description is taken for it.
        phase
    }

    values! {
        /// Slices lie in this plane, or within some degrees of it.
        plane: AnatomicalPlane
        /// `SliceThickness` is so many millimetres.
        slice_thickness: Within
        /// The usual distance from slice to slice, measured between their places, is so many millimetres.
        slice_spacing: Within
        /// The larger of both sides of a pixel is so many millimetres.
        pixel_spacing: Within
        /// `ConvolutionKernel` is this or has it in it.
        kernel: TextPattern
        /// `BodyPartExamined` is this or has it in it.
        body_part: TextPattern
        /// `SeriesDescription` is this or has it in it.
        description: TextPattern
        /// `ProtocolName` is this or has it in it.
        protocol: TextPattern
        /// A contrast agent is named, or none is.
        contrast: bool
        /// Slices lie in at least so many different places.
        minimum_slices: usize
    }

    lists! {
        /// One of the values of `ImageType` is this, for instance `ORIGINAL`.
        image_type to image_type
        /// None of the values of `ImageType` is this, for instance `LOCALIZER`.
        without_image_type to image_type_excludes
        /// `SeriesDescription` does not have this in it.
        without_description to description_excludes
    }

    /// How far slices may be turned out of the plane that is asked for: 20 degrees unless set.
    #[must_use]
    pub fn within_degrees(mut self, degrees: f64) -> Self {
        self.within_degrees = degrees;
        self
    }

    /// Which of several stacks is the better; what was said first counts first.
    #[must_use]
    pub fn prefer(mut self, preference: Preference) -> Self {
        self.prefer.push(preference);
        self
    }
}
