//! What is to be known of a file of weights.

use serde::{Deserialize, Serialize};

use super::Picture;
use crate::error::{Error, Result};
use crate::registry::{self, Entry};

/// In which order a network was given the axes of a volume.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AxisOrder {
    /// Depth, height, width, as here and in nnU-Net.
    #[default]
    Zyx,
    /// Width, height, depth, as MONAI reads volumes: the image is permuted on its way in and the result on its way out, the
    /// weights never.
    Xyz,
}

/// What is to be known of a file of weights.
///
/// A publisher's own manifest is a JSON file:
///
/// ```
/// use medmodels::pretrained::Manifest;
///
/// let manifest: Manifest = serde_json::from_str(r#"{
///     "tag": "resnet18.thyroid", "network": "resnet18", "file": "thyroid.safetensors",
///     "source": "https://example.org/thyroid.safetensors",
///     "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
///     "licence": "CC-BY-4.0", "in_channels": 1, "out_channels": 2
/// }"#)?;
/// manifest.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// The network and what it was trained on, joined by a dot.
    pub tag: String,
    /// The network's name in the [registry](crate::registry).
    pub network: String,
    /// The name of the file.
    pub file: String,
    /// Where it is published.
    pub source: String,
    /// The SHA-256 of the file in hexadecimal digits: all 64, or as many of the first as its publisher says, at least 8.
    pub sha256: String,
    /// The licence of the weights.
    pub licence: String,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// Names of the classes, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// How a picture is prepared, for networks that read pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<Picture>,
    /// In which order the network was given the axes of a volume.
    #[serde(default)]
    pub axis_order: AxisOrder,
}

impl Manifest {
    /// Says whether the manifest can be used.
    ///
    /// # Errors
    /// Names the first fact that cannot be.
    pub fn check(&self) -> Result<()> {
        let refuse = |fact, rule: &str, value: &str| {
            Err(Error::Manifest {
                tag: self.tag.clone(),
                fact,
                rule: rule.to_owned(),
                value: value.to_owned(),
            })
        };
        let hex = self
            .sha256
            .chars()
            .all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        if !hex || !(8..=64).contains(&self.sha256.len()) {
            return refuse("sha256", "8 to 64 hexadecimal digits", &self.sha256);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if self.file.starts_with('.') || self.file.is_empty() || !self.file.chars().all(plain) {
            let rule = "a file name of letters, digits, dots, hyphens and underscores";
            return refuse("file", rule, &self.file);
        }
        if !self.labels.is_empty() && self.labels.len() != self.out_channels {
            let rule = format!("{} names, one for each class", self.out_channels);
            return refuse("labels", &rule, &self.labels.len().to_string());
        }
        if let Some(picture) = &self.picture {
            let channels = [picture.mean.len(), picture.std.len()];
            if channels != [self.in_channels; 2]
                || picture.std.iter().any(|&s| s.is_nan() || s <= 0.0)
            {
                let rule = "a mean and a positive standard deviation for each channel";
                return refuse(
                    "picture",
                    rule,
                    &format!("{:?}, {:?}", picture.mean, picture.std),
                );
            }
            if !(1..=picture.resize).contains(&picture.crop) {
                let value = format!("{} of {}", picture.crop, picture.resize);
                return refuse("picture", "a crop not larger than the picture", &value);
            }
        }
        self.entry().map(drop)
    }

    /// The network in the registry.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn entry(&self) -> Result<&'static Entry> {
        registry::find(&self.network)
    }
}
