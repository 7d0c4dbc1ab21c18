//! Filters by name over squares and discs, cubes and balls (MONAI `ImageFilter`).

use medcore::random::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::border::{FilterBorder, PaddedRows, three_axes};
use crate::draw::Channels;
use crate::error::{Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk_with;
use crate::transform::{RandomChannels, random_twin};

/// What a filter makes of a voxel and its neighbourhood.
///
/// MONAI's other names are transforms of their own here: `gauss` is [`GaussianSmooth`](crate::GaussianSmooth), `median`
/// [`MedianFilter`](crate::MedianFilter), `sobel` [`SobelGradients`](crate::SobelGradients).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterKind {
    /// The mean of the square or cube; MONAI's `mean` is its sum.
    Mean,
    /// The sum of its differences from all others of the square or cube.
    Laplace,
    /// The sum over a disc or ball: a mask grows by its radius where that is above zero.
    Elliptical,
    /// The voxel and the sum of its differences from all others of the disc or ball.
    Sharpen,
}

/// Filters with zeros outside the image, as MONAI's convolutions. NaN spreads over the neighbourhood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageFilter {
    /// What it makes.
    pub kind: FilterKind,
    /// Voxels along each axis of the neighbourhood, odd.
    pub size: usize,
}

const SIZE: &str = "odd and within 1 and 31";

fn check_size(transform: &'static str, size: usize) -> Result<()> {
    check(transform, "size", size as f64, SIZE, |_| {
        size % 2 == 1 && size <= 31
    })
}

/// A row of a neighbourhood: where it lies, and how many voxels on either side of its middle.
struct Span {
    at: [isize; 2],
    half: usize,
}

impl FilterKind {
    fn is_round(self) -> bool {
        matches!(self, Self::Elliptical | Self::Sharpen)
    }

    fn spans(self, dimension: usize, radius: usize) -> Vec<Span> {
        let reach = radius as isize;
        let first = if dimension > 2 { reach } else { 0 };
        let second = if dimension > 1 { reach } else { 0 };
        let rows = (-first..=first).flat_map(|d| (-second..=second).map(move |h| [d, h]));
        rows.filter_map(|at| {
            let rest = reach * reach - at[0] * at[0] - at[1] * at[1];
            let half = match self.is_round() {
                false => radius,
                true if rest < 0 => return None,
                true => rest.isqrt() as usize,
            };
            Some(Span { at, half })
        })
        .collect()
    }
}

impl ChannelOperation for ImageFilter {
    fn check(&self, _dimension: usize) -> Result<()> {
        check_size("ImageFilter", self.size)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let shape = three_axes(channel.shape);
        let radius = self.size / 2;
        let spans = self.kind.spans(D, radius);
        let count: usize = spans.iter().map(|span| 2 * span.half + 1).sum();
        let padded = PaddedRows::new(channel.voxels, shape, radius, FilterBorder::Zero);
        let [_, height, width] = shape;
        let mut sums = vec![0.0_f32; channel.voxels.len()];
        let rows = sums.par_chunks_exact_mut(width).enumerate();
        rows.for_each(|(number, out)| {
            let at = [number / height, number % height].map(|v| v as isize);
            for span in &spans {
                let row = padded.row(at[0] + span.at[0], at[1] + span.at[1]);
                for first in radius - span.half..=radius + span.half {
                    let seen = &row[first..first + width];
                    out.iter_mut().zip(seen).for_each(|(sum, v)| *sum += v);
                }
            }
        });
        let count = count as f32;
        for_each_chunk_with(channel.voxels, &sums, |v, sum| match self.kind {
            FilterKind::Mean => sum / count,
            FilterKind::Laplace => count * v - sum,
            FilterKind::Elliptical => sum,
            FilterKind::Sharpen => (count + 1.0) * v - sum,
        });
        Ok(())
    }
}

/// Filters with a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomImageFilter {
    /// Probability of a sample.
    pub probability: f64,
    /// What the filter makes.
    pub kind: FilterKind,
    /// Voxels along each axis of the neighbourhood, odd.
    pub size: usize,
    /// Whether all channels are filtered.
    #[serde(default)]
    pub channels: Channels,
}

impl RandomChannels for RandomImageFilter {
    random_twin!(RandomImageFilter => ImageFilter);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        check_size(Self::NAME, self.size)
    }

    fn draw(&self, _dimension: usize, _: &mut Random) -> ImageFilter {
        ImageFilter {
            kind: self.kind,
            size: self.size,
        }
    }
}
