//! Hostile files end in a typed error or a correct volume, in bounded memory and time.
//!
//! The catalogue holds one case a way in which NIfTI readers are known to fail: sizes that are believed,
//! widths that wrap, compression that explodes, floats that are none, offsets that point elsewhere.
#![allow(clippy::unwrap_used, reason = "a failing helper fails its test")]

mod allocator;
mod annotations;
mod builder;
mod catalogue;
mod damage;
mod dicom;
mod formats;
mod multipart;
mod mutation;
mod volumes;
