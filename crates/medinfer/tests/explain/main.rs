//! Explanations against the reference libraries, and the laws they keep.
//!
//! `explain.py` makes the files of weights and expected maps.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod class_maps;
mod given;
