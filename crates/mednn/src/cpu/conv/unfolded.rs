//! The gradient of the weights of small images with many channels: one product of matrices over all outputs.
//!
//! The input is unfolded to `[channel, tap, output]`, and the product gives the gradient in the order of the weights. With more
//! outputs the correlation of `weight_gradient`, which unfolds nothing, is faster.

use rayon::prelude::*;

use super::kernel::Element;
use super::pack::pack_residue;
use super::plan::{Plan, Tap};
use super::problem::volume;
use super::scratch::Aligned;
use crate::cpu::matrix::{Matrix, product};
use crate::cpu::simd::vectorize;

/// Most outputs of a channel, in the whole batch.
const MOST_OUTPUTS: usize = 256;
/// Fewest output channels, and weights of one of them.
const LEAST_CHANNELS: usize = 32;
const LEAST_WEIGHTS: usize = 256;

/// Whether a plan of a forward pass has so few outputs and so many weights; the choice depends on sizes alone.
pub(super) fn pays(plan: &Plan) -> bool {
    plan.groups == 1
        && plan.batch * volume(plan.target) <= MOST_OUTPUTS
        && plan.target_channels >= LEAST_CHANNELS
        && plan.source_channels * plan.taps() >= LEAST_WEIGHTS
}

/// The gradient of the weights, `[out_channels, in_channels, tap]`, from that of the output.
pub(super) fn weight_gradient<T: Element>(plan: &Plan, input: &[T], gradient: &[T]) -> Vec<T> {
    let (inputs, outputs) = (unfold(plan, input), together(plan, gradient));
    let summed = plan.batch * volume(plan.target);
    let rows = plan.source_channels * plan.taps();
    product(
        Matrix::rows(&outputs, (plan.target_channels, summed), summed),
        Matrix::rows(&inputs, (rows, summed), summed).transposed(),
        |_, _| {},
    )
}

/// What each tap sees, `[channel, tap, batch, output]`.
fn unfold<T: Element>(plan: &Plan, input: &[T]) -> Aligned<T> {
    let taps = &plan.phases[0].taps;
    let image = volume(plan.target);
    let mut rows = Aligned::zeros(plan.source_channels * taps.len() * plan.batch * image);
    rows.par_chunks_mut(taps.len() * plan.batch * image)
        .enumerate()
        .for_each(|(channel, rows)| {
            vectorize(
                #[inline(always)]
                || {
                    for (i, to) in rows.chunks_exact_mut(image).enumerate() {
                        let (tap, batch) = (&taps[i / plan.batch], i % plan.batch);
                        let from = (batch * plan.source_channels + channel) * volume(plan.source);
                        see(plan, tap, &input[from..][..volume(plan.source)], to);
                    }
                },
            );
        });
    rows
}

/// What one tap sees of one channel of one image.
#[inline(always)]
fn see<T: Element>(plan: &Plan, tap: &Tap, from: &[T], to: &mut [T]) {
    let [depth, height, width] = plan.source;
    for (row, to) in to.chunks_exact_mut(plan.target[2]).enumerate() {
        let [d, h] = [row / plan.target[1], row % plan.target[1]];
        let d = (d * plan.source_step[0]) as isize + tap.offset[0];
        let h = (h * plan.source_step[1]) as isize + tap.offset[1];
        // A row outside the image stays zero.
        if (0..depth as isize).contains(&d) && (0..height as isize).contains(&h) {
            let from = &from[(d as usize * height + h as usize) * width..][..width];
            pack_residue(from, tap.offset[2], plan.source_step[2], to);
        }
    }
}

/// The gradient of the output with the images of a channel one behind the other, `[channel, batch, output]`.
fn together<'a, T: Element>(plan: &Plan, gradient: &'a [T]) -> std::borrow::Cow<'a, [T]> {
    if plan.batch == 1 {
        return gradient.into();
    }
    let image = volume(plan.target);
    let mut rows = Vec::with_capacity(gradient.len());
    for channel in 0..plan.target_channels {
        for batch in 0..plan.batch {
            let at = (batch * plan.target_channels + channel) * image;
            rows.extend_from_slice(&gradient[at..][..image]);
        }
    }
    rows.into()
}
