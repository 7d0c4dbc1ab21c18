//! The private header of Siemens scanners: named lists of short texts (group 0029, `SIEMENS CSA HEADER`).

use super::dataset::{Dataset, Element};

/// The bytes of a header; a name is looked for only when it is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Csa<'a> {
    bytes: &'a [u8],
}

/// Names and values beyond which a header is no header.
const MOST: u32 = 4096;

/// Takes numbers and bytes from the front.
struct Front<'a>(&'a [u8]);

impl<'a> Front<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn number(&mut self) -> Option<u32> {
        let bytes = self.take(4)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*bytes))
    }
}

/// A text up to its first zero.
fn text(bytes: &[u8]) -> &str {
    let end = bytes.iter().position(|byte| *byte == 0);
    let text = bytes.get(..end.unwrap_or(bytes.len()));
    std::str::from_utf8(text.unwrap_or(&[]))
        .unwrap_or("")
        .trim()
}

impl<'a> Csa<'a> {
    /// The header of the image, if the dataset has one.
    pub(super) fn of(dataset: &'a Dataset) -> Option<Self> {
        let element = dataset.private("SIEMENS CSA HEADER", 0x0029, 0x10)?;
        Some(Self {
            bytes: Element::bytes(element)?,
        })
    }

    /// The values of a name; none if it is not there, or if the header breaks off before it.
    pub(super) fn values(self, wanted: &str) -> Option<Vec<&'a str>> {
        let mut front = Front(self.bytes);
        let second = self.bytes.starts_with(b"SV10");
        if second {
            front.take(8)?;
        }
        let names = front.number().filter(|names| *names <= MOST)?;
        front.take(4)?;
        let mut raised = None;
        for _ in 0..names {
            let name = text(front.take(64)?);
            let multiplicity = front.number()?;
            front.take(8)?;
            let items = front.number().filter(|items| *items <= MOST)?;
            front.take(4)?;
            // In the first version lengths are raised by the number of items of the first name.
            let raised = *raised.get_or_insert(items);
            let mut values = Vec::new();
            for index in 0..items {
                let first = front.number()?;
                let length = front.number()?;
                front.take(8)?;
                let length = if second {
                    length
                } else {
                    first.checked_sub(raised)?
                };
                let length = usize::try_from(length).ok()?;
                let value = text(front.take(length)?);
                let padding = length.next_multiple_of(4).checked_sub(length)?;
                let padding = padding.min(front.0.len());
                front.take(padding)?;
                if name == wanted && (multiplicity == 0 || index < multiplicity) {
                    values.push(value);
                }
            }
            if name == wanted {
                values.retain(|value| !value.is_empty());
                return Some(values);
            }
        }
        None
    }

    /// The values of a name as numbers; none if one of them is no finite number.
    pub(super) fn floats<const N: usize>(self, wanted: &str) -> Option<[f64; N]> {
        let values = self.values(wanted)?;
        let numbers: Option<Vec<f64>> = { values.iter() }
            .map(|value| value.parse().ok().filter(|number: &f64| number.is_finite()))
            .collect();
        numbers?.try_into().ok()
    }

    pub(super) fn float(self, wanted: &str) -> Option<f64> {
        self.floats::<1>(wanted).map(|[number]| number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header of the second version.
    fn header(tags: &[(&str, u32, &[&str])]) -> Vec<u8> {
        let mut bytes = b"SV10\x04\x03\x02\x01".to_vec();
        let put = |bytes: &mut Vec<u8>, number: u32| bytes.extend(number.to_le_bytes());
        put(&mut bytes, u32::try_from(tags.len()).unwrap());
        put(&mut bytes, 77);
        for (name, multiplicity, values) in tags {
            let mut field = name.as_bytes().to_vec();
            field.resize(64, 0);
            bytes.extend(field);
            put(&mut bytes, *multiplicity);
            bytes.extend(b"FD\0\0");
            put(&mut bytes, 4);
            put(&mut bytes, u32::try_from(values.len()).unwrap());
            put(&mut bytes, 77);
            for value in *values {
                let length = u32::try_from(value.len() + 1).unwrap();
                for number in [length, length, 77, length] {
                    put(&mut bytes, number);
                }
                bytes.extend(value.as_bytes());
                bytes.push(0);
                while !bytes.len().is_multiple_of(4) {
                    bytes.push(0);
                }
            }
        }
        bytes
    }

    #[test]
    fn values_are_found_by_name_and_bounded_by_their_multiplicity() {
        let bytes = header(&[
            ("EchoLinePosition", 1, &["32 "]),
            ("B_value", 1, &["1000", "", ""]),
            ("SliceNormalVector", 3, &["0.5", "-1e-3", "7.0", "8"]),
        ]);
        let csa = Csa { bytes: &bytes };
        assert_eq!(csa.float("B_value"), Some(1000.0));
        assert_eq!(
            csa.floats::<3>("SliceNormalVector"),
            Some([0.5, -1e-3, 7.0])
        );
        assert_eq!(csa.floats::<2>("SliceNormalVector"), None);
        assert_eq!(csa.values("B_matrix"), None);
    }

    #[test]
    fn a_header_cut_anywhere_or_with_wrong_numbers_gives_none() {
        let bytes = header(&[("A", 1, &["1", "2"]), ("B", 1, &["3"])]);
        for end in 0..bytes.len() - 2 {
            let csa = Csa {
                bytes: bytes.get(..end).unwrap(),
            };
            assert_eq!(csa.float("B"), None, "{end}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte = 0xff;
            }
            let _ = Csa { bytes: &changed }.values("B");
        }
    }
}
