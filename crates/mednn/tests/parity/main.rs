//! Parity with the reference libraries through committed fixtures, one module for each operator.
//!
//! `X.py` makes `X.safetensors`, which `X.rs` reads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod activation;
mod adaptive_pool;
mod canary;
mod concat;
mod conv;
mod grid_sample;
mod layers;
mod loss;
mod norm;
mod optim;
mod pad;
mod params;
mod pool;
mod rearrange;
mod resize;
mod roi_align;
mod softmax;
mod suite;
mod support;
