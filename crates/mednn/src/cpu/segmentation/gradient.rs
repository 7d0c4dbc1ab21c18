//! The gradient for the logits of a function of the sums over classes.

use super::{Block, Classes, LabelValue, Segmentation, Slopes, TASK};
use crate::cpu::buffer;
use crate::cpu::real::Real;
use crate::cpu::reduce::BLOCK;

impl<T: Real, L: LabelValue> Segmentation<'_, T, L> {
    /// The gradient for the logits, `[batch, classes, voxels]`, of a loss with these slopes, `[batch * classes]`.
    #[must_use]
    pub fn gradient(&self, slopes: &[Slopes]) -> Vec<T> {
        let classes = self.columns.count;
        buffer::build_columns(self.columns, TASK, |batch, start, out: &mut [&mut [T]]| {
            let slopes = &slopes[batch * classes..(batch + 1) * classes];
            let end = start + out.first().map_or(0, |o| o.len());
            let mut block = Block::new(classes);
            T::vectorize(
                #[inline(always)]
                || {
                    for from in (start..end).step_by(BLOCK) {
                        let len = BLOCK.min(end - from);
                        self.load(&mut block, batch, from, len);
                        let place = from - start..from - start + len;
                        if matches!(self.classes, Classes::Exclusive) {
                            self.gradient_of_softmax(&block, slopes, out, place);
                        } else {
                            self.gradient_of_sigmoid(&block, slopes, out, place);
                        }
                    }
                },
            );
        })
    }

    #[inline(always)]
    fn gradient_of_softmax(
        &self,
        block: &Block<T>,
        slopes: &[Slopes],
        out: &mut [&mut [T]],
        place: std::ops::Range<usize>,
    ) {
        // With d_c the derivative by p_c and u_c that by log p_c, the gradient is p_c (d_c - sum_k p_k d_k) + u_c - p_c sum_k u_k.
        let mut truth = [T::ZERO; BLOCK];
        let mut carried = [T::ZERO; BLOCK];
        for (class, slope) in slopes.iter().enumerate() {
            self.truth(block, class, &mut truth);
            let out = &mut out[class][place.clone()];
            if self.terms.overlaps {
                let s = TypedSlopes::new(slope);
                let values = out
                    .iter_mut()
                    .zip(block.probabilities(class))
                    .zip(&truth)
                    .zip(&block.counts);
                for (((o, &p), &g), &counts) in values {
                    let by_probability = s.by_probability(p, g, counts);
                    let by_logarithm = -(s.surprise * g + s.surprise_everywhere * counts);
                    *o = p * by_probability + by_logarithm;
                }
            }
            if let Some(gamma) = self.terms.focusing {
                self.add_focal_by_logarithm(block, (class, &truth), (gamma, slope), out);
            }
            for (carried, &o) in carried.iter_mut().zip(out.iter()) {
                *carried += o;
            }
        }
        for class in 0..slopes.len() {
            let out = &mut out[class][place.clone()];
            for ((o, &p), &carried) in out.iter_mut().zip(block.probabilities(class)).zip(&carried)
            {
                *o = *o - p * carried;
            }
        }
    }

    #[inline(always)]
    fn gradient_of_sigmoid(
        &self,
        block: &Block<T>,
        slopes: &[Slopes],
        out: &mut [&mut [T]],
        place: std::ops::Range<usize>,
    ) {
        let mut truth = [T::ZERO; BLOCK];
        for (class, slope) in slopes.iter().enumerate() {
            self.truth(block, class, &mut truth);
            let out = &mut out[class][place.clone()];
            if self.terms.overlaps {
                let s = TypedSlopes::new(slope);
                let values = out
                    .iter_mut()
                    .zip(block.probabilities(class))
                    .zip(&truth)
                    .zip(&block.counts);
                for (((o, &p), &g), &counts) in values {
                    let by_probability = s.by_probability(p, g, counts);
                    let wrong = s.surprise * (p * counts - g)
                        + s.surprise_everywhere * counts * (p - T::ONE);
                    *o = p * (T::ONE - p) * by_probability + wrong;
                }
            }
            if let Some(gamma) = self.terms.focusing {
                self.add_focal_by_logit(block, (class, &truth), (gamma, slope), out);
            }
        }
    }
}

/// [`Slopes`] in the type of the loop.
#[derive(Clone, Copy)]
struct TypedSlopes<T> {
    intersection: T,
    probability: T,
    probability_squared: T,
    surprise: T,
    surprise_everywhere: T,
}

impl<T: Real> TypedSlopes<T> {
    #[inline(always)]
    fn new(slopes: &Slopes) -> Self {
        Self {
            intersection: T::from_f64(slopes.intersection),
            probability: T::from_f64(slopes.probability),
            probability_squared: T::from_f64(2.0 * slopes.probability_squared),
            surprise: T::from_f64(slopes.surprise),
            surprise_everywhere: T::from_f64(slopes.surprise_everywhere),
        }
    }

    #[inline(always)]
    fn by_probability(&self, p: T, g: T, counts: T) -> T {
        self.intersection * g + (self.probability + self.probability_squared * p) * counts
    }
}
