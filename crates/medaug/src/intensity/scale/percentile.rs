//! Exact percentiles without sorting: two passes that count, by the upper and the lower half of the bits.
//!
//! Interpolated as NumPy does by default (`linear`): the percentile of rank q (n - 1) / 100 lies between two
//! neighbours in order.

use rayon::prelude::*;

use crate::parallel::CHUNK;

/// Buckets by half of the bits of an intensity.
const BUCKETS: usize = 1 << 16;

/// The percentiles of `voxels`, each within 0 and 100; `None` if there are no voxels or one of them is NaN.
///
/// ```
/// let voxels = [4.0, 1.0, 3.0, 2.0];
/// assert_eq!(medaug::percentiles(&voxels, &[0.0, 50.0, 90.0]), Some(vec![1.0, 2.5, 3.7]));
/// ```
#[must_use]
pub fn percentiles(voxels: &[f32], percents: &[f64]) -> Option<Vec<f32>> {
    if voxels.is_empty() || percents.iter().any(|q| !(0.0..=100.0).contains(q)) {
        return None;
    }
    let nan = |chunk: &[f32]| chunk.iter().fold(false, |any, v| any | v.is_nan());
    if voxels.par_chunks(CHUNK).any(nan) {
        return None;
    }
    let last = voxels.len() - 1;
    let positions: Vec<f64> = percents.iter().map(|q| q / 100.0 * last as f64).collect();
    let mut ranks: Vec<u64> = positions
        .iter()
        .flat_map(|&at| [at as u64, (at as u64 + 1).min(last as u64)])
        .collect();
    ranks.sort_unstable();
    ranks.dedup();
    let values = select(voxels, &ranks);
    let value = |rank: u64| f64::from(values[ranks.partition_point(|&r| r < rank)]);
    let between = positions.iter().map(|&at| {
        let low = at as u64;
        let (a, b) = (value(low), value((low + 1).min(last as u64)));
        let share = at - low as f64;
        (if a == b { a } else { a + (b - a) * share }) as f32
    });
    Some(between.collect())
}

/// The values of these ranks, ascending, counted from zero.
fn select(voxels: &[f32], ranks: &[u64]) -> Vec<f32> {
    let upper = count(voxels, |key| Some((key >> 16) as usize), BUCKETS);
    // For each rank its upper half, and its rank among those that share it.
    let mut at = 0;
    let mut before = 0;
    let mut places = Vec::with_capacity(ranks.len());
    for &rank in ranks {
        while before + upper[at] <= rank {
            before += upper[at];
            at += 1;
        }
        places.push((at, rank - before));
    }
    let mut halves: Vec<usize> = places.iter().map(|place| place.0).collect();
    halves.dedup();
    let lower = count(
        voxels,
        |key| {
            let table = halves
                .iter()
                .position(|&half| half == (key >> 16) as usize)?;
            Some(table * BUCKETS + (key & 0xffff) as usize)
        },
        halves.len() * BUCKETS,
    );
    let value = |(half, rank): (usize, u64)| {
        let table = halves.partition_point(|&h| h < half);
        let mut seen = 0;
        let low = lower[table * BUCKETS..][..BUCKETS]
            .iter()
            .position(|&n| {
                seen += n;
                seen > rank
            })
            .unwrap_or(BUCKETS - 1);
        from_key(((half as u32) << 16) | low as u32)
    };
    places.into_iter().map(value).collect()
}

/// How many voxels fall into each of `buckets`.
fn count(
    voxels: &[f32],
    bucket: impl Fn(u32) -> Option<usize> + Sync + Send,
    buckets: usize,
) -> Vec<u64> {
    // Few tables, each for a long stretch: adding them up costs less than counting.
    let stretch = voxels
        .len()
        .div_ceil(rayon::current_num_threads())
        .max(CHUNK);
    let tables: Vec<Vec<u64>> = voxels
        .par_chunks(stretch)
        .map(|stretch| {
            let mut table = vec![0_u64; buckets];
            for &voxel in stretch {
                if let Some(n) = bucket(key(voxel)).and_then(|i| table.get_mut(i)) {
                    *n += 1;
                }
            }
            table
        })
        .collect();
    let mut sum = vec![0_u64; buckets];
    for table in tables {
        sum.iter_mut().zip(table).for_each(|(s, n)| *s += n);
    }
    sum
}

/// Bits that are ordered as the numbers are.
#[inline(always)]
fn key(value: f32) -> u32 {
    let bits = value.to_bits();
    bits ^ (((bits as i32 >> 31) as u32) | 0x8000_0000)
}

fn from_key(key: u32) -> f32 {
    let sign = if key & 0x8000_0000 == 0 {
        u32::MAX
    } else {
        0x8000_0000
    };
    f32::from_bits(key ^ sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_voxels() {
        let mut voxels: Vec<f32> = (0..100_003_u64)
            .map(|i| (i.wrapping_mul(2_654_435_761) % 1_000_003) as f32 / 997.0 - 400.0)
            .collect();
        voxels[..30_000].fill(-1024.0);
        voxels[30_000..30_010].fill(-0.0);
        let mut sorted = voxels.clone();
        sorted.sort_by(f32::total_cmp);
        let percents = [0.0, 0.5, 10.0, 29.9, 31.0, 50.0, 99.5, 100.0];
        let got = percentiles(&voxels, &percents).unwrap();
        for (q, got) in percents.into_iter().zip(got) {
            let at = q / 100.0 * (sorted.len() - 1) as f64;
            let (a, b) = (sorted[at as usize], sorted[(at.ceil()) as usize]);
            let want = f64::from(a) + f64::from(b - a) * at.fract();
            assert!((f64::from(got) - want).abs() < 1e-4, "{q}: {got} {want}");
        }
    }

    #[test]
    fn nothing_and_nan_have_no_percentiles() {
        assert_eq!(percentiles(&[], &[50.0]), None);
        assert_eq!(percentiles(&[1.0, f32::NAN], &[50.0]), None);
        assert_eq!(percentiles(&[1.0], &[101.0]), None);
        assert_eq!(percentiles(&[7.0; 5], &[0.0, 33.0]), Some(vec![7.0, 7.0]));
    }
}
