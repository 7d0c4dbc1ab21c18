//! Where blocks begin in the middle of a deflate stream.
#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "positions are bits of data that is in memory"
)]

use super::bits::Bits;
use super::block::Lengths;
use super::tables::{LONGEST, is_complete};

/// The first place in a range of bits that looks like the beginning of a dynamic block with others behind it.
///
/// A wrong one is nearly impossible, as all three of its codes use each bit pattern once; that a block truly
/// begins there is known when decoding arrives there.
pub(super) fn find(data: &[u8], range: std::ops::Range<u64>) -> Option<u64> {
    range
        .into_iter()
        .find(|position| looks_like_block(data, *position))
}

fn looks_like_block(data: &[u8], position: u64) -> bool {
    let start = usize::try_from(position / 8).unwrap_or(usize::MAX);
    let sixteen = data.get(start..).and_then(<[u8]>::first_chunk);
    let Some(sixteen) = sixteen.map(|bytes| u128::from_le_bytes(*bytes)) else {
        return false;
    };
    let bits = sixteen >> (position % 8);
    let head = bits as u32;
    // Not the last block, dynamic; at most 286 and 30 codes.
    if head & 7 != 0b100 || (head >> 3) & 31 > 29 || (head >> 8) & 31 > 29 {
        return false;
    }
    let given = ((head >> 13) & 15) + 4;
    let mut small = bits >> 17;
    let mut used = 0_u32;
    for _ in 0..given {
        // A code of length n uses 2^(7 - n) of 128 patterns.
        used += (0x80 >> (small as u32 & 7)) & 0x7f;
        small >>= 3;
    }
    if used != 128 {
        return false;
    }
    let mut bits = Bits::at(data, position + 3);
    let Ok(lengths) = Lengths::read(&mut bits) else {
        return false;
    };
    let few = |lengths: &[u8]| lengths.iter().filter(|length| **length > 0).count() <= 1;
    is_complete::<LONGEST>(lengths.literals())
        && (few(lengths.distances()) || is_complete::<LONGEST>(lengths.distances()))
}
