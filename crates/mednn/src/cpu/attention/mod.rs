//! Scaled dot product attention, a block of queries at a time.
//!
//! The scores of a block of queries against all keys are computed, turned into probabilities and multiplied with the values
//! while they are in cache; only the logarithm of each row's sum is kept, from which the backward pass computes the
//! probabilities again (Dao et al. 2022, FlashAttention, <https://arxiv.org/abs/2205.14135>).
//! Queries, keys and values are read where they lie, so that heads need not be brought together first.

mod backward;
mod dropped;
mod forward;
mod place;

pub use backward::{Backward, Gradients};
pub use dropped::DroppedWeights;
pub use forward::Output;
pub use place::{Layout, Sources};
#[cfg(feature = "cuda")]
pub(crate) use place::{Place, Role};

use crate::cpu::real::Real;

/// Scores of a block of queries: 256 KiB in f32.
const BLOCK_SCORES: usize = 64 * 1024;
/// Fewest and most queries in a block.
const BLOCK_QUERIES: (usize, usize) = (16, 256);

/// The sizes of an attention and how it weighs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Attention {
    /// Batch items.
    pub batch: usize,
    /// Heads.
    pub heads: usize,
    /// Queries.
    pub queries: usize,
    /// Keys, and values.
    pub keys: usize,
    /// Length of a query and of a key.
    pub dim: usize,
    /// Length of a value.
    pub value_dim: usize,
    /// The factor of the scores.
    pub scale: f64,
    /// Whether a query sees only keys whose number is not above its own.
    pub causal: bool,
    /// How the axes lie in memory.
    pub layout: Layout,
    /// Which of queries, keys and values share a slice.
    pub sources: Sources,
    /// The weights that are dropped, if some are.
    pub dropped: Option<DroppedWeights>,
}

/// What is added to the scores.
#[derive(Debug, Clone, Copy)]
pub struct Added<'a, T> {
    /// For all batch items, `[heads, queries, keys]`; has a gradient.
    pub bias: Option<&'a [T]>,
    /// For all heads; has none.
    pub mask: Option<Mask<'a, T>>,
}

/// Numbers added to the scores of all heads, minus infinity to exclude a key: `[masks, rows, keys]`.
///
/// Batch item `b` takes mask `b % masks`; `rows` is the number of queries, or 1 for all of them.
#[derive(Debug, Clone, Copy)]
pub struct Mask<'a, T> {
    /// The numbers.
    pub values: &'a [T],
    /// Rows of a mask.
    pub rows: usize,
}

impl<'a, T: Real> Mask<'a, T> {
    /// The numbers for one query of a batch item.
    fn row(&self, keys: usize, item: usize, query: usize) -> &'a [T] {
        let row = (item * self.rows) % (self.values.len() / keys) + query % self.rows;
        &self.values[row * keys..(row + 1) * keys]
    }
}

impl Attention {
    /// Queries in a block.
    fn block(&self) -> usize {
        (BLOCK_SCORES / self.keys.max(1)).clamp(BLOCK_QUERIES.0, BLOCK_QUERIES.1)
    }

    /// The number of keys that any of the queries before `end` sees.
    fn visible(&self, end: usize) -> usize {
        if self.causal {
            self.keys.min(end)
        } else {
            self.keys
        }
    }

    /// Drops weights of one query, or the gradients of the weights after that.
    pub(crate) fn drop_weights<T: Real>(
        &self,
        weights: &mut [T],
        (item, head, query): (usize, usize, usize),
    ) {
        if let Some(dropped) = &self.dropped {
            let item = dropped.place(item, self.batch);
            dropped.apply((item * self.heads + head) * self.queries + query, weights);
        }
    }

    /// Adds bias and mask to the scores of one query and excludes what lies ahead of it.
    #[inline(always)]
    fn finish_scores<T: Real>(
        &self,
        scores: &mut [T],
        added: &Added<'_, T>,
        (item, head, query): (usize, usize, usize),
    ) {
        if let Some(bias) = added.bias {
            let row = &bias[(head * self.queries + query) * self.keys..];
            for (s, &b) in scores.iter_mut().zip(row) {
                *s += b;
            }
        }
        if let Some(mask) = &added.mask {
            for (s, &m) in scores.iter_mut().zip(mask.row(self.keys, item, query)) {
                *s += m;
            }
        }
        if self.causal {
            let seen = (query + 1).min(scores.len());
            scores[seen..].fill(T::NEG_INFINITY);
        }
    }
}
