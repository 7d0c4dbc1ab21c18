//! Batches of whole images, and how often each is seen.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod images;
mod parts;
mod patches;
mod samplers;
