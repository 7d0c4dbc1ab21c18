//! The header of a NumPy array: a Python dictionary of three entries.

use crate::fault::{Fault, shortened};
use crate::format::Format;
use crate::raw::{Endian, Samples, Stored, len64};
use crate::voxel::Datatype;

/// What the dictionary says.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub sample: Datatype,
    pub endian: Endian,
    pub is_fortran: bool,
    pub shape: Vec<u64>,
    /// The byte behind it.
    pub end: usize,
}

/// Headers are of one line; a longer one is damage.
pub(super) const LARGEST: usize = 1 << 16;

/// The most axes of an image: channels, depth, height, width.
const MOST_AXES: usize = 4;

impl Header {
    /// Reads the header at the start of these bytes, of which [`LARGEST`] are enough.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let unrecognised = |reason: &str| Fault::Unrecognised {
            format: Format::Npy,
            reason: reason.to_owned(),
        };
        let truncated = || Fault::Truncated {
            what: "the header",
            needed: len64(bytes.len()).saturating_add(1),
            available: len64(bytes.len()),
        };
        let rest = bytes.strip_prefix(b"\x93NUMPY");
        let rest = rest.ok_or_else(|| unrecognised("it must start with \\x93NUMPY"))?;
        let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(truncated)?;
        let (length, rest) = match version {
            [1, 0] => {
                let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(truncated)?;
                (usize::from(u16::from_le_bytes(*length)), rest)
            }
            [2 | 3, 0] => {
                let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(truncated)?;
                let length = usize::try_from(u32::from_le_bytes(*length));
                (length.unwrap_or(usize::MAX), rest)
            }
            _ => return Err(unrecognised("its version must be 1.0, 2.0 or 3.0")),
        };
        if length > LARGEST {
            return Err(Fault::Oversized {
                what: "header",
                limit: len64(LARGEST),
            });
        }
        let text = rest.get(..length).ok_or_else(truncated)?;
        let behind = rest.len().saturating_sub(length);
        let text = std::str::from_utf8(text).map_err(|_| unrecognised("its header is no text"))?;
        dictionary(text, bytes.len().saturating_sub(behind))
    }

    /// How the voxels lie; they start behind the header.
    pub(super) fn stored(&self) -> Result<Stored, Fault> {
        let mut axes = [1; MOST_AXES];
        if self.shape.is_empty() || self.shape.len() > MOST_AXES {
            let what = format!("an array of {} axes", self.shape.len());
            return Err(Fault::Unsupported { what });
        }
        for (axis, size) in axes.iter_mut().rev().zip(self.shape.iter().rev()) {
            *axis = *size;
        }
        let [channels, depth, height, width] = axes;
        let stored = Stored::new(channels, [depth, height, width], self.sample);
        let stored = stored.ok_or_else(|| Fault::Contradiction {
            rule: "shape must be positive, and its product addressable",
            got: format!("{:?}", self.shape),
        })?;
        Ok(Stored {
            endian: self.endian,
            order: match self.is_fortran {
                true => Samples::Reversed,
                false => Samples::Planar,
            },
            offset: len64(self.end),
            ..stored
        })
    }
}

fn dictionary(text: &str, end: usize) -> Result<Header, Fault> {
    let broken = || Fault::InvalidEntry {
        key: "header".to_owned(),
        line: 1,
        rule: "a dictionary of descr, fortran_order and shape",
        value: shortened(text),
    };
    let (mut descr, mut is_fortran, mut shape) = (None, None, None);
    let mut rest = text
        .trim()
        .strip_prefix('{')
        .ok_or_else(broken)?
        .trim_start();
    while !rest.starts_with('}') {
        let (key, after) = quoted(rest).ok_or_else(broken)?;
        let after = after.trim_start().strip_prefix(':').ok_or_else(broken)?;
        let after = after.trim_start();
        rest = match key {
            "descr" => {
                let Some((value, after)) = quoted(after) else {
                    let what = format!("a structured array {:?}", shortened(after));
                    return Err(Fault::Unsupported { what });
                };
                descr = Some(value);
                after
            }
            "fortran_order" => {
                let value = ["True", "False"].into_iter().find(|v| after.starts_with(v));
                let value = value.ok_or_else(broken)?;
                is_fortran = Some(value == "True");
                after.strip_prefix(value).ok_or_else(broken)?
            }
            "shape" => {
                let inside = after.strip_prefix('(').ok_or_else(broken)?;
                let (inside, after) = inside.split_once(')').ok_or_else(broken)?;
                let sizes = inside
                    .split(',')
                    .map(|size| size.trim().trim_end_matches('L'));
                let sizes: Result<Vec<u64>, _> = sizes
                    .filter(|size| !size.is_empty())
                    .map(str::parse)
                    .collect();
                shape = Some(sizes.map_err(|_| broken())?);
                after
            }
            _ => return Err(broken()),
        };
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    let (Some(descr), Some(is_fortran), Some(shape)) = (descr, is_fortran, shape) else {
        return Err(broken());
    };
    let (sample, endian) = datatype(descr)?;
    Ok(Header {
        sample,
        endian,
        is_fortran,
        shape,
        end,
    })
}

/// A string in quotes of either kind, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text.get(1..)?.split_once(quote)
}

fn datatype(descr: &str) -> Result<(Datatype, Endian), Fault> {
    let (order, kind) = match descr.split_at_checked(1) {
        Some((order @ ("<" | ">" | "|" | "="), kind)) => (order, kind),
        _ => ("=", descr),
    };
    let endian = match order {
        "<" => Endian::Little,
        ">" => Endian::Big,
        _ => Endian::NATIVE,
    };
    let sample = match kind {
        "u1" | "b1" => Datatype::U8,
        "i1" => Datatype::I8,
        "u2" => Datatype::U16,
        "i2" => Datatype::I16,
        "u4" => Datatype::U32,
        "i4" => Datatype::I32,
        "u8" => Datatype::U64,
        "i8" => Datatype::I64,
        "f4" => Datatype::F32,
        "f8" => Datatype::F64,
        _ => {
            let what = format!("an array of type {:?}", shortened(descr));
            return Err(Fault::Unsupported { what });
        }
    };
    Ok((sample, endian))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(dictionary: &str) -> Vec<u8> {
        let length = (dictionary.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\0", length.as_slice(), dictionary.as_bytes()].concat()
    }

    #[test]
    fn entries_come_in_any_order_and_spelling() {
        let bytes = header("{'shape': (3, 4L,), \"descr\": '>i2', 'fortran_order': True}  \n");
        let parsed = Header::parse(&bytes).unwrap();
        assert_eq!(parsed.shape, [3, 4]);
        assert_eq!((parsed.sample, parsed.endian), (Datatype::I16, Endian::Big));
        assert!(parsed.is_fortran);
        assert_eq!(parsed.end, bytes.len());
    }

    #[test]
    fn other_types_and_broken_dictionaries_are_refused() {
        for bad in [
            "{'descr': '<c8', 'fortran_order': False, 'shape': (3,)}",
            "{'descr': [('a', '<i2')], 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<i2', 'fortran_order': 0, 'shape': (3,)}",
            "{'descr': '<i2', 'fortran_order': False, 'shape': (-3,)}",
            "{'descr': '<i2', 'fortran_order': False, 'shape': (3.5,)}",
            "{'descr': '<i2', 'fortran_order': False}",
            "{'descr': '<i2', 'other': 1, 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<i2', 'fortran_order': False, 'shape': (3,)",
            "",
        ] {
            assert!(Header::parse(&header(bad)).is_err(), "{bad}");
        }
        let empty = Header::parse(&header(
            "{'descr': '<i2', 'fortran_order': False, 'shape': (0,)}",
        ));
        assert!(empty.unwrap().stored().is_err());
        let scalar = Header::parse(&header(
            "{'descr': '<i2', 'fortran_order': False, 'shape': ()}",
        ));
        assert!(scalar.unwrap().stored().is_err());
    }
}
