//! Operators on every device there is: one body each, run on the CPU always and on a CUDA device where the build has kernels
//! for it and one answers. The reference is the CPU in f64.
//!
//! `MEDNN_REQUIRE_CUDA=1` makes it an error that there is none.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod activation;
mod arithmetic;
mod attention;
mod conv;
mod grid_sample;
mod index;
mod layer_norm;
mod linear;
mod loss;
mod network;
mod norm;
mod optim;
mod parts;
mod pool;
mod rearrange;
mod reduce;
mod resample;
mod roi_align;
mod softmax;
mod support;
