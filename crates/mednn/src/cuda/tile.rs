//! The tiles in which kernels make products of matrices (`kernels/tile.cuh`).

use candle_core::cuda::gemm_reduced_precision_f32;

use super::Element;

/// Blocks that keep any device busy; the terms of long sums are divided among so many.
const ENOUGH_BLOCKS: usize = 1024;
/// Terms below which a block would not pay.
const FEWEST_TERMS: usize = 256;
/// Elements of memory that the parts of a product may take.
const MOST_PARTS: usize = 1 << 26;
/// Blocks of a grid along its third axis.
const MOST_ACROSS: usize = 65_535;

/// A kernel for one element type and arithmetic, and the tile that its blocks make.
pub(super) struct Tile {
    pub(super) name: String,
    rows: usize,
    columns: usize,
}

impl Tile {
    /// For a product with this many rows.
    pub(super) fn of<T: Element>(kernel: &str, rows: usize) -> Self {
        let (flat, high) = if T::SUFFIX == "f64" {
            ((16, 128), (64, 64))
        } else {
            ((32, 128), (128, 128))
        };
        let (form, tile) = if rows <= flat.0 {
            ("flat", flat)
        } else {
            ("high", high)
        };
        Self {
            name: format!("{kernel}_{form}_{}", arithmetic::<T>()),
            rows: tile.0,
            columns: tile.1,
        }
    }

    /// Blocks for a product of this many rows and columns: along columns, along rows.
    pub(super) fn blocks(&self, rows: usize, columns: usize) -> [usize; 2] {
        [columns.div_ceil(self.columns), rows.div_ceil(self.rows)]
    }
}

/// The arithmetic of products, as the names of kernels end: `f32` is exact unless candle's switch allows tf32.
pub(super) fn arithmetic<T: Element>() -> &'static str {
    if T::SUFFIX == "f32" && gemm_reduced_precision_f32() {
        "tf32"
    } else {
        T::SUFFIX
    }
}

/// Among how many blocks the terms of each of `blocks` tiles are divided, for an output of `len` elements in `groups` groups.
pub(super) fn splits(blocks: usize, groups: usize, terms: usize, len: usize) -> usize {
    (ENOUGH_BLOCKS / blocks.max(1))
        .min(terms / FEWEST_TERMS)
        .min(MOST_PARTS / len.max(1))
        .min(MOST_ACROSS / groups.max(1))
        .max(1)
}
