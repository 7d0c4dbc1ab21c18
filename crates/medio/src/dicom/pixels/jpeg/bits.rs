//! Bits of entropy-coded data: most significant first, a zero stuffed behind each `FF`.

/// Reads bits up to the next marker, and zeros behind it.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bits not yet read, in its upper part.
    buffer: u64,
    count: u32,
    /// How many of the last bits are zeros that were made up.
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            buffer: 0,
            count: 0,
            made_up: 0,
        }
    }

    /// Makes at least 33 bits ready.
    #[inline]
    fn refill(&mut self) {
        if self.count > 32 {
            return;
        }
        if let Some(next) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<4>)
            && self.made_up == 0
            && !next.contains(&0xff)
        {
            self.buffer |= u64::from(u32::from_be_bytes(*next)) << (32 - self.count);
            self.count += 32;
            self.at += 4;
            return;
        }
        while self.count <= 56 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xff, 0, ..]) => {
                    self.at += 2;
                    0xff
                }
                Some([byte, ..]) if *byte != 0xff => {
                    self.at += 1;
                    *byte
                }
                _ => {
                    self.made_up += 8;
                    0
                }
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next 16 bits without moving.
    #[inline]
    pub(super) fn peek16(&mut self) -> u16 {
        self.refill();
        (self.buffer >> 48) as u16
    }

    /// Moves on by up to 16 bits that were peeked at.
    #[inline]
    pub(super) fn skip(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
        // What was made up is read from now on.
        if self.made_up > self.count + 64 {
            self.made_up = self.count + 64;
        }
    }

    /// The next bits, up to 16, as a number.
    #[inline]
    pub(super) fn take(&mut self, bits: u32) -> u32 {
        if bits == 0 {
            return 0;
        }
        self.refill();
        let value = (self.buffer >> (64 - bits)) as u32;
        self.skip(bits);
        value
    }

    /// Whether bits were read that are not there.
    #[inline]
    pub(super) fn overran(&self) -> bool {
        self.made_up > self.count
    }

    /// Where the next unread byte, or the marker, is.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Begins anew behind a restart marker; says whether it is there.
    pub(super) fn restart(&mut self) -> bool {
        (self.buffer, self.count, self.made_up) = (0, 0, 0);
        // Padding may stand before the marker.
        while let Some(rest) = self.bytes.get(self.at..) {
            match rest {
                [0xff, 0xd0..=0xd7, ..] => {
                    self.at += 2;
                    return true;
                }
                [0xff, 0xff, ..] | [0, ..] => self.at += 1,
                _ => return false,
            }
        }
        false
    }
}

/// The signed difference that some bits of a category stand for (T.81 section F.2.2.1).
#[inline]
pub(super) fn extend(bits: u32, category: u32) -> i32 {
    if category == 0 {
        return 0;
    }
    let value = bits as i32;
    if bits >> (category - 1) == 0 {
        value - (1 << category) + 1
    } else {
        value
    }
}
