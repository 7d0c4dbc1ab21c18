//! What a region of interest is (PS3.3 sections C.8.8.5 and C.8.8.8).

use super::super::dataset::Dataset;
use super::super::derived::Code;
use super::super::fault::Fault;
use super::super::segmentation::AlgorithmKind;
use super::super::tag::Tag;

/// A region of interest: what it is called and what it is taken for.
///
/// ```
/// use medio::dicom::{Roi, RoiType, codes};
///
/// let liver = Roi::new("Liver").interpreted(RoiType::Organ).code(codes::LIVER).colour([221, 130, 101]);
/// assert_eq!(liver.name, "Liver");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Roi {
    /// `ROINumber`: its place from 1 in a structure set that is being made.
    pub number: u32,
    /// `ROIName`
    pub name: String,
    /// `ROIDescription`
    pub description: Option<String>,
    /// `RTROIInterpretedType`
    pub interpreted: RoiType,
    /// What drew it; none if that is not known.
    pub algorithm: Option<AlgorithmKind>,
    /// What it is, as a code.
    pub code: Option<Code>,
    /// The colour in which it wants to be shown, as red, green and blue.
    pub colour: Option<[u8; 3]>,
    /// The frame of reference in which its millimetres count.
    pub frame_of_reference: String,
}

/// What a region of interest is taken for in radiotherapy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RoiType {
    /// Nothing is said.
    #[default]
    Unstated,
    /// An organ.
    Organ,
    /// The outer surface of the patient.
    External,
    /// Gross tumour volume.
    GrossTumourVolume,
    /// Clinical target volume.
    ClinicalTargetVolume,
    /// Planning target volume.
    PlanningTargetVolume,
    /// What is to get little dose.
    Avoidance,
    /// Another term of PS3.3 section C.8.8.8, for instance `CAVITY`.
    Other(String),
}

impl RoiType {
    const TERMS: [(Self, &'static str); 7] = [
        (Self::Unstated, ""),
        (Self::Organ, "ORGAN"),
        (Self::External, "EXTERNAL"),
        (Self::GrossTumourVolume, "GTV"),
        (Self::ClinicalTargetVolume, "CTV"),
        (Self::PlanningTargetVolume, "PTV"),
        (Self::Avoidance, "AVOIDANCE"),
    ];

    pub(super) fn term(&self) -> &str {
        if let Self::Other(term) = self {
            return term;
        }
        let known = Self::TERMS.iter().find(|(kind, _)| kind == self);
        known.map_or("", |(_, term)| term)
    }

    pub(super) fn of_term(term: &str) -> Self {
        let known = Self::TERMS.into_iter().find(|(_, known)| *known == term);
        known.map_or_else(|| Self::Other(term.to_owned()), |(kind, _)| kind)
    }
}

impl Roi {
    /// A region that a program drew and of which nothing but its name is said.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            number: 0,
            name: name.into(),
            description: None,
            interpreted: RoiType::Unstated,
            algorithm: Some(AlgorithmKind::Automatic),
            code: None,
            colour: None,
            frame_of_reference: String::new(),
        }
    }

    /// Says what it is taken for.
    #[must_use]
    pub fn interpreted(mut self, interpreted: RoiType) -> Self {
        self.interpreted = interpreted;
        self
    }

    /// Says what drew it.
    #[must_use]
    pub fn algorithm(mut self, algorithm: AlgorithmKind) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// Says what it is, as a code.
    #[must_use]
    pub fn code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }

    /// Describes it in words.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Recommends a colour, as red, green and blue.
    #[must_use]
    pub fn colour(mut self, rgb: [u8; 3]) -> Self {
        self.colour = Some(rgb);
        self
    }
}

/// The number of a region in an item of one of the structure set's sequences.
pub(super) fn number_of(item: &Dataset, tag: Tag) -> Result<u32, Fault> {
    let number = item.required_integer(tag)?;
    u32::try_from(number).map_err(|_| Fault::attribute(tag, "0 or above", number))
}
