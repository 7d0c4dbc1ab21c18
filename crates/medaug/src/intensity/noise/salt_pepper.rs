//! Single voxels become the brightest or the darkest (scikit-image `random_noise` with `s&p`, Albumentations
//! `SaltAndPepper`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::{chunk_key, noise_key};
use crate::draw::{Channels, Draw};
use crate::error::{Error, Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{Statistics, for_each_chunk};
use crate::transform::{RandomChannels, random_twin};

/// Voxels whose noise is made at once.
const BLOCK: usize = 512;

/// What pepper and salt look like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extremes {
    /// These two intensities.
    Values([f32; 2]),
    /// The smallest and the largest of the channel; voxels that are not finite are refused.
    OfImage,
}

/// Replaces each voxel with a probability, by salt or by pepper.
///
/// Voxels are drawn one by one, as scikit-image does; Albumentations draws their exact number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaltAndPepper {
    /// Share of voxels that are replaced.
    pub amount: f64,
    /// Share of those that become salt.
    pub salt: f64,
    /// Pepper and salt.
    pub extremes: Extremes,
    /// Names the noise: the same seed gives the same, channel by channel.
    pub seed: u64,
}

const SHARE: &str = "within 0 and 1";

fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

fn check_extremes(transform: &'static str, extremes: Extremes) -> Result<()> {
    if let Extremes::Values(values) = extremes {
        for value in values {
            check(
                transform,
                "extremes",
                value.into(),
                "finite",
                f64::is_finite,
            )?;
        }
    }
    Ok(())
}

impl ChannelOperation for SaltAndPepper {
    fn check(&self, _dimension: usize) -> Result<()> {
        const NAME: &str = "SaltAndPepper";
        check(NAME, "amount", self.amount, SHARE, is_share)?;
        check(NAME, "salt", self.salt, SHARE, is_share)?;
        check_extremes(NAME, self.extremes)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let [pepper, salt] = match self.extremes {
            Extremes::Values(values) => values,
            Extremes::OfImage => {
                let statistics = Statistics::of(channel.voxels);
                if !statistics.is_finite() {
                    return Err(Error::NotFinite {
                        channel: channel.number,
                    });
                }
                [statistics.min, statistics.max]
            }
        };
        let key = noise_key(self.seed, channel.number);
        let whole = 2.0_f64.powi(32);
        let replaced = (self.amount * whole) as u64;
        let salted = (self.amount * self.salt * whole) as u64;
        for_each_chunk(channel.voxels, |i, chunk| {
            let mut random = chunk_key(key, i).stream("noise");
            let mut bits = [0_u32; BLOCK];
            for block in chunk.chunks_mut(BLOCK) {
                random.fill_u32(&mut bits);
                for (v, &bits) in block.iter_mut().zip(&bits) {
                    let kept = if u64::from(bits) < replaced {
                        pepper
                    } else {
                        *v
                    };
                    *v = if u64::from(bits) < salted { salt } else { kept };
                }
            }
        });
        Ok(())
    }
}

/// Strews a drawn amount of salt and pepper.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSaltAndPepper {
    /// Probability of a sample.
    pub probability: f64,
    /// Share of voxels that are replaced.
    pub amount: Draw,
    /// Share of those that become salt.
    pub salt: Draw,
    /// Pepper and salt.
    pub extremes: Extremes,
    /// Whether the channels share the amounts (the places are always their own).
    pub channels: Channels,
}

impl Default for RandomSaltAndPepper {
    /// Albumentations' parameters, for pictures within 0..1.
    fn default() -> Self {
        Self {
            probability: 0.5,
            amount: Draw::Uniform {
                low: 0.01,
                high: 0.06,
            },
            salt: Draw::Uniform {
                low: 0.4,
                high: 0.6,
            },
            extremes: Extremes::Values([0.0, 1.0]),
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomSaltAndPepper {
    random_twin!(RandomSaltAndPepper => SaltAndPepper);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        self.amount.check(Self::NAME, "amount", SHARE, is_share)?;
        self.salt.check(Self::NAME, "salt", SHARE, is_share)?;
        check_extremes(Self::NAME, self.extremes)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> SaltAndPepper {
        SaltAndPepper {
            amount: self.amount.draw(random),
            salt: self.salt.draw(random),
            extremes: self.extremes,
            seed: random.next_u64(),
        }
    }
}
