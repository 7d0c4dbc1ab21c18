//! Selection along an axis by indices, sums where these point, and the largest elements, as [`crate::cpu::index`],
//! [`crate::cpu::select`] and [`crate::cpu::top_k`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::conv::pointer;
use super::launch::{Grid, all_small, count, launch};
use super::module::INDEX;
use super::{Array, Element};
use crate::cpu::buffer::Columns;
use crate::cpu::top_k::Order;

const OP: &str = "index";

type Result<T> = candle_core::Result<CudaSlice<T>>;

/// What stays where several elements meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meeting {
    Sum,
    Last,
}

/// Indices into the middle axis of `columns`, all inside it.
#[derive(Clone, Copy)]
pub(crate) struct Indices<'a> {
    pub(crate) columns: Columns,
    pub(crate) values: &'a Array<'a, u32>,
    /// Whether all columns have them in common; otherwise each element has its own, `[outer, rows, inner]`.
    pub(crate) common: bool,
}

impl Indices<'_> {
    /// Indices of a column.
    fn rows(&self) -> usize {
        match self.common {
            true => self.values.len(),
            false => self.values.len() / (self.columns.outer * self.columns.inner),
        }
    }

    fn sizes(&self) -> [i64; 4] {
        let Columns {
            outer,
            count: length,
            inner,
        } = self.columns;
        [outer, length, self.rows(), inner].map(count)
    }

    /// The elements they name, `[outer, rows, inner]`.
    pub(crate) fn select<T: Element>(&self, input: &Array<'_, T>) -> Result<T> {
        let len = self.columns.outer * self.rows() * self.columns.inner;
        let output = input.result(OP, len)?;
        let [outer, length, rows, inner] = self.sizes();
        launch(
            input.device,
            &INDEX.of::<T>("index_select"),
            Grid::elements(len),
            &[
                &outer,
                &length,
                &rows,
                &inner,
                &i32::from(self.common),
                self.values,
                input,
                &output,
            ],
        )?;
        Ok(output)
    }

    /// `base`, or zeros, plus the elements of `source`, `[outer, rows, inner]`, where they point, added in their order.
    pub(crate) fn add<T: Element>(
        &self,
        base: Option<&Array<'_, T>>,
        source: &Array<'_, T>,
    ) -> Result<T> {
        if self.columns.inner == 1 {
            return self.put_rows(base, source, Meeting::Sum);
        }
        let Columns {
            outer: items,
            count: targets,
            inner: across,
        } = self.columns;
        let output = source.result(OP, items * targets * across)?;
        let [outer, length, rows, inner] = self.sizes();
        launch(
            source.device,
            &INDEX.of::<T>("index_add_columns"),
            Grid::threads(items * across),
            &[
                &outer,
                &length,
                &rows,
                &inner,
                &i32::from(self.common),
                self.values,
                pointer(base),
                source,
                &output,
            ],
        )?;
        Ok(output)
    }

    /// As [`Indices::add`] for columns that lie together, or the last of the elements that meet.
    pub(crate) fn put_rows<T: Element>(
        &self,
        base: Option<&Array<'_, T>>,
        source: &Array<'_, T>,
        meeting: Meeting,
    ) -> Result<T> {
        let output = source.result(OP, self.columns.outer * self.columns.count)?;
        let [outer, length, rows, _] = self.sizes();
        launch(
            source.device,
            &INDEX.of::<T>("index_add_rows"),
            Grid::blocks(self.columns.outer),
            &[
                &outer,
                &length,
                &rows,
                &i32::from(self.common),
                &i32::from(meeting == Meeting::Last),
                self.values,
                pointer(base),
                source,
                &output,
            ],
        )?;
        Ok(output)
    }
}

/// The numbers of the first `k` columns in this order, `[outer, k, inner]`.
pub(crate) fn top_k<T: Element>(
    columns: Columns,
    k: usize,
    order: Order,
    input: &Array<'_, T>,
) -> Result<u32> {
    let [length, first] = all_small(OP, [columns.count, k])?;
    let across = columns.outer * columns.inner;
    let output = input.result(OP, across * k)?;
    launch(
        input.device,
        &INDEX.of::<T>("top_k"),
        Grid::blocks(across),
        &[
            &count(columns.outer),
            &length,
            &count(columns.inner),
            &first,
            &i32::from(order == Order::Largest),
            input,
            &output,
        ],
    )?;
    Ok(output)
}
