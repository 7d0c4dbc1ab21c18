//! What is derived from a secret: unique identifiers, pseudonyms and numbers of days.
//!
//! Everything is SHA-256 of a key of fixed length, a purpose and a value, cut short: the same value gives
//! the same result wherever it occurs, and without the key nothing leads back.
//!
//! What was derived carries a few bits by which the same key knows it again. De-identifying a second time
//! changes nothing, so a folder may be gone through again when files are added to it.

use std::fmt;

use sha2::{Digest, Sha256};

use super::super::fault::Fault;

/// The secret that replacements are derived from; who has it can find them again.
///
/// Keep it as long as files are to be added to a collection, and never beside it.
///
/// ```
/// use medio::dicom::deidentify::Key;
///
/// let key = Key::new(*b"an example: use Key::random here");
/// assert_eq!(format!("{key:?}"), "Key(..)");
/// ```
#[derive(Clone)]
pub struct Key([u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[derive(Debug, Clone, Copy)]
enum Purpose {
    Uid,
    UidMark,
    Pseudonym,
    PseudonymMark,
    Shift,
}

/// Dates move back by so many days at most.
const MOST_DAYS: u64 = 3650;

/// The version and the variant bits of a UUID of a maker's own design (RFC 9562 section 5.8).
const UUID_FIXED: u128 = 0x0000_0000_0000_8000_8000_0000_0000_0000;
const UUID_FREE: u128 = !0x0000_0000_0000_f000_c000_0000_0000_0000;

impl Key {
    /// A key of these bytes, which should be random.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new key from the system's source of randomness.
    ///
    /// # Errors
    /// Passes on that the system has none.
    pub fn random() -> Result<Self, Fault> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|e| Fault::Io(std::io::Error::other(e)))?;
        Ok(Self(bytes))
    }

    /// The bytes, to store in a safe place.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; 32] {
        self.0
    }

    fn digest(&self, purpose: Purpose, value: &[u8]) -> [u8; 32] {
        let purpose: u8 = match purpose {
            Purpose::Uid => 1,
            Purpose::UidMark => 2,
            Purpose::Pseudonym => 3,
            Purpose::PseudonymMark => 4,
            Purpose::Shift => 5,
        };
        let hash = Sha256::new().chain_update(self.0).chain_update([purpose]);
        hash.chain_update(value).finalize().into()
    }

    fn number<const N: usize>(&self, purpose: Purpose, value: &[u8]) -> [u8; N] {
        let digest = self.digest(purpose, value);
        *digest.first_chunk().unwrap_or(&[0; N])
    }

    /// 96 bits with the last 32 of a UUID, which mark it as this key's.
    fn marked(&self, number: u128) -> u128 {
        let body = number & UUID_FREE & !u128::from(u32::MAX) | UUID_FIXED;
        let mark = self.number::<4>(Purpose::UidMark, &body.to_be_bytes());
        body | u128::from(u32::from_be_bytes(mark))
    }

    /// The unique identifier that replaces another; one that this key has given stays.
    pub(super) fn uid(&self, uid: &str) -> String {
        if self.gave_uid(uid) {
            return uid.to_owned();
        }
        let number = u128::from_be_bytes(self.number(Purpose::Uid, uid.as_bytes()));
        format!("2.25.{}", self.marked(number))
    }

    pub(super) fn gave_uid(&self, uid: &str) -> bool {
        let number = uid.strip_prefix("2.25.").map(str::parse::<u128>);
        matches!(number, Some(Ok(number)) if self.marked(number) == number)
    }

    /// The name that replaces a patient's; one that this key has given stays.
    pub(super) fn pseudonym(&self, identity: &str) -> String {
        if self.gave_pseudonym(identity) {
            return identity.to_owned();
        }
        let number: [u8; 8] = self.number(Purpose::Pseudonym, identity.as_bytes());
        let mark: [u8; 4] = self.number(Purpose::PseudonymMark, &number);
        let hexadecimal =
            |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02X}")).collect() };
        format!("P{}{}", hexadecimal(&number), hexadecimal(&mark))
    }

    pub(super) fn gave_pseudonym(&self, text: &str) -> bool {
        let digits = text.strip_prefix('P').filter(|digits| digits.len() == 24);
        let Some((number, mark)) = digits.and_then(|digits| digits.split_at_checked(16)) else {
            return false;
        };
        let (Ok(number), Ok(mark)) = (
            u64::from_str_radix(number, 16),
            u32::from_str_radix(mark, 16),
        ) else {
            return false;
        };
        let expected = self.number(Purpose::PseudonymMark, &number.to_be_bytes());
        mark == u32::from_be_bytes(expected)
    }

    /// By how many days a patient's dates move: back, and never 0.
    pub(super) fn shift_days(&self, identity: &str) -> i64 {
        let number = u64::from_be_bytes(self.number(Purpose::Shift, identity.as_bytes()));
        let days = number.checked_rem(MOST_DAYS).unwrap_or(0);
        i64::try_from(days)
            .unwrap_or(0)
            .saturating_neg()
            .saturating_sub(1)
    }
}

/// Whether an identifier is the standard's own: of a class, a syntax, a well-known frame of reference.
pub(super) fn is_of_the_standard(uid: &str) -> bool {
    uid.starts_with("1.2.840.10008.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key::new([7; 32]);

    #[test]
    fn identifiers_are_valid_keyed_and_known_again() {
        let uid = KEY.uid("1.2.3");
        assert_eq!(uid, KEY.uid("1.2.3"));
        assert_ne!(uid, KEY.uid("1.2.4"));
        assert_ne!(uid, Key::new([8; 32]).uid("1.2.3"));
        assert_eq!(KEY.uid(&uid), uid);
        assert_ne!(Key::new([8; 32]).uid(&uid), uid);
        for n in 0..1000 {
            let uid = KEY.uid(&format!("1.2.{n}"));
            assert!(uid.len() <= 64 && uid.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
            let number: u128 = uid["2.25.".len()..].parse().unwrap();
            assert_eq!((number >> 76 & 0xf, number >> 62 & 3), (8, 2), "{n}");
            assert!(KEY.gave_uid(&uid) && !KEY.gave_uid(&format!("1.2.{n}")));
        }
    }

    #[test]
    fn pseudonyms_are_keyed_and_known_again() {
        let name = KEY.pseudonym("Doe");
        assert_eq!(KEY.pseudonym(&name), name);
        assert_ne!(name, KEY.pseudonym("doe"));
        assert!(!Key::new([8; 32]).gave_pseudonym(&name));
        for text in [
            "",
            "P",
            "P0123456789ABCDEF01234567",
            "Pé3456789ABCDEF0123456789",
        ] {
            assert!(!KEY.gave_pseudonym(text), "{text}");
        }
    }

    #[test]
    fn dates_move_back_by_up_to_ten_years_and_never_stay() {
        let days: Vec<i64> = (0..5000).map(|n| KEY.shift_days(&n.to_string())).collect();
        assert!(days.iter().all(|d| (-3650..=-1).contains(d)));
        let distinct: std::collections::HashSet<_> = days.iter().collect();
        assert!(distinct.len() > 2500, "{}", distinct.len());
    }
}
