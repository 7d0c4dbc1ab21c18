//! New unique identifiers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

/// A source of new unique identifiers `2.25.N`, `N` being a UUID as a decimal number (PS3.5 annex B.2).
///
/// Clones draw from the same source: none of them gives what another gave.
///
/// ```
/// use medio::dicom::Uids;
///
/// let uids = Uids::from_seed(b"phantom 7");
/// let first = uids.next_uid();
/// assert!(first.starts_with("2.25.") && first.len() <= 44);
/// assert_ne!(first, uids.next_uid());
/// assert_eq!(first, Uids::from_seed(b"phantom 7").next_uid());
/// ```
#[derive(Debug, Clone)]
pub struct Uids {
    seed: [u8; 32],
    made: Arc<AtomicU64>,
}

impl Uids {
    /// Identifiers that nobody else has, from the system's random numbers.
    ///
    /// # Errors
    /// Passes on that the system gives none.
    pub fn random() -> std::io::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(std::io::Error::other)?;
        Ok(Self::new(seed))
    }

    /// Identifiers that are the same for the same seed: unique as long as the seed is, for instance the
    /// source's identifiers together with what was computed from it.
    #[must_use]
    pub fn from_seed(seed: &[u8]) -> Self {
        let seed = Sha256::digest(seed).into();
        Self::new(seed)
    }

    fn new(seed: [u8; 32]) -> Self {
        let made = Arc::new(AtomicU64::new(0));
        Self { seed, made }
    }

    /// The next identifier.
    #[must_use]
    pub fn next_uid(&self) -> String {
        let before = self.made.fetch_add(1, Ordering::Relaxed);
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(before.to_be_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let (half, _) = digest.as_chunks::<16>();
        let random = half.first().map_or(0, |bytes| u128::from_be_bytes(*bytes));
        // Version 8 (own construction) and the variant of RFC 9562.
        let uuid = (random & !(0xf << 76) & !(0b11 << 62)) | (8 << 76) | (0b10 << 62);
        format!("2.25.{uuid}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_valid_and_differ() {
        let uids = Uids::random().unwrap();
        let clone = uids.clone();
        let both = (0..1000).flat_map(|_| [uids.next_uid(), clone.next_uid()]);
        let made: std::collections::HashSet<String> = both.collect();
        assert_eq!(made.len(), 2000);
        for uid in made {
            let number: u128 = uid.strip_prefix("2.25.").unwrap().parse().unwrap();
            assert_eq!((number >> 76) & 0xf, 8);
            assert_eq!((number >> 62) & 0b11, 0b10);
        }
        assert_ne!(
            Uids::random().unwrap().next_uid(),
            Uids::random().unwrap().next_uid()
        );
    }
}
