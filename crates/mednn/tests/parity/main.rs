//! Parity with the reference libraries through committed fixtures, one module for each operator.
//!
//! `X.py` makes `X.safetensors`, which `X.rs` reads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod activation;
mod activation_more;
mod adaptive_pool;
mod arithmetic;
mod attention;
mod canary;
mod concat;
mod conv;
mod detection;
mod dropout;
mod graph;
mod grid_sample;
mod index;
mod layer_norm;
mod layers;
mod linear;
mod loss;
mod multi_head;
mod norm;
mod operators;
mod optim;
mod pad;
mod params;
mod plan;
mod pool;
mod prepared_conv;
mod rearrange;
mod reduce;
mod resize;
mod roi_align;
mod softmax;
mod suite;
mod support;
mod tape;
mod unit_query_key;
mod view;
mod windows;

/// The operators of every suite; `operators.rs` writes their table.
const SUITES: &[&[suite::Op]] = &[
    activation_more::OPS,
    adaptive_pool::OPS,
    arithmetic::OPS,
    attention::OPS,
    dropout::OPS,
    grid_sample::OPS,
    index::OPS,
    layer_norm::OPS,
    linear::OPS,
    pad::OPS,
    pool::OPS,
    rearrange::OPS,
    reduce::OPS,
    resize::OPS,
    roi_align::OPS,
    unit_query_key::OPS,
    view::OPS,
    windows::OPS,
];
