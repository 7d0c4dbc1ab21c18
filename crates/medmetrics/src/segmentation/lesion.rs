//! Scores lesion by lesion, so that a missed small lesion is not hidden behind a large one (BraTS 2023,
//! Saluja et al., <https://github.com/rachitsaluja/BraTS-2023-Metrics>).

use std::collections::BTreeSet;

use medcore::components::{Components, Connectivity};
use medcore::morphology;
use serde::{Deserialize, Serialize};

use super::convention::{HdRule, SurfaceModel};
use super::crop::{Crop, both};
use super::pair::{PREDICTION, REFERENCE};
use super::surface::SurfaceDistances;
use crate::error::{Error, Result};

/// What a lesion is, when it is found, and what a miss costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LesionRule {
    /// Which voxels of a lesion touch.
    pub connectivity: Connectivity,
    /// Steps (in voxels, over faces and edges) by which a lesion of the reference is grown: components that
    /// meet then are one lesion, and what the prediction has there belongs to it.
    pub dilation_voxels: usize,
    /// Lesions of the reference of at most this many mm³ do not count (but explain what is predicted there).
    pub ignored_mm3: f64,
    /// Percentile of the Hausdorff distance, area-weighted as in DeepMind's surface-distance.
    pub percentile: f64,
    /// Millimetres that stand for the distance of a missed or an invented lesion.
    pub penalty_mm: f64,
}

impl LesionRule {
    /// BraTS 2023 for gliomas, in Africa and in children too.
    pub const BRATS_2023: Self = Self {
        connectivity: Connectivity::Corner,
        dilation_voxels: 3,
        ignored_mm3: 50.0,
        percentile: 95.0,
        penalty_mm: 374.0,
    };

    /// BraTS 2023 for meningiomas.
    pub const BRATS_2023_MENINGIOMA: Self = Self {
        dilation_voxels: 1,
        ..Self::BRATS_2023
    };

    /// BraTS 2023 for metastases.
    pub const BRATS_2023_METASTASES: Self = Self {
        dilation_voxels: 1,
        ignored_mm3: 2.0,
        ..Self::BRATS_2023
    };

    /// MetricsReloaded's lesions: joined by faces, found if a single voxel of them is.
    pub const METRICS_RELOADED: Self = Self {
        connectivity: Connectivity::Face,
        dilation_voxels: 0,
        ignored_mm3: 0.0,
        ..Self::BRATS_2023
    };

    /// Its name in [`crate::Estimate::convention`].
    #[must_use]
    pub fn name(&self) -> String {
        let connectivity = match self.connectivity {
            Connectivity::Face => "face",
            Connectivity::Edge => "edge",
            Connectivity::Corner => "corner",
        };
        let (steps, least) = (self.dilation_voxels, self.ignored_mm3);
        format!("{connectivity}/grown-{steps}/above-{least}mm3")
    }

    /// Says whether the rule can be carried out.
    ///
    /// # Errors
    /// Refuses volumes and penalties that are negative or not finite, and percentiles outside 0 to 100.
    pub fn check(&self) -> Result<()> {
        let rules = [
            (
                "ignored volume",
                "finite and at least 0 mm³",
                self.ignored_mm3,
                self.ignored_mm3 >= 0.0 && self.ignored_mm3.is_finite(),
            ),
            (
                "penalty",
                "finite and at least 0 mm",
                self.penalty_mm,
                self.penalty_mm >= 0.0 && self.penalty_mm.is_finite(),
            ),
            (
                "percentile",
                "from 0 to 100",
                self.percentile,
                (0.0..=100.0).contains(&self.percentile),
            ),
        ];
        match rules.into_iter().find(|(.., holds)| !holds) {
            None => Ok(()),
            Some((parameter, rule, value, _)) => Err(Error::InvalidParameter {
                parameter,
                rule,
                value,
            }),
        }
    }

    /// Scores the lesions of two masks.
    pub(crate) fn scores<const D: usize>(
        &self,
        crop: &Crop<D>,
        image: [usize; D],
        spacing: [f64; D],
    ) -> Result<LesionScores> {
        // Lesions may meet outside the box once they are grown, but not outside the image.
        let (shape, bits) = crop.grown(self.dilation_voxels, image)?;
        let mask: Vec<bool> = bits.iter().map(|bits| bits & REFERENCE != 0).collect();
        let grown = self.grown(&mask, shape)?;
        let lesions = Components::new(&grown, shape, self.connectivity, |&v| v)?;
        let predicted = Components::new(&bits, shape, self.connectivity, |bits| {
            bits & PREDICTION != 0
        })?;
        let (lesion_of, part_of) = (lesions.to_numbers()?, predicted.to_numbers()?);
        let mut explained = BTreeSet::new();
        let mut scores = Vec::new();
        for (number, lesion) in lesions.components().iter().enumerate() {
            let inside = |at: usize| mask[at] && lesion_of[at] == number as u32 + 1;
            // The component holds what the lesion grows to.
            let places = lesion.region.rows(shape).flatten();
            let own: Vec<bool> = places.clone().map(inside).collect();
            let reached = places.zip(self.grown(&own, lesion.region.shape())?);
            let parts: BTreeSet<u32> = reached
                .filter(|&(at, reached)| reached && part_of[at] != 0)
                .map(|(at, _)| part_of[at])
                .collect();
            let region = parts.iter().fold(lesion.region, |region, &part| {
                region.union(&predicted.components()[part as usize - 1].region)
            });
            let pair = Crop::filled(shape, &region, |from, out| {
                for (at, out) in (from..).zip(out) {
                    *out = both(inside(at), parts.contains(&part_of[at]));
                }
            })?;
            scores.push(self.score(&pair, parts.len(), spacing)?);
            explained.extend(parts);
        }
        let false_positives = predicted.components().len() - explained.len();
        Ok(LesionScores {
            lesions: scores,
            false_positives,
            rule: *self,
        })
    }

    fn grown<const D: usize>(&self, mask: &[bool], shape: [usize; D]) -> Result<Vec<bool>> {
        let steps = self.dilation_voxels;
        Ok(morphology::dilate_steps(
            mask,
            shape,
            Connectivity::Edge,
            steps,
        )?)
    }

    fn score<const D: usize>(
        &self,
        pair: &Crop<D>,
        parts: usize,
        spacing: [f64; D],
    ) -> Result<LesionScore> {
        let count = |wanted: u8| {
            pair.bits
                .iter()
                .filter(|&&bits| bits & wanted == wanted)
                .count() as u64
        };
        let (reference, prediction) = (count(REFERENCE), count(PREDICTION));
        let distances = SurfaceDistances::of_crop(pair, spacing, SurfaceModel::DualGrid)?;
        let volume_mm3 = reference as f64 * spacing.iter().product::<f64>();
        Ok(LesionScore {
            volume_mm3,
            parts,
            dice: 2.0 * count(REFERENCE | PREDICTION) as f64 / (reference + prediction) as f64,
            hausdorff_mm: distances.hausdorff_percentile(self.percentile, HdRule::MaxOfDirected),
            counts: volume_mm3 > self.ignored_mm3,
        })
    }
}

impl Default for LesionRule {
    fn default() -> Self {
        Self::BRATS_2023
    }
}

/// How well one lesion of the reference was found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LesionScore {
    /// Its volume in mm³ (mm² in 2D).
    pub volume_mm3: f64,
    /// Components of the prediction that belong to it.
    pub parts: usize,
    /// Its Dice with those together; 0 for a missed one.
    pub dice: f64,
    /// The Hausdorff distance at the rule's percentile in millimetres; `None` for a missed one.
    pub hausdorff_mm: Option<f64>,
    /// Whether it is large enough to count.
    pub counts: bool,
}

/// Scores of the lesions of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LesionScores {
    /// One entry a lesion of the reference.
    pub lesions: Vec<LesionScore>,
    /// Components of the prediction that belong to no lesion.
    pub false_positives: usize,
    /// What a lesion is.
    pub rule: LesionRule,
}

impl LesionScores {
    /// Lesions that count and were found.
    #[must_use]
    pub fn true_positives(&self) -> usize {
        self.counted().filter(|lesion| lesion.parts > 0).count()
    }

    /// Lesions that count and were missed.
    #[must_use]
    pub fn false_negatives(&self) -> usize {
        self.counted().filter(|lesion| lesion.parts == 0).count()
    }

    /// Share of the lesions that were found; `None` without lesions.
    #[must_use]
    pub fn sensitivity(&self) -> Option<f64> {
        let lesions = self.counted().count();
        (lesions > 0).then(|| self.true_positives() as f64 / lesions as f64)
    }

    /// `TP / (TP + FP)`, lesions found among all found or invented; `None` without either.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        let found = self.true_positives() + self.false_positives;
        (found > 0).then(|| self.true_positives() as f64 / found as f64)
    }

    /// `2 TP / (2 TP + FP + FN)`; `None` without lesions on either side.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        let found = 2 * self.true_positives();
        let all = found + self.false_positives + self.false_negatives();
        (all > 0).then(|| found as f64 / all as f64)
    }

    /// The mean Dice of lesions; each invented one counts as 0. `None` without either (BraTS takes 1).
    #[must_use]
    pub fn dice(&self) -> Option<f64> {
        self.mean(|lesion| lesion.dice, 0.0)
    }

    /// The mean Hausdorff distance of lesions in millimetres; the penalty stands for each missed or invented
    /// one. `None` without either (BraTS takes 0).
    #[must_use]
    pub fn hausdorff_mm(&self) -> Option<f64> {
        let penalty = self.rule.penalty_mm;
        self.mean(|lesion| lesion.hausdorff_mm.unwrap_or(penalty), penalty)
    }

    fn counted(&self) -> impl Iterator<Item = &LesionScore> {
        self.lesions.iter().filter(|lesion| lesion.counts)
    }

    fn mean(&self, of: impl Fn(&LesionScore) -> f64, invented: f64) -> Option<f64> {
        let n = self.counted().count() + self.false_positives;
        let sum = self.counted().map(of).sum::<f64>() + invented * self.false_positives as f64;
        (n > 0).then(|| sum / n as f64)
    }
}
