//! A description that holds its own hash.
//!
//! The text begins with `{"sha256": "`, 64 digits and `",`. The digits are the SHA-256 of the text with zeros in their
//! place, so that one byte changed anywhere, in the digits too, shows in this file and is blamed on no other.

use sha2::{Digest, Sha256};

const BEFORE: &[u8] = b"{\n  \"sha256\": \"";
const DIGITS: usize = 64;
const BEHIND: &[u8] = b"\",\n";

/// SHA-256 in lower-case hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The object `json`, pretty-printed with an indent of two, with its hash in front.
pub(super) fn seal(json: &[u8]) -> Option<Vec<u8>> {
    let rest = json.strip_prefix(b"{\n")?;
    let text = [BEFORE, &[b'0'; DIGITS], BEHIND, rest].concat();
    let digits = sha256(&text);
    Some([BEFORE, digits.as_bytes(), BEHIND, rest].concat())
}

/// The object without its hash, if the hash is right.
pub(super) fn unseal(text: &[u8]) -> Option<Vec<u8>> {
    let (digits, rest) = text.strip_prefix(BEFORE)?.split_at_checked(DIGITS)?;
    let rest = rest.strip_prefix(BEHIND)?;
    let mut hash = Sha256::new();
    for part in [BEFORE, &[b'0'; DIGITS], BEHIND, rest] {
        hash.update(part);
    }
    let is_right = hexadecimal(&hash.finalize()).as_bytes() == digits;
    is_right.then(|| [b"{\n", rest].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts() {
        let json = b"{\n  \"name\": \"x\"\n}\n";
        let sealed = seal(json).unwrap();
        assert_eq!(unseal(&sealed).unwrap(), json);
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut altered = sealed.clone();
                altered[at] ^= 1 << bit;
                assert_eq!(unseal(&altered), None, "bit {bit} of byte {at}");
            }
            assert_eq!(unseal(&sealed[..at]), None);
        }
        assert_eq!(unseal(&[&sealed[..], b" "].concat()), None);
    }
}
