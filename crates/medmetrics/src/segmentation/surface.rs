//! Distances between the surfaces of two segmentations, measured once and asked many questions.
//!
//! Only the box that holds both masks is looked at, and only at the points of either surface. Distances
//! are exact Euclidean ones in millimetres.

use medcore::{GeometryTolerance, Label, LabelMap};

use super::convention::{AverageRule, HdRule, SurfaceDiceRule, SurfaceModel};
use super::directed::Directed;
use super::empty::EmptyCase;
use super::overlap::MAX_LABELS;
use super::pair::Maps;
use super::sweep::Sweep;
use crate::error::Result;

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
    pub(super) from_reference: Directed,
    pub(super) from_prediction: Directed,
    pub(super) empty: Option<EmptyCase>,
    pub(super) model: SurfaceModel,
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
        let spacing = maps.spacing()?;
        match maps.crop(&sweep, labels)? {
            Some(crop) => Self::of_crop(&crop, spacing, model),
            None => Ok(Self::nothing(EmptyCase::Both, model)),
        }
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
