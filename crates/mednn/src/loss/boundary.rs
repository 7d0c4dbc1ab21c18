//! Losses on distances to the true surface.

use candle_core::Tensor;
use medcore::distance::squared_to_feature;

use super::maps::{Labels, Sum, grid, probabilities, sum};
use super::segmentation::check_setting;
use super::{Dense, Loss};
use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::error::{Error, Result};
use crate::ops::support::{self, Element, for_element};

/// The boundary loss: the mean of the probabilities times the signed distance from the true surface, negative inside
/// (Kervadec et al. 2019, <https://arxiv.org/abs/1812.07032>).
///
/// As in MONAI's `BoundaryLoss`, distances run between voxel centres; outside it is that to the closest true voxel, inside that
/// to the closest false one less one voxel (with a spacing: less the smallest spacing). A class that is nowhere or everywhere has
/// no surface and counts 0. The value may be negative; the loss is meant to be added to another.
///
/// Distances are exact Euclidean ones, in voxels or, with a spacing, in millimetres. The target is labels.
pub type Boundary = Dense<SurfaceDistance<SignedDistance>>;

/// The Hausdorff distance loss by distance transforms: the mean of `(p - g)^2 (d_p^alpha + d_g^alpha)`, with `d` the distance
/// from the surface of the thresholded prediction and of the truth (Karimi and Salcudean 2019,
/// <https://arxiv.org/abs/1904.10030>).
///
/// As in MONAI's `HausdorffDTLoss`, the distance of a voxel is that to the closest one on the other side of the surface; a mask
/// that is nowhere or everywhere has none and counts 0; distances are taken as constant in the gradient.
///
/// Distances are exact Euclidean ones, in voxels or, with a spacing, in millimetres. The target is labels.
pub type Hausdorff = Dense<SurfaceDistance<DistancePower>>;

/// Distances to surfaces, and what they weigh: the measure of [`Boundary`] and [`Hausdorff`].
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SurfaceDistance<W> {
    /// Millimetres from voxel to voxel along each spatial axis; voxels when not set.
    pub spacing: Option<Vec<f64>>,
    /// What distances weigh.
    pub weighting: W,
}

/// Probabilities count by the signed distance to the true surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SignedDistance;

/// Squared errors count by a power of the distances to both surfaces.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DistancePower {
    /// The exponent of the distances.
    pub alpha: f64,
}

impl Boundary {
    /// MONAI's `BoundaryLoss(softmax=True, to_onehot_y=True)`.
    #[must_use]
    pub fn monai() -> Self {
        Self::weighted(SignedDistance)
    }
}

impl Default for Boundary {
    fn default() -> Self {
        Self::monai()
    }
}

impl Hausdorff {
    /// MONAI's `HausdorffDTLoss(softmax=True, to_onehot_y=True)`: exponent 2, no background.
    #[must_use]
    pub fn monai() -> Self {
        Self::weighted(DistancePower { alpha: 2.0 }).with_background(false)
    }

    /// Sets the exponent of the distances.
    #[must_use]
    pub fn with_alpha(mut self, alpha: f64) -> Self {
        self.measure.weighting.alpha = alpha;
        self
    }
}

impl Default for Hausdorff {
    fn default() -> Self {
        Self::monai()
    }
}

impl<W> Dense<SurfaceDistance<W>> {
    fn weighted(weighting: W) -> Self {
        Self::of(SurfaceDistance {
            spacing: None,
            weighting,
        })
    }

    /// Sets the millimetres from voxel to voxel, slowest axis first.
    #[must_use]
    pub fn with_spacing(mut self, spacing: impl Into<Vec<f64>>) -> Self {
        self.measure.spacing = Some(spacing.into());
        self
    }
}

/// How distances weigh the voxels of a class.
trait Weighting: Send + Sync {
    const OP: &'static str;

    /// Refuses settings out of range.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The weights of one class of one batch item, given as zeros.
    fn weigh<T: Element>(
        &self,
        field: &Field,
        truth: &[bool],
        probabilities: &[T],
        weights: &mut [T],
    );

    /// What is added up with these weights.
    fn sum(weights: Tensor) -> Sum;
}

impl Weighting for SignedDistance {
    const OP: &'static str = "boundary";

    fn weigh<T: Element>(&self, field: &Field, truth: &[bool], _: &[T], weights: &mut [T]) {
        let Some([to_truth, to_rest]) = field.squared(truth) else {
            return;
        };
        for (i, weight) in weights.iter_mut().enumerate() {
            let distance = if truth[i] {
                field.closest - f64::from(to_rest[i]).sqrt()
            } else {
                f64::from(to_truth[i]).sqrt()
            };
            *weight = <T as Real>::from_f64(distance);
        }
    }

    fn sum(weights: Tensor) -> Sum {
        Sum::Weighted(weights)
    }
}

impl Weighting for DistancePower {
    const OP: &'static str = "hausdorff";

    fn check(&self) -> Result<()> {
        check_setting(Self::OP, ("alpha", "positive"), self.alpha, |a| a > 0.0)
    }

    /// Negative where the class is true.
    fn weigh<T: Element>(
        &self,
        field: &Field,
        truth: &[bool],
        probabilities: &[T],
        weights: &mut [T],
    ) {
        let half = <T as Real>::from_f64(0.5);
        let predicted: Vec<bool> = probabilities.iter().map(|&p| p > half).collect();
        for mask in [truth, &predicted] {
            let Some([to_mask, to_rest]) = field.squared(mask) else {
                continue;
            };
            // One of the two distances is zero.
            for ((weight, a), b) in weights.iter_mut().zip(to_mask).zip(to_rest) {
                *weight += <T as Real>::from_f64(self.power(f64::from(a + b)));
            }
        }
        for (weight, &truth) in weights.iter_mut().zip(truth) {
            if truth {
                *weight = -*weight;
            }
        }
    }

    fn sum(weights: Tensor) -> Sum {
        Sum::SquaredError(weights)
    }
}

impl DistancePower {
    /// A distance to the power `alpha`, from its square.
    fn power(self, squared: f64) -> f64 {
        if self.alpha == 2.0 {
            squared
        } else {
            libm::pow(squared, 0.5 * self.alpha)
        }
    }
}

impl<W: Weighting> Loss for Dense<SurfaceDistance<W>> {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        let SurfaceDistance { spacing, weighting } = &self.measure;
        weighting.check()?;
        let labels = Labels::new(W::OP, (logits, target), self)?;
        let field = Field::new(W::OP, logits, spacing.as_deref())?;
        let probabilities = probabilities(&self.channels, logits)?;
        let weights = for_element!(logits, W::OP, T => {
            support::with_elements::<T, _>(&probabilities, |p| Ok(weights(&labels, &field, p, weighting)))
                .and_then(|weights| support::tensor(weights, logits.dims(), logits))
        })?;
        let sums = sum(W::OP, &probabilities, W::sum(weights))?;
        let count = labels.batch * labels.counted.len() * labels.voxels;
        Ok(sums.sum_all()?.affine(1.0 / count as f64, 0.0)?)
    }
}

/// Weights `[batch, classes, voxels]`, 0 in classes that do not count.
fn weights<T: Element>(
    labels: &Labels,
    field: &Field,
    probabilities: &[T],
    weighting: &impl Weighting,
) -> Vec<T> {
    let (classes, voxels) = (labels.classes, labels.voxels);
    buffer::build_whole_rows(labels.batch * classes, voxels, |row, out: &mut [T]| {
        let class = row % classes;
        if labels.counted.contains(&class) {
            let own = labels.of(row / classes).iter();
            let truth: Vec<bool> = own.map(|&label| labels.holds(class, label)).collect();
            weighting.weigh(field, &truth, &probabilities[row * voxels..][..voxels], out);
        }
    })
}

/// The grid distances are measured on.
struct Field {
    grid: [usize; 3],
    spacing: [f64; 3],
    /// The least distance of two voxels.
    closest: f64,
}

impl Field {
    fn new(op: &'static str, logits: &Tensor, spacing: Option<&[f64]>) -> Result<Self> {
        let axes = logits.rank().saturating_sub(2);
        let grid = grid(op, logits)?;
        let mut lengths = [1.0; 3];
        if let Some(spacing) = spacing {
            if spacing.len() != axes || spacing.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
                return Err(Error::Setting {
                    op,
                    setting: "the spacing",
                    rule: "finite, positive and one for each spatial axis",
                    value: format!("{spacing:?} for {axes} axes"),
                });
            }
            lengths[3 - axes..].copy_from_slice(spacing);
        }
        let closest = lengths[3 - axes..]
            .iter()
            .copied()
            .fold(f64::INFINITY, f64::min);
        Ok(Self {
            grid,
            spacing: lengths,
            closest,
        })
    }

    /// Squared distances to the mask and to what is not in it; none when either is empty.
    fn squared(&self, mask: &[bool]) -> Option<[Vec<f32>; 2]> {
        if mask.iter().all(|&m| m) || !mask.contains(&true) {
            return None;
        }
        let to = |side: bool| squared_to_feature(mask, self.grid, self.spacing, |&m| m == side);
        // Grid and spacing were checked; nothing else can fail.
        Some([to(true).ok()?, to(false).ok()?])
    }
}
