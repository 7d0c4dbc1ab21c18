//! One allowance for everything a reader of untrusted bytes may use up.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Limits on memory, elements and nesting, shared by every part of one read.
///
/// A reader claims what a file declares before it allocates; a claim above the rest is a typed error.
#[derive(Debug)]
pub struct Budget {
    bytes_left: AtomicU64,
    max_elements: u64,
    max_depth: u32,
}

/// 8 GiB of memory, 2^33 elements, 64 levels: more than any scan, less than a machine.
impl Default for Budget {
    fn default() -> Self {
        Self::new(8 << 30)
    }
}

impl Budget {
    /// A budget of so many bytes; elements are limited to the same number, nesting to 64 levels.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self {
            bytes_left: AtomicU64::new(bytes),
            max_elements: bytes,
            max_depth: 64,
        }
    }

    /// The same budget with another limit on the elements of one array.
    #[must_use]
    pub fn with_max_elements(self, max_elements: u64) -> Self {
        Self {
            max_elements,
            ..self
        }
    }

    /// The same budget with another limit on nesting.
    #[must_use]
    pub fn with_max_depth(self, max_depth: u32) -> Self {
        Self { max_depth, ..self }
    }

    /// Bytes not yet claimed.
    #[must_use]
    pub fn bytes_left(&self) -> u64 {
        self.bytes_left.load(Ordering::Relaxed)
    }

    /// Claims bytes for `what`.
    ///
    /// # Errors
    /// Returns [`Error::BudgetExceeded`] and claims nothing when too few are left.
    pub fn claim_bytes(&self, what: &'static str, bytes: u64) -> Result<()> {
        self.bytes_left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(bytes)
            })
            .map(drop)
            .map_err(|available| Error::BudgetExceeded {
                what,
                unit: "bytes",
                needed: bytes,
                available,
            })
    }

    /// Gives back bytes that are free again.
    pub fn release_bytes(&self, bytes: u64) {
        self.bytes_left.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The number of elements of a shape, and the claim of their bytes.
    ///
    /// # Errors
    /// Returns [`Error::BudgetExceeded`] when the product overflows or passes a limit.
    pub fn claim_array(
        &self,
        what: &'static str,
        shape: &[u64],
        element_bytes: u64,
    ) -> Result<u64> {
        let elements = shape
            .iter()
            .try_fold(1u64, |product, &n| product.checked_mul(n));
        let needed = elements.unwrap_or(u64::MAX);
        if needed > self.max_elements {
            let available = self.max_elements;
            return Err(Error::BudgetExceeded {
                what,
                unit: "elements",
                needed,
                available,
            });
        }
        self.claim_bytes(what, needed.saturating_mul(element_bytes))?;
        Ok(needed)
    }

    /// Says whether `depth` levels of nesting are allowed.
    ///
    /// # Errors
    /// Returns [`Error::BudgetExceeded`] when they are not.
    pub fn check_depth(&self, what: &'static str, depth: u32) -> Result<()> {
        if depth <= self.max_depth {
            return Ok(());
        }
        let (needed, available) = (u64::from(depth), u64::from(self.max_depth));
        Err(Error::BudgetExceeded {
            what,
            unit: "levels",
            needed,
            available,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_claim_takes_nothing() {
        let budget = Budget::new(100);
        budget.claim_bytes("a", 60).unwrap();
        assert!(budget.claim_bytes("b", 41).is_err());
        assert_eq!(budget.bytes_left(), 40);
        budget.release_bytes(60);
        budget.claim_bytes("b", 100).unwrap();
    }

    #[test]
    fn a_shape_that_overflows_is_refused() {
        let budget = Budget::default();
        assert!(budget.claim_array("dims", &[1 << 61, 8, 8], 2).is_err());
        assert!(budget.claim_array("dims", &[32767; 7], 1).is_err());
        assert_eq!(budget.claim_array("dims", &[4, 5], 2).unwrap(), 20);
    }

    #[test]
    fn nesting_is_limited() {
        assert!(Budget::default().check_depth("sequence", 64).is_ok());
        assert!(Budget::default().check_depth("sequence", 65).is_err());
    }
}
