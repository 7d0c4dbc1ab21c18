//! Weights that are brought into the order of the kernels once, for as many images as come.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::finish::{Finish, Residual};
use super::kernel::{Element, Kernels};
use super::plan::Plan;
use super::problem::{Problem, Window};
use super::weights::PackedWeights;
use super::winograd::{Taps, TransformedWeights, WeightLayout};
use super::{gather, output, sampled, winograd};
use crate::cpu::simd::Level;
use crate::error::{Error, Result};

/// What problems must have in common to use the same weights.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shape {
    channels: [usize; 2],
    groups: usize,
    window: Window,
    level: Level,
}

impl Shape {
    fn of(problem: &Problem, level: Level) -> Self {
        Self {
            channels: [problem.in_channels(), problem.out_channels()],
            groups: problem.groups(),
            window: *problem.window(),
            level,
        }
    }
}

/// The weights of a forward convolution, for the widest vector instructions of this machine.
///
/// Which order is best depends on the size of the image; each is made when it is first needed and kept.
#[derive(Debug, Clone)]
pub struct Prepared<'a, T: Element> {
    /// The order of the weights depends on all of this.
    shape: Shape,
    weights: Cow<'a, [T]>,
    bias: Option<Cow<'a, [T]>>,
    packed: OnceLock<PackedWeights<T>>,
    transformed: OnceLock<TransformedWeights<T>>,
}

impl<T: Element> Prepared<'static, T> {
    /// Takes weights, `[out_channels, in_channels / groups, kernel depth, height, width]`, and a bias for each channel.
    ///
    /// # Errors
    /// Channels that the groups do not divide, sizes of zero, and slices of another length than these sizes ask for.
    pub fn new(
        channels: [usize; 2],
        groups: usize,
        window: Window,
        weights: Vec<T>,
        bias: Option<Vec<T>>,
    ) -> Result<Self> {
        // The smallest image that has an output.
        let size = [0, 1, 2].map(|a| {
            let taps = window.kernel[a].saturating_sub(1);
            taps.saturating_mul(window.dilation[a]).saturating_add(1)
        });
        let problem = Problem::new(1, channels, groups, size, window)?;
        Self::owned(&problem, Cow::Owned(weights), bias.map(Cow::Owned))
    }
}

impl<'a, T: Element> Prepared<'a, T> {
    pub(super) fn borrowed(
        problem: &Problem,
        weights: &'a [T],
        bias: Option<&'a [T]>,
    ) -> Result<Self> {
        Self::owned(problem, Cow::Borrowed(weights), bias.map(Cow::Borrowed))
    }

    fn owned(problem: &Problem, weights: Cow<'a, [T]>, bias: Option<Cow<'a, [T]>>) -> Result<Self> {
        Problem::check("weight", weights.len(), problem.weight_len())?;
        if let Some(bias) = &bias {
            Problem::check("bias", bias.len(), problem.out_channels())?;
        }
        Ok(Self {
            shape: Shape::of(problem, problem.level()),
            weights,
            bias,
            packed: OnceLock::new(),
            transformed: OnceLock::new(),
        })
    }

    /// Convolves images and finishes the sums: `[batch, out_channels, depth, height, width]`.
    ///
    /// # Errors
    /// A problem of other channels, groups or another window, and slices whose length is not that of the problem.
    pub fn forward(
        &self,
        problem: &Problem,
        input: &[T],
        finish: &Finish<'_, T>,
    ) -> Result<Vec<T>> {
        Problem::check("input", input.len(), problem.input_len())?;
        let asked = Shape::of(problem, self.shape.level);
        if asked != self.shape {
            return Err(Error::Setting {
                op: "convolution",
                setting: "the problem",
                rule: "of the channels, groups and window whose weights were prepared",
                value: format!("{asked:?} for {:?}", self.shape),
            });
        }
        if let Some(residual) = finish.residual.as_ref().map(Residual::values) {
            Problem::check("residual", residual.len(), problem.output_len())?;
        }
        let sampled = sampled::dense(problem, input)?;
        let (problem, input) = match &sampled {
            Some((dense, seen)) => (dense, seen.as_slice()),
            None => (problem, input),
        };
        let kernels = T::kernels(self.shape.level);
        let plan = Plan::forward(problem);
        let taps = Taps::of(&plan);
        Ok(output::build(problem.output_len(), finish, |out| {
            if let Some(taps) = &taps {
                let weights = self.transformed(kernels, &plan, taps);
                winograd::run(kernels, &plan, taps, input, weights, out);
            } else {
                gather::run(
                    kernels,
                    &plan,
                    input,
                    self.packed(kernels, problem, &plan),
                    out,
                );
            }
        }))
    }

    fn transformed(
        &self,
        kernels: &Kernels<T>,
        plan: &Plan,
        taps: &Taps,
    ) -> &TransformedWeights<T> {
        kept(&self.transformed, || {
            let weights = (&*self.weights, WeightLayout::forward(plan));
            TransformedWeights::new(kernels, plan, taps, weights, self.bias.as_deref())
        })
    }

    fn packed(&self, kernels: &Kernels<T>, problem: &Problem, plan: &Plan) -> &PackedWeights<T> {
        kept(&self.packed, || {
            PackedWeights::forward(kernels, problem, plan, &self.weights, self.bias.as_deref())
        })
    }
}

/// What the cell holds, made first if it is empty.
///
/// It is made outside the lock of the cell: a thread that waits for its part of parallel work may be given work that comes
/// back here. Of several that are made at once one is kept.
fn kept<W>(cell: &OnceLock<W>, make: impl FnOnce() -> W) -> &W {
    if let Some(kept) = cell.get() {
        return kept;
    }
    let made = make();
    cell.get_or_init(|| made)
}
