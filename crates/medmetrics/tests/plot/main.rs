//! Plots: the bytes are those that a person looked at, and what cannot be drawn is refused.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod density;
mod golden;
mod refusals;
mod results;
