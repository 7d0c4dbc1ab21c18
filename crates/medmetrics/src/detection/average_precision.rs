//! Average precision as VOC and ultralytics have it, and any rule with any matching.

use serde::{Deserialize, Serialize};

use super::annotation::{Annotation, AnnotationKind, Detection};
use super::curve::{ApRule, DetectionCurve};
use super::images::{DetectionImage, DetectionImages, DetectionProtocol};
use super::table::{Group, MOST_THRESHOLDS, Matcher, Outcome, tables};
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::statistics::ExactSum;

/// Average precision of boxes by named rules for who found what and for the area under the curve.
///
/// ```
/// use medmetrics::detection::{Annotation, AveragePrecision, Detection, DetectionImage};
/// use medmetrics::detection::{DetectionImages, DetectionProtocol};
///
/// let at = |x: f64| ([0.0, x], [10.0, 10.0]);
/// let truth = [0.0, 50.0].map(|x| Annotation::from_origin(1, at(x).0, at(x).1));
/// let found = Detection::from_origin(1, at(0.0).0, at(0.0).1, 0.9)?;
/// let [first, second] = truth;
/// let mut images = DetectionImages::new();
/// images.push(DetectionImage::new(1, vec![first?, second?], vec![found]))?;
/// let of = |rule: AveragePrecision| rule.evaluate(&images).map(|result| result.mean(None).value);
/// assert_eq!(of(AveragePrecision::voc())?, Some(0.5));
/// assert_eq!(of(AveragePrecision::voc07())?, Some(6.0 / 11.0));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AveragePrecision {
    /// Who found what.
    pub matching: MatchRule,
    /// How a curve becomes a number.
    pub rule: ApRule,
    /// Overlaps from which a detection has found something.
    pub thresholds: Vec<f64>,
}

/// Which detection found which annotation of its class, by falling score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MatchRule {
    /// VOC: a detection looks only at the annotation that it overlaps most, the first one of equals. If that
    /// is taken already, the detection is wrong; if it is ignored (`difficult`) or a crowd, the detection
    /// does not count.
    #[default]
    Voc,
    /// The same with boxes whose upper corners are the last pixels inside, as VOC writes them.
    VocInclusivePixels,
    /// ultralytics until 8.4: a detection looks only at the annotation that it overlaps most, the last one of
    /// equals, and the detection of the highest score gets it. Ignored annotations and crowds are not there.
    UltralyticsOld,
    /// ultralytics 8.4: a detection takes the free annotation that it overlaps most. Ignored annotations and
    /// crowds are not there.
    UltralyticsNew,
}

impl MatchRule {
    fn name(self) -> &'static str {
        match self {
            Self::Voc => "voc",
            Self::VocInclusivePixels => "voc-inclusive-pixels",
            Self::UltralyticsOld => "ultralytics-old",
            Self::UltralyticsNew => "ultralytics-new",
        }
    }

    /// Whether a detection has but one choice.
    fn is_single(self) -> bool {
        self != Self::UltralyticsNew
    }

    /// Whether ignored annotations are there at all.
    fn knows_ignored(self) -> bool {
        matches!(self, Self::Voc | Self::VocInclusivePixels)
    }

    fn overlap<const D: usize>(self, found: &Detection<D>, truth: &Annotation<D>) -> f64 {
        if self != Self::VocInclusivePixels {
            return found.extent().iou(truth.extent());
        }
        let sides = |low: [f64; D], high: [f64; D]| -> f64 {
            let sides = high.into_iter().zip(low);
            sides
                .map(|(high, low)| (high - low + 1.0).max(0.0))
                .product()
        };
        let (a, b) = (found.bounds(), truth.bounds());
        let low = std::array::from_fn(|axis| a.min()[axis].max(b.min()[axis]));
        let high = std::array::from_fn(|axis| a.max()[axis].min(b.max()[axis]));
        let shared = sides(low, high);
        shared / (sides(a.min(), a.max()) + sides(b.min(), b.max()) - shared)
    }
}

impl Default for AveragePrecision {
    fn default() -> Self {
        Self::voc()
    }
}

impl AveragePrecision {
    /// VOC since 2010: all points, at an overlap of 0.5.
    #[must_use]
    pub fn voc() -> Self {
        Self {
            matching: MatchRule::Voc,
            rule: ApRule::Voc,
            thresholds: vec![0.5],
        }
    }

    /// VOC until 2009: eleven points, at an overlap of 0.5.
    #[must_use]
    pub fn voc07() -> Self {
        Self {
            rule: ApRule::Voc07,
            ..Self::voc()
        }
    }

    /// What ultralytics calls mAP50-95 (and, at 0.5, mAP50), until 8.4.
    #[must_use]
    pub fn ultralytics_old() -> Self {
        Self {
            matching: MatchRule::UltralyticsOld,
            rule: ApRule::UltralyticsOld,
            thresholds: super::Coco::default().thresholds,
        }
    }

    /// What ultralytics 8.4 calls mAP50-95 (and, at 0.5, mAP50).
    #[must_use]
    pub fn ultralytics_new() -> Self {
        Self {
            matching: MatchRule::UltralyticsNew,
            rule: ApRule::UltralyticsNew,
            ..Self::ultralytics_old()
        }
    }

    /// The same with another rule for who found what.
    #[must_use]
    pub fn with_matching(self, matching: MatchRule) -> Self {
        Self { matching, ..self }
    }

    /// The same at other overlaps.
    #[must_use]
    pub fn with_thresholds(self, thresholds: impl Into<Vec<f64>>) -> Self {
        Self {
            thresholds: thresholds.into(),
            ..self
        }
    }

    /// The curve of one class at one overlap, to be drawn; `None` if the class is not annotated.
    ///
    /// # Errors
    /// Refuses an overlap outside 0 to 1.
    pub fn curve<const D: usize>(
        &self,
        images: &DetectionImages<D>,
        class: u32,
        threshold: f64,
    ) -> Result<Option<DetectionCurve>> {
        let protocol = self.clone().with_thresholds([threshold]);
        protocol.check()?;
        let tables = tables(images, &protocol)?;
        let table = tables.iter().find(|table| table.class == class);
        Ok(table.and_then(|table| DetectionCurve::of_table(table, 0, 0)))
    }

    fn check(&self) -> Result<()> {
        let count = self.thresholds.len();
        if !(1..=MOST_THRESHOLDS).contains(&count) {
            return Err(Error::InvalidParameter {
                parameter: "thresholds",
                rule: "a list of 1 to 64 entries",
                value: count as f64,
            });
        }
        let mut listed = self.thresholds.iter().enumerate();
        match listed.find(|(_, v)| !(0.0..=1.0).contains(*v)) {
            None => Ok(()),
            Some((index, &value)) => Err(Error::InvalidValue {
                what: "a list of thresholds",
                rule: "between 0 and 1",
                index,
                value,
            }),
        }
    }
}

/// Average precision by class and threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AveragePrecisionResult {
    settings: AveragePrecision,
    /// Classes that are annotated, ascending.
    classes: Vec<ClassAveragePrecision>,
    /// Classes that were only detected.
    undefined: u64,
}

/// The average precisions of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassAveragePrecision {
    /// The class.
    pub class: u32,
    /// Number of its annotations that are to be found.
    pub annotations: u64,
    /// Average precision at each threshold.
    pub values: Vec<f64>,
}

impl AveragePrecisionResult {
    /// The annotated classes, ascending.
    #[must_use]
    pub fn classes(&self) -> &[ClassAveragePrecision] {
        &self.classes
    }

    /// The settings behind the numbers.
    #[must_use]
    pub fn settings(&self) -> &AveragePrecision {
        &self.settings
    }

    /// The mean over annotated classes at one threshold, or over all thresholds.
    ///
    /// Undefined without annotations and for a threshold that was not asked for. `n` counts annotations,
    /// `undefined` classes without any.
    #[must_use]
    pub fn mean(&self, threshold: Option<f64>) -> Estimate {
        let estimate = self.mean_of(&self.classes, threshold);
        estimate.with_undefined(self.undefined)
    }

    /// The average precision of one class at one threshold, or its mean over all thresholds.
    ///
    /// Undefined for a class that is not annotated and for a threshold that was not asked for. `n` counts its
    /// annotations.
    #[must_use]
    pub fn of_class(&self, class: u32, threshold: Option<f64>) -> Estimate {
        let place = self.classes.binary_search_by_key(&class, |c| c.class);
        let classes = place.map_or(&[][..], |at| &self.classes[at..=at]);
        self.mean_of(classes, threshold)
    }

    fn mean_of(&self, classes: &[ClassAveragePrecision], threshold: Option<f64>) -> Estimate {
        let AveragePrecision {
            matching,
            rule,
            thresholds,
        } = &self.settings;
        let convention = format!("ap:{}/{}-matching", rule.name(), matching.name());
        let wanted = |at: &f64| threshold.is_none_or(|t| (t - at).abs() < 1e-9);
        let values = { classes.iter() }.flat_map(|class| class.values.iter().zip(thresholds));
        let mut sum = ExactSum::new();
        let mut count = 0_u64;
        for (value, _) in values.filter(|(_, at)| wanted(at)) {
            sum.add(*value);
            count += 1;
        }
        let annotations = classes.iter().map(|class| class.annotations).sum();
        match count {
            0 => Estimate::undefined(annotations, convention),
            _ => Estimate::new(sum.value() / count as f64, annotations, convention),
        }
    }
}

impl<const D: usize> DetectionProtocol<D> for AveragePrecision {
    type Output = AveragePrecisionResult;

    fn evaluate(&self, images: &DetectionImages<D>) -> Result<AveragePrecisionResult> {
        self.check()?;
        let mut result = AveragePrecisionResult {
            settings: self.clone(),
            classes: Vec::new(),
            undefined: 0,
        };
        for table in tables(images, self)? {
            let curves = 0..self.thresholds.len();
            let values = curves.map(|t| {
                let curve = DetectionCurve::of_table(&table, 0, t)?;
                Some(curve.average_precision(self.rule))
            });
            match values.collect() {
                None => result.undefined += 1,
                Some(values) => result.classes.push(ClassAveragePrecision {
                    class: table.class,
                    annotations: table.positives(0, |_| 1),
                    values,
                }),
            }
        }
        Ok(result)
    }
}

impl<const D: usize> Matcher<D> for AveragePrecision {
    type Scratch = ();

    fn ranges(&self) -> usize {
        1
    }

    fn most_detections(&self) -> usize {
        usize::MAX
    }

    fn detection_ranges(&self, _: &DetectionImage<D>, _: &Detection<D>) -> u32 {
        1
    }

    fn annotation_ranges(&self, _: &DetectionImage<D>, annotation: &Annotation<D>) -> u32 {
        u32::from(annotation.kind() == AnnotationKind::Ordinary)
    }

    fn unmatched(&self, _: bool) -> Outcome {
        Outcome::default()
    }

    fn match_group(
        &self,
        group: &Group<'_, D>,
        (): &mut (),
        outcomes: &mut [Outcome],
    ) -> Result<()> {
        let is_ordinary = |a: &Annotation<D>| a.kind() == AnnotationKind::Ordinary;
        let mut annotations = group.annotations.to_vec();
        annotations.retain(|a| self.matching.knows_ignored() || is_ordinary(a));
        let overlaps: Vec<Vec<f64>> = group
            .detections
            .iter()
            .map(|found| {
                let with = annotations.iter();
                with.map(|truth| self.matching.overlap(found, truth))
                    .collect()
            })
            .collect();
        for (bit, &least) in self.thresholds.iter().enumerate() {
            let mut taken = vec![false; annotations.len()];
            for (overlaps, outcome) in overlaps.iter().zip(outcomes.iter_mut()) {
                let free = |a: &usize| self.matching.is_single() || !taken[*a];
                let best = self.best(overlaps, (0..overlaps.len()).filter(free));
                let Some(a) = best.filter(|a| overlaps[*a] >= least) else {
                    continue;
                };
                let ignored = !is_ordinary(annotations[a]);
                let found = !ignored && !taken[a];
                outcome.ignored |= u64::from(ignored) << bit;
                outcome.matched |= u64::from(found) << bit;
                taken[a] = true;
            }
        }
        Ok(())
    }
}

impl AveragePrecision {
    /// The annotation with the largest overlap.
    fn best(&self, overlaps: &[f64], among: impl Iterator<Item = usize>) -> Option<usize> {
        among.reduce(|best, next| {
            let better = match self.matching {
                MatchRule::Voc | MatchRule::VocInclusivePixels => overlaps[next] > overlaps[best],
                MatchRule::UltralyticsOld | MatchRule::UltralyticsNew => {
                    overlaps[next] >= overlaps[best]
                }
            };
            if better { next } else { best }
        })
    }
}
