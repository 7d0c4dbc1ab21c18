//! Lookup tables: modality, values of interest and palettes (PS3.3 sections C.11.1, C.11.2, C.7.6.3.1.5).

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::tag::Tag;

/// A table from whole numbers to whole numbers; numbers outside take the nearest entry.
#[derive(Debug, Clone, PartialEq)]
pub struct LookupTable {
    first: i64,
    bits: u32,
    entries: Vec<u16>,
}

impl LookupTable {
    /// Reads the table of an item of a lookup table sequence.
    pub(super) fn of(item: &Dataset, signed: bool) -> Result<Self, Fault> {
        Self::read(item, Tag::LUT_DESCRIPTOR, Tag::LUT_DATA, signed)
    }

    /// Reads a descriptor and the data it describes.
    pub(super) fn read(
        dataset: &Dataset,
        descriptor: Tag,
        data: Tag,
        signed: bool,
    ) -> Result<Self, Fault> {
        let (count, first, bits) = describe(dataset, descriptor, signed)?;
        let bytes = dataset
            .bytes(data)
            .ok_or(Fault::MissingAttribute { tag: data })?;
        // Tables of 8 bits stand two to a word, or one, whatever the descriptor says.
        let entries: Vec<u16> = if bytes.len() >= count.saturating_mul(2) {
            let words = bytes.as_chunks::<2>().0.iter().take(count);
            words.map(|b| u16::from_le_bytes(*b)).collect()
        } else if bits <= 8 && bytes.len() >= count {
            bytes.iter().take(count).map(|b| u16::from(*b)).collect()
        } else {
            let got = format_args!("{} bytes for {count} entries", bytes.len());
            return Err(Fault::attribute(
                data,
                "as long as its descriptor says",
                got,
            ));
        };
        Ok(Self {
            first,
            bits,
            entries,
        })
    }

    pub(super) fn from_entries(first: i64, bits: u32, entries: Vec<u16>) -> Self {
        Self {
            first,
            bits,
            entries,
        }
    }

    /// The number that the first entry is for.
    #[must_use]
    pub fn first(&self) -> i64 {
        self.first
    }

    /// Bits of an entry.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The entries.
    #[must_use]
    pub fn entries(&self) -> &[u16] {
        &self.entries
    }

    /// The entry for a number.
    #[must_use]
    pub fn value(&self, number: i64) -> u16 {
        let index = usize::try_from(number.saturating_sub(self.first)).unwrap_or(0);
        let last = self.entries.last().copied().unwrap_or(0);
        self.entries.get(index).copied().unwrap_or(last)
    }
}

/// Entries, first number and bits of a descriptor (PS3.3 section C.11.1.1.1).
pub(super) fn describe(
    dataset: &Dataset,
    tag: Tag,
    signed: bool,
) -> Result<(usize, i64, u32), Fault> {
    let numbers = dataset.integers(tag)?;
    let [count, first, bits] = numbers.as_slice() else {
        if numbers.is_empty() {
            return Err(Fault::MissingAttribute { tag });
        }
        let got = format_args!("{} values", numbers.len());
        return Err(Fault::attribute(tag, "three numbers", got));
    };
    // Both may have been read with the other sign.
    let count = usize::try_from(count & 0xffff).unwrap_or(0);
    let count = if count == 0 { 65536 } else { count };
    let first = match (signed, *first) {
        (true, value @ 32768..) => value.saturating_sub(65536),
        (false, value @ ..0) => value.saturating_add(65536),
        (_, value) => value,
    };
    let bits = u32::try_from(*bits)
        .ok()
        .filter(|bits| (1..=16).contains(bits));
    let bits =
        bits.ok_or_else(|| Fault::attribute(tag, "of 1 to 16 bits", format_args!("{numbers:?}")))?;
    Ok((count, first, bits))
}
