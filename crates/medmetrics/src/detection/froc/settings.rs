//! FROC by the rules of LUNA16, CAMELYON16, MONAI and nnDetection.

use serde::{Deserialize, Serialize};

use super::curve::FrocCurve;
use super::hit::{HitCriterion, HitRadius};
use super::marks::{Marks, RepeatedMarks};
use crate::detection::images::{DetectionImages, DetectionProtocol};
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::statistics::Bootstrap;

/// Sensitivity for lesions at given numbers of false marks a scan, and its mean (the competition
/// performance metric of M. Niemeijer et al., IEEE TMI 30, 2011).
///
/// All scans count, also those without lesions. Marks on ignored lesions count neither as right nor as
/// wrong.
///
/// ```
/// use medmetrics::detection::{Annotation, Detection, DetectionImage, DetectionImages};
/// use medmetrics::detection::{DetectionProtocol, Froc};
///
/// // A nodule of 8 mm around (20, 20, 20) mm, found; the second scan has a false mark.
/// let nodule = Annotation::from_origin(1, [16.0; 3], [8.0; 3])?;
/// let found = Detection::at_point(1, [22.0, 20.0, 20.0], 0.9)?;
/// let wrong = Detection::at_point(1, [50.0, 20.0, 20.0], 0.3)?;
/// let mut images = DetectionImages::new();
/// images.push(DetectionImage::new("scan-1", vec![nodule], vec![found]))?;
/// images.push(DetectionImage::new("scan-2", vec![], vec![wrong]))?;
/// let froc = Froc::luna16().evaluate(&images)?;
/// assert_eq!(froc.score.value, Some(1.0));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Froc {
    /// When a mark has found a lesion.
    pub hit: HitCriterion,
    /// What further marks on a found lesion are.
    pub repeated: RepeatedMarks,
    /// Which points the curve has.
    pub points: FrocPoints,
    /// Numbers of false marks a scan at which sensitivity is read.
    pub rates: Vec<f64>,
    /// What sensitivity is behind the last point of the curve.
    pub beyond: BeyondCurve,
    /// One class; otherwise all, each mark compared with lesions of its class.
    pub class: Option<u32>,
    /// Intervals by drawing patients (scans where no patient is named).
    pub bootstrap: Option<Bootstrap>,
}

/// Which scores make points of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FrocPoints {
    /// All.
    #[default]
    All,
    /// MONAI's `compute_froc_curve_data`: without the lowest score when every lesion is found, so that the
    /// point of highest sensitivity is lost.
    Monai,
}

/// What sensitivity is at more false marks a scan than there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BeyondCurve {
    /// What it is at the last point, as LUNA16 and CAMELYON16 have it.
    #[default]
    Held,
    /// Nothing; the mean over such rates is then undefined too.
    Undefined,
}

impl Default for Froc {
    fn default() -> Self {
        Self::luna16()
    }
}

impl Froc {
    /// LUNA16 (A. Setio et al., Medical Image Analysis 42, 2017): a mark less than a radius from the centre
    /// of a nodule, 1/8 to 8 false marks a scan. Boxes are in millimetres, or images carry their spacing; a
    /// nodule of unknown diameter has 10 mm.
    #[must_use]
    pub fn luna16() -> Self {
        Self {
            hit: HitCriterion::CentreDistance(HitRadius::HalfOfLesionOr(5.0)),
            repeated: RepeatedMarks::Dropped,
            points: FrocPoints::All,
            rates: vec![0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0],
            beyond: BeyondCurve::Held,
            class: None,
            bootstrap: None,
        }
    }

    /// CAMELYON16 (B. Ehteshami Bejnordi et al., JAMA 318, 2017): a mark inside the mask of a lesion, 1/4
    /// to 8 false marks a slide.
    #[must_use]
    pub fn camelyon16() -> Self {
        Self {
            hit: HitCriterion::PointInMask,
            rates: vec![0.25, 0.5, 1.0, 2.0, 4.0, 8.0],
            ..Self::luna16()
        }
    }

    /// CAMELYON16 as MONAI computes it.
    #[must_use]
    pub fn monai() -> Self {
        Self {
            points: FrocPoints::Monai,
            ..Self::camelyon16()
        }
    }

    /// nnDetection: boxes that overlap by 0.1, each lesion found once, 1/8 to 8 false boxes a scan.
    #[must_use]
    pub fn nndetection() -> Self {
        Self {
            hit: HitCriterion::Iou(0.1),
            repeated: RepeatedMarks::False,
            ..Self::luna16()
        }
    }

    /// The same with another criterion.
    #[must_use]
    pub fn with_hit(self, hit: HitCriterion) -> Self {
        Self { hit, ..self }
    }

    /// The same with another rule behind the end of the curve.
    #[must_use]
    pub fn with_beyond(self, beyond: BeyondCurve) -> Self {
        Self { beyond, ..self }
    }

    /// The same with intervals.
    #[must_use]
    pub fn with_bootstrap(self, bootstrap: Bootstrap) -> Self {
        Self {
            bootstrap: Some(bootstrap),
            ..self
        }
    }

    fn name(&self, what: &str) -> String {
        let points = match self.points {
            FrocPoints::All => "all-points",
            FrocPoints::Monai => "monai",
        };
        let repeated = match self.repeated {
            RepeatedMarks::Dropped => "repeated-dropped",
            RepeatedMarks::False => "repeated-false",
        };
        let beyond = match self.beyond {
            BeyondCurve::Held => "held",
            BeyondCurve::Undefined => "undefined-beyond",
        };
        format!("froc-{what}:{points}/{repeated}/{beyond}")
    }

    fn check(&self) -> Result<()> {
        if self.rates.is_empty() {
            return Err(Error::TooFew {
                what: "FROC",
                of: "rates of false marks",
                least: 1,
                got: 0,
            });
        }
        let mut rates = self.rates.iter().enumerate();
        match rates.find(|(_, rate)| !(**rate >= 0.0 && rate.is_finite())) {
            None => Ok(()),
            Some((index, &value)) => Err(Error::InvalidValue {
                what: "the rates of false marks",
                rule: "finite numbers from 0 on",
                index,
                value,
            }),
        }
    }

    /// The mean sensitivity at some rates; undefined if one is.
    fn mean(&self, curve: &FrocCurve, rates: &[f64]) -> Option<f64> {
        let values = rates
            .iter()
            .map(|&rate| curve.sensitivity_at(rate, self.beyond));
        let sum: Option<f64> = values.sum();
        Some(sum? / rates.len() as f64)
    }
}

/// The sensitivity at one rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SensitivityAtRate {
    /// False marks a scan.
    pub rate: f64,
    /// The share of lesions found; `n` counts scans, or patients where an interval drew them.
    pub sensitivity: Estimate,
}

/// A FROC curve and what is read from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrocResult {
    /// The curve; without points if there are no lesions.
    pub curve: FrocCurve,
    /// Number of lesions.
    pub lesions: u64,
    /// Number of scans.
    pub scans: u64,
    /// The mean sensitivity over all rates (CPM); `n` counts scans, or patients where an interval drew them.
    pub score: Estimate,
    /// The sensitivity at each rate.
    pub sensitivities: Vec<SensitivityAtRate>,
}

impl<const D: usize> DetectionProtocol<D> for Froc {
    type Output = FrocResult;

    fn evaluate(&self, images: &DetectionImages<D>) -> Result<FrocResult> {
        self.check()?;
        let marks = Marks::of(images, self.class, (self.hit, self.repeated))?;
        let curve = FrocCurve::of(&marks, self.points, |_| 1).unwrap_or_default();
        let clusters = images.clusters();
        let units = clusters.unit_of_rows();
        let estimate = |what: &str, rates: &[f64]| match &self.bootstrap {
            Some(bootstrap) => bootstrap.estimate(clusters.units(), self.name(what), |times| {
                let curve = FrocCurve::of(&marks, self.points, |image| times[units[image]])?;
                self.mean(&curve, rates)
            }),
            None => {
                let (n, name) = (images.len() as u64, self.name(what));
                Ok(match self.mean(&curve, rates) {
                    Some(value) => Estimate::new(value, n, name),
                    None => Estimate::undefined(n, name),
                })
            }
        };
        let sensitivities = self.rates.iter().map(|&rate| {
            let sensitivity = estimate("sensitivity", &[rate])?;
            Ok(SensitivityAtRate { rate, sensitivity })
        });
        Ok(FrocResult {
            lesions: marks.lesions.iter().map(|n| u64::from(*n)).sum(),
            scans: images.len() as u64,
            score: estimate("cpm", &self.rates)?,
            sensitivities: sensitivities.collect::<Result<_>>()?,
            curve,
        })
    }
}
