//! Objects made from a series: written, read back here, validated by `dciodvfy` and read by other libraries.

#![allow(clippy::unwrap_used, reason = "a failed expectation fails the test")]

mod contours;
mod image_series;
mod judge;
mod measurement_report;
mod parametric_map;
mod presentation_state;
mod secondary_capture;
mod segmentation;
mod series;
mod source;
