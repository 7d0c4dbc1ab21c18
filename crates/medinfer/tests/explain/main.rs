//! Explanations against the reference libraries, and the laws they keep.
//!
//! `explain.py`, `sanity.py` and `shapley.py` make the files of weights and expected values.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attributions;
mod class_maps;
mod given;
mod masked;
mod networks;
mod sanity;
mod shapley;
