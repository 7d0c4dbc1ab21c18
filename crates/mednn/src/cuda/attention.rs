//! Scaled dot product attention, as [`crate::cpu::attention`], without a matrix of scores in memory.

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::conv::{fold, pointer};
use super::launch::{Argument, Grid, NOTHING, Team, all_small, count, launch};
use super::module::ATTENTION;
use super::tile::arithmetic;
use super::{Array, Element};
use crate::cpu::attention::{Attention, Place, Role};
use crate::cpu::buffer;
use crate::cpu::real::Real;

const OP: &str = "attention";
/// Batch items whose gradients of the bias one block sums at least.
const FEWEST_ITEMS: usize = 8;
/// Blocks that keep any device busy.
const ENOUGH_BLOCKS: usize = 1024;
/// Elements of memory that the parts of the bias's gradient may take.
const MOST_PARTS: usize = 1 << 26;

/// What forward and backward pass are given.
pub(crate) struct Given<'a, T> {
    pub(crate) attention: &'a Attention,
    /// Queries, keys and values.
    pub(crate) slices: &'a [Array<'a, T>],
    pub(crate) bias: Option<&'a Array<'a, T>>,
    /// Numbers added to the scores of all heads, and the rows of a mask.
    pub(crate) mask: Option<(&'a Array<'a, T>, usize)>,
    /// The factors of the weights, where some are dropped: [`kept`].
    pub(crate) kept: Option<&'a Array<'a, T>>,
}

/// What attention gives.
pub(crate) struct Output<T> {
    /// The weighted values, in the layout of the attention.
    pub(crate) values: CudaSlice<T>,
    /// The logarithm of the sum of the exponential scores of each query, `[batch, heads, queries]`.
    pub(crate) log_sums: CudaSlice<T>,
}

/// The gradients of what attention was given.
pub(crate) struct Gradients<T> {
    pub(crate) slices: Vec<CudaSlice<T>>,
    pub(crate) bias: Option<CudaSlice<T>>,
}

/// What the backward pass is given besides.
pub(crate) struct Back<'a, T> {
    pub(crate) output: &'a Array<'a, T>,
    pub(crate) log_sums: &'a Array<'a, T>,
    pub(crate) gradient: &'a Array<'a, T>,
}

/// Queries, and keys, of a tile; the sides of the cores in `kernels/attention.cu`.
fn side<T: Element>() -> usize {
    if T::SUFFIX == "f64" { 32 } else { 64 }
}

/// The struct `Vectors` of the kernels.
fn vectors(place: Place) -> [i64; 4] {
    let [items, heads, tokens] = place.strides;
    [place.offset, items, heads, tokens].map(count)
}

/// For each weight what it is multiplied by, `[batch, heads, queries, keys]`: the CPU's choice, made there.
pub(crate) fn kept<T: Real>(attention: &Attention) -> Vec<T> {
    let Attention {
        batch,
        heads,
        queries,
        keys,
        ..
    } = *attention;
    buffer::build_whole_rows(batch * heads * queries, keys, |row, out: &mut [T]| {
        out.fill(T::ONE);
        let (line, query) = (row / queries, row % queries);
        attention.drop_weights(out, (line / heads, line % heads, query));
    })
}

impl<T: Element> Given<'_, T> {
    fn device(&self) -> &candle_core::CudaDevice {
        self.slices[0].device
    }

    /// The struct `Sizes` of the kernels.
    fn sizes(&self) -> candle_core::Result<[i32; 9]> {
        let a = self.attention;
        let (masks, mask_rows) = match self.mask {
            Some((values, rows)) => (values.len() / (rows * a.keys), rows),
            None => (1, 1),
        };
        let causal = usize::from(a.causal);
        all_small(
            OP,
            [
                a.batch,
                a.heads,
                a.queries,
                a.keys,
                a.dim,
                a.value_dim,
                causal,
                masks,
                mask_rows,
            ],
        )
    }

    /// Runs a kernel with these and its own arguments.
    fn run(&self, kernel: &str, blocks: usize, own: &[&dyn Argument]) -> candle_core::Result<()> {
        let a = self.attention;
        let roles = [Role::Query, Role::Key, Role::Value];
        let [query, key, value] = roles.map(|role| a.source(role));
        let places = [query.1, key.1, value.1, a.target()].map(vectors);
        let mut lines = [0; 16];
        for (line, place) in lines.chunks_exact_mut(4).zip(places) {
            line.copy_from_slice(&place);
        }
        let sizes = self.sizes()?;
        let mut arguments: Vec<&dyn Argument> = vec![&sizes, &lines, &a.scale];
        for (slice, _) in [query, key, value] {
            arguments.push(&self.slices[slice]);
        }
        arguments.push(pointer(self.bias));
        arguments.push(match self.mask {
            Some((values, _)) => values,
            None => &NOTHING,
        });
        arguments.push(pointer(self.kept));
        arguments.extend(own);
        let name = format!("{kernel}_{}", arithmetic::<T>());
        launch(
            self.device(),
            &ATTENTION.kernel(&name),
            Grid::blocks(blocks),
            &arguments,
        )
    }

    /// Tiles of all heads of so many tokens, and of chunks of so long vectors.
    fn tiles(&self, tokens: usize, width: usize) -> usize {
        let side = side::<T>();
        self.attention.batch * self.attention.heads * tokens.div_ceil(side) * width.div_ceil(side)
    }

    /// `softmax(scale q k^T + bias + mask) v` with the weights that are not dropped; zeros for a query that sees no key.
    pub(crate) fn forward(&self) -> candle_core::Result<Output<T>> {
        let a = self.attention;
        let lines = a.batch * a.heads * a.queries;
        let values = self.slices[0].result(OP, lines * a.value_dim)?;
        let log_sums = self.slices[0].result(OP, lines)?;
        let blocks = self.tiles(a.queries, a.value_dim);
        self.run("attention_forward", blocks, &[&values, &log_sums])?;
        Ok(Output { values, log_sums })
    }

    /// The gradients of queries, keys, values and bias.
    pub(crate) fn backward(&self, back: &Back<'_, T>) -> candle_core::Result<Gradients<T>> {
        let a = self.attention;
        let lines = a.batch * a.heads * a.queries;
        let means = back.gradient.result::<T>(OP, lines)?;
        launch(
            self.device(),
            &ATTENTION.of::<T>("attention_means"),
            Team::Warp.grid(lines),
            &[
                &self.sizes()?,
                &vectors(a.target()),
                back.output,
                back.gradient,
                &means,
            ],
        )?;
        let slices: Vec<CudaSlice<T>> = self
            .slices
            .iter()
            .map(|slice| slice.result(OP, slice.len()))
            .collect::<candle_core::Result<_>>()?;
        let [query, key, value] =
            [Role::Query, Role::Key, Role::Value].map(|role| &slices[a.source(role).0]);
        self.run(
            "attention_query_gradient",
            self.tiles(a.queries, a.dim),
            &[back.log_sums, &means, back.gradient, query],
        )?;
        self.run(
            "attention_key_gradient",
            self.tiles(a.keys, a.dim.max(a.value_dim)),
            &[back.log_sums, &means, back.gradient, key, value],
        )?;
        let bias = match self.bias {
            Some(bias) => Some(self.bias_gradient(bias, back, &means)?),
            None => None,
        };
        Ok(Gradients { slices, bias })
    }

    fn bias_gradient(
        &self,
        bias: &Array<'_, T>,
        back: &Back<'_, T>,
        means: &CudaSlice<T>,
    ) -> candle_core::Result<CudaSlice<T>> {
        let a = self.attention;
        let side = side::<T>();
        let tiles = a.heads * a.queries.div_ceil(side) * a.keys.div_ceil(side);
        let splits = (ENOUGH_BLOCKS / tiles)
            .min(a.batch / FEWEST_ITEMS)
            .min(MOST_PARTS / bias.len())
            .max(1);
        let parts = bias.result::<T>(OP, splits * bias.len())?;
        let [split_count] = all_small(OP, [splits])?;
        self.run(
            "attention_bias_gradient",
            splits * tiles,
            &[back.log_sums, means, back.gradient, &split_count, &parts],
        )?;
        fold(bias, parts, splits, bias.len())
    }
}
