//! Occlusion (Zeiler and Fergus 2014, <https://arxiv.org/abs/1311.2901>).

use mednn::model::{Inputs, Model};
use serde::{Deserialize, Serialize};

use super::Explain;
use super::elements::{logits, values, with_image};
use super::integrated_gradients::Baseline;
use super::saliency::{Method, Saliency};
use super::scores::Scores;
use super::target::Target;
use crate::error::{Error, Result};

/// By how much the score falls when a window of the image is filled: for each place the mean over the windows that cover
/// it, in units of the score.
///
/// Windows begin every stride, from the first voxel until one reaches the end, where the last is cut; all channels are
/// filled together. Asks nothing of the network but its scores: one pass for each window.
///
/// ```
/// use mednn::candle_core::{Device, Tensor};
/// use mednn::{Inputs, Params};
/// use medinfer::explain::{Baseline, Explain, Occlusion, Target};
/// use medmodels::resnet::{ResNet, ResNetConfig};
///
/// let config = ResNetConfig::resnet10(2).with_in_channels(1).with_features([4, 4, 4, 4]);
/// let network = ResNet::<2>::new(&config, &Params::new(7))?;
/// let image = Tensor::rand(0.0_f32, 1.0, (1, 1, 24, 20), &Device::Cpu)?;
/// let method = Occlusion::new([8, 8], [4, 4]).with_fill(Baseline::Mean);
/// let maps = method.explain(&network, &Inputs::new(image), &Target::Predicted)?;
/// assert_eq!((maps[0].channels(), maps[0].shape()), (1, &[24, 20][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Occlusion {
    /// Voxels of a window along each axis.
    pub window: Vec<usize>,
    /// Voxels from one window to the next along each axis, at most the window's, so that all are covered.
    pub stride: Vec<usize>,
    /// What windows are filled with.
    pub fill: Baseline,
}

impl Occlusion {
    /// Windows of a size, every so many voxels, filled with 0.
    #[must_use]
    pub fn new(window: impl Into<Vec<usize>>, stride: impl Into<Vec<usize>>) -> Self {
        Self {
            window: window.into(),
            stride: stride.into(),
            fill: Baseline::Value(0.0),
        }
    }

    /// Fills windows with something else.
    #[must_use]
    pub fn with_fill(self, fill: Baseline) -> Self {
        Self { fill, ..self }
    }

    /// The first voxel of each window along each axis.
    fn starts(&self, shape: &[usize]) -> Result<Vec<Vec<usize>>> {
        let axes = self.window.iter().zip(&self.stride);
        let fits = axes
            .clone()
            .all(|(window, stride)| (1..=*window).contains(stride));
        if !fits || self.window.len() != shape.len() || self.stride.len() != shape.len() {
            return Err(Error::Setting {
                setting: "window and stride",
                rule: "one number for each axis of the image, the stride at least 1 and at most the window",
                value: format!("{:?} and {:?}", self.window, self.stride),
            });
        }
        let starts = |(&length, (&window, &stride)): (&usize, (&usize, &usize))| {
            let steps = length.saturating_sub(window).div_ceil(stride);
            (0..=steps).map(|step| step * stride).collect()
        };
        Ok(shape.iter().zip(axes).map(starts).collect())
    }
}

impl Explain for Occlusion {
    fn method(&self) -> Method {
        Method::Occlusion
    }

    fn explain(
        &self,
        network: &dyn Model,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<Vec<Saliency>> {
        let image = inputs.image()?;
        let dims = image.dims().to_vec();
        let shape = dims.get(2..).unwrap_or_default();
        let starts = self.starts(shape)?;
        let all = values(image)?;
        let fill = self.fill.of(&all, &dims);
        let run = |inputs: &Inputs, target: &Target| Scores::of(&logits(network, inputs)?, target);
        let whole = run(inputs, target)?;
        let target = Target::Each(whole.classes.clone());
        let voxels: usize = shape.iter().product();
        let mut sums = vec![0.0; whole.scores.len() * voxels];
        let mut counts = vec![0_u32; voxels];
        for number in 0..starts.iter().map(Vec::len).product() {
            let covered = self.covered(number, &starts, shape);
            let mut occluded = all.clone();
            for plane in 0..dims[0] * dims[1] {
                for &voxel in &covered {
                    occluded[plane * voxels + voxel] = fill[plane * voxels + voxel];
                }
            }
            let without = run(&with_image(inputs, occluded)?, &target)?;
            for (item, (with, without)) in whole.scores.iter().zip(&without.scores).enumerate() {
                for &voxel in &covered {
                    sums[item * voxels + voxel] += with - without;
                }
            }
            covered.iter().for_each(|&voxel| counts[voxel] += 1);
        }
        let map = |(item, sums): (usize, &[f64])| {
            let mean = sums
                .iter()
                .zip(&counts)
                .map(|(sum, &count)| (sum / f64::from(count)) as f32);
            let explained = whole.explained(self.method(), item);
            Saliency::new(explained, 1, shape, mean.collect())
        };
        sums.chunks_exact(voxels.max(1))
            .enumerate()
            .map(map)
            .collect()
    }
}

impl Occlusion {
    /// The voxels of a window, by its number, last axis fastest.
    fn covered(&self, number: usize, starts: &[Vec<usize>], shape: &[usize]) -> Vec<usize> {
        let mut rest = number;
        let mut ranges = vec![0..0; shape.len()];
        for axis in (0..shape.len()).rev() {
            let start = starts[axis][rest % starts[axis].len()];
            rest /= starts[axis].len();
            ranges[axis] = start..(start + self.window[axis]).min(shape[axis]);
        }
        ranges
            .iter()
            .zip(shape)
            .fold(vec![0], |voxels, (range, &length)| {
                let along = |voxel: usize| range.clone().map(move |index| voxel * length + index);
                voxels.into_iter().flat_map(along).collect()
            })
    }
}
