//! The largest or smallest elements along an axis.

use std::cmp::Ordering;

use crate::cpu::buffer::{self, Columns};
use crate::cpu::real::Real;

/// Which elements come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Order {
    /// The largest; NaN counts as larger than all numbers, as in PyTorch.
    Largest,
    /// The smallest.
    Smallest,
}

impl Order {
    fn compare<T: Real>(self, a: T, b: T) -> Ordering {
        let is_nan = |v: T| v.partial_cmp(&v).is_none();
        let upwards = a
            .partial_cmp(&b)
            .unwrap_or_else(|| is_nan(a).cmp(&is_nan(b)));
        match self {
            Self::Largest => upwards.reverse(),
            Self::Smallest => upwards,
        }
    }
}

/// The numbers of the first `k` columns in this order, `[outer, k, inner]`; of equal ones the lowest number comes first.
#[must_use]
pub fn indices<T: Real>(columns: Columns, k: usize, order: Order, input: &[T]) -> Vec<u32> {
    let chosen = Columns {
        count: k.min(columns.count),
        ..columns
    };
    buffer::build_columns(chosen, 64, |outer, start, out: &mut [&mut [u32]]| {
        let mut ranked: Vec<u32> = Vec::with_capacity(columns.count);
        for i in 0..out.first().map_or(0, |out| out.len()) {
            let value = |column: u32| input[columns.offset(outer, column as usize, start + i)];
            let compare = |a: &u32, b: &u32| order.compare(value(*a), value(*b)).then(a.cmp(b));
            ranked.clear();
            ranked.extend(0..columns.count as u32);
            if k < columns.count {
                ranked.select_nth_unstable_by(k - 1, compare);
                ranked.truncate(k);
            }
            ranked.sort_unstable_by(compare);
            for (out, &column) in out.iter_mut().zip(&ranked) {
                out[i] = column;
            }
        }
    })
}
