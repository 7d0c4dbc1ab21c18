//! Measurements that grow case by case and worker by worker.

use crate::error::Result;

/// A measurement that takes one item after the other.
///
/// The state never depends on the order of the items in a way that reaches the result: any partition of
/// the items among workers, merged in any order, finishes with the same bits. States are serialisable, so
/// that a run can go on elsewhere.
pub trait Accumulator: Clone + Send {
    /// What is measured, such as a score with its label.
    type Item<'a>;
    /// What comes of it.
    type Output;

    /// Takes in one item.
    ///
    /// # Errors
    /// Refuses what cannot be measured; the state is then as it was before.
    fn push(&mut self, item: Self::Item<'_>) -> Result<()>;

    /// Takes in everything another state has seen.
    ///
    /// # Errors
    /// Refuses a state with other settings; this one is then as it was before.
    fn merge(&mut self, other: &Self) -> Result<()>;

    /// The measurement of everything seen so far; the state can go on growing.
    ///
    /// # Errors
    /// Refuses what cannot be computed from the items seen.
    fn finish(&self) -> Result<Self::Output>;
}
