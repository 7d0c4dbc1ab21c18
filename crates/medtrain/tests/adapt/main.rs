//! Ready objectives at work: what a network learns with them that it does not learn without.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod domains;
mod frozen;
mod sites;
mod support;
mod teacher;
