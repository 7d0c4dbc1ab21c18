//! Diameters against brute force over all pairs of points, scikit-image, and laws.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod laws;
mod lesions;
mod reference;
