//! Who found what in all images: precision and recall of it, for all images or for drawn ones.

use rayon::prelude::*;

use super::result::{CocoResult, Tensor};
use super::settings::{Coco, CocoConvention};
use crate::detection::curve::DetectionCurve;
use crate::detection::images::{DetectionImages, DetectionProtocol};
use crate::detection::table::{ClassTable, tables};
use crate::error::Result;
use crate::estimate::Estimate;
use crate::statistics::{Bootstrap, Clusters, ExactSum};

impl<const D: usize> DetectionProtocol<D> for Coco {
    type Output = CocoResult;

    fn evaluate(&self, images: &DetectionImages<D>) -> Result<CocoResult> {
        Ok(self.matches(images)?.result())
    }
}

impl Coco {
    /// Matches detections with annotations in all images.
    ///
    /// # Errors
    /// Refuses settings that make no sense, and images without masks where masks are to be compared.
    pub fn matches<const D: usize>(&self, images: &DetectionImages<D>) -> Result<CocoMatches> {
        self.check()?;
        Ok(CocoMatches {
            settings: self.clone(),
            tables: tables(images, self)?,
            clusters: images.clusters(),
        })
    }
}

/// Who found what, from which every number of COCO follows.
#[derive(Debug)]
pub struct CocoMatches {
    settings: Coco,
    tables: Vec<ClassTable>,
    clusters: Clusters,
}

/// Added to the denominator of a precision, as `pycocotools` does.
const SPACING: f64 = f64::EPSILON;

impl CocoMatches {
    /// Precision and recall for all settings.
    #[must_use]
    pub fn result(&self) -> CocoResult {
        let tensor = Tensor::new(&self.settings, self.tables.len());
        let parts: Vec<_> = self
            .tables
            .par_iter()
            .map_init(Sweep::default, |sweep, table| {
                self.of_class(table, sweep, &tensor)
            })
            .collect();
        let classes = self.tables.iter().map(|table| table.class).collect();
        CocoResult::new(self.settings.clone(), classes, tensor.filled(parts))
    }

    /// The curve of one class at one threshold for a range of size, all detections counted.
    ///
    /// `None` without such a class, threshold or range, or without annotations of it.
    #[must_use]
    pub fn curve(&self, class: u32, threshold: usize, range: usize) -> Option<DetectionCurve> {
        let settings = &self.settings;
        let known = threshold < settings.thresholds.len() && range < settings.ranges.len();
        let table = self.tables.iter().find(|t| known && t.class == class)?;
        DetectionCurve::of_table(table, range, threshold)
    }

    /// The mean average precision of the first range with an interval by drawing patients (images where no
    /// patient is named).
    ///
    /// Drawn images count as often as they were drawn. A replicate averages over the classes that it holds
    /// annotations of; by MONAI's convention the others enter it as -1. By that of `pycocotools` it is
    /// undefined unless 100 is among the numbers of detections.
    ///
    /// # Errors
    /// As [`Bootstrap::estimate`].
    pub fn average_precision(&self, bootstrap: &Bootstrap) -> Result<Estimate> {
        let units = self.clusters.unit_of_rows();
        bootstrap.estimate(self.clusters.units(), self.settings.name("ap"), |times| {
            let times = |image: u32| times[units[image as usize]];
            let mut sweep = Sweep::default();
            let mut sum = ExactSum::new();
            let mut count = 0_u64;
            let most = self.settings.max_detections.last().copied().unwrap_or(0);
            for table in &self.tables {
                let places = Places::of(table.positives(0, times), &self.settings.recalls);
                let Some(places) = places else {
                    if self.settings.convention == CocoConvention::Monai {
                        let absent = self.settings.thresholds.len() * self.settings.recalls.len();
                        (0..absent).for_each(|_| sum.add(-1.0));
                        count += absent as u64;
                    }
                    continue;
                };
                sweep.run(table, (0, most), self.settings.thresholds.len(), times);
                for precisions in &sweep.precisions {
                    places.of_curve(precisions).for_each(|v| sum.add(v));
                    count += self.settings.recalls.len() as u64;
                }
            }
            (count > 0 && self.settings.has_main()).then(|| sum.value() / count as f64)
        })
    }

    fn of_class(&self, table: &ClassTable, sweep: &mut Sweep, tensor: &Tensor) -> ClassPart {
        let settings = &self.settings;
        let mut part = ClassPart::default();
        for range in 0..settings.ranges.len() {
            let positives = table.positives(range, |_| 1);
            part.positives.push(positives);
            let Some(places) = Places::of(positives, &settings.recalls) else {
                part.precision
                    .resize(part.precision.len() + tensor.of_range(), -1.0);
                part.recall
                    .resize(part.recall.len() + tensor.curves(), -1.0);
                continue;
            };
            for &most in &settings.max_detections {
                sweep.run(table, (range, most), settings.thresholds.len(), |_| 1);
                for precisions in &sweep.precisions {
                    part.precision.extend(places.of_curve(precisions));
                    part.recall.push(precisions.len() as f64 / positives as f64);
                }
            }
        }
        part
    }
}

/// The numbers of one class: by range, number of detections, threshold (and recall).
#[derive(Debug, Default)]
pub(super) struct ClassPart {
    pub(super) precision: Vec<f64>,
    pub(super) recall: Vec<f64>,
    pub(super) positives: Vec<u64>,
}

/// Where in a curve each recall is reached: behind how many right detections, counted from 1.
struct Places(Vec<usize>);

impl Places {
    /// `None` without positives.
    fn of(positives: u64, recalls: &[f64]) -> Option<Self> {
        let mut right = 1;
        let reached = |&recall: &f64| {
            while right <= positives && (right as f64 / positives as f64) < recall {
                right += 1;
            }
            right as usize
        };
        (positives > 0).then(|| Self(recalls.iter().map(reached).collect()))
    }

    /// The precision at each recall, 0 where it is not reached.
    fn of_curve(&self, precisions: &[f64]) -> impl Iterator<Item = f64> {
        let at = |&right: &usize| precisions.get(right - 1).copied().unwrap_or(0.0);
        self.0.iter().map(at)
    }
}

/// One pass over the detections of a class, all thresholds at once.
#[derive(Debug, Default)]
struct Sweep {
    /// For each threshold the highest precision at or behind each right detection.
    precisions: Vec<Vec<f64>>,
    wrong: Vec<u64>,
}

impl Sweep {
    /// Precision only changes for the better at right detections, so only these are written down.
    fn run(
        &mut self,
        table: &ClassTable,
        (range, most): (usize, usize),
        thresholds: usize,
        times: impl Fn(u32) -> u32,
    ) {
        self.precisions.resize_with(thresholds, Vec::new);
        self.precisions.iter_mut().for_each(Vec::clear);
        self.wrong.clear();
        self.wrong.resize(thresholds, 0);
        let mut wrong_at_all = 0;
        let all = u64::MAX >> (64 - thresholds);
        for row in &table.rows {
            if row.rank as usize >= most {
                continue;
            }
            let times = u64::from(times(row.image));
            if let Some(in_range) = ClassTable::plain(row, range) {
                wrong_at_all += times * u64::from(in_range);
                continue;
            }
            let outcome = table.outcome(row, range);
            let mut counted = all & !outcome.ignored;
            while counted != 0 {
                let bit = counted.trailing_zeros() as usize;
                counted &= counted - 1;
                if outcome.matched >> bit & 1 == 0 {
                    self.wrong[bit] += times;
                    continue;
                }
                let wrong = (self.wrong[bit] + wrong_at_all) as f64;
                for _ in 0..times {
                    let right = (self.precisions[bit].len() + 1) as f64;
                    self.precisions[bit].push(right / (wrong + right + SPACING));
                }
            }
        }
        for precisions in &mut self.precisions {
            let mut best = 0.0;
            for precision in precisions.iter_mut().rev() {
                best = precision.max(best);
                *precision = best;
            }
        }
    }
}
