//! Agreement with the field's Python libraries, through committed fixtures.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod affine;
mod bends;
mod camera;
mod colour;
mod deform;
mod derived;
mod fields;
mod filters;
mod histogram;
mod index;
mod intensity;
mod k_space;
mod local;
mod mixing;
mod nnunet_case;
mod normalise;
mod overlay;
mod patches;
mod plan;
mod policy;
mod post;
mod preprocess;
mod resize;
mod scaling;
mod smooth_deform;
mod spatial;
mod support;
