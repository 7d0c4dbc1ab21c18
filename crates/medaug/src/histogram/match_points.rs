//! Matching a histogram at a few quantiles (ITK `HistogramMatchingImageFilter`; Nyul and Udupa, "On standardizing the MR
//! image intensity scale", Magn. Reson. Med. 42, 1999).

use medcore::random::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::check_finite;
use crate::error::{Error, Result, check, check_probability};
use crate::operation::{Channel, ChannelOperation, PerChannel};
use crate::parallel::{CHUNK, Statistics, for_each_chunk};
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

const NAME: &str = "MatchPoints";

/// From which intensity on voxels are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchFrom {
    /// The lowest: all are.
    Lowest,
    /// The mean, which leaves most of the air out (ITK's default).
    #[default]
    Mean,
}

/// How quantiles are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MatchRule {
    /// Levels of the histogram, from the intensity at which counting begins to the highest.
    pub levels: usize,
    /// Quantiles that are matched, evenly apart between both.
    pub points: usize,
    /// From which intensity on voxels are counted.
    pub from: MatchFrom,
}

impl Default for MatchRule {
    /// What ITK's examples match MR images by: 1024 levels, 7 points, from the mean on.
    fn default() -> Self {
        Self {
            levels: 1024,
            points: 7,
            from: MatchFrom::Mean,
        }
    }
}

impl MatchRule {
    fn check(&self) -> Result<()> {
        let within = |parameter, value: usize, low: f64| {
            check(NAME, parameter, value as f64, "within 1 and 65536", |v| {
                (low..=65_536.0).contains(&v)
            })
        };
        within("levels", self.levels, 1.0)?;
        within("points", self.points, 1.0)
    }
}

/// Intensities of an image that others are matched to: its lowest, that at which counting begins, its quantiles and its
/// highest.
///
/// ```
/// use medaug::{MatchPoints, MatchRule, Operation, QuantileMatching, Sample};
/// use medcore::{Geometry, Image};
///
/// let dark: Vec<f32> = (0..1000).map(|i| i as f32 / 1000.0).collect();
/// let reference = MatchPoints::of(&dark, MatchRule::default())?;
/// let bright: Vec<f32> = dark.iter().map(|v| 3.0 * v + 2.0).collect();
/// let sample = Sample::new(Image::new(Geometry::axis_aligned([10, 100], [1.0; 2])?, bright)?);
/// let matched = Operation::from(QuantileMatching { reference }).apply_to(sample)?;
/// assert!(matched.image().as_slice().iter().zip(&dark).all(|(a, b)| (a - b).abs() < 1e-5));
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchPoints {
    /// How they were found, and are found in the images that are matched.
    rule: MatchRule,
    /// The lowest intensity.
    low: f64,
    /// Where counting begins, the quantiles, the highest intensity.
    values: Vec<f64>,
}

/// Voxels of each level between two intensities.
struct Levels {
    low: f64,
    step: f64,
    counts: Vec<u64>,
}

impl Levels {
    fn count(voxels: &[f32], low: f64, high: f64, levels: usize) -> Self {
        let step = (high - low) / levels as f64;
        let per_level = if step > 0.0 { 1.0 / step } else { 0.0 };
        let parts: Vec<Vec<u64>> = voxels
            .par_chunks(CHUNK * 64)
            .map(|chunk| {
                let mut counts = vec![0; levels];
                for v in chunk.iter().map(|&v| f64::from(v)).filter(|&v| v >= low) {
                    counts[(((v - low) * per_level) as usize).min(levels - 1)] += 1;
                }
                counts
            })
            .collect();
        let sum = |level: usize| parts.iter().map(|part| part[level]).sum::<u64>();
        Self {
            low,
            step,
            counts: (0..levels).map(sum).collect(),
        }
    }

    /// The intensity with this share of the counted voxels below it, linear within a level; ITK walks to it from the nearer
    /// end, which shows where levels are empty.
    fn quantile(&self, share: f64) -> f64 {
        let total = self.counts.iter().sum::<u64>().max(1) as f64;
        let (mut before, mut sum) = (0.0, 0_u64);
        if share < 0.5 {
            for (level, &count) in self.counts.iter().enumerate() {
                sum += count;
                let reached = sum as f64 / total;
                if reached >= share {
                    let part = (share - before) / (count as f64 / total).max(f64::MIN_POSITIVE);
                    return self.low + (level as f64 + part) * self.step;
                }
                before = reached;
            }
        } else {
            before = 1.0;
            for (level, &count) in self.counts.iter().enumerate().rev() {
                sum += count;
                let reached = 1.0 - sum as f64 / total;
                if reached <= share {
                    let part = (before - share) / (count as f64 / total).max(f64::MIN_POSITIVE);
                    return self.low + ((level + 1) as f64 - part) * self.step;
                }
                before = reached;
            }
        }
        self.low + self.counts.len() as f64 * self.step
    }
}

impl MatchPoints {
    /// Of an image.
    ///
    /// # Errors
    /// Refuses a bad rule, and images without voxels or with some that are not finite.
    pub fn of(voxels: &[f32], rule: MatchRule) -> Result<Self> {
        rule.check()?;
        let count = voxels.len() as f64;
        check(NAME, "voxels", count, "at least 1", |v| v > 0.0)?;
        check_finite(voxels, 0)?;
        Ok(Self::found(voxels, rule))
    }

    fn found(voxels: &[f32], rule: MatchRule) -> Self {
        let Statistics { min, max, mean, .. } = Statistics::of(voxels);
        let (low, high) = (f64::from(min), f64::from(max));
        let start = match rule.from {
            MatchFrom::Lowest => low,
            // ITK keeps it as an intensity of the image's type.
            MatchFrom::Mean => f64::from(mean as f32),
        };
        let levels = Levels::count(voxels, start, high, rule.levels);
        let shares = (1..=rule.points).map(|i| i as f64 / (rule.points + 1) as f64);
        let quantiles = shares.map(|share| levels.quantile(share));
        let values = std::iter::once(start).chain(quantiles).chain([high]);
        Self {
            rule,
            low,
            values: values.collect(),
        }
    }

    fn check(&self) -> Result<()> {
        self.rule.check()?;
        if self.values.len() != self.rule.points + 2 {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "values",
                expected: self.rule.points + 2,
                got: self.values.len(),
            });
        }
        let mut before = self.low;
        for &value in &self.values {
            check(NAME, "values", value, "finite and nowhere falling", |v| {
                v.is_finite() && v >= before
            })?;
            before = value;
        }
        check(NAME, "low", self.low, "finite", f64::is_finite)
    }
}

/// Gives a channel the quantiles of a reference, linearly between them, and goes on with the last slope beyond them.
///
/// Voxels that are not finite are refused. A constant channel becomes the reference's highest intensity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantileMatching {
    /// The intensities that are matched.
    pub reference: MatchPoints,
}

/// One straight part of the way from intensities to matched ones.
#[derive(Clone, Copy)]
struct Part {
    from: f64,
    to: f64,
    slope: f64,
}

impl Part {
    /// The part that begins at the first pair and ends at the second.
    fn between(first: [f64; 2], second: [f64; 2]) -> Self {
        let extent = second[0] - first[0];
        Self {
            from: first[0],
            to: first[1],
            slope: if extent == 0.0 {
                0.0
            } else {
                (second[1] - first[1]) / extent
            },
        }
    }
}

impl ChannelOperation for QuantileMatching {
    fn check(&self, _dimension: usize) -> Result<()> {
        self.reference.check()
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        check_finite(channel.voxels, channel.number)?;
        let own = MatchPoints::found(channel.voxels, self.reference.rule);
        let pairs = own.values.iter().zip(&self.reference.values);
        let pairs: Vec<[f64; 2]> = pairs.map(|(&from, &to)| [from, to]).collect();
        let lowest = [own.low, self.reference.low];
        let mut parts = vec![Part::between(lowest, pairs[0])];
        parts.extend(pairs.windows(2).map(|w| Part::between(w[0], w[1])));
        // No voxel lies above the highest.
        parts.push(Part {
            slope: 0.0,
            ..Part::between(pairs[pairs.len() - 1], pairs[pairs.len() - 1])
        });
        for_each_chunk(channel.voxels, |_, chunk| {
            for v in chunk {
                let value = f64::from(*v);
                let Part { from, to, slope } = parts[own.values.partition_point(|&q| q <= value)];
                *v = (to + (value - from) * slope) as f32;
            }
        });
        Ok(())
    }
}

/// Gives images the quantiles of drawn references.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomQuantileMatching {
    /// Probability of a sample.
    pub probability: f64,
    /// References of which one is drawn; each has intensities for all channels, or one list for each.
    pub references: Vec<Vec<MatchPoints>>,
}

impl<const D: usize> Transform<D> for RandomQuantileMatching {
    fn name(&self) -> &'static str {
        "RandomQuantileMatching"
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "RandomQuantileMatching";
        check_probability(NAME, self.probability)?;
        super::check_references(NAME, &self.references)?;
        self.references
            .iter()
            .flatten()
            .try_for_each(MatchPoints::check)
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut random = key.stream("parameter");
            let chosen = &self.references[random.below(self.references.len())];
            let matching = |reference: &MatchPoints| QuantileMatching {
                reference: reference.clone(),
            };
            Ok(match chosen.as_slice() {
                [all] => PerChannel::All(matching(all)),
                each => PerChannel::Each(each.iter().map(|r| Some(matching(r))).collect()),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_and_odd_images_are_answered() {
        let reference: Vec<f32> = (0..300).map(|i| (i % 100) as f32).collect();
        for from in [MatchFrom::Lowest, MatchFrom::Mean] {
            let rule = MatchRule {
                levels: 20,
                points: 3,
                from,
            };
            let reference = MatchPoints::of(&reference, rule).unwrap();
            reference.check().unwrap();
            let constant = MatchPoints::of(&[7.0; 9], rule).unwrap();
            constant.check().unwrap();
            assert!(constant.values.iter().all(|&v| v == 7.0));
        }
        assert!(MatchPoints::of(&[], MatchRule::default()).is_err());
        assert!(MatchPoints::of(&[1.0, f32::NAN], MatchRule::default()).is_err());
        let none = MatchRule {
            points: 0,
            ..MatchRule::default()
        };
        assert!(MatchPoints::of(&[1.0], none).is_err());
    }

    #[test]
    fn quantiles_are_the_same_from_both_ends() {
        let levels = Levels {
            low: 2.0,
            step: 0.5,
            counts: vec![1, 3, 0, 4, 2],
        };
        for (share, want) in [
            (0.05, 2.25),
            (0.1, 2.5),
            (0.25, 2.75),
            (0.6, 3.75),
            (0.9, 4.25),
        ] {
            assert!((levels.quantile(share) - want).abs() < 1e-12, "{share}");
        }
    }
}
