//! Bits of a deflate stream, from the least significant on (RFC 1951 section 3.1.1).
#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "shifts stay below 64, and counts of bits below 2^61"
)]

use super::Broken;

/// Reads bits from any place of a stream; behind its end come zeros, which [`Bits::position`] tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// The next byte that is not counted in `buffer`.
    next: usize,
    buffer: u64,
    /// Valid bits of `buffer`.
    count: u32,
}

impl<'a> Bits<'a> {
    /// Bits of `data` from this one on.
    pub(super) fn at(data: &'a [u8], position: u64) -> Self {
        let mut bits = Self {
            data,
            next: usize::try_from(position / 8).unwrap_or(usize::MAX),
            buffer: 0,
            count: 0,
        };
        bits.refill();
        bits.skip((position % 8) as u32);
        bits
    }

    /// Makes at least 56 bits available.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let eight = self.data.get(self.next..).and_then(<[u8]>::first_chunk);
        if let Some(eight) = eight {
            // Bits above `count` that are there already are the same ones again.
            self.buffer |= u64::from_le_bytes(*eight).wrapping_shl(self.count);
            self.next = self
                .next
                .wrapping_add((63_u32.wrapping_sub(self.count) >> 3) as usize);
            self.count |= 56;
        } else {
            *self = self.refilled_at_end();
        }
    }

    /// By value, so that the fields of others stay in registers.
    #[cold]
    #[inline(never)]
    fn refilled_at_end(mut self) -> Self {
        while self.count < 56 {
            let byte = self.data.get(self.next).copied().unwrap_or(0);
            self.buffer |= u64::from(byte) << self.count;
            self.next = self.next.wrapping_add(1);
            self.count += 8;
        }
        self
    }

    /// The bits that are available; at least 56 after [`Self::refill`], less what was skipped since.
    #[inline(always)]
    pub(super) fn peek(&self) -> u64 {
        self.buffer
    }

    /// How many bits are available.
    #[inline(always)]
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Passes over bits that are available.
    #[inline(always)]
    pub(super) fn skip(&mut self, bits: u32) {
        // The shift looks at its low six bits only.
        self.buffer = self.buffer.wrapping_shr(bits);
        self.count = self.count.wrapping_sub(bits);
    }

    /// The next bits, at most 32, as a number.
    pub(super) fn take(&mut self, bits: u32) -> u32 {
        self.refill();
        let value = self.buffer & ((1 << bits) - 1);
        self.skip(bits);
        value as u32
    }

    /// Bits before the next one.
    pub(super) fn position(&self) -> u64 {
        (self.next as u64)
            .wrapping_mul(8)
            .wrapping_sub(u64::from(self.count))
    }

    /// Fails if bits behind the end were used.
    pub(super) fn check(&self) -> Result<(), Broken> {
        match self.position() <= (self.data.len() as u64) * 8 {
            true => Ok(()),
            false => Err(Broken),
        }
    }

    /// Bytes from the next whole one on (RFC 1951 section 3.2.4).
    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8], Broken> {
        let start = usize::try_from(self.position().div_ceil(8)).map_err(|_| Broken)?;
        let end = start.checked_add(len).ok_or(Broken)?;
        let bytes = self.data.get(start..end).ok_or(Broken)?;
        *self = Self::at(self.data, (end as u64) * 8);
        Ok(bytes)
    }
}
