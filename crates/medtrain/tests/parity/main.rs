//! Parity with PyTorch through committed fixtures, one module for each subject.
//!
//! `X.py` makes `X.safetensors`, which `X.rs` reads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod schedules;
