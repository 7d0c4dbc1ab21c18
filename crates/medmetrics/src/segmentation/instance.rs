//! Which instance of the prediction is which of the reference.

use std::collections::{BTreeMap, BTreeSet};

use medcore::components::{Components, Connectivity};
use medcore::{GeometryTolerance, Label, LabelMap, Region};
use serde::{Deserialize, Serialize};

use super::convention::{AverageRule, SurfaceModel};
use super::crop::{Crop, both};
use super::instance_matching::InstanceMatching;
use super::pair::{Maps, PREDICTION, REFERENCE};
use super::panoptic::PanopticQuality;
use super::surface::SurfaceDistances;
use super::sweep::{Extent, row_index, run_end};
use crate::accumulator::Accumulator;
use crate::error::Result;

/// How the components of a structure are matched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InstanceRule {
    /// Which voxels of an instance touch; by default those at corners, as panoptica has it in 3D.
    pub connectivity: Connectivity,
    /// Which instances belong together.
    pub matching: InstanceMatching,
}

impl Default for InstanceRule {
    fn default() -> Self {
        Self {
            connectivity: Connectivity::Corner,
            matching: InstanceMatching::default(),
        }
    }
}

impl InstanceRule {
    /// Matches the components of two masks; labels are their numbers in the order of memory, from 1.
    pub(crate) fn matches<const D: usize>(
        &self,
        crop: &Crop<D>,
        spacing: Option<[f64; D]>,
    ) -> Result<InstanceMatches> {
        let numbers = |side: u8| {
            let inside = |bits: &u8| bits & side != 0;
            Components::new(&crop.bits, crop.shape, self.connectivity, inside)?.to_numbers()
        };
        let (r, p) = (numbers(REFERENCE)?, numbers(PREDICTION)?);
        let table = InstanceTable::new(&r, &p, crop.shape);
        table.matched(&self.matching, spacing, |r_label, p_label, at| {
            both(r[at] == r_label, p[at] == p_label)
        })
    }
}

/// An instance of the reference and the one of the prediction that was found to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct InstanceMatch {
    /// Label of the instance in the reference.
    pub reference: u32,
    /// Label of the instance in the prediction.
    pub prediction: u32,
    /// Their intersection over union.
    pub iou: f64,
    /// Their Dice coefficient.
    pub dice: f64,
    /// The average distance of both surfaces together (ASSD) in millimetres, if these are known.
    pub assd_mm: Option<f64>,
    /// The mean of the directed averages in millimetres, which panoptica calls ASSD.
    pub masd_mm: Option<f64>,
}

/// The instances of one case, matched.
///
/// ```
/// use medcore::{Geometry, LabelMap};
/// use medmetrics::segmentation::{InstanceMatches, InstanceMatching};
///
/// let grid = Geometry::<2>::axis_aligned([2, 6], [1.0, 1.0])?;
/// let reference = LabelMap::new(grid, vec![1u8, 1, 0, 2, 2, 2, 1, 1, 0, 2, 2, 2])?;
/// let prediction = LabelMap::new(grid, vec![9u8, 9, 0, 0, 0, 4, 9, 0, 0, 0, 0, 4])?;
/// let found = InstanceMatches::between(&reference, &prediction, &InstanceMatching::default())?;
/// assert_eq!((found.matches[0].reference, found.matches[0].prediction), (1, 9));
/// assert_eq!(found.matches[0].iou, 0.75);
/// assert_eq!((&found.missed[..], &found.invented[..]), (&[2][..], &[4][..]));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceMatches {
    /// Pairs, by the label in the reference.
    pub matches: Vec<InstanceMatch>,
    /// Labels of the reference without a match.
    pub missed: Vec<u32>,
    /// Labels of the prediction without a match.
    pub invented: Vec<u32>,
    /// How they were matched.
    pub matching: InstanceMatching,
}

impl InstanceMatches {
    /// Matches the labels of two maps, each an instance, 0 background.
    ///
    /// # Errors
    /// Refuses maps on different grids, a matching that cannot be carried out, and images that are not 2D or
    /// 3D if their millimetres are known.
    pub fn between<A: Label, B: Label, const D: usize>(
        reference: &LabelMap<A, D>,
        prediction: &LabelMap<B, D>,
        matching: &InstanceMatching,
    ) -> Result<Self> {
        matching.check()?;
        let tolerance = GeometryTolerance::default();
        let geometry = reference.geometry();
        geometry.check_same_as(prediction.geometry(), &tolerance)?;
        let maps = Maps {
            reference,
            prediction,
            ignore: None,
        };
        let (r, p) = (reference.as_slice(), prediction.as_slice());
        let table = InstanceTable::new(r, p, reference.shape());
        table.matched(matching, maps.spacing().ok(), |r_label, p_label, at| {
            both(r[at].into() == r_label, p[at].into() == p_label)
        })
    }
}

impl InstanceMatches {
    /// Panoptic quality of this case alone; `None` without instances. [`super::PanopticQuality`] pools cases.
    #[must_use]
    pub fn panoptic_quality(&self) -> Option<f64> {
        let mut quality = PanopticQuality::new(self.matching);
        quality.push(self).ok()?;
        quality.finish().ok()?.panoptic.value
    }
}

/// Instances of one side: voxels and boxes by label.
type Instances<const D: usize> = BTreeMap<u32, (u64, Extent<D>)>;

/// Voxels and boxes of the instances of two maps, and the voxels that pairs of them share.
pub(crate) struct InstanceTable<const D: usize> {
    shape: [usize; D],
    reference: Instances<D>,
    prediction: Instances<D>,
    shared: BTreeMap<(u32, u32), u64>,
}

impl<const D: usize> InstanceTable<D> {
    pub(crate) fn new<A: Label, B: Label>(r: &[A], p: &[B], shape: [usize; D]) -> Self {
        let (mut reference, mut prediction) = (Instances::new(), Instances::new());
        let mut shared = BTreeMap::new();
        let width = shape[D - 1];
        for (row, (r, p)) in r.chunks_exact(width).zip(p.chunks_exact(width)).enumerate() {
            let mut start = 0;
            while start < width {
                let end = run_end(r, p, start);
                let labels: [u32; 2] = [r[start].into(), p[start].into()];
                for (label, side) in labels.into_iter().zip([&mut reference, &mut prediction]) {
                    if label != 0 {
                        let (voxels, extent) = side.entry(label).or_insert((0, Extent::nowhere()));
                        *voxels += (end - start) as u64;
                        let mut index = row_index(shape, row);
                        index[D - 1] = start;
                        extent.include(index, end);
                    }
                }
                if labels[0] != 0 && labels[1] != 0 {
                    *shared.entry((labels[0], labels[1])).or_insert(0) += (end - start) as u64;
                }
                start = end;
            }
        }
        Self {
            shape,
            reference,
            prediction,
            shared,
        }
    }

    /// Matches the instances; `bits` says which masks of a pair of labels a voxel belongs to.
    pub(crate) fn matched(
        &self,
        matching: &InstanceMatching,
        spacing: Option<[f64; D]>,
        bits: impl Fn(u32, u32, usize) -> u8,
    ) -> Result<InstanceMatches> {
        let overlaps: Vec<InstanceOverlap> = self
            .shared
            .iter()
            .map(|(&(reference, prediction), &shared)| InstanceOverlap {
                reference,
                prediction,
                shared,
                both: self.reference[&reference].0 + self.prediction[&prediction].0,
            })
            .collect();
        let mut matches = Vec::new();
        for overlap in matching.pairs(&overlaps)? {
            let InstanceOverlap {
                reference,
                prediction,
                ..
            } = overlap;
            let region = self.region(reference, prediction);
            let distances = match (spacing, region) {
                (Some(spacing), Some(region)) => {
                    let pair = Crop::filled(self.shape, &region, |from, out| {
                        for (at, out) in (from..).zip(out) {
                            *out = bits(reference, prediction, at);
                        }
                    })?;
                    Some(SurfaceDistances::of_crop(
                        &pair,
                        spacing,
                        SurfaceModel::VoxelErode,
                    )?)
                }
                _ => None,
            };
            let average = |rule| distances.as_ref().and_then(|d| d.average(rule));
            matches.push(InstanceMatch {
                reference,
                prediction,
                iou: overlap.iou(),
                dice: overlap.dice(),
                assd_mm: average(AverageRule::Pooled),
                masd_mm: average(AverageRule::MeanOfDirected),
            });
        }
        let left = |side: &Instances<D>, of: fn(&InstanceMatch) -> u32| -> Vec<u32> {
            let taken: BTreeSet<u32> = matches.iter().map(of).collect();
            side.keys()
                .copied()
                .filter(|label| !taken.contains(label))
                .collect()
        };
        Ok(InstanceMatches {
            missed: left(&self.reference, |m| m.reference),
            invented: left(&self.prediction, |m| m.prediction),
            matching: *matching,
            matches,
        })
    }

    fn region(&self, reference: u32, prediction: u32) -> Option<Region<D>> {
        let of =
            |side: &Instances<D>, label| side.get(&label).and_then(|(_, extent)| extent.region());
        let (r, p) = (
            of(&self.reference, reference)?,
            of(&self.prediction, prediction)?,
        );
        Some(r.union(&p))
    }
}

/// Two instances that share voxels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InstanceOverlap {
    pub(crate) reference: u32,
    pub(crate) prediction: u32,
    /// Voxels of both.
    pub(crate) shared: u64,
    /// Voxels of the one plus those of the other.
    pub(crate) both: u64,
}

impl InstanceOverlap {
    pub(crate) fn iou(&self) -> f64 {
        self.shared as f64 / (self.both - self.shared) as f64
    }

    pub(crate) fn dice(&self) -> f64 {
        (2 * self.shared) as f64 / self.both as f64
    }
}
