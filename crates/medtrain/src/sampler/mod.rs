//! How often each case is seen, what its class weighs, and rows of features between those that are there.

mod draw;
mod smote;
mod weights;

pub use draw::{Replacement, Sampler, Sampling};
pub use smote::{Between, MadeRow, Smote};
pub use weights::{ClassWeighting, class_weights};
