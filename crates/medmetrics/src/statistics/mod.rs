//! Intervals, tests and exact sums: what turns a number into a finding.

mod bootstrap;
mod clusters;
mod correlated_auc;
mod delong;
pub mod distribution;
mod exact_sum;
pub mod noncentral_t;
mod proportion;
mod proportion_difference;
mod replicates;
mod test_result;
mod units;

pub use bootstrap::{Bootstrap, ValueWithError};
pub use clusters::Clusters;
pub use correlated_auc::{AucDifference, CorrelatedAucs};
pub use delong::{AucScale, DeLong};
pub use exact_sum::ExactSum;
pub use proportion::{Proportion, ProportionInterval};
pub use proportion_difference::{DifferenceInterval, PairedCounts, PairedDifferenceInterval};
pub use replicates::{BootstrapMethod, Replicates};
pub use test_result::{Alternative, TestResult};
pub use units::Units;
