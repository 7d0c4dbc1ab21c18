//! Agreement with the field's Python libraries, through committed fixtures.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod affine;
mod colour;
mod deform;
mod fields;
mod filters;
mod histogram;
mod index;
mod intensity;
mod local;
mod nnunet_case;
mod normalise;
mod patches;
mod plan;
mod mixing;
mod normalise;
mod post;
mod k_space;
mod normalise;
mod preprocess;
mod resize;
mod scaling;
mod spatial;
mod support;
