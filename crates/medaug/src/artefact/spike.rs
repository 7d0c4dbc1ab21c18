//! Spikes in k-space, the herringbone artefact of MRI (TorchIO `Spike`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::spectrum::Spectrum;
use super::wave::Wave;
use crate::draw::{Channels, Draw, check_count, draw_count};
use crate::error::{Error, Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::Statistics;
use crate::transform::{RandomChannels, random_twin};

/// Adds spikes to k-space: each becomes stripes across the image.
///
/// A channel with NaN is refused, for it has no largest value in k-space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spike {
    /// Places in k-space, the lowest frequency in the middle: one coordinate from 0 to 1 an axis.
    pub places: Vec<Vec<f64>>,
    /// Height of a spike as a share of the largest magnitude in k-space, with the spikes before it.
    pub intensity: f64,
}

/// Refuses places that have not one coordinate an axis, or lie outside.
pub(super) fn check_places(
    transform: &'static str,
    places: &[Vec<f64>],
    dimension: usize,
) -> Result<()> {
    for place in places {
        if place.len() != dimension {
            return Err(Error::EntryCount {
                transform,
                parameter: "places",
                expected: dimension,
                got: place.len(),
            });
        }
        for &v in place {
            check(transform, "places", v, "within 0 and 1", |v| {
                (0.0..=1.0).contains(&v)
            })?;
        }
    }
    Ok(())
}

/// The points of k-space at some places.
pub(super) fn waves<const D: usize>(
    places: &[Vec<f64>],
    shape: [usize; D],
) -> impl Iterator<Item = Wave<D>> {
    places.iter().map(move |place| {
        let at = std::array::from_fn(|a| place.get(a).copied().unwrap_or(0.5));
        Wave::at(at, shape)
    })
}

/// The largest magnitude in k-space; for voxels of one sign their sum, as no wave keeps more of them.
fn largest<const D: usize>(voxels: &[f32], shape: [usize; D], channel: usize) -> Result<f64> {
    let statistics = Statistics::of(voxels);
    if !statistics.is_finite() {
        return Err(Error::NotFinite { channel });
    }
    Ok(if statistics.min >= 0.0 || statistics.max <= 0.0 {
        (statistics.mean * voxels.len() as f64).abs()
    } else {
        Spectrum::of(voxels, shape).largest()
    })
}

impl ChannelOperation for Spike {
    fn check(&self, dimension: usize) -> Result<()> {
        const NAME: &str = "Spike";
        check_places(NAME, &self.places, dimension)?;
        check(NAME, "intensity", self.intensity, "finite", f64::is_finite)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        if self.places.is_empty() || self.intensity == 0.0 {
            return Ok(());
        }
        let mut height = largest(channel.voxels, channel.shape, channel.number)?;
        let waves: Vec<Wave<D>> = waves(&self.places, channel.shape).collect();
        let mut values: Vec<[f64; 2]> = waves.iter().map(|w| w.value(channel.voxels)).collect();
        for i in 0..waves.len() {
            let spike = height * self.intensity;
            waves[i].add(channel.voxels, [spike, 0.0]);
            // The next spike is measured by what this one left, here or at the same place.
            for j in i..waves.len() {
                if waves[j].same_as(&waves[i]) {
                    values[j][0] += spike;
                }
            }
            height = height.max(libm::hypot(values[i][0], values[i][1]));
        }
        Ok(())
    }
}

/// Adds spikes at drawn places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSpike {
    /// Probability of a sample.
    pub probability: f64,
    /// Smallest and largest number of spikes.
    pub count: [usize; 2],
    /// Height of a spike as a share of the largest magnitude in k-space.
    pub intensity: Draw,
    /// Whether the channels share the spikes.
    pub channels: Channels,
}

impl Default for RandomSpike {
    /// TorchIO's parameters, for a tenth of the samples.
    fn default() -> Self {
        Self {
            probability: 0.1,
            count: [1, 1],
            intensity: Draw::Uniform {
                low: 1.0,
                high: 3.0,
            },
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomSpike {
    random_twin!(RandomSpike => Spike);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        check_count(Self::NAME, self.count, 10_000)?;
        self.intensity
            .check(Self::NAME, "intensity", "finite", |_| true)
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> Spike {
        let spikes = draw_count(self.count, random);
        Spike {
            intensity: self.intensity.draw(random),
            places: (0..spikes)
                .map(|_| (0..dimension).map(|_| random.uniform()).collect())
                .collect(),
        }
    }
}
