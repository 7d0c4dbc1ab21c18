//! Intervals, tests and exact sums: what turns a number into a finding.

mod bootstrap;
pub mod distribution;
mod exact_sum;
mod proportion;
mod proportion_difference;

pub use bootstrap::{Bootstrap, BootstrapMethod};
pub use exact_sum::ExactSum;
pub use proportion::{Proportion, ProportionInterval};
pub use proportion_difference::{DifferenceInterval, PairedCounts, PairedDifferenceInterval};
