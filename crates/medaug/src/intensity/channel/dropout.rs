//! Whole channels are filled (Albumentations `ChannelDropout`): a network learns to do without a sequence.

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use crate::draw::{check_count, draw_count};
use crate::error::{Result, check, check_probability};
use crate::operation::SampleOperation;
use crate::sample::{LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

const NAME: &str = "ChannelDropout";

/// Fills some channels with one intensity.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelDropout {
    /// The channels.
    pub channels: Vec<usize>,
    /// What they are filled with.
    pub value: f32,
}

impl<const D: usize> SampleOperation<D> for ChannelDropout {
    fn check(&self) -> Result<()> {
        check(NAME, "value", self.value.into(), "finite", f64::is_finite)
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let count = sample.image().channels();
        for &channel in &self.channels {
            let rule = "channels of the image";
            check(NAME, "channels", channel as f64, rule, |c| c < count as f64)?;
            sample.channel_mut(channel).fill(self.value);
        }
        Ok(sample)
    }
}

/// Fills drawn channels; one at least is always left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomChannelDropout {
    /// Probability of a sample.
    pub probability: f64,
    /// Smallest and largest number of channels.
    pub count: [usize; 2],
    /// What they are filled with.
    pub value: f32,
}

impl Default for RandomChannelDropout {
    /// Albumentations' parameters: one channel, zeros.
    fn default() -> Self {
        Self {
            probability: 0.5,
            count: [1, 1],
            value: 0.0,
        }
    }
}

impl<const D: usize> Transform<D> for RandomChannelDropout {
    fn name(&self) -> &'static str {
        "RandomChannelDropout"
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "RandomChannelDropout";
        check_probability(NAME, self.probability)?;
        check_count(NAME, self.count, usize::MAX - 1)?;
        check(NAME, "value", self.value.into(), "finite", f64::is_finite)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let high = self.count[1];
        let mut channels: Vec<usize> = (0..sample.channels()).collect();
        let rule = "fewer than the channels of the image";
        check("RandomChannelDropout", "count", high as f64, rule, |n| {
            n < channels.len() as f64
        })?;
        perhaps(key, self.probability, || {
            let mut random = key.stream("channels");
            let count = draw_count(self.count, &mut random);
            random.shuffle(&mut channels);
            channels.truncate(count);
            channels.sort_unstable();
            Ok(ChannelDropout {
                channels,
                value: self.value,
            })
        })
    }
}
