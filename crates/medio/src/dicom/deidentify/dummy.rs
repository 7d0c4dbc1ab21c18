//! Values that mean nothing, one for each representation.

use super::super::vr::Vr;

/// Marks text that was replaced.
pub(super) const TEXT: &str = "ANONYMIZED";

/// A text for representations of text that take any; at most 16 characters of the default repertoire.
pub(super) fn text(vr: Vr) -> Option<&'static str> {
    Some(match vr {
        Vr::AE | Vr::CS => "ANON",
        Vr::AS => "000Y",
        Vr::DA => "19000101",
        Vr::DS | Vr::IS => "0",
        Vr::DT => "19000101000000",
        Vr::LO | Vr::LT | Vr::PN | Vr::SH | Vr::ST | Vr::UC | Vr::UT => TEXT,
        Vr::TM => "000000",
        Vr::UR => "urn:anonymized",
        _ => return None,
    })
}

/// A value of the same kind as these bytes: text, one decimal number for each, zeros for the rest.
pub(super) fn bytes(vr: Vr, value: &[u8]) -> Vec<u8> {
    match text(vr) {
        Some(zero) if matches!(vr, Vr::DS | Vr::IS) => {
            let values = value.split(|b| *b == b'\\').map(|_| zero);
            values.collect::<Vec<_>>().join("\\").into_bytes()
        }
        Some(text) => text.as_bytes().to_vec(),
        None => vec![0; value.len()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dummies_keep_the_number_of_values() {
        assert_eq!(bytes(Vr::DS, b"1.5\\2\\3 "), b"0\\0\\0");
        assert_eq!(bytes(Vr::FD, &[1; 16]), [0; 16]);
        assert_eq!(bytes(Vr::PN, b"Doe^Jane"), TEXT.as_bytes());
        assert!(TEXT.len() <= 16);
    }
}
