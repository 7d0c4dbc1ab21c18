//! Intensities moved along a bent line through control points (MONAI `RandHistogramShift`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::draw::Channels;
use crate::error::{Error, Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{Statistics, for_each_chunk};
use crate::transform::{RandomChannels, random_twin};

/// Moves intensities, scaled to 0..1 over the range present, along the line through control points.
///
/// A constant channel stays; NaN is refused. MONAI takes the range of all channels together; here each has
/// its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistogramShift {
    /// What evenly spaced intensities become, from the smallest to the largest; within 0 and 1 and never
    /// falling.
    pub control: Vec<f64>,
}

/// Moves intensities along the line through evenly spaced `control` points over `low..high`.
pub fn histogram_shift(voxels: &mut [f32], control: &[f64], low: f32, high: f32) {
    let range = high - low;
    if control.len() < 2 || range <= 0.0 {
        return;
    }
    let last = control.len() - 1;
    let points: Vec<f32> = control.iter().map(|&c| c as f32 * range + low).collect();
    for_each_chunk(voxels, |_, chunk| {
        for v in chunk {
            let at = (*v - low) / range * last as f32;
            let segment = (at as usize).min(last - 1);
            let (a, b) = (points[segment], points[segment + 1]);
            *v = a + (b - a) * (at - segment as f32).clamp(0.0, 1.0);
        }
    });
}

impl ChannelOperation for HistogramShift {
    fn check(&self, _dimension: usize) -> Result<()> {
        const NAME: &str = "HistogramShift";
        let count = self.control.len() as f64;
        check(NAME, "control", count, "at least 2 points", |n| n >= 2.0)?;
        let mut before = 0.0;
        for &point in &self.control {
            let rule = "points within 0 and 1 that never fall";
            check(NAME, "control", point, rule, |v| v >= before && v <= 1.0)?;
            before = point;
        }
        Ok(())
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let statistics = Statistics::of(channel.voxels);
        if !statistics.is_finite() {
            return Err(Error::NotFinite {
                channel: channel.number,
            });
        }
        histogram_shift(
            channel.voxels,
            &self.control,
            statistics.min,
            statistics.max,
        );
        Ok(())
    }
}

/// Moves intensities along a line through drawn control points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomHistogramShift {
    /// Probability of a sample.
    pub probability: f64,
    /// Smallest and largest number of control points, each at least 3.
    pub points: [usize; 2],
    /// Whether the channels share the line.
    pub channels: Channels,
}

impl Default for RandomHistogramShift {
    /// MONAI's parameters.
    fn default() -> Self {
        Self {
            probability: 0.1,
            points: [10, 10],
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomHistogramShift {
    random_twin!(RandomHistogramShift => HistogramShift);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        let [low, high] = self.points.map(|n| n as f64);
        check(Self::NAME, "points", low, "at least 3", |n| n >= 3.0)?;
        check(
            Self::NAME,
            "points",
            high,
            "at least its lower bound and at most 1000",
            |n| n >= low && n <= 1000.0,
        )
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> HistogramShift {
        let [low, high] = self.points;
        let count = low + random.below(high - low + 1);
        let mut control: Vec<f64> = (0..count).map(|i| i as f64 / (count - 1) as f64).collect();
        for i in 1..count - 1 {
            // Between the point before, moved already, and the one after, which has not been.
            control[i] = random.uniform_in(control[i - 1], control[i + 1]);
        }
        HistogramShift { control }
    }
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::*;
    use crate::transform::RandomChannels;

    #[test]
    fn drawn_points_rise_from_nothing_to_one() {
        let twin = RandomHistogramShift {
            points: [3, 12],
            ..RandomHistogramShift::default()
        };
        let mut random = Key::new(8).stream("points");
        for _ in 0..200 {
            let shift = twin.draw(3, &mut random);
            ChannelOperation::check(&shift, 3).unwrap();
            assert_eq!((shift.control[0], shift.control.last()), (0.0, Some(&1.0)));
        }
    }

    #[test]
    fn a_constant_stays_and_falling_points_are_refused() {
        let mut flat = vec![4.0; 9];
        histogram_shift(&mut flat, &[0.0, 0.9, 1.0], 4.0, 4.0);
        assert_eq!(flat, [4.0; 9]);
        let falling = HistogramShift {
            control: vec![0.0, 0.8, 0.3, 1.0],
        };
        assert!(ChannelOperation::check(&falling, 3).is_err());
    }
}
