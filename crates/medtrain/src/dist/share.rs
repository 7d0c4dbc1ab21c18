//! Which part of a batch falls to which process.

use std::ops::Range;

/// The items of a batch of `count` that fall to `rank` of `world_size`: parts that follow one another, the first ones larger by one
/// item when the batch cannot be divided evenly.
///
/// ```
/// use medtrain::dist::share_of;
///
/// assert_eq!(share_of(8, 1, 2), 4..8);
/// assert_eq!([share_of(7, 0, 3), share_of(7, 1, 3), share_of(7, 2, 3)], [0..3, 3..5, 5..7]);
/// ```
#[must_use]
pub fn share_of(count: usize, rank: usize, world_size: usize) -> Range<usize> {
    let world_size = world_size.max(1);
    let (each, more) = (count / world_size, count % world_size);
    let first = |rank: usize| rank * each + rank.min(more);
    first(rank).min(count)..first(rank + 1).min(count)
}

#[cfg(test)]
mod tests {
    use super::share_of;

    #[test]
    fn shares_cover_a_batch_once_and_differ_by_one_item_at_most() {
        for count in 0..40 {
            for world in 1..7 {
                let shares: Vec<_> = (0..world)
                    .map(|rank| share_of(count, rank, world))
                    .collect();
                let all: Vec<usize> = shares.iter().cloned().flatten().collect();
                assert_eq!(all, (0..count).collect::<Vec<_>>());
                let lengths = shares.iter().map(ExactSizeIterator::len);
                assert!(lengths.clone().max().unwrap() - lengths.min().unwrap() <= 1);
            }
        }
    }
}
