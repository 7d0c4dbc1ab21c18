//! Patients divided: nobody on two sides, parts alike, every planted leak caught by name.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod leaks;
mod looks;
mod ways;
