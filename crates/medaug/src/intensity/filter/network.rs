//! Sorting networks on vectors: the same comparisons whatever the values are, sixteen voxels at a time.

use std::ops::Range;

/// Voxels that are sorted side by side.
pub(super) const LANES: usize = 16;

/// One value of each voxel.
pub(super) type Lanes = [f32; LANES];

/// The comparisons that bring some ranks of a list to their places.
pub(super) struct Network {
    /// Of each pair the smaller value goes to the first place.
    exchanges: Vec<[u32; 2]>,
    kept: Range<usize>,
}

impl Network {
    /// Sorts `len` values as far as the ranks `kept` need it (Batcher's merge sort).
    pub(super) fn sort(len: usize, kept: Range<usize>) -> Self {
        let mut exchanges = vec![];
        sort(0..len, &mut exchanges);
        Self::pruned(exchanges, len, kept)
    }

    /// Merges `first` sorted values and the `second` behind them as far as the ranks `kept` need it.
    pub(super) fn merge(first: usize, second: usize, kept: Range<usize>) -> Self {
        let mut exchanges = vec![];
        merge(0..first, second, &mut exchanges);
        Self::pruned(exchanges, first + second, kept)
    }

    fn pruned(exchanges: Vec<[u32; 2]>, len: usize, kept: Range<usize>) -> Self {
        let mut needed: Vec<bool> = (0..len).map(|rank| kept.contains(&rank)).collect();
        let mut exchanges: Vec<_> = exchanges
            .into_iter()
            .rev()
            .filter(|pair| {
                let pair = pair.map(|place| place as usize);
                let used = pair.iter().any(|&place| needed[place]);
                pair.iter().for_each(|&place| needed[place] |= used);
                used
            })
            .collect();
        exchanges.reverse();
        Self { exchanges, kept }
    }

    /// Leaves only the ranks that were asked for, in order.
    #[inline(always)]
    pub(super) fn run(&self, values: &mut Vec<Lanes>) {
        let list = &mut values[..];
        for &[a, b] in &self.exchanges {
            let (a, b) = (a as usize, b as usize);
            let (x, y) = (list[a], list[b]);
            for l in 0..LANES {
                list[a][l] = if y[l] < x[l] { y[l] } else { x[l] };
            }
            for l in 0..LANES {
                list[b][l] = if y[l] < x[l] { x[l] } else { y[l] };
            }
        }
        values.truncate(self.kept.end);
        if self.kept.start > 0 {
            values.drain(..self.kept.start);
        }
    }
}

fn sort(places: Range<usize>, exchanges: &mut Vec<[u32; 2]>) {
    if places.len() < 2 {
        return;
    }
    let middle = places.start + places.len() / 2;
    sort(places.start..middle, exchanges);
    sort(middle..places.end, exchanges);
    merge(places.start..middle, places.end - middle, exchanges);
}

/// Batcher's odd-even merge. It is one of two lists of the same power of two, of which the first begins with values
/// that are less than all and the second ends with values that exceed all: these stay where they are.
fn merge(first: Range<usize>, second: usize, exchanges: &mut Vec<[u32; 2]>) {
    let half = first.len().max(second).next_power_of_two();
    let (low, high) = (half - first.len(), half + second);
    let mut compare = |a: usize, b: usize| {
        if a >= low && b < high {
            exchanges.push([a, b].map(|place| (place - low + first.start) as u32));
        }
    };
    (0..half).for_each(|i| compare(i, i + half));
    let mut step = half / 2;
    while step > 0 {
        for block in (step..2 * half - step).step_by(2 * step) {
            (block..block + step).for_each(|i| compare(i, i + step));
        }
        step /= 2;
    }
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::*;

    fn numbers(count: usize, seed: u64) -> Vec<Lanes> {
        let mut random = Key::new(seed).stream("numbers");
        let mut lanes = || std::array::from_fn(|_| (random.next_u32() % 97) as f32);
        (0..count).map(|_| lanes()).collect()
    }

    /// Each lane in order.
    fn sorted(values: &[Lanes]) -> Vec<Lanes> {
        let mut sorted = values.to_vec();
        for l in 0..LANES {
            let mut lane: Vec<f32> = values.iter().map(|v| v[l]).collect();
            lane.sort_by(f32::total_cmp);
            sorted
                .iter_mut()
                .zip(lane)
                .for_each(|(v, value)| v[l] = value);
        }
        sorted
    }

    #[test]
    fn networks_sort_lists_of_every_length_and_any_of_their_ranks() {
        for len in 1..60 {
            let values = numbers(len, len as u64);
            let all = sorted(&values);
            for kept in [0..len, len / 2..len / 2 + 1, len / 3..len] {
                let mut got = values.clone();
                Network::sort(len, kept.clone()).run(&mut got);
                assert_eq!(got, all[kept]);
            }
        }
    }

    #[test]
    fn networks_merge_lists_of_any_two_lengths() {
        for (first, second) in (1..20).flat_map(|a| (1..20).map(move |b| (a, b))) {
            let mut values = sorted(&numbers(first, 1));
            values.extend(sorted(&numbers(second, 2)));
            let all = sorted(&values);
            let kept = (first + second) / 3..first + second;
            Network::merge(first, second, kept.clone()).run(&mut values);
            assert_eq!(values, all[kept], "{first} {second}");
        }
    }
}
