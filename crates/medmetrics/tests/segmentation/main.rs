//! Agreement with the field's Python libraries, through committed fixtures and published numbers.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod accumulation;
#[path = "../common/fixture.rs"]
mod common;
mod empty;
mod fixture;
mod golden;
mod laws;
mod organs;
mod shapes;
mod states;
mod surface;
