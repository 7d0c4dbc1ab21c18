//! Intervals, tests and exact sums: what turns a number into a finding.

mod bootstrap;
pub mod distribution;
mod exact_sum;
pub mod noncentral_t;

pub use bootstrap::{Bootstrap, BootstrapMethod};
pub use exact_sum::ExactSum;
