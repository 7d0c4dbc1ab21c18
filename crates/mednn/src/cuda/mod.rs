//! Kernels on NVIDIA GPUs, under the names of [`crate::cpu`]: what a function there does with slices, its namesake here does
//! with arrays on a device. The kernels themselves are `kernels/*.cu`.
//!
//! Everything is queued on the stream of the tensors' device; nothing here waits for it. Sums are taken in an order that only
//! the shapes decide and nothing is added atomically, so that a result is the same in every run.

pub(crate) mod activation;
mod array;
pub(crate) mod conv;
mod launch;
mod module;
pub(crate) mod norm;
pub(crate) mod pool;
pub(crate) mod resample;
pub(crate) mod softmax;

pub(crate) use array::{Array, Element, elements, output, tensor, with_array};
