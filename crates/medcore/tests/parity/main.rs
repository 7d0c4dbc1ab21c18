//! Agreement with the field's Python libraries, through committed fixtures.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod gather;
mod orientation;
mod resample;
mod resample_itk;
mod support;
