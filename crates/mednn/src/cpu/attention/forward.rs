//! Attention itself.

use std::sync::OnceLock;

use super::place::{Part, Role};
use super::{Added, Attention, Layout};
use crate::cpu::buffer::{self, Columns};
use crate::cpu::conv::scratch::with_scratch;
use crate::cpu::matrix::{Matrix, Output as Written, multiply};
use crate::cpu::real::Real;
use crate::cpu::reduce::{lane_max, lane_sum};

/// What attention gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Output<T> {
    /// The weighted values, in the layout of the attention.
    pub values: Vec<T>,
    /// The logarithm of the sum of the exponential scores of each query, `[batch, heads, queries]`; infinite for a query
    /// that sees no key.
    pub log_sums: Vec<f64>,
}

impl Attention {
    /// `softmax(scale q k^T + bias + mask) v` with the weights that are not dropped; zeros for a query that sees no key.
    ///
    /// # Panics
    /// If a slice is shorter than the sizes say.
    #[must_use]
    pub fn forward<T: Real>(&self, slices: &[&[T]], added: &Added<'_, T>) -> Output<T> {
        let block = self.block();
        let blocks = self.queries.div_ceil(block);
        let log_sums: Vec<OnceLock<Vec<f64>>> = (0..self.batch * self.heads * blocks)
            .map(|_| OnceLock::new())
            .collect();
        let (outer, inner) = match self.layout {
            Layout::Heads => (self.batch * self.heads, self.value_dim),
            Layout::Tokens => (self.batch, self.heads * self.value_dim),
        };
        let columns = Columns {
            outer,
            count: self.queries,
            inner,
        };
        let values = buffer::build_tiles(
            columns,
            (block, self.value_dim),
            |tile, out: &mut [&mut [T]]| {
                let (item, head) = match self.layout {
                    Layout::Heads => (tile.outer / self.heads, tile.outer % self.heads),
                    Layout::Tokens => (tile.outer, tile.start / self.value_dim),
                };
                let queries = Part {
                    item,
                    head,
                    first: tile.column,
                    count: out.len(),
                };
                let sums = self.forward_block(slices, added, queries, out);
                let place = (item * self.heads + head) * blocks + tile.column / block;
                log_sums[place].get_or_init(|| sums);
            },
        );
        let log_sums = log_sums.into_iter().filter_map(OnceLock::into_inner);
        Output {
            values,
            log_sums: log_sums.flatten().collect(),
        }
    }

    /// The keys or values that a block of queries sees.
    pub(super) fn seen_by(&self, queries: Part) -> Part {
        Part {
            first: 0,
            count: self.visible(queries.first + queries.count),
            ..queries
        }
    }

    fn forward_block<T: Real>(
        &self,
        slices: &[&[T]],
        added: &Added<'_, T>,
        queries: Part,
        out: &mut [&mut [T]],
    ) -> Vec<f64> {
        let keys = self.seen_by(queries);
        let lengths = [
            queries.count * keys.count,
            queries.count * self.value_dim,
            queries.count,
        ];
        with_scratch(lengths, |[scores, products, sums]: [&mut [T]; 3]| {
            self.scores(slices, queries, scores);
            let mut log_sums = vec![0.0; queries.count];
            let written = &mut log_sums[..];
            let (scores_of, factors) = (&mut *scores, &mut *sums);
            T::vectorize(
                #[inline(always)]
                move || {
                    for row in 0..queries.count {
                        let scores = &mut scores_of[row * keys.count..(row + 1) * keys.count];
                        let place = (queries.item, queries.head, queries.first + row);
                        self.finish_scores(scores, added, place);
                        let largest = lane_max(scores);
                        // With all keys excluded every score is minus infinity, from which only a number can be subtracted.
                        let largest = if largest == T::NEG_INFINITY {
                            T::ZERO
                        } else {
                            largest
                        };
                        for s in scores.iter_mut() {
                            *s = (*s - largest).exp();
                        }
                        let sum = lane_sum(
                            scores,
                            #[inline(always)]
                            |s| s,
                        );
                        self.drop_weights(scores, place);
                        if sum == T::ZERO {
                            factors[row] = T::ZERO;
                            written[row] = f64::INFINITY;
                        } else {
                            factors[row] = T::ONE / sum;
                            written[row] = largest.to_f64() + libm::log(sum.to_f64());
                        }
                    }
                },
            );
            let probabilities = Matrix::rows(scores, (queries.count, keys.count), keys.count);
            let values = self.vectors(slices, Role::Value, keys);
            multiply(products, Written::Replace, T::ONE, probabilities, values);
            for ((out, product), &factor) in out
                .iter_mut()
                .zip(products.chunks_exact(self.value_dim))
                .zip(sums.iter())
            {
                for (o, &p) in out.iter_mut().zip(product) {
                    *o = p * factor;
                }
            }
            log_sums
        })
    }

    /// `scale q k^T` of a block of queries and the keys it sees.
    pub(super) fn scores<T: Real>(&self, slices: &[&[T]], queries: Part, scores: &mut [T]) {
        let keys = self.vectors(slices, Role::Key, self.seen_by(queries));
        let queries = self.vectors(slices, Role::Query, queries);
        let scale = T::from_f64(self.scale);
        multiply(scores, Written::Replace, scale, queries, keys.transposed());
    }
}
