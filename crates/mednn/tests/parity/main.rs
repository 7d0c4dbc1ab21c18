//! Parity with the reference libraries through committed fixtures, one module for each operator.
//!
//! `X.py` makes `X.safetensors`, which `X.rs` reads.

mod support;
