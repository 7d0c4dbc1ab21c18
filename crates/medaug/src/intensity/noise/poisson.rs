//! Photon noise: each voxel becomes a count of photons (scikit-image `random_noise` with `poisson`).
//!
//! Counts below a mean of 10 are found by inversion, others by W. Hörmann's transformed rejection ("The
//! transformed rejection method for generating Poisson random variables", 1993).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::{chunk_key, noise_key};
use crate::draw::{Channels, Draw};
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;
use crate::transform::{RandomChannels, random_twin};

const PHOTONS: &str = "above 0 and at most 1e9";

/// Replaces each intensity by a Poisson count of photons, scaled back.
///
/// An intensity without photons is `dark`; what lies below counts as dark. NaN stays NaN, infinite voxels
/// stay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoissonNoise {
    /// Photons for each unit of intensity above dark: the fewer, the noisier.
    pub photons: f32,
    /// The intensity of no photon: 0, or -1000 for Hounsfield units.
    #[serde(default)]
    pub dark: f32,
    /// Names the noise: the same seed gives the same, channel by channel.
    pub seed: u64,
}

/// One Poisson number of this mean.
pub(crate) fn poisson(mean: f64, random: &mut Random) -> f64 {
    if mean < 10.0 {
        small_poisson(mean, random)
    } else {
        large_poisson(mean, random)
    }
}

/// By adding up probabilities until they reach a uniform number.
fn small_poisson(mean: f64, random: &mut Random) -> f64 {
    let mut rest = random.uniform();
    let mut probability = libm::exp(-mean);
    let mut count = 0.0;
    // Beyond 1000 the probabilities are zero, and rounding alone is left of `rest`.
    while rest >= probability && count < 1000.0 {
        rest -= probability;
        count += 1.0;
        probability *= mean / count;
    }
    count
}

/// By Hörmann's PTRS: a transformed uniform number is accepted, mostly without a logarithm.
fn large_poisson(mean: f64, random: &mut Random) -> f64 {
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = -0.059 + 0.024_83 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let quick = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let u = random.uniform() - 0.5;
        let v = random.uniform();
        let side = 0.5 - u.abs();
        let count = ((2.0 * a / side + b) * u + mean + 0.43).floor();
        if side >= 0.07 && v <= quick {
            return count;
        }
        if count < 0.0 || (side < 0.013 && v > side) {
            continue;
        }
        let wanted = libm::log(v * inverse_alpha / (a / (side * side) + b));
        if wanted <= count * libm::log(mean) - mean - libm::lgamma(count + 1.0) {
            return count;
        }
    }
}

impl ChannelOperation for PoissonNoise {
    fn check(&self, _dimension: usize) -> Result<()> {
        const NAME: &str = "PoissonNoise";
        check(NAME, "photons", self.photons.into(), PHOTONS, is_photons)?;
        check(NAME, "dark", self.dark.into(), "finite", f64::is_finite)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let key = noise_key(self.seed, channel.number);
        let (photons, dark) = (f64::from(self.photons), f64::from(self.dark));
        for_each_chunk(channel.voxels, |i, chunk| {
            let mut random = chunk_key(key, i).stream("noise");
            for v in chunk.iter_mut().filter(|v| v.is_finite()) {
                let mean = (f64::from(*v) - dark).max(0.0) * photons;
                *v = (poisson(mean, &mut random) / photons + dark) as f32;
            }
        });
        Ok(())
    }
}

fn is_photons(value: f64) -> bool {
    value > 0.0 && value <= 1e9
}

/// Applies photon noise of a drawn strength.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomPoissonNoise {
    /// Probability of a sample.
    pub probability: f64,
    /// Photons for each unit of intensity above dark.
    pub photons: Draw,
    /// The intensity of no photon.
    pub dark: f32,
    /// Whether the channels share the number of photons (the noise itself is always their own).
    pub channels: Channels,
}

impl Default for RandomPoissonNoise {
    /// A tenth of the time, 100 to 1000 photons at the brightest of an image within 0..1.
    fn default() -> Self {
        Self {
            probability: 0.1,
            photons: Draw::Uniform {
                low: 100.0,
                high: 1000.0,
            },
            dark: 0.0,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomPoissonNoise {
    random_twin!(RandomPoissonNoise => PoissonNoise);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        check(
            Self::NAME,
            "dark",
            self.dark.into(),
            "finite",
            f64::is_finite,
        )?;
        self.photons
            .check(Self::NAME, "photons", PHOTONS, is_photons)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> PoissonNoise {
        PoissonNoise {
            photons: self.photons.draw(random) as f32,
            dark: self.dark,
            seed: random.next_u64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::*;

    #[test]
    fn counts_have_the_moments_and_the_probabilities_of_the_distribution() {
        const COUNT: usize = 200_000;
        for mean in [0.3_f64, 4.0, 9.9, 10.0, 33.0, 2_500.0] {
            let mut random = Key::new(3).stream("photons");
            let counts: Vec<f64> = (0..COUNT).map(|_| poisson(mean, &mut random)).collect();
            let moment =
                |p: i32| counts.iter().map(|c| (c - mean).powi(p)).sum::<f64>() / COUNT as f64;
            assert!(
                moment(1).abs() < 4.0 * (mean / COUNT as f64).sqrt(),
                "{mean}: {}",
                moment(1)
            );
            assert!(
                (moment(2) / mean - 1.0).abs() < 0.02,
                "{mean}: {}",
                moment(2)
            );
            let mode = mean.floor();
            let probability = (mode * mean.ln() - mean - libm::lgamma(mode + 1.0)).exp();
            let share = counts.iter().filter(|&&c| c == mode).count() as f64 / COUNT as f64;
            let error = 4.0 * (probability / COUNT as f64).sqrt();
            assert!(
                (share - probability).abs() < error,
                "{mean}: {share} {probability}"
            );
        }
        assert_eq!(poisson(0.0, &mut Key::new(3).stream("photons")), 0.0);
    }
}
