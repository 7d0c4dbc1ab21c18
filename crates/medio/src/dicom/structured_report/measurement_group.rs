//! Measurements of one finding (PS3.16 TID 300, 1410, 1411 and 1501).

use super::super::derived::Code;
use super::content::ContentItem;
use super::region::Region;

/// What a group's measurements are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupKind {
    /// An image or a series as a whole (TID 1501).
    General,
    /// A region of one plane (TID 1410).
    Planar,
    /// A region of a volume (TID 1411).
    Volumetric,
}

/// Where a finding lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingSite {
    /// The anatomic site.
    pub site: Code,
    /// Left or right.
    pub laterality: Option<Code>,
    /// Which part of it.
    pub modifier: Option<Code>,
}

impl From<Code> for FindingSite {
    fn from(site: Code) -> Self {
        Self {
            site,
            laterality: None,
            modifier: None,
        }
    }
}

/// One number with its unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// What was measured.
    pub concept: Code,
    /// The number and its unit; none if measuring failed.
    pub value: Option<(f64, Code)>,
    /// What is wrong with the number.
    pub qualifier: Option<Code>,
    /// How it was made from many: mean, maximum ...
    pub derivation: Option<Code>,
    /// How it was measured.
    pub method: Option<Code>,
    /// Items below it that are not modelled here.
    pub other: Vec<ContentItem>,
}

impl Measurement {
    /// A number with its unit.
    #[must_use]
    pub fn new(concept: Code, value: f64, unit: Code) -> Self {
        Self {
            concept,
            value: Some((value, unit)),
            qualifier: None,
            derivation: None,
            method: None,
            other: Vec::new(),
        }
    }

    /// Says how the number was made from many: mean, maximum ...
    #[must_use]
    pub fn derivation(mut self, derivation: Code) -> Self {
        self.derivation = Some(derivation);
        self
    }

    /// Says how it was measured.
    #[must_use]
    pub fn method(mut self, method: Code) -> Self {
        self.method = Some(method);
        self
    }
}

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvaluationValue {
    /// A concept.
    Code(Code),
    /// A text.
    Text(String),
}

/// Something that was judged and not measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// What was judged.
    pub concept: Code,
    /// What it came to.
    pub value: EvaluationValue,
}

/// Measurements of one finding.
///
/// ```
/// use medio::dicom::{GroupKind, MeasurementGroup, codes};
///
/// let group = MeasurementGroup::new(GroupKind::General)
///     .tracking("nodule 1", "2.25.11")
///     .finding(codes::NODULE)
///     .site(codes::THYROID)
///     .measure(codes::LONG_AXIS, 7.5, codes::MILLIMETRE);
/// assert_eq!(group.measurement(&codes::LONG_AXIS), Some((7.5, &codes::MILLIMETRE)));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MeasurementGroup {
    /// What is measured.
    pub kind: GroupKind,
    /// What people call the finding; a number is written if nothing is given.
    pub tracking_id: Option<String>,
    /// What follows the finding from examination to examination; a new one is written if nothing is given.
    pub tracking_uid: Option<String>,
    /// Outlines or a segment; one for planar groups, one or more for volumetric ones.
    pub regions: Vec<Region>,
    /// Category of the finding.
    pub category: Option<Code>,
    /// The finding.
    pub finding: Option<Code>,
    /// Where it lies.
    pub sites: Vec<FindingSite>,
    /// How everything was measured.
    pub method: Option<Code>,
    /// Name and version of the algorithm.
    pub algorithm: Option<[String; 2]>,
    /// Numbers.
    pub measurements: Vec<Measurement>,
    /// Judgements.
    pub evaluations: Vec<Evaluation>,
    /// Items that are not modelled here.
    pub other: Vec<ContentItem>,
}

impl MeasurementGroup {
    /// A group without measurements.
    #[must_use]
    pub fn new(kind: GroupKind) -> Self {
        Self {
            kind,
            tracking_id: None,
            tracking_uid: None,
            regions: Vec::new(),
            category: None,
            finding: None,
            sites: Vec::new(),
            method: None,
            algorithm: None,
            measurements: Vec::new(),
            evaluations: Vec::new(),
            other: Vec::new(),
        }
    }

    /// A group of measurements of a region of a volume.
    #[must_use]
    pub fn volume(region: Region) -> Self {
        Self::new(GroupKind::Volumetric).region(region)
    }

    /// A group of measurements of a region of one plane.
    #[must_use]
    pub fn plane(region: Region) -> Self {
        Self::new(GroupKind::Planar).region(region)
    }

    /// Adds what is measured.
    #[must_use]
    pub fn region(mut self, region: Region) -> Self {
        self.regions.push(region);
        self
    }

    /// Names the finding, for people and from examination to examination.
    #[must_use]
    pub fn tracking(mut self, id: impl Into<String>, uid: impl Into<String>) -> Self {
        self.tracking_id = Some(id.into());
        self.tracking_uid = Some(uid.into());
        self
    }

    /// Says what the finding is.
    #[must_use]
    pub fn finding(mut self, finding: Code) -> Self {
        self.finding = Some(finding);
        self
    }

    /// Says of what category the finding is.
    #[must_use]
    pub fn category(mut self, category: Code) -> Self {
        self.category = Some(category);
        self
    }

    /// Adds where the finding lies.
    #[must_use]
    pub fn site(mut self, site: impl Into<FindingSite>) -> Self {
        self.sites.push(site.into());
        self
    }

    /// Names the algorithm that measured, and its version.
    #[must_use]
    pub fn algorithm(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.algorithm = Some([name.into(), version.into()]);
        self
    }

    /// Adds a number with its unit.
    #[must_use]
    pub fn measure(self, concept: Code, value: f64, unit: Code) -> Self {
        self.measurement_of(Measurement::new(concept, value, unit))
    }

    /// Adds a number with what is said of it.
    #[must_use]
    pub fn measurement_of(mut self, measurement: Measurement) -> Self {
        self.measurements.push(measurement);
        self
    }

    /// Adds a judgement.
    #[must_use]
    pub fn evaluate(mut self, concept: Code, value: Code) -> Self {
        self.evaluations.push(Evaluation {
            concept,
            value: EvaluationValue::Code(value),
        });
        self
    }

    /// The first number of a concept, and its unit.
    #[must_use]
    pub fn measurement(&self, concept: &Code) -> Option<(f64, &Code)> {
        let found = self.measurements.iter().find(|m| m.concept.is(concept))?;
        let (value, unit) = found.value.as_ref()?;
        Some((*value, unit))
    }
}
