//! Random numbers that are looked up, not consumed: the same key gives the same numbers anywhere.
//!
//! A [`Key`] names what is being drawn (seed, epoch, sample, and the name of the transform or
//! parameter); a [`Random`] is the stream behind that name. Results therefore depend neither on the
//! number of threads nor on where a run was resumed.
//!
//! The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011);
//! normals are made with `libm`, whose results are the same on every platform.

use crate::cpu::{Work, with_wide_vectors};

/// Names a stream of random numbers.
///
/// ```
/// use medcore::random::Key;
///
/// let key = Key::new(7).epoch(3).sample(12);
/// let flip = key.stream("flip").uniform();
/// assert_eq!(flip, Key::new(7).epoch(3).sample(12).stream("flip").uniform());
/// assert_ne!(flip, key.stream("noise").uniform());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    seed: u64,
    epoch: u32,
    sample: u32,
}

impl Key {
    /// The key of a whole run.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            epoch: 0,
            sample: 0,
        }
    }

    /// The key of an epoch (or optimizer step) of the run.
    #[must_use]
    pub const fn epoch(self, epoch: u32) -> Self {
        Self { epoch, ..self }
    }

    /// The key of one sample of the epoch.
    #[must_use]
    pub const fn sample(self, sample: u32) -> Self {
        Self { sample, ..self }
    }

    /// The stream that belongs to `name` under this key.
    #[must_use]
    pub fn stream(self, name: &str) -> Random {
        Random::new(self, fnv1a(name.as_bytes()))
    }

    /// A key for the `index`-th part of `name` (the n-th transform of a chain, the n-th layer).
    #[must_use]
    pub fn fork(self, name: &str, index: u64) -> Self {
        let mut stream = Random::new(
            self,
            fnv1a(name.as_bytes()) ^ index.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        );
        Self {
            seed: stream.next_u64(),
            ..self
        }
    }
}

/// A stream of random numbers; see [`Key::stream`].
#[derive(Debug, Clone)]
pub struct Random {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
    spare_normal: Option<f64>,
}

impl Random {
    /// Philox's 64-bit key takes the seed mixed with the name, its 128-bit counter the epoch, the sample
    /// and a 64-bit position.
    fn new(key: Key, name: u64) -> Self {
        let mixed = splitmix(key.seed ^ splitmix(name));
        Self {
            key: [mixed as u32, (mixed >> 32) as u32],
            counter: [0, 0, key.sample, key.epoch],
            block: [0; 4],
            used: 4,
            spare_normal: None,
        }
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox4x32_10(self.counter, self.key);
            self.used = 0;
            let position =
                ((u64::from(self.counter[1]) << 32) | u64::from(self.counter[0])).wrapping_add(1);
            self.counter[0] = position as u32;
            self.counter[1] = (position >> 32) as u32;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// Fills a slice with what as many calls of [`Random::next_u32`] would give, several times as fast.
    pub fn fill_u32(&mut self, bits: &mut [u32]) {
        let rest_of_block = bits.len().min(4 - self.used);
        let (first, bits) = bits.split_at_mut(rest_of_block);
        first.fill_with(|| self.next_u32());
        let (batches, last) = bits.split_at_mut(bits.len() - bits.len() % (4 * LANES));
        with_wide_vectors(FillBatches {
            random: self,
            bits: batches,
        });
        last.fill_with(|| self.next_u32());
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) | (u64::from(self.next_u32()) << 32)
    }

    /// A number in [0, 1), with 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A number in [low, high); `low` when they are equal.
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// A whole number in 0..count without bias (Lemire's rejection).
    ///
    /// # Panics
    /// If `count` is zero.
    pub fn below(&mut self, count: usize) -> usize {
        assert!(count > 0, "cannot choose among nothing");
        let count = count as u64;
        let threshold = count.wrapping_neg() % count;
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(count);
            if wide as u64 >= threshold {
                return (wide >> 64) as usize;
            }
        }
    }

    /// A standard normal number (Box-Muller).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        let angle = 2.0 * std::f64::consts::PI * self.uniform();
        self.spare_normal = Some(radius * libm::sin(angle));
        radius * libm::cos(angle)
    }

    /// Puts `items` in random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &b| {
        (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3)
    })
}

fn splitmix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Blocks that [`Random::fill_u32`] makes at once.
const LANES: usize = 8;

/// Fills whole batches of blocks.
struct FillBatches<'a> {
    random: &'a mut Random,
    bits: &'a mut [u32],
}

impl Work for FillBatches<'_> {
    type Output = ();

    /// One block for each lane, side by side. Words are kept in the lower halves of 64 bits, where vector
    /// instructions multiply; what gathers in the upper halves is never read.
    #[inline(always)]
    fn run(self) {
        let [low, high, sample, epoch] = self.random.counter;
        let mut position = (u64::from(high) << 32) | u64::from(low);
        for batch in self.bits.chunks_exact_mut(4 * LANES) {
            let [mut a, mut b] = [[0; LANES]; 2];
            for i in 0..LANES {
                a[i] = position.wrapping_add(i as u64);
                b[i] = a[i] >> 32;
            }
            let [mut c, mut d] = [[u64::from(sample); LANES], [u64::from(epoch); LANES]];
            let mut key = self.random.key;
            for _ in 0..10 {
                let keys = [u64::from(key[0]), u64::from(key[1])];
                for i in 0..LANES {
                    let low = (a[i] & 0xffff_ffff) * 0xD251_1F53;
                    let high = (c[i] & 0xffff_ffff) * 0xCD9E_8D57;
                    a[i] = (high >> 32) ^ b[i] ^ keys[0];
                    b[i] = high;
                    c[i] = (low >> 32) ^ d[i] ^ keys[1];
                    d[i] = low;
                }
                key = next_key(key);
            }
            for i in 0..LANES {
                batch[4 * i] = a[i] as u32;
                batch[4 * i + 1] = b[i] as u32;
                batch[4 * i + 2] = c[i] as u32;
                batch[4 * i + 3] = d[i] as u32;
            }
            position = position.wrapping_add(LANES as u64);
        }
        self.random.counter[0] = position as u32;
        self.random.counter[1] = (position >> 32) as u32;
    }
}

/// The key of Philox's next round.
#[inline(always)]
fn next_key(key: [u32; 2]) -> [u32; 2] {
    [
        key[0].wrapping_add(0x9E37_79B9),
        key[1].wrapping_add(0xBB67_AE85),
    ]
}

/// Ten rounds of Philox on a 128-bit counter with a 64-bit key.
fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = next_key(key);
        }
        let low = u64::from(counter[0]) * 0xD251_1F53;
        let high = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (high >> 32) as u32 ^ counter[1] ^ key[0],
            high as u32,
            (low >> 32) as u32 ^ counter[3] ^ key[1],
            low as u32,
        ];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_published_vectors() {
        // Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
        assert_eq!(
            philox4x32_10([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32_10(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn a_filled_slice_holds_what_single_calls_give() {
        for (before, length) in [(0, 0), (0, 5), (1, 3), (2, 31), (3, 32), (1, 33), (4, 1000)] {
            let mut filled = Key::new(4).sample(9).epoch(2).stream("bulk");
            // Near the end of the lower word of the position, so that it carries.
            filled.counter[0] = u32::MAX - 5;
            let mut single = filled.clone();
            for _ in 0..before {
                assert_eq!(filled.next_u32(), single.next_u32());
            }
            let mut bits = vec![0; length];
            filled.fill_u32(&mut bits);
            assert!(
                bits.iter().all(|&bits| bits == single.next_u32()),
                "{before}, {length}"
            );
            assert_eq!(filled.next_u64(), single.next_u64(), "{before}, {length}");
        }
    }

    #[test]
    fn normals_have_the_right_moments() {
        let mut random = Key::new(1).stream("moments");
        let draws: Vec<f64> = (0..200_000).map(|_| random.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let moment = |power: i32| {
            draws.iter().map(|v| (v - mean).powi(power)).sum::<f64>() / draws.len() as f64
        };
        assert!(
            mean.abs() < 0.01 && (moment(2) - 1.0).abs() < 0.02 && (moment(4) - 3.0).abs() < 0.1
        );
    }

    #[test]
    fn choices_are_even() {
        let mut random = Key::new(2).stream("dice");
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[random.below(7)] += 1;
        }
        assert!(
            counts.iter().all(|&c| (9_500..10_500).contains(&c)),
            "{counts:?}"
        );
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Key::new(3).stream("order").shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn every_part_of_a_key_matters() {
        let key = Key::new(5).epoch(1).sample(2);
        let first = |key: Key| key.stream("x").next_u64();
        let all = [
            first(key),
            first(Key::new(6).epoch(1).sample(2)),
            first(key.epoch(2)),
            first(key.sample(3)),
            first(key.fork("x", 0)),
            first(key.fork("x", 1)),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|b| a != b));
        }
    }
}
