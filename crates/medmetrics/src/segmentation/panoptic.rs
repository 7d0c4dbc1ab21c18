//! Panoptic quality: how many instances were recognised, and how well those were segmented (Kirillov et al.,
//! "Panoptic segmentation", CVPR 2019).

use serde::{Deserialize, Serialize};

use super::instance::{InstanceMatch, InstanceMatches};
use super::instance_matching::InstanceMatching;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::statistics::ExactSum;

/// Counts of matched and unmatched instances, and sums over the matches, of any number of cases.
///
/// ```
/// use medcore::{Geometry, LabelMap};
/// use medmetrics::Accumulator;
/// use medmetrics::segmentation::{InstanceMatches, InstanceMatching, PanopticQuality};
///
/// let grid = Geometry::<2>::axis_aligned([1, 7], [1.0, 1.0])?;
/// let reference = LabelMap::new(grid, vec![1u8, 1, 1, 1, 0, 2, 2])?;
/// let prediction = LabelMap::new(grid, vec![1u8, 1, 1, 0, 0, 0, 0])?;
/// let matching = InstanceMatching::default();
/// let mut quality = PanopticQuality::new(matching);
/// quality.push(&InstanceMatches::between(&reference, &prediction, &matching)?)?;
/// let found = quality.finish()?;
/// assert_eq!(found.segmentation.value, Some(0.75));
/// assert_eq!(found.recognition.value, Some(1.0 / 1.5));
/// assert_eq!(found.panoptic.value, Some(0.5));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PanopticQuality {
    matching: InstanceMatching,
    true_positives: u64,
    false_positives: u64,
    false_negatives: u64,
    iou: ExactSum,
    dice: ExactSum,
    assd_mm: ExactSum,
    masd_mm: ExactSum,
    /// Matches with distances.
    with_distance: u64,
}

impl PanopticQuality {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(matching: InstanceMatching) -> Self {
        Self {
            matching,
            true_positives: 0,
            false_positives: 0,
            false_negatives: 0,
            iou: ExactSum::new(),
            dice: ExactSum::new(),
            assd_mm: ExactSum::new(),
            masd_mm: ExactSum::new(),
            with_distance: 0,
        }
    }

    fn check(&self, other: &InstanceMatching) -> Result<()> {
        if self.matching == *other {
            return Ok(());
        }
        Err(Error::Incompatible {
            setting: "matching",
            left: self.matching.to_string(),
            right: other.to_string(),
        })
    }
}

impl Accumulator for PanopticQuality {
    type Item<'a> = &'a InstanceMatches;
    type Output = PanopticScores;

    fn push(&mut self, item: &InstanceMatches) -> Result<()> {
        self.check(&item.matching)?;
        self.true_positives += item.matches.len() as u64;
        self.false_negatives += item.missed.len() as u64;
        self.false_positives += item.invented.len() as u64;
        for InstanceMatch {
            iou,
            dice,
            assd_mm,
            masd_mm,
            ..
        } in &item.matches
        {
            self.iou.add(*iou);
            self.dice.add(*dice);
            if let Some((assd, masd)) = assd_mm.zip(*masd_mm) {
                self.assd_mm.add(assd);
                self.masd_mm.add(masd);
                self.with_distance += 1;
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.check(&other.matching)?;
        self.true_positives += other.true_positives;
        self.false_positives += other.false_positives;
        self.false_negatives += other.false_negatives;
        self.with_distance += other.with_distance;
        self.iou.merge(&other.iou);
        self.dice.merge(&other.dice);
        self.assd_mm.merge(&other.assd_mm);
        self.masd_mm.merge(&other.masd_mm);
        Ok(())
    }

    fn finish(&self) -> Result<PanopticScores> {
        let matched = self.true_positives as f64;
        let unmatched = 0.5 * (self.false_positives + self.false_negatives) as f64;
        let instances = self.true_positives + self.false_positives + self.false_negatives;
        let estimate = |name: &str, part: f64, whole: f64, n: u64| {
            let convention = format!("{name}:{}", self.matching);
            if whole > 0.0 {
                Estimate::new(part / whole, n, convention)
            } else {
                Estimate::undefined(n, convention)
            }
        };
        let mean = |name, sum: &ExactSum, n: u64| estimate(name, sum.value(), n as f64, n);
        let all = matched + unmatched;
        Ok(PanopticScores {
            panoptic: estimate("pq", self.iou.value(), all, instances),
            recognition: estimate("rq", matched, all, instances),
            segmentation: mean("sq", &self.iou, self.true_positives),
            dice: mean("sq-dice", &self.dice, self.true_positives),
            assd_mm: mean("sq-assd", &self.assd_mm, self.with_distance),
            masd_mm: mean("sq-masd", &self.masd_mm, self.with_distance),
            true_positives: self.true_positives,
            false_positives: self.false_positives,
            false_negatives: self.false_negatives,
            iou_sum: self.iou.value(),
        })
    }
}

/// Panoptic quality and what it is made of; undefined without instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PanopticScores {
    /// PQ, recognition times segmentation: the sum of IoU over `TP + FP / 2 + FN / 2`.
    pub panoptic: Estimate,
    /// RQ, `TP / (TP + FP / 2 + FN / 2)`.
    pub recognition: Estimate,
    /// SQ, the mean IoU of matches.
    pub segmentation: Estimate,
    /// The mean Dice of matches.
    pub dice: Estimate,
    /// The mean ASSD of matches in millimetres.
    pub assd_mm: Estimate,
    /// The mean of the matches' directed averages in millimetres (panoptica's `sq_assd`).
    pub masd_mm: Estimate,
    /// Matched instances.
    pub true_positives: u64,
    /// Instances of the prediction without a match.
    pub false_positives: u64,
    /// Instances of the reference without a match.
    pub false_negatives: u64,
    iou_sum: f64,
}

impl PanopticScores {
    /// PQ, SQ and RQ as MONAI 1.6 gives them, with 1e-6 added to denominators: a little too low, and 0
    /// without instances.
    #[must_use]
    pub fn monai(&self) -> [f64; 3] {
        let matched = self.true_positives as f64;
        let all = matched + 0.5 * (self.false_positives + self.false_negatives) as f64;
        [
            self.iou_sum / (all + 1e-6),
            self.iou_sum / (matched + 1e-6),
            matched / (all + 1e-6),
        ]
    }
}
