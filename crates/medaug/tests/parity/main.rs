//! Agreement with the field's Python libraries, through committed fixtures.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod intensity;
mod local;
mod nnunet_case;
mod normalise;
mod patches;
mod plan;
mod preprocess;
mod spatial;
mod support;
