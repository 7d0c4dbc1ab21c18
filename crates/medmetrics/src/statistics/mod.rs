//! Intervals, tests and exact sums: what turns a number into a finding.

mod bootstrap;
mod clusters;
mod correlated_auc;
mod delong;
pub mod distribution;
mod equivalence;
mod exact_sum;
mod mcnemar;
mod multi_reader;
mod multiple;
mod permutation;
mod proportion;
mod proportion_difference;
mod rank_test;
mod reader_components;
mod replicates;
pub mod sample_size;
mod test_result;
mod units;

pub use bootstrap::{Bootstrap, ValueWithError};
pub use clusters::Clusters;
pub use correlated_auc::{AucDifference, CorrelatedAucs};
pub use delong::{AucScale, DeLong};
pub use equivalence::{Equivalence, EquivalenceResult};
pub use exact_sum::ExactSum;
pub use mcnemar::McNemar;
pub use multi_reader::{ModalityDifference, MultiReader, MultiReaderResult, RandomFactors};
pub use multiple::MultipleTests;
pub use permutation::PermutationTest;
pub use proportion::{Proportion, ProportionInterval};
pub use proportion_difference::{DifferenceInterval, PairedCounts, PairedDifferenceInterval};
pub use rank_test::{MannWhitneyTest, NullDistribution, SignedRankTest, ZeroRule};
pub use reader_components::ReaderComponents;
pub use replicates::{BootstrapMethod, Replicates};
pub use test_result::{Alternative, TestResult};
pub use units::Units;
