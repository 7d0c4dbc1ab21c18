//! Who vouches for a bundle: a detached minisign signature of its description
//! (<https://jedisct1.github.io/minisign>).
//!
//! The description has the hashes of all other files, so that its signature covers them. Signing is left to
//! minisign, which keeps the secret key away from programs that load models.

use std::fmt;
use std::path::Path;

use minisign_verify::{Error as Refusal, PublicKey, Signature};

use super::SIGNATURE_FILE;
use super::folder::{self, wrong};
use crate::classify::refuse;
use crate::error::Result;

/// A signature longer than this is none.
const MOST_BYTES: u64 = 16 << 10;

/// The public key of those whose bundles are trusted.
///
/// ```
/// use medinfer::SignatureKey;
///
/// let key = SignatureKey::new("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")?;
/// assert!(key.to_string().starts_with("RWQf6LRC"));
/// assert!(SignatureKey::new("RWQf").is_err());
/// # Ok::<(), medinfer::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureKey {
    key: PublicKey,
    text: String,
}

impl fmt::Display for SignatureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl SignatureKey {
    /// A key as minisign prints it, or the text of its `minisign.pub`, whose last line is that.
    ///
    /// # Errors
    /// Refuses what is no key.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim().lines().last().unwrap_or_default().trim();
        match PublicKey::from_base64(text) {
            Ok(key) => Ok(Self {
                key,
                text: text.to_owned(),
            }),
            Err(error) => {
                let value = format!("{text:?} ({error})");
                refuse("key", "a public key of minisign", value)
            }
        }
    }

    /// Refuses a folder whose description, these bytes, does not have a signature of this key beside it.
    pub(super) fn check(&self, folder: &Path, description: &[u8]) -> Result<()> {
        let place = folder.join(SIGNATURE_FILE);
        if std::fs::symlink_metadata(&place).is_err() {
            let problem = format!("it is missing, and a signature of {self} is needed");
            return Err(wrong(&place, problem));
        }
        let bytes = folder::read(&place, MOST_BYTES)?;
        let text = str::from_utf8(&bytes).map_err(|_| wrong(&place, "it is no text"))?;
        let signature = Signature::decode(text)
            .map_err(|error| wrong(&place, format!("it is no signature: {error}")))?;
        let verified = self.key.verify(description, &signature, false);
        verified.map_err(|error| match error {
            Refusal::UnexpectedKeyId => wrong(&place, format!("it is not of {self}")),
            Refusal::UnexpectedAlgorithm => wrong(
                &place,
                "it is of minisign's old kind, which is not accepted",
            ),
            _ => wrong(&place, "it is not the signature of this description"),
        })
    }
}
