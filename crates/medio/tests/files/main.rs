//! What is written comes back, and dataset folders are understood or refused by name.
#![allow(clippy::unwrap_used, reason = "a failing helper fails its test")]

mod annotations;
mod datasets;
mod detached;
mod dicom;
mod dicom_calibration;
mod dicom_deidentify;
mod dicom_door;
mod dicom_gaps;
mod dicom_query;
mod dicom_series;
mod dicom_suv;
mod dicom_values;
mod formats;
mod listings;
mod pair;
mod round_trip;
