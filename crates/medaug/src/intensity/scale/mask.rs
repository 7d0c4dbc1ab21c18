//! Which voxels statistics are taken of.

use std::ops::Range;

use medcore::resample::Voxel;
use serde::{Deserialize, Serialize};

use super::extent::{finite, voxels};
use super::otsu::otsu_threshold;
use crate::error::{Error, Result, check};
use crate::parallel::Statistics;
use crate::sample::{Contents, Layer, Sample};

/// A choice of voxels by their intensity, their class, or a layer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Mask {
    /// All voxels.
    #[default]
    All,
    /// Those that are not exactly 0 (MONAI's `nonzero`).
    NonZero,
    /// Those above this intensity.
    Above(f64),
    /// Those above the mean (TorchIO `ZNormalization.mean`).
    AboveMean,
    /// Those above Otsu's threshold of 256 bins (scikit-image; MONAI's `ForegroundMask` calls the voxels
    /// *below* it foreground, since its slides are bright around the tissue).
    Otsu,
    /// Those of these classes; of any class but background if none is named.
    Labels(Vec<u8>),
    /// Those where the layer of this name is above 0.
    Layer(String),
}

impl Mask {
    pub(crate) fn check(&self, transform: &'static str) -> Result<()> {
        match self {
            Self::Above(threshold) => check(
                transform,
                "mask",
                *threshold,
                "a finite intensity",
                f64::is_finite,
            ),
            _ => Ok(()),
        }
    }

    pub(crate) fn needs(&self) -> Contents {
        match self {
            Self::Labels(_) => Contents::labels(),
            Self::Layer(name) => Contents {
                layers: [name.clone()].into(),
                ..Contents::default()
            },
            _ => Contents::default(),
        }
    }

    /// For each voxel of some channels whether it is chosen; `None` if all are.
    pub(crate) fn select<const D: usize>(
        &self,
        transform: &'static str,
        sample: &Sample<D>,
        channels: Range<usize>,
    ) -> Result<Option<Vec<bool>>> {
        let intensities = voxels(sample, channels.clone());
        let above = |threshold: f32| intensities.iter().map(|&v| v > threshold).collect();
        let statistics = || {
            let statistics = Statistics::of(intensities);
            finite(
                statistics.is_finite().then_some(statistics),
                sample,
                &channels,
            )
        };
        Ok(Some(match self {
            Self::All => return Ok(None),
            Self::NonZero => intensities.iter().map(|&v| v != 0.0).collect(),
            Self::Above(threshold) => above(*threshold as f32),
            Self::AboveMean => above(statistics()?.mean as f32),
            Self::Otsu => above(finite(otsu_threshold(intensities, 256), sample, &channels)?),
            Self::Labels(classes) => {
                let labels = sample.require_labels(transform)?.as_slice();
                chosen_labels(labels, classes).repeat(channels.len())
            }
            Self::Layer(name) => {
                let positive = match sample.require_layer(transform, name)? {
                    Layer::Image(image) => positive(image.channel(0)),
                    Layer::Labels(labels) => positive(labels.as_slice()),
                    Layer::Instances(numbers) => positive(numbers.as_slice()),
                };
                positive.repeat(channels.len())
            }
        }))
    }

    /// As [`Mask::select`], and refuses a choice of no voxel unless it is that of voxels that are not 0.
    pub(crate) fn select_some<const D: usize>(
        &self,
        transform: &'static str,
        sample: &Sample<D>,
        channels: Range<usize>,
    ) -> Result<Option<Vec<bool>>> {
        let mask = self.select(transform, sample, channels)?;
        match &mask {
            Some(chosen) if *self != Self::NonZero && !chosen.contains(&true) => {
                Err(Error::EmptyMask { transform })
            }
            _ => Ok(mask),
        }
    }
}

fn chosen_labels(labels: &[u8], classes: &[u8]) -> Vec<bool> {
    let mut table = [classes.is_empty(); 256];
    table[0] = false;
    for &class in classes {
        table[usize::from(class)] = true;
    }
    labels
        .iter()
        .map(|&label| table[usize::from(label)])
        .collect()
}

fn positive<T: Voxel>(values: &[T]) -> Vec<bool> {
    values.iter().map(|v| v.to_f32() > 0.0).collect()
}

/// The chosen voxels on their own.
pub(crate) fn chosen<'a>(voxels: &'a [f32], mask: Option<&[bool]>) -> std::borrow::Cow<'a, [f32]> {
    match mask {
        None => voxels.into(),
        Some(mask) => {
            let pairs = voxels.iter().zip(mask);
            pairs.filter_map(|(&v, &m)| m.then_some(v)).collect()
        }
    }
}
