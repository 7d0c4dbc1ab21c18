//! What is written comes back, and dataset folders are understood or refused by name.
#![allow(clippy::unwrap_used, reason = "a failing helper fails its test")]

mod annotations;
mod datasets;
mod detached;
mod dicom;
mod dicom_deidentify;
mod dicom_series;
mod formats;
mod listings;
mod pair;
mod round_trip;
