//! Whole pipelines: what must hold whatever is drawn.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod artefacts;
mod crops;
mod deform;
mod derived;
mod determinism;
mod guides;
mod holes;
mod intensity;
mod letterbox;
mod mixing;
mod patches;
mod pictures;
mod post;
mod preprocess;
mod spatial;
mod support;
mod tones;
mod turned;
mod way_back;
