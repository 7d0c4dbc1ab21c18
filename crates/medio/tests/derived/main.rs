//! Objects made from a series: written, read back here, validated by `dciodvfy` and read by other libraries.

#![allow(clippy::unwrap_used, reason = "a failed expectation fails the test")]

mod contours;
mod judge;
mod segmentation;
mod series;
mod source;
