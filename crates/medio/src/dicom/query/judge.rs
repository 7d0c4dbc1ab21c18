//! A stack held against a query.

use super::super::acquisition::Acquisition;
use super::super::scan::{Series, Study};
use super::super::stack::Stack;
use super::{AnatomicalPlane, Preference, Reason, SeriesQuery, TextPattern, Within};

/// What files round millimetres to.
const ROUNDING_MM: f64 = 1e-3;

impl TextPattern {
    fn fits(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        match self {
            Self::Contains(part) => text.contains(&part.to_lowercase()),
            Self::Equals(whole) => text.trim() == whole.trim().to_lowercase(),
        }
    }
}

impl Within {
    fn holds(&self, number: f64) -> bool {
        self.at_least
            .is_none_or(|least| number >= least - ROUNDING_MM)
            && self.at_most.is_none_or(|most| number <= most + ROUNDING_MM)
    }
}

/// A number of a stack, in millimetres.
type Measure = fn(&Stack) -> Option<f64>;

/// `SliceThickness` of the thickest slice.
fn thickness(stack: &Stack) -> Option<f64> {
    let all: Option<Vec<f64>> = stack.slices.iter().map(|slice| slice.thickness).collect();
    all?.into_iter().max_by(f64::total_cmp)
}

fn pixel_spacing(stack: &Stack) -> Option<f64> {
    let [rows, columns] = stack.slices.first()?.plane.spacing?;
    Some(rows.max(columns))
}

/// Degrees between the slices' normal and that of an anatomical plane.
fn turned(stack: &Stack, plane: AnatomicalPlane) -> Option<f64> {
    let [x, y, z] = stack.normal()?.components();
    let along = match plane {
        AnatomicalPlane::Axial => z,
        AnatomicalPlane::Coronal => y,
        AnatomicalPlane::Sagittal => x,
    };
    Some(along.abs().min(1.0).acos().to_degrees())
}

impl Preference {
    /// A number of which less is better.
    pub(super) fn cost(self, series: &Series, stack: &Stack) -> Option<f64> {
        let number = || Some(series.number? as f64);
        match self {
            Self::ThinnestSlices => thickness(stack),
            Self::ClosestSlices => stack.slice_spacing(),
            Self::MostSlices => Some(-(stack.places() as f64)),
            Self::FinestPixels => pixel_spacing(stack),
            Self::FirstSeries => number(),
            Self::LastSeries => number().map(|number| -number),
        }
    }

    /// The number that a cost stands for.
    pub(super) fn shown(self, cost: f64) -> f64 {
        match self {
            Self::MostSlices | Self::LastSeries => -cost,
            _ => cost,
        }
    }
}

impl SeriesQuery {
    /// Everything that speaks against a stack.
    pub(super) fn against(
        &self,
        study: &Study,
        series: &Series,
        stack: Option<&Stack>,
    ) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let none = Acquisition::default();
        let acquisition = stack.and_then(Stack::acquisition).unwrap_or(&none);
        let equals = |wanted: &Option<String>| wanted.clone().map(TextPattern::Equals);
        let body_part = { acquisition.body_part.clone() }.or_else(|| series.body_part.clone());
        let texts = [
            (
                "PatientID",
                equals(&self.patient_id),
                study.patient_id.clone(),
            ),
            (
                "StudyInstanceUID",
                equals(&self.study_uid),
                Some(study.uid.clone()),
            ),
            (
                "SeriesInstanceUID",
                equals(&self.series_uid),
                Some(series.uid.clone()),
            ),
            ("Modality", equals(&self.modality), series.modality.clone()),
            (
                "SeriesDescription",
                self.description.clone(),
                series.description.clone(),
            ),
            ("BodyPartExamined", self.body_part.clone(), body_part),
            (
                "ProtocolName",
                self.protocol.clone(),
                acquisition.protocol.clone(),
            ),
            (
                "ConvolutionKernel",
                self.kernel.clone(),
                acquisition.kernel.clone(),
            ),
            (
                "ContrastBolusAgentPhase",
                equals(&self.phase),
                acquisition.phase.clone(),
            ),
        ];
        for (attribute, wanted, found) in texts {
            let Some(wanted) = wanted else { continue };
            if !found.as_ref().is_some_and(|found| wanted.fits(found)) {
                reasons.push(Reason::Text {
                    attribute,
                    wanted,
                    found,
                });
            }
        }
        let description = series.description.as_deref().unwrap_or("");
        for term in &self.description_excludes {
            if TextPattern::Contains(term.clone()).fits(description) {
                reasons.push(Reason::Names {
                    attribute: "SeriesDescription",
                    unwanted: term.clone(),
                });
            }
        }
        match stack {
            Some(stack) => self.against_images(stack, acquisition, &mut reasons),
            None => reasons.push(Reason::NoImages),
        }
        reasons
    }

    fn against_images(&self, stack: &Stack, acquisition: &Acquisition, reasons: &mut Vec<Reason>) {
        let kinds = &acquisition.image_type;
        let has = |term: &String| kinds.iter().any(|kind| kind.eq_ignore_ascii_case(term));
        for wanted in self.image_type.iter().filter(|term| !has(term)) {
            reasons.push(Reason::Lacks {
                attribute: "ImageType",
                wanted: wanted.clone(),
                found: kinds.clone(),
            });
        }
        for unwanted in self.image_type_excludes.iter().filter(|term| has(term)) {
            reasons.push(Reason::Names {
                attribute: "ImageType",
                unwanted: unwanted.clone(),
            });
        }
        if let Some(plane) = self.plane {
            let degrees = turned(stack, plane);
            if !degrees.is_some_and(|degrees| degrees <= self.within_degrees) {
                reasons.push(Reason::Turned {
                    plane,
                    limit: self.within_degrees,
                    degrees,
                });
            }
        }
        if let Some(wanted) = self
            .contrast
            .filter(|wanted| *wanted != acquisition.contrast)
        {
            reasons.push(Reason::Contrast { wanted });
        }
        // Places are sorted only if their distances are asked for.
        let ranges: [(_, _, Measure); 3] = [
            ("slice thickness", self.slice_thickness, thickness),
            ("slice spacing", self.slice_spacing, Stack::slice_spacing),
            ("pixel spacing", self.pixel_spacing, pixel_spacing),
        ];
        for (what, within, measure) in ranges {
            let Some(within) = within else { continue };
            let found = measure(stack);
            if !found.is_some_and(|found| within.holds(found)) {
                reasons.push(Reason::Outside {
                    what,
                    within,
                    found,
                });
            }
        }
        if let Some(least) = self.minimum_slices {
            let found = stack.places();
            if found < least {
                reasons.push(Reason::TooFewSlices { least, found });
            }
        }
    }
}
