//! Numbers that survive a file to the last bit.

use serde::{Deserialize, Serialize};

/// An `f64` by its bits: NaN and infinities are kept too, and equal means the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exact(u64);

impl Exact {
    /// The number.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl From<f64> for Exact {
    fn from(value: f64) -> Self {
        Self(value.to_bits())
    }
}

impl Default for Exact {
    fn default() -> Self {
        0.0.into()
    }
}
