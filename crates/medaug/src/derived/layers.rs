//! What a sample holds put in other places: layers made, joined and left out, channels chosen (MONAI `CopyItems`,
//! `ConcatItems`, `DeleteItems`, `SplitDim`).

use medcore::Image;
use serde::{Deserialize, Serialize};

use super::with_channels;
use crate::error::{Error, Result, check};
use crate::operation::SampleOperation;
use crate::sample::{Contents, Layer, Sample};

/// A part of a sample by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The image.
    #[default]
    Image,
    /// The labels.
    Labels,
    /// A layer.
    Layer(String),
}

/// Copies the image, the labels or a layer to a layer, as a target for a network that restores what is changed behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopyLayer {
    /// What is copied.
    #[serde(default)]
    pub from: Part,
    /// Name of the layer, in the place of one that is there.
    pub to: String,
}

impl<const D: usize> SampleOperation<D> for CopyLayer {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Contents {
        match &self.from {
            Part::Image => Contents::default(),
            Part::Labels => Contents::labels(),
            Part::Layer(name) => needs_layers([name]),
        }
    }

    fn after(&self, mut before: Contents) -> Contents {
        before.layers.insert(self.to.clone());
        before
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        const NAME: &str = "CopyLayer";
        let copy = match &self.from {
            Part::Image => Layer::Image(sample.image().clone()),
            Part::Labels => Layer::Labels(sample.require_labels(NAME)?.clone()),
            Part::Layer(name) => sample.require_layer(NAME, name)?.clone(),
        };
        sample.with_layer(self.to.clone(), copy)
    }
}

/// Puts the channels of layers of images behind those of the image, in the order of the list; the layers stay.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinLayers {
    /// Names of the layers.
    pub layers: Vec<String>,
}

impl<const D: usize> SampleOperation<D> for JoinLayers {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Contents {
        needs_layers(&self.layers)
    }

    fn after(&self, before: Contents) -> Contents {
        let channels = before.channels.filter(|_| self.layers.is_empty());
        before.with_channels(channels)
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let mut more = vec![];
        for name in &self.layers {
            match sample.require_layer("JoinLayers", name)? {
                Layer::Image(image) => more.extend_from_slice(image.as_slice()),
                _ => {
                    return Err(Error::TargetLayer {
                        layer: name.clone(),
                        rule: "an image, to be joined to the image",
                    });
                }
            }
        }
        with_channels(sample, &more)
    }
}

/// Leaves layers out, so that what follows does not move them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropLayers {
    /// Names of the layers.
    pub layers: Vec<String>,
}

impl<const D: usize> SampleOperation<D> for DropLayers {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Contents {
        needs_layers(&self.layers)
    }

    fn after(&self, mut before: Contents) -> Contents {
        before.layers.retain(|name| !self.layers.contains(name));
        before
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        for name in &self.layers {
            sample.require_layer("DropLayers", name)?;
        }
        sample
            .layers_mut()
            .retain(|name, _| !self.layers.contains(name));
        Ok(sample)
    }
}

/// Keeps some channels of the image, in the order of the list; one may stand in it twice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectChannels {
    /// Numbers of the channels.
    pub channels: Vec<usize>,
}

impl<const D: usize> SampleOperation<D> for SelectChannels {
    fn check(&self) -> Result<()> {
        let count = self.channels.len() as f64;
        check("SelectChannels", "channels", count, "at least one", |n| {
            n >= 1.0
        })
    }

    fn after(&self, before: Contents) -> Contents {
        before.with_channels(Some(self.channels.len()))
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let image = sample.image();
        let mut voxels = Vec::with_capacity(self.channels.len() * image.geometry().len());
        for &channel in &self.channels {
            let rule = "channels of the image";
            check("SelectChannels", "channels", channel as f64, rule, |_| {
                channel < image.channels()
            })?;
            voxels.extend_from_slice(image.channel(channel));
        }
        let chosen = Image::with_channels(self.channels.len(), *image.geometry(), voxels)?;
        sample.with_image(chosen)
    }
}

fn needs_layers<'a>(names: impl IntoIterator<Item = &'a String>) -> Contents {
    Contents {
        layers: names.into_iter().cloned().collect(),
        ..Contents::default()
    }
}
