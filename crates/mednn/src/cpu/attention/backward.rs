//! The gradients of attention.

use rayon::prelude::*;

use super::place::{Part, Role};
use super::{Added, Attention};
use crate::cpu::conv::scratch::with_scratch;
use crate::cpu::matrix::{Matrix, Output as Written, multiply};
use crate::cpu::real::Real;
use crate::cpu::reduce::lane_dot;

/// Groups of batch items whose gradients of the bias are summed apart and then in order.
const BIAS_GROUPS: usize = 8;

/// The gradients of what attention was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients<T> {
    /// Of each slice.
    pub slices: Vec<Vec<T>>,
    /// Of the bias, if there was one.
    pub bias: Option<Vec<T>>,
}

/// The gradients of one head of one batch item, in rows one after another.
struct OfHead<T> {
    query: Vec<T>,
    key: Vec<T>,
    value: Vec<T>,
}

/// What the backward pass reads.
#[derive(Debug, Clone, Copy)]
pub struct Backward<'a, T> {
    /// Queries, keys and values, as in the forward pass.
    pub slices: &'a [&'a [T]],
    /// What was added to the scores.
    pub added: &'a Added<'a, T>,
    /// The values of the forward pass.
    pub output: &'a [T],
    /// Its logarithms of sums.
    pub log_sums: &'a [f64],
    /// The gradient of the values.
    pub gradient: &'a [T],
}

impl Attention {
    /// The gradients of queries, keys, values and bias.
    ///
    /// # Panics
    /// If a slice is shorter than the sizes say.
    #[must_use]
    pub fn backward<T: Real>(&self, given: &Backward<'_, T>) -> Gradients<T> {
        let added = given.added;
        // A task has one head of a group of batch items, so that few sums of the bias exist at a time.
        let group = match added.bias {
            Some(_) => self.batch.div_ceil(BIAS_GROUPS),
            None => 1,
        };
        let groups = self.batch.div_ceil(group);
        let mut tasks: Vec<(Vec<OfHead<T>>, Vec<T>)> = (0..groups * self.heads)
            .into_par_iter()
            .map(|task| {
                let (first, head) = (task / self.heads * group, task % self.heads);
                let mut bias = match added.bias {
                    Some(_) => vec![T::ZERO; self.queries * self.keys],
                    None => Vec::new(),
                };
                let items = first..(first + group).min(self.batch);
                let heads = items.map(|item| self.of_head(given, (item, head), &mut bias));
                (heads.collect(), bias)
            })
            .collect();
        let bias = added.bias.map(|_| {
            let mut sums: Vec<Vec<T>> = (0..self.heads)
                .map(|head| std::mem::take(&mut tasks[head].1))
                .collect();
            for (task, (_, part)) in tasks.iter().enumerate().skip(self.heads) {
                for (sum, &p) in sums[task % self.heads].iter_mut().zip(part) {
                    *sum += p;
                }
            }
            sums.concat()
        });
        let of = |role: Role, place: usize| -> &[T] {
            let (item, head) = (place / self.heads, place % self.heads);
            let of = &tasks[item / group * self.heads + head].0[item % group];
            match role {
                Role::Query => &of.query,
                Role::Key => &of.key,
                Role::Value => &of.value,
            }
        };
        let roles = self.sources.roles();
        Gradients {
            slices: roles.iter().map(|roles| self.assemble(roles, of)).collect(),
            bias,
        }
    }

    fn of_head<T: Real>(
        &self,
        given: &Backward<'_, T>,
        (item, head): (usize, usize),
        bias: &mut [T],
    ) -> OfHead<T> {
        let mut of = OfHead {
            query: vec![T::ZERO; self.queries * self.dim],
            key: vec![T::ZERO; self.keys * self.dim],
            value: vec![T::ZERO; self.keys * self.value_dim],
        };
        let block = self.block();
        for first in (0..self.queries).step_by(block) {
            let queries = Part {
                item,
                head,
                first,
                count: block.min(self.queries - first),
            };
            self.of_block(given, queries, &mut of, bias);
        }
        of
    }

    fn of_block<T: Real>(
        &self,
        given: &Backward<'_, T>,
        queries: Part,
        of: &mut OfHead<T>,
        bias: &mut [T],
    ) {
        let keys = self.seen_by(queries);
        let shape = (queries.count, keys.count);
        let gradient = self.outputs(given.gradient, queries);
        let values = self.outputs(given.output, queries);
        let scores = shape.0 * shape.1;
        with_scratch([scores, scores], |[p, ds]: [&mut [T]; 2]| {
            self.scores(given.slices, queries, p);
            let value = self.vectors(given.slices, Role::Value, keys);
            multiply(ds, Written::Replace, T::ONE, gradient, value.transposed());
            let log_sums = &given.log_sums
                [(queries.item * self.heads + queries.head) * self.queries + queries.first..];
            let (p_rows, ds_rows) = (&mut *p, &mut *ds);
            T::vectorize(
                #[inline(always)]
                move || {
                    for row in 0..shape.0 {
                        let p = &mut p_rows[row * shape.1..(row + 1) * shape.1];
                        let ds = &mut ds_rows[row * shape.1..(row + 1) * shape.1];
                        let query = queries.first + row;
                        let place = (queries.item, queries.head, query);
                        self.finish_scores(p, given.added, place);
                        self.drop_weights(ds, place);
                        let log_sum = T::from_f64(log_sums[row]);
                        let mean = lane_dot(gradient.row(row), values.row(row));
                        for (p, ds) in p.iter_mut().zip(ds) {
                            *p = (*p - log_sum).exp();
                            *ds = *p * (*ds - mean);
                        }
                        self.drop_weights(p, place);
                    }
                },
            );
            if !bias.is_empty() {
                for row in 0..shape.0 {
                    let sums = &mut bias[(queries.first + row) * self.keys..];
                    for (sum, &d) in sums.iter_mut().zip(&ds[row * shape.1..(row + 1) * shape.1]) {
                        *sum += d;
                    }
                }
            }
            let p = Matrix::rows(p, shape, shape.1);
            let ds = Matrix::rows(ds, shape, shape.1);
            let scale = T::from_f64(self.scale);
            let seen = |width: usize| ..keys.count * width;
            multiply(
                &mut of.value[seen(self.value_dim)],
                Written::Add,
                T::ONE,
                p.transposed(),
                gradient,
            );
            multiply(
                &mut of.key[seen(self.dim)],
                Written::Add,
                scale,
                ds.transposed(),
                self.vectors(given.slices, Role::Query, queries),
            );
            multiply(
                &mut of.query[queries.first * self.dim..][..queries.count * self.dim],
                Written::Replace,
                scale,
                ds,
                self.vectors(given.slices, Role::Key, keys),
            );
        });
    }
}
