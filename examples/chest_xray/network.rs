//! The two networks, and what images go through before them.

use anyhow::Result;
use clap::ValueEnum;
use medmodels::ModelConfig;
use medmodels::resnet::ResNetConfig;
use medtrain::medaug::{
    Compose, Draw, HistogramMatching, Intensity, Normalise, RandomSpatial, ReferenceHistogram,
    ResizeArea, ResizeTo, Space, Step,
};
use serde::Serialize;

/// Images of up to so many pixels get a stem that keeps all of them.
const SMALL_SIDE: usize = 48;

/// Which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
pub(crate) enum Network {
    /// Ten layers with 16 to 128 features: 0.3 million weights, trained from scratch.
    Small,
    /// ResNet-18: 11 million weights, from scratch or from --weights.
    Resnet18,
}

impl Network {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small CNN",
            Self::Resnet18 => "ResNet-18",
        }
    }

    /// For files.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Resnet18 => "resnet18",
        }
    }

    /// For images of `side` pixels with one channel.
    pub(crate) fn config(self, side: usize) -> ModelConfig {
        let config = match self {
            Self::Small => ResNetConfig::resnet10(2).with_features([16, 32, 64, 128]),
            Self::Resnet18 => ResNetConfig::resnet18(2),
        };
        let mut config = config.with_in_channels(1);
        if side <= SMALL_SIDE {
            config = config.small_images();
        } else if self == Self::Small {
            config.stem_kernel = vec![5; 2];
            config.stem_pool = false;
        }
        config.into()
    }

    /// The layer whose map is fine enough to show a place and late enough to know what is there.
    pub(crate) fn heat_layer(self) -> &'static str {
        "layer3"
    }

    /// Pixels of the input from one place of that map to the next.
    pub(crate) fn heat_stride(self, side: usize) -> usize {
        match self {
            _ if side <= SMALL_SIDE => 4,
            Self::Small => 8,
            Self::Resnet18 => 16,
        }
    }

    /// Passes over the training images unless something else is asked for.
    pub(crate) fn epochs(self) -> u32 {
        match self {
            Self::Small => 14,
            Self::Resnet18 => 8,
        }
    }

    /// The largest learning rate.
    pub(crate) fn learning_rate(self) -> f64 {
        match self {
            Self::Small => 2e-3,
            Self::Resnet18 => 1e-3,
        }
    }
}

/// From an image as it comes to what the networks read: `side` pixels square, mean 0 and deviation 1; between these, with a
/// `reference`, its histogram.
pub(crate) fn preparation(side: usize, reference: Option<ReferenceHistogram>) -> Result<Vec<Step>> {
    let mut steps: Vec<Step> = vec![ResizeArea::new(ResizeTo::Shape(vec![side; 2])).into()];
    if let Some(reference) = reference {
        steps.push(
            HistogramMatching {
                reference,
                blend: 1.0,
            }
            .into(),
        );
    }
    steps.push(Normalise::from(Intensity::ZScore { masked: false }).into());
    Ok(steps)
}

/// The first step alone: grey values as they are, at the network's size.
pub(crate) fn resizing(side: usize) -> Result<Compose<2>> {
    Ok(Compose::new(
        preparation(side, None)?.into_iter().take(1).collect(),
    )?)
}

/// Preparation and what makes each view of an image a little different: turned, shifted, larger. Never mirrored: the heart
/// is on the left.
pub(crate) fn training_steps(side: usize) -> Result<Compose<2>> {
    let spatial = RandomSpatial {
        rotation_probability: 1.0,
        rotation_degrees: vec![Draw::symmetric(10.0)],
        scale_probability: 1.0,
        scale: vec![Draw::Uniform {
            low: 0.9,
            high: 1.1,
        }],
        translation_probability: 1.0,
        translation: vec![Draw::symmetric(0.06 * side as f64)],
        space: Space::Voxels,
        ..RandomSpatial::default()
    };
    let mut steps = preparation(side, None)?;
    steps.push(spatial.into());
    Ok(Compose::new(steps)?)
}
