//! Networks against the reference libraries, and the laws they keep.
//!
//! `X.py` makes `X*.safetensors`, which `X.rs` reads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod basic_unet;
mod densenet;
mod laws;
mod plain_conv_unet;
mod reference;
mod resnet;
mod vgg;
mod yolo;
