//! Maps that say how much each part of an input counts for the score of a class.

use medaug::{Preprocessed, Record};
use medcore::resample::{Interpolation, Outside, resample_slice};
use medcore::{Geometry, Image};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How a map was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// [`GradCam`](super::GradCam).
    GradCam,
    /// [`GradCamPlusPlus`](super::GradCamPlusPlus).
    GradCamPlusPlus,
}

impl Method {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GradCam => "Grad-CAM",
            Self::GradCamPlusPlus => "Grad-CAM++",
        }
    }
}

/// How the channels of a map become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Channels {
    /// Their sum: what a place adds to the score, for attributions that add up.
    Sum,
    /// The value farthest from zero, with its sign.
    Farthest,
    /// The largest magnitude (Simonyan et al. 2014).
    LargestMagnitude,
}

/// The scale a map is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Normalisation {
    /// From the smallest value, 0, to the largest, 1; a constant map is 0.
    MinMax,
    /// Divided by the largest magnitude: zero and signs stay, all values lie from -1 to 1.
    LargestMagnitude,
    /// Divided by this quantile of the magnitudes, 0 to 1, and cut at -1 and 1: a few high values do not hide the rest.
    Quantile(f64),
    /// What is positive, as parts of its sum.
    Share,
}

/// What each place of one input counts for the score of a class, on the grid of the network's input.
///
/// Values are as the method gives them: positive ones speak for the class, negative ones against it, in the units that the
/// method says. [`Saliency::normalised`] brings them to a scale by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Saliency {
    method: Method,
    class: usize,
    score: f64,
    channels: usize,
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// What a map is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Explained {
    pub(super) method: Method,
    pub(super) class: usize,
    pub(super) score: f64,
}

impl Saliency {
    pub(super) fn new(
        explained: Explained,
        channels: usize,
        shape: &[usize],
        values: Vec<f32>,
    ) -> Result<Self> {
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::Explanation {
                rule: "gradients and activations are finite",
                got: format!("{} at element {place} of the map", values[place]),
            });
        }
        Ok(Self {
            method: explained.method,
            class: explained.class,
            score: explained.score,
            channels,
            shape: shape.to_vec(),
            values,
        })
    }

    /// How it was made.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The class.
    #[must_use]
    pub fn class(&self) -> usize {
        self.class
    }

    /// The logit of the class.
    #[must_use]
    pub fn score(&self) -> f64 {
        self.score
    }

    /// Channels: those of the input, or 1 of a method that knows places only.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Voxels along each axis, slowest first.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values, `[channels, ...shape]`.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One value for each place.
    #[must_use]
    pub fn merged(&self, channels: Channels) -> Self {
        let voxels: usize = self.shape.iter().product();
        let of_place = |place: usize| -> f32 {
            let values = (0..self.channels).map(|c| self.values[c * voxels + place]);
            match channels {
                Channels::Sum => values.map(f64::from).sum::<f64>() as f32,
                Channels::Farthest => {
                    values.fold(
                        0.0,
                        |most, v| if v.abs() > f32::abs(most) { v } else { most },
                    )
                }
                Channels::LargestMagnitude => values.fold(0.0, |most, v| most.max(v.abs())),
            }
        };
        Self {
            channels: 1,
            values: (0..voxels).map(of_place).collect(),
            ..self.clone()
        }
    }

    /// The same map on another scale.
    #[must_use]
    pub fn normalised(&self, normalisation: Normalisation) -> Self {
        let values = self.values.iter().copied();
        let largest = || values.clone().fold(0.0_f32, |most, v| most.max(v.abs()));
        let over = |v: f32, scale: f32| if scale > 0.0 { v / scale } else { 0.0 };
        let values: Vec<f32> = match normalisation {
            Normalisation::MinMax => {
                let (low, high) = { values.clone() }
                    .fold((f32::MAX, f32::MIN), |(low, high), v| {
                        (low.min(v), high.max(v))
                    });
                values.map(|v| over(v - low, high - low)).collect()
            }
            Normalisation::LargestMagnitude => {
                let scale = largest();
                values.map(|v| over(v, scale)).collect()
            }
            Normalisation::Quantile(quantile) => {
                let mut magnitudes: Vec<f32> = values.clone().map(f32::abs).collect();
                magnitudes.sort_unstable_by(f32::total_cmp);
                let place = quantile.clamp(0.0, 1.0) * magnitudes.len().saturating_sub(1) as f64;
                let at = magnitudes.get(place.round() as usize).copied();
                let scale = at.filter(|&scale| scale > 0.0).unwrap_or_else(largest);
                values.map(|v| over(v, scale).clamp(-1.0, 1.0)).collect()
            }
            Normalisation::Share => {
                let sum: f64 = values.clone().map(|v| f64::from(v.max(0.0))).sum();
                let share = |v: f32| {
                    if sum > 0.0 {
                        f64::from(v.max(0.0)) / sum
                    } else {
                        0.0
                    }
                };
                values.map(|v| share(v) as f32).collect()
            }
        };
        Self {
            values,
            ..self.clone()
        }
    }

    /// The map as an image on the grid of the network's input.
    ///
    /// # Errors
    /// Refuses a grid of another shape.
    pub fn image<const D: usize>(&self, grid: Geometry<D>) -> Result<Image<f32, D>> {
        if grid.shape()[..] != self.shape {
            return Err(Error::Explanation {
                rule: "the grid is that of the network's input",
                got: format!("{:?} for a map of {:?}", grid.shape(), self.shape),
            });
        }
        Ok(Image::with_channels(
            self.channels,
            grid,
            self.values.clone(),
        )?)
    }

    /// The map on the grid of the scan that was prepared for the network, linearly; 0 where the scan was cropped.
    ///
    /// # Errors
    /// Refuses a scan whose prepared image has another shape than the map.
    pub fn on_scan(&self, scan: &Preprocessed) -> Result<Image<f32, 3>> {
        let map = self.image(*scan.trace.model())?;
        let grid = *scan.trace.original();
        let inside = scan.trace.kept_of_original()?;
        let mut out = Image::zeros(self.channels, grid)?;
        for (channel, out) in out.as_mut_slice().chunks_exact_mut(grid.len()).enumerate() {
            resample_slice(
                map.channel(channel),
                map.shape(),
                &scan.trace.from_original(),
                out,
                grid.shape(),
                Interpolation::Linear,
                Outside::Edge,
            )?;
            let [_, height, width] = grid.shape();
            for (row, out) in out.chunks_exact_mut(width).enumerate() {
                let at = [row / height, row % height];
                let seen = (0..2).all(|a| (inside.start()[a]..inside.end()[a]).contains(&at[a]));
                let along = if seen {
                    inside.start()[2]..inside.end()[2]
                } else {
                    0..0
                };
                out[..along.start].fill(0.0);
                out[along.end..].fill(0.0);
            }
        }
        Ok(out)
    }

    /// The map on the grid of the image that a pipeline turned into the network's input, linearly; 0 where the input did
    /// not show the image.
    ///
    /// # Errors
    /// Refuses a record whose result has another shape than the map.
    pub fn on_source<const D: usize>(&self, record: &Record<D>) -> Result<Image<f32, D>> {
        let grid = record.warp()?.geometry(record.source())?;
        Ok(record.restore_image(&self.image(grid)?, 0.0)?)
    }
}
