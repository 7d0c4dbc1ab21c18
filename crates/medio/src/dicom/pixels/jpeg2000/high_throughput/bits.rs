//! The bit streams of a high-throughput code-block (T.814 sections 7.1.2 to 7.1.4) and of a packet's header
//! (T.800 section B.10.1).

/// Bits of a packet header, the most significant first; seven of them follow a byte of ones.
#[derive(Debug)]
pub(super) struct HeaderBits<'a> {
    bytes: &'a [u8],
    at: usize,
    byte: u8,
    left: u32,
}

impl<'a> HeaderBits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            byte: 0,
            left: 0,
        }
    }

    pub(super) fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            self.left = if self.byte == 0xff { 7 } else { 8 };
            self.byte = *self.bytes.get(self.at)?;
            self.at += 1;
        }
        self.left -= 1;
        Some(u32::from(self.byte >> self.left) & 1)
    }

    /// At most 32 bits.
    pub(super) fn bits(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | self.bit()?;
        }
        Some(value)
    }

    /// Bytes that the header takes.
    pub(super) fn length(&self) -> usize {
        self.at + usize::from(self.byte == 0xff)
    }
}

/// Magnitudes and signs, or significance propagation: from the front, the least significant bit first; seven
/// bits follow a byte of ones.
#[derive(Debug)]
pub(super) struct Forward<'a> {
    bytes: &'a [u8],
    /// What follows the last byte.
    padding: u8,
    stuffed: bool,
    bits: u64,
    count: u32,
}

impl<'a> Forward<'a> {
    pub(super) fn new(bytes: &'a [u8], padding: u8) -> Self {
        Self {
            bytes,
            padding,
            stuffed: false,
            bits: 0,
            count: 0,
        }
    }

    #[inline(never)]
    fn fill(&mut self) {
        if let Some((head, rest)) = self.bytes.split_first_chunk::<4>()
            && !self.stuffed
            && !head.contains(&0xff)
        {
            self.bits |= u64::from(u32::from_le_bytes(*head)) << self.count;
            self.count += 32;
            self.bytes = rest;
            return;
        }
        while self.count <= 32 {
            let byte = match self.bytes.split_first() {
                Some((byte, rest)) => {
                    self.bytes = rest;
                    *byte
                }
                None => self.padding,
            };
            let (byte, bits) = if self.stuffed {
                (byte & 0x7f, 7)
            } else {
                (byte, 8)
            };
            self.stuffed = byte == 0xff;
            self.bits |= u64::from(byte) << self.count;
            self.count += bits;
        }
    }

    /// At most 31 bits.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        if self.count < count {
            self.fill();
        }
        let value = self.bits & ((1 << count) - 1);
        self.bits >>= count;
        self.count -= count;
        value as u32
    }
}

/// Variable-length codes, or magnitude refinement: from the back, the least significant bit first.
#[derive(Debug)]
pub(super) struct Backward<'a> {
    bytes: &'a [u8],
    /// Whether the byte before was above 0x8f: seven ones then stand for themselves alone.
    high: bool,
    bits: u64,
    count: u32,
}

impl<'a> Backward<'a> {
    /// The codes of `bytes`, the last of which shares its lower half with a length.
    pub(super) fn codes(bytes: &'a [u8]) -> Self {
        let (last, bytes) = bytes.split_last().unwrap_or((&0, &[]));
        let bits = u64::from(last >> 4);
        Self {
            bytes,
            high: last | 0x0f > 0x8f,
            bits,
            count: if bits & 7 == 7 { 3 } else { 4 },
        }
    }

    pub(super) fn refinement(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            high: true,
            bits: 0,
            count: 0,
        }
    }

    #[inline(never)]
    fn fill(&mut self) {
        while self.count <= 32 {
            let byte = match self.bytes.split_last() {
                Some((byte, rest)) => {
                    self.bytes = rest;
                    *byte
                }
                None => 0,
            };
            let stuffed = self.high && byte & 0x7f == 0x7f;
            self.high = byte > 0x8f;
            let (byte, bits) = if stuffed { (0x7f, 7) } else { (byte, 8) };
            self.bits |= u64::from(byte) << self.count;
            self.count += bits;
        }
    }

    /// The next seven bits, which stay.
    #[inline]
    pub(super) fn peek(&mut self) -> u32 {
        if self.count < 7 {
            self.fill();
        }
        (self.bits & 0x7f) as u32
    }

    /// Passes over bits that were seen.
    pub(super) fn skip(&mut self, count: u32) {
        self.bits >>= count;
        self.count = self.count.saturating_sub(count);
    }

    /// At most 7 bits.
    pub(super) fn take(&mut self, count: u32) -> u32 {
        let value = self.peek() & ((1 << count) - 1);
        self.skip(count);
        value
    }
}

/// Adaptive run lengths that say which quads without significant neighbours hold something (T.814 section 7.3.3).
#[derive(Debug)]
pub(super) struct Runs<'a> {
    bytes: &'a [u8],
    byte: u8,
    left: u32,
    state: usize,
    zeros: u32,
    one: bool,
}

impl<'a> Runs<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            byte: 0,
            left: 0,
            state: 0,
            zeros: 0,
            one: false,
        }
    }

    fn bit(&mut self) -> u32 {
        if self.left == 0 {
            self.left = if self.byte == 0xff { 7 } else { 8 };
            self.byte = match self.bytes {
                // The last one shares its lower half with the codes from the back.
                [last] => last | 0x0f,
                [byte, ..] => *byte,
                [] => 0xff,
            };
            self.bytes = self.bytes.get(1..).unwrap_or(&[]);
        }
        self.left -= 1;
        u32::from(self.byte >> self.left) & 1
    }

    /// The next symbol.
    #[inline]
    pub(super) fn event(&mut self) -> bool {
        if self.zeros == 0 && !self.one {
            const EXPONENTS: [u32; 13] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5];
            let exponent = EXPONENTS.get(self.state).copied().unwrap_or(5);
            if self.bit() == 1 {
                self.zeros = 1 << exponent;
                self.state = (self.state + 1).min(12);
            } else {
                for _ in 0..exponent {
                    self.zeros = self.zeros << 1 | self.bit();
                }
                self.state = self.state.saturating_sub(1);
                self.one = true;
            }
        }
        if self.zeros > 0 {
            self.zeros -= 1;
            return false;
        }
        self.one = false;
        true
    }
}
