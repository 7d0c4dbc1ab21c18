//! Tables that turn the bits of Huffman codes into what they mean (RFC 1951 sections 3.2.2 and 3.2.5).
//!
//! One look at the first bits gives a literal, two literals where both codes fit, a length or a distance;
//! longer codes continue in a second table.
#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "indices are masked to the tables' sizes or counted below them; the hostile tests and the fuzz \
              targets run all of it with overflow checks"
)]

use super::Broken;

/// What a table says of the next bits.
///
/// Bits 0 to 5: bits to pass over, with those of a length's or distance's extra bits.
/// Bits 6 and 7: whether it is something rare, or a literal.
/// Bits 8 to 11: bits of the code alone, or of the second table's index.
/// Bits 12 to 14: two literals, the end of the block, or a second table.
/// Bits 16 to 31: literals, base of a length or distance, or start of the second table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry(u32);

impl Entry {
    const RARE: u32 = 1 << 6;
    const LITERAL: u32 = 1 << 7;
    const TWO: u32 = 1 << 12;
    const END: u32 = 1 << 13;
    const SECOND: u32 = 1 << 14;
    /// No code has these bits.
    const NONE: Self = Self(Self::RARE);

    fn literal(value: usize) -> Self {
        Self(Self::LITERAL | (value as u32) << 16)
    }

    /// A length or distance: its base and how many extra bits follow.
    fn ranged(base: u16, extra: u8) -> Self {
        Self(u32::from(base) << 16 | u32::from(extra))
    }

    /// The entry of a code of so many bits.
    fn coded(self, bits: u32) -> Self {
        Self((self.0 + bits) | bits << 8)
    }

    #[inline(always)]
    pub(super) fn is_literal(self) -> bool {
        self.0 & Self::LITERAL != 0
    }

    /// Not a literal, length or distance.
    #[inline(always)]
    pub(super) fn is_rare(self) -> bool {
        self.0 & Self::RARE != 0
    }

    pub(super) fn is_end(self) -> bool {
        self.0 & Self::END != 0
    }

    /// Bits to pass over.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0 & 0x3f
    }

    /// One literal or two, the first in the low byte, and how many.
    #[inline(always)]
    pub(super) fn literals(self) -> ([u8; 2], usize) {
        let count = ((self.0 / Self::TWO) as usize & 1).wrapping_add(1);
        (((self.0 >> 16) as u16).to_le_bytes(), count)
    }

    /// The length or distance, given the bits that the entry was looked up with.
    #[inline(always)]
    pub(super) fn value(self, bits: u64) -> usize {
        let extra = bits & !u64::MAX.wrapping_shl(self.0);
        let extra = extra.wrapping_shr(self.0 >> 8);
        ((self.0 >> 16) as usize).wrapping_add(extra as usize)
    }
}

const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

const DISTANCES: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];

fn literal_or_length(symbol: usize) -> Entry {
    match symbol {
        0..=255 => Entry::literal(symbol),
        256 => Entry(Entry::RARE | Entry::END),
        _ => match LENGTHS.get(symbol - 257) {
            Some((base, extra)) => Entry::ranged(*base, *extra),
            None => Entry::NONE,
        },
    }
}

fn distance(symbol: usize) -> Entry {
    match DISTANCES.get(symbol) {
        Some((base, extra)) => Entry::ranged(*base, *extra),
        None => Entry::NONE,
    }
}

/// Longest code of literals, lengths and distances.
pub(super) const LONGEST: usize = 15;

/// Codes by their bits: `FIRST` are looked at at once.
#[derive(Debug, Clone)]
pub(super) struct Table<const FIRST: u32, const SIZE: usize> {
    entries: [Entry; SIZE],
}

/// Literals and lengths; second tables of complete codes need at most 294 entries more than the 2048.
pub(super) type Literals = Table<11, 4096>;
/// Distances.
pub(super) type Distances = Table<8, 1024>;

/// Whether codes of these lengths use all bit patterns, and no pattern twice.
pub(super) fn is_complete<const LONGEST: usize>(lengths: &[u8]) -> bool {
    let used: u32 = { lengths.iter() }
        .filter(|length| **length > 0)
        .map(|length| (1 << LONGEST) >> length)
        .sum();
    used == 1 << LONGEST
}

impl<const FIRST: u32, const SIZE: usize> Table<FIRST, SIZE> {
    pub(super) fn new() -> Self {
        Self {
            entries: [Entry::NONE; SIZE],
        }
    }

    /// What the next bits mean.
    #[inline(always)]
    pub(super) fn first(&self, bits: u64) -> Entry {
        self.entries[bits as usize & ((1 << FIRST) - 1) & (SIZE - 1)]
    }

    /// What bits mean whose first table says that they are longer, and the bits behind the first ones.
    #[inline(always)]
    pub(super) fn second(&self, entry: Entry, bits: u64) -> Option<(Entry, u64)> {
        if entry.0 & Entry::SECOND == 0 {
            return None;
        }
        let behind = bits >> FIRST;
        let within = behind as usize & ((1 << ((entry.0 >> 8) & 15)) - 1);
        let start = (entry.0 >> 16) as usize;
        Some((
            self.entries[start.wrapping_add(within) & (SIZE - 1)],
            behind,
        ))
    }

    /// Fills the table for codes of these lengths, one for each symbol, 0 for those that are not used.
    ///
    /// Only complete codes, a single one, and none at all are taken.
    fn fill(&mut self, lengths: &[u8], meaning: fn(usize) -> Entry) -> Result<(), Broken> {
        let mut counts = [0_usize; LONGEST + 1];
        for length in lengths {
            counts[usize::from(*length) & LONGEST] += 1;
        }
        let used = lengths.len() - counts[0];
        if used <= 1 || !is_complete::<LONGEST>(lengths) {
            self.entries[..1 << FIRST].fill(Entry::NONE);
            return match { lengths.iter() }.position(|length| *length > 0) {
                None => Ok(()),
                Some(symbol) if used == 1 && lengths[symbol] == 1 => {
                    for at in (0..1 << FIRST).step_by(2) {
                        self.entries[at] = meaning(symbol).coded(1);
                    }
                    Ok(())
                }
                Some(_) => Err(Broken),
            };
        }
        // Symbols in the order of their codes.
        let mut starts = [0_usize; LONGEST + 2];
        for length in 1..=LONGEST {
            starts[length + 1] = starts[length] + counts[length];
        }
        let mut sorted = [0_u16; 320];
        for (symbol, length) in lengths.iter().enumerate() {
            let length = usize::from(*length);
            if length > 0 {
                sorted[starts[length]] = symbol as u16;
                starts[length] += 1;
            }
        }
        let mut code = 0_u32;
        let mut free = 1_usize << FIRST;
        let mut second = (usize::MAX, 0_usize, 0_u32);
        for (place, symbol) in sorted[..used].iter().enumerate() {
            let symbol = usize::from(*symbol);
            let length = u32::from(lengths[symbol]);
            let reversed = (code.reverse_bits() >> (32 - length)) as usize;
            if length <= FIRST {
                let entry = meaning(symbol).coded(length);
                for at in (reversed..1 << FIRST).step_by(1 << length) {
                    self.entries[at] = entry;
                }
            } else {
                let prefix = reversed & ((1 << FIRST) - 1);
                if second.0 != prefix {
                    let bits = Self::second_bits(place, &sorted[..used], lengths, code);
                    if free + (1 << bits) > SIZE {
                        return Err(Broken);
                    }
                    second = (prefix, free, bits);
                    let pointer = Entry::RARE | Entry::SECOND | (free as u32) << 16 | bits << 8;
                    self.entries[prefix] = Entry(pointer | FIRST);
                    free += 1 << bits;
                }
                let entry = meaning(symbol).coded(length - FIRST);
                for at in (reversed >> FIRST..1 << second.2).step_by(1 << (length - FIRST)) {
                    self.entries[second.1 + at] = entry;
                }
            }
            // The next code: one more, with zeros behind it if the next is longer.
            let next = sorted.get(place + 1).map_or(length, |next| {
                u32::from(lengths[usize::from(*next)]).max(length)
            });
            code = (code + 1) << (next - length);
        }
        Ok(())
    }

    /// Bits of the index of the second table that begins with the symbol at `place`.
    fn second_bits(place: usize, sorted: &[u16], lengths: &[u8], code: u32) -> u32 {
        let length = |symbol: u16| u32::from(lengths[usize::from(symbol)]);
        let (mut code, mut longest) = (code, length(sorted[place]));
        let prefix = code >> (longest - FIRST);
        for symbol in &sorted[place + 1..] {
            let next = length(*symbol);
            code = (code + 1) << (next - longest);
            if code >> (next - FIRST) != prefix {
                break;
            }
            longest = next;
        }
        longest - FIRST
    }
}

impl Literals {
    pub(super) fn build(&mut self, lengths: &[u8]) -> Result<(), Broken> {
        self.fill(lengths, literal_or_length)?;
        // Where the codes of two literals fit into the first bits, one look gives both. From behind: what
        // follows a literal is an entry of lower index.
        for at in (0..1_usize << 11).rev() {
            let one = self.entries[at];
            if !one.is_literal() || one.bits() >= 11 {
                continue;
            }
            let two = self.entries[at >> one.bits()];
            let bits = one.bits() + two.bits();
            if two.is_literal() && bits <= 11 {
                let literals = (one.0 & 0xff_0000) | (two.0 & 0xff_0000) << 8;
                self.entries[at] = Entry(Entry::LITERAL | Entry::TWO | literals | bits);
            }
        }
        Ok(())
    }
}

impl Distances {
    pub(super) fn build(&mut self, lengths: &[u8]) -> Result<(), Broken> {
        self.fill(lengths, distance)
    }
}
