//! Channels change places (Albumentations `ChannelShuffle`).

use medcore::Image;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check_probability};
use crate::operation::SampleOperation;
use crate::sample::{LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

const NAME: &str = "ChannelShuffle";

/// Puts the channels of an image into another order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelShuffle {
    /// For each channel the one that comes to its place; each once.
    pub order: Vec<usize>,
}

impl<const D: usize> SampleOperation<D> for ChannelShuffle {
    fn check(&self) -> Result<()> {
        let mut sorted = self.order.clone();
        sorted.sort_unstable();
        match sorted
            .iter()
            .enumerate()
            .find(|&(i, &channel)| i != channel)
        {
            None => Ok(()),
            Some((_, &channel)) => Err(Error::InvalidParameter {
                transform: NAME,
                parameter: "order",
                rule: "every channel from 0, each once",
                value: channel as f64,
            }),
        }
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let image = sample.image();
        if image.channels() != self.order.len() {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "order",
                expected: image.channels(),
                got: self.order.len(),
            });
        }
        let channels: Vec<&[f32]> = self.order.iter().map(|&c| image.channel(c)).collect();
        let shuffled =
            Image::with_channels(self.order.len(), *image.geometry(), channels.concat())?;
        sample.with_image(shuffled)
    }
}

/// Puts the channels of an image into a drawn order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomChannelShuffle {
    /// Probability of a sample.
    pub probability: f64,
}

impl Default for RandomChannelShuffle {
    /// Albumentations' parameter.
    fn default() -> Self {
        Self { probability: 0.5 }
    }
}

impl<const D: usize> Transform<D> for RandomChannelShuffle {
    fn name(&self) -> &'static str {
        "RandomChannelShuffle"
    }

    fn check(&self) -> Result<()> {
        check_probability("RandomChannelShuffle", self.probability)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut order: Vec<usize> = (0..sample.channels()).collect();
            key.stream("order").shuffle(&mut order);
            Ok(ChannelShuffle { order })
        })
    }
}
