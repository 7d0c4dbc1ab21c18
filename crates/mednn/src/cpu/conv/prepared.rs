//! Weights that are brought into the order of the kernels once, for as many images as come.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::finish::{Finish, Residual};
use super::kernel::{Element, Kernels};
use super::plan::Plan;
use super::problem::{Problem, Window};
use super::weights::PackedWeights;
use super::winograd::{Taps, TransformedWeights, WeightLayout};
use super::{gather, output, winograd};
use crate::cpu::simd::Level;
use crate::error::Result;

/// The weights of a forward convolution.
///
/// Which order is best depends on the size of the image; each is made when it is first needed and kept.
#[derive(Debug, Clone)]
pub struct Prepared<'a, T: Element> {
    /// The order depends on it, so it holds for every image.
    level: Level,
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
            level: problem.level(),
            weights,
            bias,
            packed: OnceLock::new(),
            transformed: OnceLock::new(),
        })
    }

    /// Convolves images and finishes the sums: `[batch, out_channels, depth, height, width]`.
    ///
    /// # Errors
    /// A problem with another number of weights, and slices whose length is not that of the problem.
    pub fn forward(
        &self,
        problem: &Problem,
        input: &[T],
        finish: &Finish<'_, T>,
    ) -> Result<Vec<T>> {
        Problem::check("input", input.len(), problem.input_len())?;
        Problem::check("weight", self.weights.len(), problem.weight_len())?;
        if let Some(residual) = finish.residual.as_ref().map(Residual::values) {
            Problem::check("residual", residual.len(), problem.output_len())?;
        }
        let kernels = T::kernels(self.level);
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
        self.transformed.get_or_init(|| {
            let weights = (&*self.weights, WeightLayout::forward(plan));
            TransformedWeights::new(kernels, plan, taps, weights, self.bias.as_deref())
        })
    }

    fn packed(&self, kernels: &Kernels<T>, problem: &Problem, plan: &Plan) -> &PackedWeights<T> {
        self.packed.get_or_init(|| {
            PackedWeights::forward(kernels, problem, plan, &self.weights, self.bias.as_deref())
        })
    }
}
