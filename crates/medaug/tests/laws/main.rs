//! What holds for every transform there is.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod awkward;
mod broken;
mod descriptions;
#[path = "../../../../examples/augment_gallery/exhibits/mod.rs"]
mod exhibits;
mod mixtures;
mod moves;
mod numbers;
mod support;
