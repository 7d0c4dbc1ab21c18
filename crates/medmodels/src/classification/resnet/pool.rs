//! From the features of all places to the scores of the classes.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Linear, LinearConfig};
use mednn::ops::{self, Order, Reduced};
use serde::{Deserialize, Serialize};

use crate::blocks::global_average;

/// How a [`ResNet`](super::ResNet) makes the scores of the classes of the features of all places.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResNetPool {
    /// Features are averaged over places and weighed once, as in the paper. A finding that covers a hundredth of the image
    /// is a hundredth of the score, and every place has its part in it.
    #[default]
    Average,
    /// The first class is the absence of the others, and its score is 0. Each other class has a score in every place,
    /// without bias, and the mean of its highest ones is its score: what is found somewhere is found, and where nothing is
    /// found no place may speak for it. Training on whole images so teaches where findings are (Shen et al., Medical Image
    /// Analysis 2021, <https://arxiv.org/abs/2002.07613>, section 2.2).
    TopPlaces {
        /// Which part of the places counts, over 0 and up to 1; at least one does.
        share: f64,
    },
}

impl ResNetPool {
    /// What weighs the features, for so many classes.
    pub(super) fn head(self, features: usize, classes: usize) -> LinearConfig {
        match self {
            Self::Average => LinearConfig::new(features, classes),
            Self::TopPlaces { .. } => LinearConfig::new(features, classes - 1).with_bias(false),
        }
    }

    /// Scores, `[batch, classes]`, of features, `[batch, channels, depth, height, width]`; shows what lies between by name.
    pub(super) fn logits<const D: usize>(
        self,
        features: &Tensor,
        fc: &Linear,
        context: &Context,
        show: &mut dyn FnMut(&str, &Tensor),
    ) -> mednn::Result<Tensor> {
        match self {
            Self::Average => {
                let pooled = global_average::<D>(features)?;
                show("avgpool", &pooled);
                fc.forward(&pooled, context)
            }
            Self::TopPlaces { share } => {
                let scores = fc.forward(&places::<D>(features)?, context)?;
                let count = scores.dims()[D + 1];
                let k = ((share * count as f64).round() as usize).clamp(1, count);
                let highest = ops::top_k(&scores, D + 1, k, Order::Largest)?.values;
                let axes: Vec<usize> = (1..=D + 1).collect();
                let found = ops::mean(&highest, &axes, Reduced::Dropped)?;
                let absence = ops::scale(&ops::narrow(&found, 1, 0, 1)?, 0.0)?;
                ops::concat(&[&absence, &found])
            }
        }
    }
}

/// The features of each place, `[batch, 1, ..., places, channels]`: one axis more than a map has, so that the features
/// stay the last map of the network for those who look for it.
fn places<const D: usize>(features: &Tensor) -> mednn::Result<Tensor> {
    let dims = features.dims();
    let mut shape = vec![1; D + 3];
    (shape[0], shape[D + 1]) = (dims[0], dims[1]);
    shape[D + 2] = dims[2..].iter().product();
    let mut axes: Vec<usize> = (0..D + 3).collect();
    axes.swap(D + 1, D + 2);
    ops::permute(&ops::reshape(features, &shape)?, &axes)
}
