//! Weights that training drops.

use medcore::random::Key;

use crate::context::BatchItems;
use crate::cpu::real::Real;

/// Weights of attention that are set to zero with some probability, the others scaled up so that the mean stays.
///
/// Which, is looked up by the place of a weight, so that forward and backward pass agree and threads do not matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DroppedWeights {
    /// The probability, at least 0 and below 1.
    pub probability: f64,
    /// Where the choice comes from.
    pub key: Key,
    /// Where the batch stands in a larger one, if it is part of one.
    pub items: Option<BatchItems>,
}

impl DroppedWeights {
    /// The place of an item of attention's batch, which may hold several windows of each item of the network's batch.
    pub(super) fn place(&self, item: usize, batch: usize) -> usize {
        let before = |items: BatchItems| items.first as usize * (batch / items.count as usize);
        self.items.map_or(0, before) + item
    }

    /// Multiplies what belongs to the weights of a row of a head of a batch item by their factors.
    pub(super) fn apply<T: Real>(&self, row: usize, values: &mut [T]) {
        let mut random = self.key.fork("weights", row as u64).stream("row");
        // Of 2^32 numbers so many drop a weight.
        let dropped = (self.probability * 4_294_967_296.0) as u32;
        let factor = T::from_f64(1.0 / (1.0 - self.probability));
        for value in values {
            *value = (*value * factor).keep_if(random.next_u32() >= dropped);
        }
    }
}
