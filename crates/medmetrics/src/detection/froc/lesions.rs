//! One operating point: how many lesions are found, and how many marks are wrong.

use serde::{Deserialize, Serialize};

use super::hit::HitCriterion;
use super::marks::{Marks, RepeatedMarks};
use crate::detection::images::{DetectionImages, DetectionProtocol};
use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::{normal_quantile, student_quantile};

/// Lesions found and false marks a scan, for marks from a score on.
///
/// Lesions of one patient are found or missed together, so the intervals are clustered by patient (by scan
/// where no patient is named): that of a share is Wilson's for as many lesions as would be as uncertain if
/// they were independent (J. Rao and A. Scott, "A simple method for the analysis of clustered binary data",
/// Biometrics 48, 1992), that of false marks a scan is Student's for the ratio of sums over patients. In
/// simulations, intervals of 95 % for shares held the truth in 94 % of samples of 20 patients and in 94.5 %
/// of 60 (Wilson's plain one in 84 %), those for false marks in 91 % of 15 patients and in 94 % of 60.
///
/// ```
/// use medmetrics::detection::{Annotation, Detection, DetectionImage, DetectionImages};
/// use medmetrics::detection::{DetectionProtocol, HitCriterion, LesionDetection};
///
/// let lesion = Annotation::from_origin(1, [0.0; 3], [8.0; 3])?;
/// let found = Detection::from_origin(1, [1.0; 3], [8.0; 3], 0.8)?;
/// let mut images = DetectionImages::new();
/// images.push(DetectionImage::new("scan-1", vec![lesion], vec![found]).of_patient("a"))?;
/// let result = LesionDetection::new(HitCriterion::Iou(0.1), 0.5).evaluate(&images)?;
/// assert_eq!((result.sensitivity.value, result.false_positives_per_scan.value), (Some(1.0), Some(0.0)));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LesionDetection {
    /// When a mark has found a lesion.
    pub hit: HitCriterion,
    /// The lowest score that counts.
    pub threshold: f64,
    /// What further marks on a found lesion are.
    #[serde(default)]
    pub repeated: RepeatedMarks,
    /// One class; otherwise all.
    #[serde(default)]
    pub class: Option<u32>,
    /// How often intervals are to hold the true value.
    #[serde(default)]
    pub confidence: Confidence,
}

impl LesionDetection {
    /// Marks from a score on; further marks on a found lesion are dropped.
    #[must_use]
    pub fn new(hit: HitCriterion, threshold: f64) -> Self {
        Self {
            hit,
            threshold,
            repeated: RepeatedMarks::Dropped,
            class: None,
            confidence: Confidence::default(),
        }
    }
}

/// What is found at an operating point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LesionDetectionResult {
    /// The share of lesions found; `n` counts lesions.
    pub sensitivity: Estimate,
    /// The share of marks that found something; `n` counts marks.
    pub positive_predictive_value: Estimate,
    /// False marks divided by scans; `n` counts scans.
    pub false_positives_per_scan: Estimate,
}

/// Counts of one patient: part of whole.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    part: f64,
    whole: f64,
}

impl<const D: usize> DetectionProtocol<D> for LesionDetection {
    type Output = LesionDetectionResult;

    fn evaluate(&self, images: &DetectionImages<D>) -> Result<LesionDetectionResult> {
        if !self.threshold.is_finite() {
            return Err(Error::InvalidParameter {
                parameter: "the score of an operating point",
                rule: "a finite number",
                value: self.threshold,
            });
        }
        let marks = Marks::of(images, self.class, (self.hit, self.repeated))?;
        let clusters = images.clusters();
        let units = clusters.unit_of_rows();
        let mut found = vec![Counts::default(); clusters.units()];
        let (mut right, mut wrong) = (found.clone(), found.clone());
        for (&unit, &lesions) in units.iter().zip(&marks.lesions) {
            found[unit].whole += f64::from(lesions);
            wrong[unit].whole += 1.0;
        }
        for event in marks
            .events
            .iter()
            .filter(|event| event.score >= self.threshold)
        {
            let unit = units[event.image];
            right[unit].whole += 1.0;
            match event.is_hit {
                true => {
                    found[unit].part += 1.0;
                    right[unit].part += 1.0;
                }
                false => wrong[unit].part += 1.0,
            }
        }
        Ok(LesionDetectionResult {
            sensitivity: self.share(&found, "lesion-sensitivity:rao-scott"),
            positive_predictive_value: self.share(&right, "lesion-ppv:rao-scott"),
            false_positives_per_scan: self.rate(&wrong, "false-positives-per-scan:patient-ratio"),
        })
    }
}

/// Sum of the parts, sum of the wholes, variance of their ratio between patients.
fn ratio(counts: &[Counts]) -> (f64, f64, f64) {
    let part: f64 = counts.iter().map(|c| c.part).sum();
    let whole: f64 = counts.iter().map(|c| c.whole).sum();
    let units = counts.iter().filter(|c| c.whole > 0.0).count() as f64;
    let residuals = counts.iter().map(|c| c.part - part / whole * c.whole);
    let squares: f64 = residuals.map(|r| r * r).sum();
    let variance = units / (units - 1.0) * squares / (whole * whole);
    (part, whole, variance)
}

impl LesionDetection {
    fn share(&self, counts: &[Counts], convention: &str) -> Estimate {
        let (part, whole, variance) = ratio(counts);
        if whole == 0.0 {
            return Estimate::undefined(0, convention);
        }
        let share = part / whole;
        let independent = share * (1.0 - share) / whole;
        // Without variance between lesions, or with one patient, nothing tells how alike they are.
        let effect = variance / independent;
        let effect = if effect.is_finite() && effect > 0.0 {
            effect
        } else {
            1.0
        };
        let n = whole / effect;
        let z = -normal_quantile(self.confidence.tail());
        let centre = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let inside = share * (1.0 - share) / n + z * z / (4.0 * n * n);
        let half = z * inside.sqrt() / (1.0 + z * z / n);
        Estimate::new(share, whole as u64, convention).with_interval(Interval {
            low: (centre - half).max(0.0),
            high: (centre + half).min(1.0),
            confidence: self.confidence,
            method: IntervalMethod::ClusteredWilson,
        })
    }

    fn rate(&self, counts: &[Counts], convention: &str) -> Estimate {
        let (part, whole, variance) = ratio(counts);
        if whole == 0.0 {
            return Estimate::undefined(0, convention);
        }
        let rate = part / whole;
        let units = counts.iter().filter(|c| c.whole > 0.0).count() as f64;
        let interval = (units > 1.0).then(|| {
            let half = -student_quantile(self.confidence.tail(), units - 1.0) * variance.sqrt();
            Interval {
                low: (rate - half).max(0.0),
                high: rate + half,
                confidence: self.confidence,
                method: IntervalMethod::Student,
            }
        });
        Estimate::new(rate, whole as u64, convention).with_interval(interval)
    }
}
