//! Agreement of detection metrics with the field's Python libraries, through committed fixtures, and laws.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod average_precision;
mod coco;
#[path = "../common/fixture.rs"]
mod common;
mod fixture;
mod froc;
mod laws;
mod picai;
mod states;
