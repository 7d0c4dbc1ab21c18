//! The first directory of a TIFF file, looked at before the codec believes it.
//!
//! The `tiff` crate reads the first directory before it can be given limits; an entry that claims a million
//! values costs it 32 MiB. Values must fit the file, which bounds that. TIFF 6.0, section 2; BigTIFF.

use crate::fault::Fault;
use crate::raw::{Endian, len64};

/// Refuses a directory whose values cannot be in the file.
pub(super) fn check(file: &[u8]) -> Result<(), Fault> {
    let endian = match file {
        [b'I', b'I', ..] => Endian::Little,
        _ => Endian::Big,
    };
    let at = Numbers { file, endian };
    let is_big = at.read::<2>(2)? == 43;
    let (start, counted, entry, inside) = match is_big {
        true => (at.read::<8>(8)?, 8, 20, 8),
        false => (at.read::<4>(4)?, 2, 12, 4),
    };
    let count = match is_big {
        true => at.read::<8>(start)?,
        false => at.read::<2>(start)?,
    };
    let first = start.saturating_add(counted);
    // A directory longer than the file ends with the first entry that is not there.
    for index in 0..count {
        let offset = first.saturating_add(index.saturating_mul(entry));
        let kind = at.read::<2>(offset.saturating_add(2))?;
        let values = match is_big {
            true => at.read::<8>(offset.saturating_add(4))?,
            false => at.read::<4>(offset.saturating_add(4))?,
        };
        let size = match kind {
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16..=18 => 8,
            _ => 1,
        };
        let needed = values.saturating_mul(size);
        if needed > inside && needed > len64(file.len()) {
            return Err(Fault::Truncated {
                what: "an entry of the TIFF directory",
                needed,
                available: len64(file.len()),
            });
        }
    }
    Ok(())
}

struct Numbers<'f> {
    file: &'f [u8],
    endian: Endian,
}

impl Numbers<'_> {
    /// An unsigned number of `N` bytes, at most eight.
    fn read<const N: usize>(&self, offset: u64) -> Result<u64, Fault> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.file.get(from..);
        let bytes = rest.and_then(|rest| rest.first_chunk::<N>());
        let bytes = bytes.ok_or(Fault::Truncated {
            what: "the TIFF directory",
            needed: offset.saturating_add(len64(N)),
            available: len64(self.file.len()),
        })?;
        let push = |number: u64, byte: &u8| (number << 8) | u64::from(*byte);
        Ok(match self.endian {
            Endian::Little => bytes.iter().rev().fold(0, push),
            Endian::Big => bytes.iter().fold(0, push),
        })
    }
}
