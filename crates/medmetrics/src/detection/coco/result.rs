//! Precision and recall by threshold, class, range of size and number of detections, and their averages.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::matches::ClassPart;
use super::settings::{Coco, CocoConvention, Overlapping};
use super::stored::Stored;
use crate::estimate::Estimate;
use crate::statistics::ExactSum;

/// What COCO's protocol found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct CocoResult {
    settings: Coco,
    classes: Vec<u32>,
    tensor: Tensor,
}

/// Numbers by class, range, number of detections, threshold (and recall); -1 is nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tensor {
    pub(super) classes: usize,
    pub(super) ranges: usize,
    pub(super) limits: usize,
    pub(super) thresholds: usize,
    pub(super) recalls: usize,
    pub(super) precision: Vec<f64>,
    pub(super) recall: Vec<f64>,
    pub(super) positives: Vec<u64>,
}

impl Tensor {
    pub(super) fn new(settings: &Coco, classes: usize) -> Self {
        Self {
            classes,
            ranges: settings.ranges.len(),
            limits: settings.max_detections.len(),
            thresholds: settings.thresholds.len(),
            recalls: settings.recalls.len(),
            precision: Vec::new(),
            recall: Vec::new(),
            positives: Vec::new(),
        }
    }

    /// Curves of a class in a range.
    pub(super) fn curves(&self) -> usize {
        self.limits * self.thresholds
    }

    /// Precisions of a class in a range.
    pub(super) fn of_range(&self) -> usize {
        self.curves() * self.recalls
    }

    pub(super) fn filled(mut self, parts: Vec<ClassPart>) -> Self {
        self.precision
            .reserve_exact(parts.len() * self.ranges * self.of_range());
        for part in parts {
            self.precision.extend(part.precision);
            self.recall.extend(part.recall);
            self.positives.extend(part.positives);
        }
        self
    }

    /// The number of a curve.
    fn curve(&self, class: usize, range: usize, limit: usize, threshold: usize) -> usize {
        ((class * self.ranges + range) * self.limits + limit) * self.thresholds + threshold
    }
}

/// Which of the numbers to average; what is `None` is the protocol's main choice.
///
/// ```
/// use medmetrics::detection::CocoSelection;
///
/// let small_at_half = CocoSelection::default().at(0.5).in_range("small");
/// assert_eq!(small_at_half.class, None, "all classes");
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CocoSelection {
    /// One overlap threshold; otherwise all.
    pub threshold: Option<f64>,
    /// One class; otherwise all that have annotations.
    pub class: Option<u32>,
    /// A range of size by name; otherwise the first one.
    pub range: Option<String>,
    /// A number of detections; otherwise the largest.
    pub max_detections: Option<usize>,
}

impl CocoSelection {
    /// The same at one threshold.
    #[must_use]
    pub fn at(self, threshold: f64) -> Self {
        Self {
            threshold: Some(threshold),
            ..self
        }
    }

    /// The same for one class.
    #[must_use]
    pub fn of_class(self, class: u32) -> Self {
        Self {
            class: Some(class),
            ..self
        }
    }

    /// The same in one range of size.
    #[must_use]
    pub fn in_range(self, range: impl Into<String>) -> Self {
        Self {
            range: Some(range.into()),
            ..self
        }
    }

    /// The same with at most so many detections of a class in an image.
    #[must_use]
    pub fn within(self, max_detections: usize) -> Self {
        Self {
            max_detections: Some(max_detections),
            ..self
        }
    }
}

/// One line of COCO's summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CocoNumber {
    /// Such as `AP`, `AP50`, `AP small`, `AR@10`, `AR large`.
    pub name: String,
    /// Its value; `n` counts the annotations to be found, `undefined` the classes without any.
    pub estimate: Estimate,
}

impl fmt::Display for CocoNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.estimate)
    }
}

impl Coco {
    /// The name of a number under these settings.
    pub(super) fn name(&self, what: &str) -> String {
        let of = match self.overlap {
            Overlapping::Boxes => "boxes",
            Overlapping::Masks => "masks",
        };
        let whose = match self.convention {
            CocoConvention::Standard => "standard",
            CocoConvention::Pycocotools => "pycocotools",
            CocoConvention::Monai => "monai",
        };
        format!("coco-{what}:{of}/{}-point/{whose}", self.recalls.len())
    }
}

/// What is averaged.
#[derive(Clone, Copy, PartialEq)]
enum Quantity {
    Precision,
    Recall,
}

impl Quantity {
    fn name(self) -> &'static str {
        match self {
            Self::Precision => "ap",
            Self::Recall => "ar",
        }
    }
}

/// Places of a selection in the tensor.
struct Chosen {
    classes: std::ops::Range<usize>,
    thresholds: std::ops::Range<usize>,
    range: usize,
    limit: usize,
}

impl CocoResult {
    pub(super) fn new(settings: Coco, classes: Vec<u32>, tensor: Tensor) -> Self {
        Self {
            settings,
            classes,
            tensor,
        }
    }

    /// The settings behind the numbers.
    #[must_use]
    pub fn settings(&self) -> &Coco {
        &self.settings
    }

    /// The classes of annotations and detections, ascending.
    #[must_use]
    pub fn classes(&self) -> &[u32] {
        &self.classes
    }

    /// The mean of the precisions at all recalls, thresholds and classes of a selection.
    ///
    /// Undefined without annotations, and for a selection of what is not there.
    #[must_use]
    pub fn average_precision(&self, selection: &CocoSelection) -> Estimate {
        let recalls = self.tensor.recalls;
        let precisions = |curve: usize| &self.tensor.precision[curve * recalls..][..recalls];
        self.mean(Quantity::Precision, selection, precisions)
    }

    /// The mean of the highest recalls over all thresholds and classes of a selection.
    ///
    /// Undefined without annotations, and for a selection of what is not there.
    #[must_use]
    pub fn average_recall(&self, selection: &CocoSelection) -> Estimate {
        let recall = |curve: usize| &self.tensor.recall[curve..=curve];
        self.mean(Quantity::Recall, selection, recall)
    }

    /// The precisions at all recalls of one curve; `None` if the selection is not one curve, or if there is
    /// nothing to be found.
    #[must_use]
    pub fn precisions(&self, selection: &CocoSelection) -> Option<&[f64]> {
        selection.class.and(selection.threshold)?;
        let chosen = self.chosen(selection)?;
        let (class, threshold) = (chosen.classes.start, chosen.thresholds.start);
        let curve = self
            .tensor
            .curve(class, chosen.range, chosen.limit, threshold);
        let recalls = self.tensor.recalls;
        let precisions = &self.tensor.precision[curve * recalls..][..recalls];
        precisions.iter().all(|v| *v >= 0.0).then_some(precisions)
    }

    /// The summary of COCO: average precision over all thresholds, at those of 0.1, 0.5 and 0.75 that are
    /// among them, and in every range; average recall for every number of detections and in every range.
    /// Twelve numbers with the usual settings.
    #[must_use]
    pub fn summary(&self) -> Vec<CocoNumber> {
        let all = CocoSelection::default;
        let settings = &self.settings;
        let numbers = &settings.max_detections;
        let mut main = self.average_precision(&all());
        if !settings.has_main() {
            main.value = None;
        }
        let mut summary = vec![("AP".to_owned(), main)];
        for (name, threshold) in [("AP10", 0.1), ("AP50", 0.5), ("AP75", 0.75)] {
            if self.threshold(threshold).is_some() {
                let selection = all().at(threshold);
                summary.push((name.to_owned(), self.average_precision(&selection)));
            }
        }
        let strata = || settings.ranges.iter().skip(1).map(|range| &range.name);
        for range in strata() {
            let selection = all().in_range(range);
            summary.push((format!("AP {range}"), self.average_precision(&selection)));
        }
        for &most in numbers {
            let selection = all().within(most);
            summary.push((format!("AR@{most}"), self.average_recall(&selection)));
        }
        for range in strata() {
            let selection = all().in_range(range);
            summary.push((format!("AR {range}"), self.average_recall(&selection)));
        }
        let number = |(name, estimate)| CocoNumber { name, estimate };
        summary.into_iter().map(number).collect()
    }

    fn threshold(&self, threshold: f64) -> Option<usize> {
        let mut thresholds = self.settings.thresholds.iter();
        thresholds.position(|other| (other - threshold).abs() < 1e-6)
    }

    fn chosen(&self, selection: &CocoSelection) -> Option<Chosen> {
        let settings = &self.settings;
        let one = |at: usize| at..at + 1;
        Some(Chosen {
            classes: match selection.class {
                Some(class) => one(self.classes.binary_search(&class).ok()?),
                None => 0..self.classes.len(),
            },
            thresholds: match selection.threshold {
                Some(threshold) => one(self.threshold(threshold)?),
                None => 0..settings.thresholds.len(),
            },
            range: match &selection.range {
                Some(name) => settings.ranges.iter().position(|r| r.name == *name)?,
                None => 0,
            },
            limit: match selection.max_detections {
                Some(most) => settings.max_detections.iter().position(|m| *m == most)?,
                None => settings.max_detections.len() - 1,
            },
        })
    }

    /// The mean of the values of all chosen curves.
    fn mean<'a>(
        &'a self,
        what: Quantity,
        selection: &CocoSelection,
        values: impl Fn(usize) -> &'a [f64],
    ) -> Estimate {
        let convention = self.settings.name(what.name());
        let Some(chosen) = self.chosen(selection) else {
            return Estimate::undefined(0, convention);
        };
        let (mut sum, mut count) = (ExactSum::new(), 0_u64);
        let (mut positives, mut undefined) = (0, 0);
        for class in chosen.classes {
            let here = self.tensor.positives[class * self.tensor.ranges + chosen.range];
            positives += here;
            undefined += u64::from(here == 0);
            // MONAI leaves absent classes out of recall, not of precision.
            let kept =
                (self.settings.convention, what) == (CocoConvention::Monai, Quantity::Precision);
            if here == 0 && !kept {
                continue;
            }
            for threshold in chosen.thresholds.clone() {
                let curve = (self.tensor).curve(class, chosen.range, chosen.limit, threshold);
                let values = values(curve);
                values.iter().for_each(|&value| sum.add(value));
                count += values.len() as u64;
            }
        }
        let estimate = match count {
            0 => Estimate::undefined(positives, convention),
            _ => Estimate::new(sum.value() / count as f64, positives, convention),
        };
        estimate.with_undefined(undefined)
    }
}
