//! Files of weights: PyTorch's own to the bit, hostile ones refused within their limits.
//!
//! `checkpoints.py` makes `checkpoints/` and `checkpoints.safetensors`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../../medio/tests/hostile/allocator.rs"]
mod allocator;
mod builder;
mod bundles;
mod checkpoints;
mod hostile;
mod pretrained;
mod safetensors_cases;
