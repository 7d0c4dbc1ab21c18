//! Losses on distances to the true surface.

use candle_core::Tensor;
use medcore::distance::squared_to_feature;

use super::dense::{Labels, Sum, grid, probabilities, sum};
use super::segmentation::check_setting;
use super::{Channels, Loss};
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
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Boundary {
    /// How logits become probabilities.
    pub channels: Channels,
    /// Whether class 0 counts.
    pub include_background: bool,
    /// Millimetres from voxel to voxel along each spatial axis; voxels when not set.
    pub spacing: Option<Vec<f64>>,
}

impl Boundary {
    /// MONAI's `BoundaryLoss(softmax=True, to_onehot_y=True)`.
    #[must_use]
    pub fn monai() -> Self {
        Self {
            channels: Channels::Softmax,
            include_background: true,
            spacing: None,
        }
    }

    /// Sets how logits become probabilities.
    #[must_use]
    pub fn with_channels(mut self, channels: Channels) -> Self {
        self.channels = channels;
        self
    }

    /// Sets whether class 0 counts.
    #[must_use]
    pub fn with_background(mut self, include: bool) -> Self {
        self.include_background = include;
        self
    }

    /// Sets the millimetres from voxel to voxel, slowest axis first.
    #[must_use]
    pub fn with_spacing(mut self, spacing: impl Into<Vec<f64>>) -> Self {
        self.spacing = Some(spacing.into());
        self
    }

    /// Signed distances `[batch, classes, voxels]`, 0 in classes that do not count.
    fn map<T: Element>(&self, labels: &Labels, field: &Field) -> Vec<T> {
        let rows = labels.batch * labels.classes;
        buffer::build_whole_rows(rows, labels.voxels, |row, out: &mut [T]| {
            let class = row % labels.classes;
            if !labels.counted.contains(&class) {
                return;
            }
            let mask: Vec<bool> = labels
                .of(row / labels.classes)
                .iter()
                .map(|&label| labels.holds(class, label))
                .collect();
            let Some([to_mask, to_rest]) = field.squared(&mask) else {
                return;
            };
            for (i, o) in out.iter_mut().enumerate() {
                let distance = if mask[i] {
                    field.closest - f64::from(to_rest[i]).sqrt()
                } else {
                    f64::from(to_mask[i]).sqrt()
                };
                *o = <T as Real>::from_f64(distance);
            }
        })
    }
}

impl Loss for Boundary {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        const OP: &str = "boundary";
        let labels = Labels::new(
            OP,
            (logits, target),
            &self.channels,
            self.include_background,
        )?;
        let field = Field::new(OP, logits, self.spacing.as_deref())?;
        let probabilities = probabilities(&self.channels, logits)?;
        let map = for_element!(logits, OP, T => {
            support::tensor(self.map::<T>(&labels, &field), logits.dims(), logits)
        })?;
        mean(&labels, &sum(OP, &probabilities, Sum::Weighted(map))?)
    }
}

/// The Hausdorff distance loss by distance transforms: the mean of `(p - g)^2 (d_p^alpha + d_g^alpha)`, with `d` the distance
/// from the surface of the thresholded prediction and of the truth (Karimi and Salcudean 2019,
/// <https://arxiv.org/abs/1904.10030>).
///
/// As in MONAI's `HausdorffDTLoss`, the distance of a voxel is that to the closest one on the other side of the surface; a mask
/// that is nowhere or everywhere has none and counts 0; distances are taken as constant in the gradient.
///
/// Distances are exact Euclidean ones, in voxels or, with a spacing, in millimetres. The target is labels.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Hausdorff {
    /// How logits become probabilities.
    pub channels: Channels,
    /// The exponent of the distances.
    pub alpha: f64,
    /// Whether class 0 counts.
    pub include_background: bool,
    /// Millimetres from voxel to voxel along each spatial axis; voxels when not set.
    pub spacing: Option<Vec<f64>>,
}

impl Hausdorff {
    /// MONAI's `HausdorffDTLoss(softmax=True, to_onehot_y=True)`: exponent 2, no background.
    #[must_use]
    pub fn monai() -> Self {
        Self {
            channels: Channels::Softmax,
            alpha: 2.0,
            include_background: false,
            spacing: None,
        }
    }

    /// Sets how logits become probabilities.
    #[must_use]
    pub fn with_channels(mut self, channels: Channels) -> Self {
        self.channels = channels;
        self
    }

    /// Sets the exponent of the distances.
    #[must_use]
    pub fn with_alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Sets whether class 0 counts.
    #[must_use]
    pub fn with_background(mut self, include: bool) -> Self {
        self.include_background = include;
        self
    }

    /// Sets the millimetres from voxel to voxel, slowest axis first.
    #[must_use]
    pub fn with_spacing(mut self, spacing: impl Into<Vec<f64>>) -> Self {
        self.spacing = Some(spacing.into());
        self
    }

    /// The weights of squared errors, `[batch, classes, voxels]`, negative where the class is true.
    fn map<T: Element>(&self, labels: &Labels, field: &Field, probabilities: &[T]) -> Vec<T> {
        let half = <T as Real>::from_f64(0.5);
        let rows = labels.batch * labels.classes;
        buffer::build_whole_rows(rows, labels.voxels, |row, out: &mut [T]| {
            let class = row % labels.classes;
            if !labels.counted.contains(&class) {
                return;
            }
            let truth: Vec<bool> = labels
                .of(row / labels.classes)
                .iter()
                .map(|&label| labels.holds(class, label))
                .collect();
            let predicted: Vec<bool> = probabilities[row * labels.voxels..][..labels.voxels]
                .iter()
                .map(|&p| p > half)
                .collect();
            for mask in [&truth, &predicted] {
                let Some([to_mask, to_rest]) = field.squared(mask) else {
                    continue;
                };
                // One of the two distances is zero.
                for ((o, a), b) in out.iter_mut().zip(to_mask).zip(to_rest) {
                    *o += <T as Real>::from_f64(self.power(f64::from(a + b)));
                }
            }
            for (o, &truth) in out.iter_mut().zip(&truth) {
                if truth {
                    *o = -*o;
                }
            }
        })
    }

    /// A distance to the power `alpha`, from its square.
    fn power(&self, squared: f64) -> f64 {
        if self.alpha == 2.0 {
            squared
        } else {
            libm::pow(squared, 0.5 * self.alpha)
        }
    }
}

impl Default for Hausdorff {
    fn default() -> Self {
        Self::monai()
    }
}

impl Loss for Hausdorff {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        const OP: &str = "hausdorff";
        check_setting(OP, ("alpha", "positive"), self.alpha, |a| a > 0.0)?;
        let labels = Labels::new(
            OP,
            (logits, target),
            &self.channels,
            self.include_background,
        )?;
        let field = Field::new(OP, logits, self.spacing.as_deref())?;
        let probabilities = probabilities(&self.channels, logits)?;
        let map = for_element!(logits, OP, T => {
            support::with_elements::<T, _>(&probabilities, |p| Ok(self.map(&labels, &field, p)))
                .and_then(|map| support::tensor(map, logits.dims(), logits))
        })?;
        mean(&labels, &sum(OP, &probabilities, Sum::SquaredError(map))?)
    }
}

/// The mean over batch, counted channels and voxels of sums `[batch]`.
fn mean(labels: &Labels, sums: &Tensor) -> Result<Tensor> {
    let count = labels.batch * labels.counted.len() * labels.voxels;
    Ok(sums.sum_all()?.affine(1.0 / count as f64, 0.0)?)
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
