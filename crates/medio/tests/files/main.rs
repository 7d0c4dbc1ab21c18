//! What is written comes back, and dataset folders are understood or refused by name.
#![allow(clippy::unwrap_used, reason = "a failing helper fails its test")]

mod datasets;
mod detached;
mod formats;
mod pair;
mod round_trip;
