//! The score of the PI-CAI challenge: average precision of lesions and the AUROC of cases.

use serde::{Deserialize, Serialize};

use super::annotation::{Annotation, Detection};
use super::coco::Overlapping;
use super::froc::RepeatedMarks;
use super::images::{DetectionImage, DetectionImages, DetectionProtocol};
use crate::assignment::minimum_cost;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::statistics::{Bootstrap, DeLong};

/// The ranking score of PI-CAI (A. Saha et al., Lancet Oncology 25, 2024; the numbers are those of
/// `picai_eval`): the mean of the average precision of lesions and the AUROC of cases.
///
/// Detections and lesions are paired so that the sum of 1 + overlap is largest. A lesion that is not paired
/// is missed; a case is as suspicious as its surest detection, and not at all (0) without any, so scores are
/// positive. All classes are taken together, and all annotations are lesions.
///
/// ```
/// use medmetrics::detection::{Annotation, Detection, DetectionImage, DetectionImages};
/// use medmetrics::detection::{DetectionProtocol, Overlapping, PiCai};
///
/// let lesion = Annotation::from_origin(1, [0.0; 3], [10.0; 3])?;
/// let found = Detection::from_origin(1, [1.0; 3], [10.0; 3], 0.8)?;
/// let wrong = Detection::from_origin(1, [5.0; 3], [9.0; 3], 0.3)?;
/// let mut images = DetectionImages::new();
/// images.push(DetectionImage::new("case-1", vec![lesion], vec![found]))?;
/// images.push(DetectionImage::new("case-2", vec![], vec![wrong]))?;
/// let result = PiCai::default().with_overlap(Overlapping::Boxes).evaluate(&images)?;
/// assert_eq!(result.score.value, Some(1.0));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PiCai {
    /// What must overlap, masks by default.
    pub overlap: Overlapping,
    /// Intersection over union from which a detection can be paired, 0.1 by default.
    pub least: f64,
    /// What detections are that overlap a lesion enough and are not paired; dropped by default.
    pub repeated: RepeatedMarks,
    /// Intervals by drawing patients (cases where no patient is named).
    pub bootstrap: Option<Bootstrap>,
}

impl Default for PiCai {
    fn default() -> Self {
        Self {
            overlap: Overlapping::Masks,
            least: 0.1,
            repeated: RepeatedMarks::Dropped,
            bootstrap: None,
        }
    }
}

/// What PI-CAI ranks by; `n` counts cases, or patients where an interval drew them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PiCaiResult {
    /// The mean of the two; undefined if one is.
    pub score: Estimate,
    /// How well cases with lesions are told from those without; undefined if all are alike.
    pub auroc: Estimate,
    /// The average precision of lesions; undefined without any.
    pub average_precision: Estimate,
}

/// A case: its lesions, its events by falling score, its highest score.
struct Case {
    lesions: u32,
    events: Vec<(f64, bool)>,
    suspicion: f64,
}

impl PiCai {
    /// The same for boxes or masks.
    #[must_use]
    pub fn with_overlap(self, overlap: Overlapping) -> Self {
        Self { overlap, ..self }
    }

    /// The same with intervals.
    #[must_use]
    pub fn with_bootstrap(self, bootstrap: Bootstrap) -> Self {
        Self {
            bootstrap: Some(bootstrap),
            ..self
        }
    }

    fn iou<const D: usize>(&self, lesion: &Annotation<D>, found: &Detection<D>) -> Result<f64> {
        if self.overlap == Overlapping::Boxes {
            return Ok(found.extent().iou(lesion.extent()));
        }
        let class = lesion.class();
        let (mask, truth) = found
            .mask()
            .zip(lesion.mask())
            .ok_or(Error::MissingMask { class })?;
        Ok(mask.iou(truth)?)
    }

    fn case<const D: usize>(&self, image: &DetectionImage<D>) -> Result<Case> {
        let found = image.detections();
        if let Some(index) = found.iter().position(|found| found.score() <= 0.0) {
            return Err(Error::InvalidValue {
                what: "the scores of a PI-CAI case",
                rule: "positive",
                index,
                value: found[index].score(),
            });
        }
        let lesions = image.annotations();
        let mut costs = Vec::with_capacity(lesions.len() * found.len());
        for lesion in lesions {
            for found in found {
                let overlap = self.iou(lesion, found)?;
                let near = overlap >= self.least && overlap > 0.0;
                costs.push(if near { -1.0 - overlap } else { 0.0 });
            }
        }
        let mut paired = vec![false; found.len()];
        for (lesion, detection) in minimum_cost(&costs, found.len())? {
            paired[detection] |= costs[lesion * found.len() + detection] < 0.0;
        }
        let near = |detection: usize| {
            let of_detection = costs.iter().skip(detection).step_by(found.len());
            of_detection.into_iter().any(|cost| *cost < 0.0)
        };
        let counts = |i: &usize| paired[*i] || !near(*i) || self.repeated == RepeatedMarks::False;
        let events = (0..found.len()).filter(counts);
        Ok(Case {
            lesions: lesions.len() as u32,
            events: events.map(|i| (found[i].score(), paired[i])).collect(),
            suspicion: found.iter().map(Detection::score).fold(0.0, f64::max),
        })
    }
}

/// The AUROC of cases that count so many times.
fn auroc(cases: &[Case], times: impl Fn(usize) -> u32) -> Option<f64> {
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for (number, case) in cases.iter().enumerate() {
        for _ in 0..times(number) {
            scores.push(case.suspicion);
            labels.push(case.lesions > 0);
        }
    }
    DeLong::new(&scores, &labels).ok()?.auc()
}

/// The area under the steps of precision over recall; events are sorted by falling score.
fn average_precision(
    (cases, events): (&[Case], &[(f64, bool, usize)]),
    times: impl Fn(usize) -> u32,
) -> Option<f64> {
    let lesions = cases.iter().enumerate();
    let lesions: u64 = lesions
        .map(|(i, case)| u64::from(times(i)) * u64::from(case.lesions))
        .sum();
    let (mut right, mut all, mut area) = (0_u64, 0_u64, 0.0);
    for equal in events.chunk_by(|a, b| a.0 == b.0) {
        let before = right;
        for &(_, is_hit, case) in equal {
            let times = u64::from(times(case));
            all += times;
            right += times * u64::from(is_hit);
        }
        if right > before {
            area += (right - before) as f64 * (right as f64 / all as f64);
        }
    }
    (lesions > 0).then(|| area / lesions as f64)
}

impl<const D: usize> DetectionProtocol<D> for PiCai {
    type Output = PiCaiResult;

    fn evaluate(&self, images: &DetectionImages<D>) -> Result<PiCaiResult> {
        if !(0.0..=1.0).contains(&self.least) {
            return Err(Error::InvalidParameter {
                parameter: "the least overlap",
                rule: "between 0 and 1",
                value: self.least,
            });
        }
        let cases: Vec<Case> = images
            .iter()
            .map(|image| self.case(image))
            .collect::<Result<_>>()?;
        let numbered = cases.iter().enumerate();
        let mut events: Vec<_> = numbered
            .flat_map(|(i, case)| case.events.iter().map(move |&(score, hit)| (score, hit, i)))
            .collect();
        events.sort_by(|a, b| b.0.total_cmp(&a.0));
        let clusters = images.clusters();
        let units = clusters.unit_of_rows();
        type Times<'a> = &'a (dyn Fn(usize) -> u32 + 'a);
        let estimate = |name: &str, value: &(dyn Fn(Times<'_>) -> Option<f64> + Sync)| {
            let name = format!("picai-{name}");
            match &self.bootstrap {
                Some(bootstrap) => bootstrap.estimate(clusters.units(), name, |drawn| {
                    value(&|case| drawn[units[case]])
                }),
                None => Ok(match value(&|_| 1) {
                    Some(value) => Estimate::new(value, cases.len() as u64, name),
                    None => Estimate::undefined(cases.len() as u64, name),
                }),
            }
        };
        let ap = |times: Times<'_>| average_precision((&cases, &events), times);
        let roc = |times: Times<'_>| auroc(&cases, times);
        Ok(PiCaiResult {
            score: estimate("score", &|times| Some(0.5 * (roc(times)? + ap(times)?)))?,
            auroc: estimate("auroc", &roc)?,
            average_precision: estimate("ap", &ap)?,
        })
    }
}
