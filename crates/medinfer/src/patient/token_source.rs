//! Where tokens come from.

use medmodels::fusion::TokenBatch;
use mednn::candle_core::Device;
use serde::{Deserialize, Serialize};

use super::Known;
use crate::classify::refuse;
use crate::error::Result;

/// What makes the tokens that a network reads, so that nobody feeds it with those of another encoder: their
/// width may be the same, what the numbers mean is not.
///
/// ```
/// use medinfer::TokenSource;
///
/// let letters = TokenSource::new("hospital-letters-encoder", "2.1.0")
///     .of("a sentence of the referral, mean of the last layer, of length 1")
///     .optional();
/// assert!(letters.check().is_ok());
/// assert!(TokenSource::new("", "2.1.0").check().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TokenSource {
    /// The name of the encoder of texts or records.
    pub encoder: String,
    /// Its version, as a release or the hash of its weights.
    pub version: String,
    /// What a token stands for and how it is made of the encoder's output, in words.
    #[serde(default)]
    pub of: Option<String>,
    /// Whether a patient may have no token at all, as some had in training; otherwise that is refused.
    #[serde(default)]
    pub optional: bool,
}

impl TokenSource {
    /// Tokens of an encoder of this name and version, of which every patient has at least one.
    #[must_use]
    pub fn new(encoder: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            encoder: encoder.into(),
            version: version.into(),
            of: None,
            optional: false,
        }
    }

    /// Sets what a token stands for.
    #[must_use]
    pub fn of(self, of: impl Into<String>) -> Self {
        Self {
            of: Some(of.into()),
            ..self
        }
    }

    /// Lets a patient have no token.
    #[must_use]
    pub fn optional(self) -> Self {
        Self {
            optional: true,
            ..self
        }
    }

    /// Says whether it names something.
    ///
    /// # Errors
    /// Refuses an empty name or version.
    pub fn check(&self) -> Result<()> {
        if self.encoder.trim().is_empty() || self.version.trim().is_empty() {
            let value = format!("{:?}, version {:?}", self.encoder, self.version);
            return refuse("tokens", "of an encoder with name and version", value);
        }
        Ok(())
    }

    /// The tokens of patients, each so wide.
    pub(super) fn batch<K: Known>(&self, patients: &[K], width: usize) -> Result<TokenBatch> {
        let items: Vec<_> = patients
            .iter()
            .map(|known| known.tokens().to_vec())
            .collect();
        match items.iter().position(Vec::is_empty) {
            Some(number) if !self.optional => {
                let value = format!("none for patient {number}");
                refuse("tokens", "given for each patient", value)
            }
            _ => Ok(TokenBatch::new(&items, width, &Device::Cpu)?),
        }
    }
}
