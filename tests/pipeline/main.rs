//! The whole way through the workspace, from a folder of scans to labels on a scan's own grid, and what
//! happens when something on that way is wrong.
//!
//! Patients are phantoms of coarse spacing and networks are tiny: these tests ask whether the parts fit and
//! what they promise together, not how well a network can learn.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bad_input;
mod geometry;
mod labels;
mod leakage;
mod reproducible;
mod support;
mod training;
