//! Prediction against the reference libraries, and the laws it keeps.
//!
//! `X.py` makes `X.safetensors`, which `X.rs` reads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod box_fusion;
mod bundle;
mod bundle_guide;
mod classifier;
mod detector;
mod device;
mod features;
mod foreign;
mod grades;
mod hub;
mod laws;
mod mapping;
mod monai_folder;
mod networks;
mod nnunet;
mod patient;
mod patient_bundle;
mod patient_guide;
mod segmenter;
mod signed;
mod sliding_window;
mod tampered;
mod tokens;
mod views;
mod views_described;
mod views_guide;
