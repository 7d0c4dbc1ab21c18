//! Agreement with the field's Python libraries, through committed fixtures.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod intensity;
mod mixing;
mod normalise;
mod post;
mod preprocess;
mod spatial;
mod support;
