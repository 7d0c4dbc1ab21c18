//! Sorting millions of keys by counting their digits.

use crate::score::Key;

/// Bits of a digit: a table of counts that a first-level cache holds.
const DIGIT: u32 = 11;
const VALUES: usize = 1 << DIGIT;

/// Digits that are sorted by counting; what lies below them seldom decides, and is sorted by comparing.
const DIGITS: usize = 3;

/// Fewer keys than this are sorted faster by comparing.
const FEW: usize = 4096;

/// Sorts keys in ascending order.
///
/// Least significant digit first, but only over the 33 bits below the highest one in which keys differ.
/// Keys that agree in all of those form short runs, which are sorted by comparison where they are not in
/// order already.
pub(super) fn sort<K: Key>(keys: &mut Vec<K>) {
    if keys.len() < FEW {
        keys.sort_unstable();
        return;
    }
    let differing = keys
        .iter()
        .fold(0, |bits, key| bits | (key.above(0) ^ keys[0].above(0)));
    let bits = u64::BITS - differing.leading_zeros();
    let passes = bits.div_ceil(DIGIT).min(DIGITS as u32);
    let lowest = bits.saturating_sub(passes * DIGIT);
    let mut counts = [[0u32; VALUES]; DIGITS];
    if keys.len() > u32::MAX as usize {
        keys.sort_unstable();
        return;
    }
    for key in keys.iter() {
        let mut rest = key.above(lowest);
        for count in &mut counts {
            count[rest as usize % VALUES] += 1;
            rest >>= DIGIT;
        }
    }
    let mut scratch = vec![K::default(); keys.len()];
    for (pass, count) in counts.iter_mut().enumerate().take(passes as usize) {
        let mut next = 0;
        for place in count.iter_mut() {
            (*place, next) = (next, next + *place);
        }
        let shift = lowest + DIGIT * pass as u32;
        for &key in keys.iter() {
            let place = &mut count[key.above(shift) as usize % VALUES];
            scratch[*place as usize] = key;
            *place += 1;
        }
        std::mem::swap(keys, &mut scratch);
    }
    if lowest > 0 {
        finish(keys, lowest);
    }
}

/// Sorts runs of keys that agree above the lowest bits.
fn finish<K: Key>(keys: &mut [K], lowest: u32) {
    let mut at = 1;
    while at < keys.len() {
        if keys[at - 1] <= keys[at] {
            at += 1;
            continue;
        }
        let run = keys[at].above(lowest);
        let start = keys[..at].iter().rposition(|key| key.above(lowest) != run);
        let length = keys[at..].iter().position(|key| key.above(lowest) != run);
        let (start, end) = (
            start.map_or(0, |i| i + 1),
            length.map_or(keys.len(), |n| at + n),
        );
        keys[start..end].sort_unstable();
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use medcore::random::Key as Seed;

    use super::*;
    use crate::score::Score;

    fn check<K: Key>(mut keys: Vec<K>) {
        let mut want = keys.clone();
        want.sort_unstable();
        sort(&mut keys);
        assert!(keys == want);
    }

    #[test]
    fn keys_of_any_spread_come_in_order() {
        let mut random = Seed::new(3).stream("keys");
        for length in [0, 1, 100, FEW, 3 * FEW + 1] {
            check((0..length).map(|_| random.next_u64()).collect());
            check((0..length).map(|_| random.next_u32()).collect());
            check((0..length).map(|_| random.next_u64() % 7).collect());
            check(vec![9u64; length]);
            check((0..length).map(|_| random.uniform().key()).collect());
            check(
                (0..length)
                    .map(|_| (random.uniform() as f32).key())
                    .collect(),
            );
            let close = |_| (1.0 + 1e-14 * random.uniform()).key();
            check(
                (0..length)
                    .map(close)
                    .chain([0.0f64.key(), 1e300f64.key()])
                    .collect(),
            );
        }
    }
}
