//! Intervals, tests and exact sums: what turns a number into a finding.

mod bootstrap;
mod clusters;
mod correlated_auc;
mod delong;
pub mod distribution;
mod exact_sum;
mod proportion;
mod proportion_difference;
mod test_result;

pub use bootstrap::{Bootstrap, BootstrapMethod};
pub use clusters::Clusters;
pub use correlated_auc::{AucDifference, CorrelatedAucs};
pub use delong::{AucScale, DeLong};
pub use exact_sum::ExactSum;
pub use proportion::{Proportion, ProportionInterval};
pub use proportion_difference::{DifferenceInterval, PairedCounts, PairedDifferenceInterval};
pub use test_result::{Alternative, TestResult};
