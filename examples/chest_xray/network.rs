//! The two networks, and what images go through before them.

use anyhow::Result;
use clap::ValueEnum;
use medmodels::ModelConfig;
use medmodels::resnet::{ResNetConfig, ResNetPool};
use medtrain::medaug::{
    Compose, Draw, HistogramMatching, Intensity, Normalise, RandomSpatial, ReferenceHistogram,
    ResizeArea, ResizeTo, Space, Step,
};
use serde::Serialize;

/// Images of up to so many pixels get a stem that keeps all of them.
pub(crate) const SMALL_SIDE: usize = 48;

/// Part of the places whose scores make that of the image: about an opacity's part of a radiograph.
const PLACES: f64 = 0.03;

/// Which network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
pub(crate) enum Network {
    /// Ten layers with 16 to 128 features: 0.3 million weights, trained from scratch. On images of more than 48 pixels its
    /// score is that of the highest places, so that its maps lie on what it found.
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
            // The last stage looks farther instead of striding: its map shows places twice as fine.
            Self::Small => ResNetConfig::resnet10(2)
                .with_features([16, 32, 64, 128])
                .with_dilated([false, false, true], false),
            Self::Resnet18 => ResNetConfig::resnet18(2),
        };
        let mut config = config.with_in_channels(1);
        if side <= SMALL_SIDE {
            config = config.small_images();
        } else if self == Self::Small {
            config = config
                .with_stem([5; 2], [2; 2])
                .with_stem_pool(false)
                .with_pool(ResNetPool::TopPlaces { share: PLACES });
        }
        config.into()
    }

    /// Pixels of the input from one place of the last map to the next.
    pub(crate) fn heat_stride(self, side: usize) -> usize {
        match (self, side <= SMALL_SIDE) {
            (Self::Small, true) => 4,
            (Self::Small, false) | (Self::Resnet18, true) => 8,
            (Self::Resnet18, false) => 32,
        }
    }

    /// Passes over the training images unless something else is asked for.
    pub(crate) fn epochs(self, side: usize) -> u32 {
        match self {
            Self::Small if side <= SMALL_SIDE => 14,
            Self::Small => 24,
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

/// How grey values become numbers around 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scaling {
    /// Each image to mean 0 and deviation 1: where exposure and windows differ from image to image.
    Each,
    /// All by the same numbers: where one program made all images, and grey means the same in each.
    Same {
        /// Of the training images.
        mean: f64,
        /// Of the training images.
        deviation: f64,
    },
}

/// From an image as it comes to what the networks read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Preparation {
    /// Pixels along each side.
    pub(crate) side: usize,
    pub(crate) scaling: Scaling,
}

impl Preparation {
    /// Averaging down to the side, with a `reference` its histogram, scaling.
    pub(crate) fn steps(self, reference: Option<ReferenceHistogram>) -> Result<Vec<Step>> {
        let mut steps: Vec<Step> =
            vec![ResizeArea::new(ResizeTo::Shape(vec![self.side; 2])).into()];
        if let Some(reference) = reference {
            let blend = 1.0;
            steps.push(HistogramMatching { reference, blend }.into());
        }
        let scheme = match self.scaling {
            Scaling::Each => Intensity::ZScore { masked: false },
            Scaling::Same { mean, deviation } => Intensity::ClipZScore {
                low: f64::from(f32::MIN),
                high: f64::from(f32::MAX),
                mean,
                std: deviation,
            },
        };
        steps.push(Normalise::from(scheme).into());
        Ok(steps)
    }

    /// What makes each view of a training image a little different: turned, shifted, larger. Never mirrored: the heart is
    /// on the left.
    pub(crate) fn training_steps(self) -> Result<Compose<2>> {
        let spatial = RandomSpatial {
            rotation_probability: 1.0,
            rotation_degrees: vec![Draw::symmetric(15.0)],
            scale_probability: 1.0,
            scale: vec![Draw::Uniform {
                low: 0.9,
                high: 1.1,
            }],
            translation_probability: 1.0,
            translation: vec![Draw::symmetric(0.1 * self.side as f64)],
            space: Space::Voxels,
            ..RandomSpatial::default()
        };
        let mut steps = self.steps(None)?;
        steps.push(spatial.into());
        Ok(Compose::new(steps)?)
    }
}

/// Grey values as they are, at the network's size.
pub(crate) fn resizing(side: usize) -> Result<Compose<2>> {
    let resize = ResizeArea::new(ResizeTo::Shape(vec![side; 2]));
    Ok(Compose::new(vec![resize.into()])?)
}
