//! Tables are read back as they were written, by other readers too.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod reports;
mod results;
mod round_trips;
