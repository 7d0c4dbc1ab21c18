//! The histogram of another image (scikit-image `match_histograms`, Albumentations `HistogramMatching`).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::sorted;
use crate::draw::Draw;
use crate::error::{Error, Result, check, check_probability};
use crate::operation::{Channel, ChannelOperation, PerChannel};
use crate::parallel::for_each_chunk;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

/// The distribution of intensities that images are given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceHistogram {
    /// Intensities, rising.
    values: Vec<f64>,
    /// Which share of the voxels has an intensity up to each of them; the last is 1.
    shares: Vec<f64>,
}

impl ReferenceHistogram {
    /// Of an image: each intensity that it has, and how often.
    ///
    /// # Errors
    /// Refuses images without voxels or with some that are not finite.
    pub fn of(voxels: &[f32]) -> Result<Self> {
        let sorted = sorted(voxels.to_vec(), 0)?;
        let mut reference = Self {
            values: vec![],
            shares: vec![],
        };
        for (values, rank) in distinct(&sorted) {
            reference.values.push(values.into());
            reference.shares.push(rank as f64 / sorted.len() as f64);
        }
        reference.check()?;
        Ok(reference)
    }

    /// The histogram with at most `points` of its points, evenly apart in their shares: small enough for a file.
    #[must_use]
    pub fn thinned(&self, points: usize) -> Self {
        let (points, len) = (points.max(2), self.values.len());
        if len <= points {
            return self.clone();
        }
        let mut kept: Vec<usize> = (0..points)
            .map(|i| {
                let share = i as f64 / (points - 1) as f64;
                self.shares.partition_point(|&s| s < share).min(len - 1)
            })
            .collect();
        kept.dedup();
        Self {
            values: kept.iter().map(|&i| self.values[i]).collect(),
            shares: kept.iter().map(|&i| self.shares[i]).collect(),
        }
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "ReferenceHistogram";
        let (points, shares) = (self.values.len(), self.shares.len());
        check(
            NAME,
            "values",
            points as f64,
            "of at least one voxel",
            |v| v > 0.0,
        )?;
        if points != shares {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "shares",
                expected: points,
                got: shares,
            });
        }
        for (parameter, list) in [("values", &self.values), ("shares", &self.shares)] {
            let mut before = f64::NEG_INFINITY;
            for &value in list {
                check(NAME, parameter, value, "finite and rising", |v| {
                    v.is_finite() && v > before
                })?;
                before = value;
            }
        }
        Ok(())
    }
}

/// Each intensity of a sorted image and the number of voxels up to it.
fn distinct(sorted: &[f32]) -> impl Iterator<Item = (f32, usize)> {
    (0..sorted.len())
        .filter(|&i| sorted.get(i + 1).is_none_or(|&next| next != sorted[i]))
        .map(|i| (sorted[i], i + 1))
}

/// Gives voxels the intensities that have the same rank in the reference, mixed with their own by `blend`.
///
/// A constant image becomes the reference's largest intensity.
///
/// # Errors
/// Refuses voxels that are not finite, and names `channel`.
pub fn match_histogram(
    voxels: &mut [f32],
    reference: &ReferenceHistogram,
    blend: f32,
    channel: usize,
) -> Result<()> {
    let sorted = sorted(voxels.to_vec(), channel)?;
    let (values, shares) = (&reference.values, &reference.shares);
    let (mut found, mut given) = (vec![], vec![]);
    // Both run upwards, so one walk over the reference serves all intensities.
    let mut above = 0;
    for (value, rank) in distinct(&sorted) {
        let share = rank as f64 / sorted.len() as f64;
        while above < shares.len() && shares[above] <= share {
            above += 1;
        }
        let low = above.saturating_sub(1)..(above + 1).min(shares.len());
        found.push(value);
        given.push(super::interpolate(&shares[low.clone()], &values[low], share) as f32);
    }
    drop(sorted);
    for_each_chunk(voxels, |_, chunk| {
        for v in chunk {
            let matched = given[found.partition_point(|f| f < v)];
            *v = *v * (1.0 - blend) + matched * blend;
        }
    });
    Ok(())
}

/// Gives a channel the histogram of a reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistogramMatching {
    /// The distribution.
    pub reference: ReferenceHistogram,
    /// Share of the matched image; the rest is the image as it was.
    #[serde(default = "whole")]
    pub blend: f32,
}

fn whole() -> f32 {
    1.0
}

const BLEND: &str = "within 0 and 1";

fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

impl ChannelOperation for HistogramMatching {
    fn check(&self, _dimension: usize) -> Result<()> {
        self.reference.check()?;
        check(
            "HistogramMatching",
            "blend",
            self.blend.into(),
            BLEND,
            is_share,
        )
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        match_histogram(channel.voxels, &self.reference, self.blend, channel.number)
    }
}

/// Gives images the histograms of drawn references.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomHistogramMatching {
    /// Probability of a sample.
    pub probability: f64,
    /// References of which one is drawn; each has one histogram for all channels, or one for each.
    pub references: Vec<Vec<ReferenceHistogram>>,
    /// Share of the matched image.
    pub blend: Draw,
}

impl<const D: usize> Transform<D> for RandomHistogramMatching {
    fn name(&self) -> &'static str {
        "RandomHistogramMatching"
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "RandomHistogramMatching";
        check_probability(NAME, self.probability)?;
        super::check_references(NAME, &self.references)?;
        self.references
            .iter()
            .flatten()
            .try_for_each(ReferenceHistogram::check)?;
        self.blend.check(NAME, "blend", BLEND, is_share)
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut random = key.stream("parameter");
            let chosen = &self.references[random.below(self.references.len())];
            let blend = self.blend.draw(&mut random) as f32;
            let matching = |reference: &ReferenceHistogram| HistogramMatching {
                reference: reference.clone(),
                blend,
            };
            let operation = match chosen.as_slice() {
                [all] => PerChannel::All(matching(all)),
                each => PerChannel::Each(each.iter().map(|r| Some(matching(r))).collect()),
            };
            Ok(operation)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_matched_to_itself_stays_and_a_constant_becomes_the_brightest() {
        let image: Vec<f32> = (0..500).map(|i| (i * 71 % 97) as f32).collect();
        let reference = ReferenceHistogram::of(&image).unwrap();
        let mut same = image.clone();
        match_histogram(&mut same, &reference, 1.0, 0).unwrap();
        assert_eq!(same, image);
        let mut constant = vec![3.5; 20];
        match_histogram(&mut constant, &reference, 1.0, 0).unwrap();
        assert_eq!(constant, [96.0; 20]);
        let refused = match_histogram(&mut [1.0, f32::NAN], &reference, 1.0, 2);
        assert!(matches!(refused, Err(Error::NotFinite { channel: 2 })));
    }

    #[test]
    fn a_thinned_reference_is_close_to_the_whole() {
        let image: Vec<f32> = (0..5_000).map(|i| ((i * 71) % 4_999) as f32).collect();
        let reference = ReferenceHistogram::of(&image).unwrap();
        let thin = reference.thinned(64);
        assert!(thin.values.len() <= 64);
        let source: Vec<f32> = (0..700).map(|i| (i * i % 311) as f32).collect();
        let (mut a, mut b) = (source.clone(), source);
        match_histogram(&mut a, &reference, 1.0, 0).unwrap();
        match_histogram(&mut b, &thin, 1.0, 0).unwrap();
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 2.0 * 4_999.0 / 63.0, "{a} {b}");
        }
    }

    #[test]
    fn disordered_references_are_refused() {
        let reference = ReferenceHistogram {
            values: vec![1.0, 0.5],
            shares: vec![0.5, 1.0],
        };
        assert!(reference.check().is_err());
        assert!(ReferenceHistogram::of(&[]).is_err());
    }
}
