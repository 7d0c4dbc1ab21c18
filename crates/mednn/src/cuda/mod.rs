//! Kernels on NVIDIA GPUs, under the names of [`crate::cpu`]: what a function there does with slices, its namesake here does
//! with arrays on a device. The kernels themselves are `kernels/*.cu`.
//!
//! Everything is queued on the stream of the tensors' device; nothing here waits for it. Sums are taken in an order that only
//! the shapes decide and nothing is added atomically, so that a result is the same in every run.

pub(crate) mod activation;
pub(crate) mod arithmetic;
mod array;
pub(crate) mod attention;
mod channelwise;
pub(crate) mod conv;
pub(crate) mod fold;
pub(crate) mod grid_sample;
pub(crate) mod index;
mod launch;
pub(crate) mod layer_norm;
pub(crate) mod linear;
pub(crate) mod loss;
mod module;
pub(crate) mod norm;
pub(crate) mod parts;
pub(crate) mod pool;
pub(crate) mod rearrange;
pub(crate) mod resample;
pub(crate) mod segmentation;
pub(crate) mod softmax;
mod tile;
pub(crate) mod unit_query_key;
pub(crate) mod update;
pub(crate) mod windows;

pub(crate) use array::{
    Array, Element, all_elements, elements, output, tensor, tensor_on, with_array, with_arrays,
};
