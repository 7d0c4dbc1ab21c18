//! Distances between the surfaces of two segmentations, measured once and asked many questions.
//!
//! Only the box that holds both masks is looked at, and only at the points of either surface. Distances
//! are exact Euclidean ones in millimetres.

use medcore::{Calibration, GeometryTolerance, Label, LabelMap, Region, distance};

use super::convention::{AverageRule, HdRule, SurfaceDiceRule, SurfaceModel};
use super::crop::Crop;
use super::dual_grid;
use super::empty::EmptyCase;
use super::overlap::MAX_LABELS;
use super::sweep::Sweep;
use crate::error::{Error, Result};

/// The distances from each surface to the other.
///
/// ```
/// use medcore::{Geometry, LabelMap};
/// use medmetrics::{HdRule, SurfaceDiceRule, SurfaceDistances, SurfaceModel};
///
/// // Two bars of three pixels, one pixel (2 mm) apart.
/// let grid = Geometry::<2>::axis_aligned([2, 5], [1.0, 2.0])?;
/// let reference = LabelMap::new(grid, vec![0u8, 1, 1, 1, 0, 0, 0, 0, 0, 0])?;
/// let prediction = LabelMap::new(grid, vec![0u8, 0, 1, 1, 1, 0, 0, 0, 0, 0])?;
/// let distances = SurfaceDistances::between(&reference, &prediction, &[1], SurfaceModel::VoxelErode)?;
/// assert_eq!(distances.hausdorff(), Some(2.0));
/// assert_eq!(distances.surface_dice(1.0, SurfaceDiceRule::Pooled), Some(4.0 / 6.0));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceDistances {
    from_reference: Directed,
    from_prediction: Directed,
    empty: Option<EmptyCase>,
    model: SurfaceModel,
}

/// Distances from the points of one surface, ascending, with the area around each point.
#[derive(Debug, Clone, PartialEq, Default)]
struct Directed {
    mm: Vec<f32>,
    /// Area or length around each point; `None` when each counts once.
    area: Option<Vec<f32>>,
}

impl SurfaceDistances {
    /// Measures the structure made of `labels` in two maps on the same grid.
    ///
    /// Axes are taken as perpendicular, as every peer does; sheared grids should be resampled first.
    ///
    /// # Errors
    /// Refuses maps on different grids, label numbers from 1024 on, and images without known millimetres.
    pub fn between<A: Label, B: Label, const D: usize>(
        reference: &LabelMap<A, D>,
        prediction: &LabelMap<B, D>,
        labels: &[u32],
        model: SurfaceModel,
    ) -> Result<Self> {
        let maps = Maps {
            reference,
            prediction,
            ignore: None,
        };
        let most = A::MAX_CLASS.max(B::MAX_CLASS) as usize;
        let table = most.saturating_add(1).min(MAX_LABELS);
        let sweep = Sweep::over(reference, prediction, table, &GeometryTolerance::default())?;
        maps.distances(&sweep, labels, model)
    }

    /// Which mask is empty, if one is; then there is nothing to measure.
    #[must_use]
    pub fn empty(&self) -> Option<EmptyCase> {
        self.empty
    }

    /// What was taken for the surface.
    #[must_use]
    pub fn model(&self) -> SurfaceModel {
        self.model
    }

    /// Distances in millimetres from the reference's surface to the prediction's, ascending.
    #[must_use]
    pub fn from_reference(&self) -> &[f32] {
        &self.from_reference.mm
    }

    /// Distances in millimetres from the prediction's surface to the reference's, ascending.
    #[must_use]
    pub fn from_prediction(&self) -> &[f32] {
        &self.from_prediction.mm
    }

    /// The largest distance of either surface to the other, in millimetres; `None` if a mask is empty.
    #[must_use]
    pub fn hausdorff(&self) -> Option<f64> {
        let largest = |d: &Directed| d.mm.last().map(|&v| f64::from(v));
        Some(largest(&self.from_reference)?.max(largest(&self.from_prediction)?))
    }

    /// The percentile (0 to 100) of the distances in millimetres; `None` if a mask is empty.
    ///
    /// Voxel surfaces interpolate linearly between distances (NumPy's default); patches take the smallest
    /// distance that covers this share of the area. A percentile outside 0 to 100 is taken as the end.
    #[must_use]
    pub fn hausdorff_percentile(&self, percentile: f64, rule: HdRule) -> Option<f64> {
        if self.empty.is_some() {
            return None;
        }
        let share = percentile.clamp(0.0, 100.0) / 100.0;
        match rule {
            HdRule::MaxOfDirected => {
                let (a, b) = (
                    self.from_reference.quantile(share)?,
                    self.from_prediction.quantile(share)?,
                );
                Some(a.max(b))
            }
            HdRule::Pooled => self.pooled().quantile(share),
        }
    }

    /// The average distance in millimetres; `None` if a mask is empty.
    #[must_use]
    pub fn average(&self, rule: AverageRule) -> Option<f64> {
        if self.empty.is_some() {
            return None;
        }
        let (from_reference, from_prediction) = (&self.from_reference, &self.from_prediction);
        let (sum_r, size_r) = (from_reference.sum(), from_reference.size());
        let (sum_p, size_p) = (from_prediction.sum(), from_prediction.size());
        Some(match rule {
            AverageRule::Pooled => (sum_r + sum_p) / (size_r + size_p),
            AverageRule::MeanOfDirected => 0.5 * (sum_r / size_r + sum_p / size_p),
            AverageRule::FromPrediction => sum_p / size_p,
            AverageRule::FromReference => sum_r / size_r,
        })
    }

    /// The share of the surfaces that lies within `tolerance_mm` of the other (normalised surface
    /// distance, NSD); `None` if a mask is empty.
    #[must_use]
    pub fn surface_dice(&self, tolerance_mm: f64, rule: SurfaceDiceRule) -> Option<f64> {
        if self.empty.is_some() {
            return None;
        }
        let (near_r, size_r) = (
            self.from_reference.within(tolerance_mm),
            self.from_reference.size(),
        );
        let (near_p, size_p) = (
            self.from_prediction.within(tolerance_mm),
            self.from_prediction.size(),
        );
        Some(match rule {
            SurfaceDiceRule::Pooled => (near_r + near_p) / (size_r + size_p),
            SurfaceDiceRule::MeanOfDirected => 0.5 * (near_r / size_r + near_p / size_p),
        })
    }

    fn pooled(&self) -> Directed {
        let both = [&self.from_reference, &self.from_prediction];
        let areas = both
            .iter()
            .flat_map(|d| d.area.iter().flatten().copied())
            .collect::<Vec<_>>();
        let mm = both.iter().flat_map(|d| d.mm.iter().copied()).collect();
        Directed::sorted(mm, self.from_reference.area.is_some().then_some(areas))
    }
}

impl Directed {
    fn sorted(mut mm: Vec<f32>, area: Option<Vec<f32>>) -> Self {
        let Some(area) = area else {
            mm.sort_unstable_by(f32::total_cmp);
            return Self { mm, area: None };
        };
        let mut pairs: Vec<(f32, f32)> = mm.into_iter().zip(area).collect();
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let (mm, area) = pairs.into_iter().unzip();
        Self {
            mm,
            area: Some(area),
        }
    }

    /// Number of points, or their area.
    fn size(&self) -> f64 {
        match &self.area {
            None => self.mm.len() as f64,
            Some(area) => area.iter().map(|&a| f64::from(a)).sum(),
        }
    }

    fn sum(&self) -> f64 {
        match &self.area {
            None => self.mm.iter().map(|&v| f64::from(v)).sum(),
            Some(area) => self
                .mm
                .iter()
                .zip(area)
                .map(|(&v, &a)| f64::from(v) * f64::from(a))
                .sum(),
        }
    }

    /// The size of the part that lies within `tolerance` (inclusive).
    fn within(&self, tolerance: f64) -> f64 {
        // Distances are f32: what rounds to the tolerance is within it.
        let count = self.mm.partition_point(|&v| v <= tolerance as f32);
        match &self.area {
            None => count as f64,
            Some(area) => area[..count].iter().map(|&a| f64::from(a)).sum(),
        }
    }

    fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.mm.len().checked_sub(1)?;
        let Some(area) = &self.area else {
            let place = share * last as f64;
            let below = place.floor() as usize;
            let (low, high) = (
                f64::from(self.mm[below]),
                f64::from(self.mm[(below + 1).min(last)]),
            );
            return Some(low + (high - low) * (place - below as f64));
        };
        let whole = self.size();
        let mut covered = 0.0;
        let at = area.iter().position(|&a| {
            covered += f64::from(a);
            covered / whole >= share
        });
        Some(f64::from(self.mm[at.unwrap_or(last)]))
    }
}

/// Two label maps on one grid, and the label of the reference that means "not annotated".
pub(crate) struct Maps<'a, A, B, const D: usize> {
    pub(crate) reference: &'a LabelMap<A, D>,
    pub(crate) prediction: &'a LabelMap<B, D>,
    pub(crate) ignore: Option<u32>,
}

impl<A: Label, B: Label, const D: usize> Maps<'_, A, B, D> {
    /// Measures one structure, given the boxes of all labels.
    pub(crate) fn distances(
        &self,
        sweep: &Sweep<D>,
        labels: &[u32],
        model: SurfaceModel,
    ) -> Result<SurfaceDistances> {
        let geometry = self.reference.geometry();
        if geometry.calibration() == Calibration::Unknown {
            let calibration = geometry.calibration().name();
            return Err(medcore::Error::Uncalibrated { calibration }.into());
        }
        if !(2..=3).contains(&D) {
            return Err(Error::InvalidParameter {
                parameter: "dimensions of a surface",
                rule: "2 or 3",
                value: D as f64,
            });
        }
        let boxes = labels.iter().flat_map(|&label| {
            let at = |boxes: &[Option<Region<D>>]| boxes.get(label as usize).copied().flatten();
            [at(&sweep.reference), at(&sweep.prediction)]
        });
        let region = boxes.flatten().reduce(|a, b| a.union(&b));
        let nothing = |empty| SurfaceDistances {
            from_reference: Directed::default(),
            from_prediction: Directed::default(),
            empty: Some(empty),
            model,
        };
        let Some(region) = region else {
            return Ok(nothing(EmptyCase::Both));
        };
        let crop = Crop::new(self, &region, labels)?;
        if let Some(empty) = crop.empty() {
            return Ok(nothing(empty));
        }
        let spacing = geometry.spacing();
        let surface = match model {
            SurfaceModel::VoxelErode => crop.eroded()?,
            SurfaceModel::DualGrid => dual_grid::patches(&crop, spacing)?,
        };
        Ok(SurfaceDistances {
            from_reference: surface.directed(spacing, REFERENCE)?,
            from_prediction: surface.directed(spacing, PREDICTION)?,
            empty: None,
            model,
        })
    }
}

/// The bit of a voxel of the reference, and of a point of its surface.
pub(crate) const REFERENCE: u8 = 1;
/// The bit of a voxel of the prediction, and of a point of its surface.
pub(crate) const PREDICTION: u8 = 2;

/// Points of both surfaces on one grid.
pub(crate) struct Points<const D: usize> {
    pub(crate) shape: [usize; D],
    /// Bits of the surfaces at each point.
    pub(crate) bits: Vec<u8>,
    /// Positions on the reference's surface and on the prediction's.
    pub(crate) positions: [Vec<usize>; 2],
    /// Areas around them, if not each counts once.
    pub(crate) areas: Option<[Vec<f32>; 2]>,
}

impl<const D: usize> Points<D> {
    /// Distances from the surface with bit `from` to the other.
    fn directed(&self, spacing: [f64; D], from: u8) -> Result<Directed> {
        let side = usize::from(from == PREDICTION);
        let to = (REFERENCE | PREDICTION) ^ from;
        let positions = &self.positions[side];
        let mut mm = distance::squared_at(
            &self.bits,
            self.shape,
            spacing,
            |&bits| bits & to != 0,
            positions,
        )?;
        mm.iter_mut().for_each(|v| *v = v.sqrt());
        Ok(Directed::sorted(
            mm,
            self.areas.as_ref().map(|areas| areas[side].clone()),
        ))
    }
}
