//! CPU kernels: plain functions over slices and explicit shapes, without a candle type in their signatures.
//!
//! Work is split into chunks whose size does not depend on the number of threads and partial results are combined in order,
//! so every result is the same to the bit on any number of threads.
//! Threads are those of the caller's rayon pool.

pub mod activation;
pub mod affine_grid;
pub mod arithmetic;
pub mod attention;
pub mod boxes;
pub(crate) mod buffer;
pub mod conv;
pub mod fold;
pub mod grid_sample;
pub mod huber;
pub mod index;
pub mod interpolation;
pub mod layer_norm;
pub mod linear;
pub mod map_sum;
pub(crate) mod matrix;
pub mod narrow;
pub mod norm;
pub mod pad;
pub mod pool;
pub mod real;
pub mod rearrange;
pub mod reduce;
pub mod resample;
pub mod roi_align;
pub mod segmentation;
pub mod select;
pub mod simd;
pub mod skeleton;
pub mod softmax;
mod strided;
pub mod taps;
pub mod top_k;
pub mod unit_query_key;
pub mod update;
pub mod windows;

pub use buffer::Columns;
