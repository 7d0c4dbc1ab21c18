//! Whether an explanation can be believed.

mod cascade;
mod curves;
mod likeness;
mod perturbation;

pub use cascade::{Cascade, cascade};
pub use curves::{Curve, perturbation_curve};
pub use likeness::{Likeness, likeness};
pub use perturbation::{Perturbation, PerturbationSettings, PlaceOrder};
