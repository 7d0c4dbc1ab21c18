//! Palettes of red, green and blue, plain and in segments (PS3.3 sections C.7.6.3.1.5 to C.7.9.2).

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::lut::{LookupTable, describe};

/// Three tables from stored values to red, green and blue.
#[derive(Debug, Clone, PartialEq)]
pub struct Palette {
    /// Red, green, blue.
    pub tables: [LookupTable; 3],
}

const DESCRIPTORS: [Tag; 3] = [
    Tag::RED_PALETTE_DESCRIPTOR,
    Tag::GREEN_PALETTE_DESCRIPTOR,
    Tag::BLUE_PALETTE_DESCRIPTOR,
];
const DATA: [Tag; 3] = [
    Tag::RED_PALETTE_DATA,
    Tag::GREEN_PALETTE_DATA,
    Tag::BLUE_PALETTE_DATA,
];
const SEGMENTED: [Tag; 3] = [
    Tag::RED_SEGMENTED_PALETTE_DATA,
    Tag::GREEN_SEGMENTED_PALETTE_DATA,
    Tag::BLUE_SEGMENTED_PALETTE_DATA,
];

impl Palette {
    pub(super) fn of(dataset: &Dataset, signed: bool) -> Result<Self, Fault> {
        let table = |index: usize| -> Result<LookupTable, Fault> {
            let pick = |tags: [Tag; 3]| tags.get(index).copied().unwrap_or(Tag::LUT_DATA);
            let (descriptor, data, segments) = (pick(DESCRIPTORS), pick(DATA), pick(SEGMENTED));
            if dataset.has_value(data) {
                return LookupTable::read(dataset, descriptor, data, signed);
            }
            let Some(bytes) = dataset.bytes(segments) else {
                return Err(Fault::MissingAttribute { tag: data });
            };
            let (count, first, bits) = describe(dataset, descriptor, signed)?;
            let numbers: Vec<u16> = if bits <= 8 {
                bytes.iter().map(|b| u16::from(*b)).collect()
            } else {
                { bytes.as_chunks::<2>().0.iter() }
                    .map(|b| u16::from_le_bytes(*b))
                    .collect()
            };
            let entries = expand(&numbers, count, bits <= 8)
                .filter(|entries| entries.len() == count)
                .ok_or_else(|| {
                    let rule = "segments of as many entries as the descriptor says";
                    Fault::attribute(segments, rule, format_args!("{} numbers", numbers.len()))
                })?;
            Ok(LookupTable::from_entries(first, bits, entries))
        };
        Ok(Self {
            tables: [table(0)?, table(1)?, table(2)?],
        })
    }

    /// The colour of a stored value.
    #[must_use]
    pub fn colour(&self, number: i64) -> [u16; 3] {
        self.tables.each_ref().map(|table| table.value(number))
    }

    /// The colour of a stored value in 8 bits a colour.
    #[must_use]
    pub fn colour8(&self, number: i64) -> [u8; 3] {
        self.tables.each_ref().map(|table| {
            let value = table.value(number);
            // Tables of 16 bits that use 8 only are common (PS3.3 section C.7.6.3.1.5).
            let shift = table.bits().saturating_sub(8);
            u8::try_from(value >> shift).unwrap_or(u8::MAX)
        })
    }
}

/// Expands segments (PS3.3 section C.7.9.2): discrete, linear, and repetitions of earlier ones.
fn expand(numbers: &[u16], count: usize, bytes: bool) -> Option<Vec<u16>> {
    let mut entries: Vec<u16> = Vec::new();
    // Repetitions may not repeat repetitions, so the work is bounded by what they copy.
    let mut starts = Vec::new();
    let mut at = 0_usize;
    let mut pending: Vec<usize> = Vec::new();
    while at < numbers.len() && entries.len() < count {
        starts.push(at);
        let (used, repeats) = segment(numbers, at, &mut entries, count)?;
        if let Some((segments, offset)) = repeats {
            // Offsets count bytes of the data.
            let from = if bytes { offset } else { offset / 2 };
            pending.clear();
            let first = starts.iter().position(|start| *start == from)?;
            pending.extend(starts.get(first..first.checked_add(segments)?)?);
            for &start in &pending {
                let (_, nested) = segment(numbers, start, &mut entries, count)?;
                if nested.is_some() {
                    return None;
                }
            }
        }
        at = at.checked_add(used)?;
    }
    Some(entries)
}

/// Appends one segment: how many numbers it took, and which segments it repeats.
fn segment(
    numbers: &[u16],
    at: usize,
    entries: &mut Vec<u16>,
    count: usize,
) -> Option<(usize, Option<(usize, usize)>)> {
    let rest = numbers.get(at..)?;
    let room = count.saturating_sub(entries.len());
    match rest {
        [0, length, values @ ..] => {
            let length = usize::from(*length);
            entries.extend(values.get(..length)?.iter().take(room));
            Some((length.checked_add(2)?, None))
        }
        [1, length, end, ..] => {
            let (steps, end) = (i64::from(*length), i64::from(*end));
            let start = i64::from(*entries.last()?);
            for step in (1..=steps).take(room) {
                let rise = end.saturating_sub(start).saturating_mul(step);
                let value = start.saturating_add(rounded(rise, steps));
                entries.push(u16::try_from(value).ok()?);
            }
            Some((3, None))
        }
        [2, segments, low, high, ..] => {
            let offset = usize::from(*low) | (usize::from(*high) << 16);
            Some((4, Some((usize::from(*segments), offset))))
        }
        _ => None,
    }
}

/// A quotient to the nearest whole number.
fn rounded(value: i64, by: i64) -> i64 {
    let twice = value.saturating_mul(2).saturating_add(by);
    twice.checked_div_euclid(by.saturating_mul(2)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_expand_to_steps_lines_and_repetitions() {
        let numbers = [0, 2, 10, 20, 1, 4, 40, 2, 1, 0, 0];
        let entries = expand(&numbers, 8, true).unwrap();
        assert_eq!(entries, [10, 20, 25, 30, 35, 40, 10, 20]);
    }

    #[test]
    fn damaged_segments_are_refused() {
        assert!(expand(&[1, 4, 40], 4, true).is_none()); // a line from nowhere
        assert!(expand(&[0, 9, 1], 9, true).is_none());
        assert!(expand(&[2, 1, 0, 0], 4, true).is_none()); // a repetition of itself
        assert!(expand(&[0, 1, 5, 2, 1, 99, 0], 4, true).is_none());
        assert!(expand(&[7, 1], 4, true).is_none());
    }
}
