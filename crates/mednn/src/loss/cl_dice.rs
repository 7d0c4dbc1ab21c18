//! clDice: overlap of centre lines.

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::maps::{Labels, Sum, grid, probabilities, sum};
use super::segmentation::check_setting;
use super::{Dense, Loss};
use crate::cpu::skeleton::{self, Grid};
use crate::error::Result;
use crate::ops::support::{self, for_element};
use crate::tape::Apply as _;

/// The soft clDice loss for tubular structures: Dice of precision and sensitivity along the skeletons
/// (Shit et al. 2021, <https://arxiv.org/abs/2003.07311>).
///
/// With `S` the soft skeletons of the probabilities `p` and of the truth `g`, sums over channels and voxels of a batch item:
/// `tprec = (sum S_p g + nr) / (sum S_p + dr)`, `tsens = (sum S_g p + nr) / (sum S_g + dr)`, and the loss is
/// `1 - 2 tprec tsens / (tprec + tsens + smooth)`, averaged over the batch: MONAI 1.6's `SoftclDiceLoss` (earlier ones summed over
/// the batch too). The target is labels. Add a Dice loss to it: on its own it says nothing about the width of a vessel.
pub type ClDice = Dense<CentreLines>;

/// How well centre lines fit: the measure of [`ClDice`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct CentreLines {
    /// How often the skeleton erodes: at least half the width of the widest vessel in voxels.
    pub iterations: usize,
    /// Added to the numerators of precision and sensitivity.
    pub smooth_numerator: f64,
    /// Added to their denominators.
    pub smooth_denominator: f64,
    /// Added to the denominator of their harmonic mean, positive.
    pub smooth: f64,
}

impl ClDice {
    /// MONAI's `SoftclDiceLoss(softmax=True, to_onehot_y=True)`.
    #[must_use]
    pub fn monai() -> Self {
        Self::of(CentreLines {
            iterations: 3,
            smooth_numerator: 1.0,
            smooth_denominator: 1.0,
            smooth: 1e-4,
        })
    }

    /// Sets how often the skeleton erodes.
    #[must_use]
    pub fn with_iterations(mut self, iterations: usize) -> Self {
        self.measure.iterations = iterations;
        self
    }
}

impl Default for ClDice {
    fn default() -> Self {
        Self::monai()
    }
}

impl Loss for ClDice {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        const OP: &str = "cl_dice";
        let lines = self.measure;
        for (setting, value) in [
            ("smooth", lines.smooth),
            ("the smooth denominator", lines.smooth_denominator),
        ] {
            check_setting(OP, (setting, "positive"), value, |s| s > 0.0)?;
        }
        let labels = Labels::new(OP, (logits, target), self)?;
        let grid = grid(OP, logits)?;
        let mut predicted = probabilities(&self.channels, logits)?;
        if labels.counted.len() < labels.classes {
            let first = labels.counted.start;
            predicted = predicted
                .narrow(1, first, labels.counted.len())?
                .contiguous()?;
        }
        let truth = for_element!(logits, OP, T => {
            support::tensor(labels.truth::<T>(), predicted.dims(), logits)
        })?;
        let op = SkeletonOp {
            grid,
            iterations: lines.iterations,
        };
        let of_truth = truth.apply_op1_no_bwd(&op)?;
        let of_predicted = predicted.apply1(op)?;
        let ratio = |numerator: Tensor, denominator: Tensor| -> candle_core::Result<Tensor> {
            numerator.affine(1.0, lines.smooth_numerator)?
                / denominator.affine(1.0, lines.smooth_denominator)?
        };
        let precision = ratio(
            sum(OP, &of_predicted, Sum::Weighted(truth))?,
            sum(OP, &of_predicted, Sum::Plain)?,
        )?;
        let size = sum(OP, &of_truth, Sum::Plain)?;
        let sensitivity = ratio(sum(OP, &predicted, Sum::Weighted(of_truth))?, size)?;
        let both = (&precision * &sensitivity)?.affine(2.0, 0.0)?;
        let either = (precision + sensitivity)?.affine(1.0, lines.smooth)?;
        Ok((both / either)?.affine(-1.0, 1.0)?.mean_all()?)
    }
}

/// The soft skeleton of every channel.
struct SkeletonOp {
    grid: Grid,
    iterations: usize,
}

impl CustomOp1 for SkeletonOp {
    fn name(&self) -> &'static str {
        "soft_skeleton"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, "soft_skeleton", T => {
            let values = support::elements::<T>(s, l)?;
            Ok(support::output(skeleton::forward(self.grid, self.iterations, values), l.dims()))
        })
    }

    fn bwd(
        &self,
        values: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !values.track_op() {
            return Ok(None);
        }
        for_element!(values, "soft_skeleton", T => {
            let made = support::with_elements::<T, _>(values, |v| {
                support::with_elements::<T, _>(gradient, |g| {
                    Ok(skeleton::backward(self.grid, self.iterations, v, g))
                })
            })?;
            support::tensor(made, values.dims(), values).map(Some)
        })
    }
}
