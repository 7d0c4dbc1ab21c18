//! Agreement of raters and devices against the field's libraries, through committed fixtures.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bland_altman;
#[path = "../common/fixture.rs"]
mod fixture;
mod kappa;
mod noncentral_t;
mod panel;
mod raters;
mod regression;
mod reliability;
mod support;
mod votes;
