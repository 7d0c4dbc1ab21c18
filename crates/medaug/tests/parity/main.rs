//! Agreement with the field's Python libraries, through committed fixtures.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod colour;
mod histogram;
mod intensity;
mod k_space;
mod normalise;
mod preprocess;
mod spatial;
mod support;
