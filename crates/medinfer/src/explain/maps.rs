//! The features of a layer and their gradients, place by place, and the way from places to the input's grid.

use mednn::candle_core::{Device, Tensor};
use mednn::model::{Inputs, Model};
use mednn::ops::{Interpolation, Size, resize};

use super::circuit::{Circuit, Rectifiers};
use super::elements::values;
use super::layer::{Layer, Layout, Map};
use super::saliency::{Explained, Method, Saliency};
use super::scores::Scores;
use super::target::Target;
use crate::error::{Error, Result};

/// Features of a layer and the gradient of the scores, both `[batch, channels, places]`.
pub(super) struct FeatureMaps {
    pub(super) scores: Scores,
    /// Voxels of the network's input.
    input: Vec<usize>,
    shape: Vec<usize>,
    channels: usize,
    features: Vec<f64>,
    gradients: Vec<f64>,
}

/// One feature of one item, `[places]`.
pub(super) struct Feature<'a> {
    pub(super) values: &'a [f64],
    pub(super) gradients: &'a [f64],
}

impl FeatureMaps {
    /// Runs a network up to its scores and back to a layer.
    pub(super) fn of(
        layer: &Layer,
        network: &dyn Model,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<Self> {
        let circuit = Circuit::record(network, inputs, &layer.features())?;
        let image = circuit.input(Inputs::IMAGE)?;
        let map = layer.find(&circuit, image)?;
        let found = circuit.gradient(inputs, map.value, target, Rectifiers::Derivative)?;
        let (channels, features) = map.channels_first(&found.value)?;
        let (_, gradients) = map.channels_first(&found.gradient)?;
        Ok(Self {
            scores: found.scores,
            input: inputs.image()?.dims()[2..].to_vec(),
            shape: map.shape,
            channels,
            features,
            gradients,
        })
    }

    /// One map for each item: the sum over features of what `weighed` makes of each, negative sums as 0 unless kept, on the
    /// grid of the input.
    pub(super) fn class_maps(
        &self,
        method: Method,
        sign: Sign,
        weighed: impl Fn(&Feature<'_>) -> Vec<f64>,
    ) -> Result<Vec<Saliency>> {
        let places: usize = self.shape.iter().product();
        let item = |item: usize| {
            let mut sum = vec![0.0; places];
            for channel in 0..self.channels {
                let start = (item * self.channels + channel) * places;
                let range = start..start + places;
                let feature = Feature {
                    values: &self.features[range.clone()],
                    gradients: &self.gradients[range],
                };
                { sum.iter_mut().zip(weighed(&feature)) }.for_each(|(sum, value)| *sum += value);
            }
            if sign == Sign::Positive {
                sum.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            let explained = self.scores.explained(method, item);
            let values = on_input(&sum, &self.shape, &self.input)?;
            Saliency::new(explained, 1, &self.input, values)
        };
        (0..self.scores.classes.len()).map(item).collect()
    }
}

/// What becomes of places that speak against the class.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// They are 0, as in the papers.
    #[default]
    Positive,
    /// They keep their negative value.
    Both,
}

impl Map {
    /// The number of channels, and the elements as `[batch, channels, places]`.
    fn channels_first(&self, tensor: &Tensor) -> Result<(usize, Vec<f64>)> {
        let all = values(tensor)?;
        let dims = tensor.dims();
        let places: usize = self.shape.iter().product();
        let (channels, prefix) = match self.layout {
            Layout::ChannelsFirst => return Ok((dims[1], all)),
            Layout::ChannelsLast => (dims[dims.len() - 1], 0),
            Layout::Tokens { prefix } => (dims[dims.len() - 1], prefix),
        };
        let mut turned = Vec::with_capacity(dims[0] * channels * places);
        for item in all.chunks_exact((prefix + places) * channels) {
            let tokens = &item[prefix * channels..];
            for channel in 0..channels {
                turned.extend(tokens[channel..].iter().step_by(channels));
            }
        }
        Ok((channels, turned))
    }
}

impl Scores {
    pub(super) fn explained(&self, method: Method, item: usize) -> Explained {
        Explained {
            method,
            class: self.classes[item],
            score: self.scores[item],
        }
    }
}

/// Places spread over the grid of the input: linearly, outer edges of both grids coinciding (PyTorch's
/// `align_corners=False`).
pub(super) fn on_input(values: &[f64], shape: &[usize], input: &[usize]) -> Result<Vec<f32>> {
    let linear = Interpolation::Linear {
        align_corners: false,
    };
    let dims: Vec<usize> = [1, 1].iter().chain(shape).copied().collect();
    let tensor = Tensor::from_slice(values, dims, &Device::Cpu).map_err(mednn::Error::from)?;
    let spread = match *input {
        [w] => resize(&tensor, Size::Voxels([w]), linear)?,
        [h, w] => resize(&tensor, Size::Voxels([h, w]), linear)?,
        [d, h, w] => resize(&tensor, Size::Voxels([d, h, w]), linear)?,
        _ => {
            return Err(Error::Explanation {
                rule: "the image has one to three axes",
                got: format!("{input:?}"),
            });
        }
    };
    Ok(self::values(&spread)?
        .iter()
        .map(|&value| value as f32)
        .collect())
}

/// One map for each item of `[batch, channels, ...]`, with the input's channels.
pub(super) fn input_maps(
    method: Method,
    scores: &Scores,
    all: &[f64],
    dims: &[usize],
) -> Result<Vec<Saliency>> {
    let length: usize = dims[1..].iter().product();
    let item = |(item, values): (usize, &[f64])| {
        let values = values.iter().map(|&value| value as f32).collect();
        Saliency::new(scores.explained(method, item), dims[1], &dims[2..], values)
    };
    all.chunks_exact(length.max(1))
        .enumerate()
        .map(item)
        .collect()
}

/// The gradient of the scores with respect to the image, through a network that was recorded for inputs of this shape.
pub(super) fn image_gradient(
    circuit: &Circuit,
    inputs: &Inputs,
    target: &Target,
    rectifiers: Rectifiers,
) -> Result<(Scores, Vec<f64>)> {
    let image = circuit.input(Inputs::IMAGE)?;
    let found = circuit.gradient(inputs, image, target, rectifiers)?;
    Ok((found.scores, values(&found.gradient)?))
}
