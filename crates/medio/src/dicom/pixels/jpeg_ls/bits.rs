//! Bits of a scan.

/// Bits of a scan: behind each byte `FF` the next has seven (T.87 section A.1).
pub(super) struct Bits<'a> {
    data: &'a [u8],
    pub(super) at: usize,
    buffer: u64,
    count: u32,
    made_up: u32,
    after_ff: bool,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            buffer: 0,
            count: 0,
            made_up: 0,
            after_ff: false,
        }
    }

    /// Makes at least 33 bits ready.
    #[inline]
    fn refill(&mut self) {
        while self.count <= 32 {
            let byte = self.data.get(self.at).copied();
            let next = match (byte, self.after_ff) {
                // A marker.
                (Some(byte), true) if byte >= 0x80 => None,
                (Some(0xff), _) if self.data.get(self.at + 1).is_none_or(|b| *b >= 0x80) => None,
                (byte, _) => byte,
            };
            let (byte, width) = match next {
                Some(byte) => {
                    self.at += 1;
                    let width = if self.after_ff { 7 } else { 8 };
                    self.after_ff = byte == 0xff;
                    (byte, width)
                }
                None => {
                    self.made_up += 8;
                    (0, 8)
                }
            };
            self.buffer |= u64::from(byte) << (64 - width - self.count);
            self.count += width;
        }
    }

    #[inline]
    fn skip(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
        self.made_up = self.made_up.min(self.count + 64);
    }

    /// Up to 32 bits as a number.
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

    /// Counts zeros up to a one, which is taken too; at most so many, behind which no one stands.
    #[inline]
    pub(super) fn zeros(&mut self, most: u32) -> Option<u32> {
        let mut zeros = 0;
        loop {
            self.refill();
            let here = self.buffer.leading_zeros().min(self.count).min(32);
            if zeros + here >= most {
                // The escape code ends with a one as well.
                self.skip(most - zeros);
                return (self.take(1) == 1).then_some(most);
            }
            zeros += here;
            if here < 32 {
                self.skip(here + 1);
                return Some(zeros);
            }
            self.skip(here);
            if self.overran() {
                return None;
            }
        }
    }

    pub(super) fn overran(&self) -> bool {
        self.made_up > self.count
    }

    /// Where the next marker is.
    pub(super) fn end(&self) -> usize {
        // Whole bytes that were made ready but not read belong to padding.
        let rest = self.data.get(self.at..).unwrap_or(&[]);
        let marker = rest
            .windows(2)
            .position(|w| matches!(w, [0xff, 0x80..=0xff]));
        self.at + marker.unwrap_or(rest.len())
    }
}
