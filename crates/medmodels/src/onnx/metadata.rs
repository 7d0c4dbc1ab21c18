//! What a file says of its network besides the computation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::Fault;

/// How the numbers of one channel of an image become what the network reads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Intensity {
    /// As they are.
    Unchanged,
    /// The range `from` becomes `to`; what lies outside is cut off if `clip`.
    Scale {
        /// The range of the image, Hounsfield units for CT.
        from: [f64; 2],
        /// What its ends become.
        to: [f64; 2],
        /// Whether values outside take those of the ends.
        clip: bool,
    },
    /// Cut off to a range, less `mean`, divided by `deviation`; nnU-Net's way for CT, torchvision's without a range.
    Standardize {
        /// The range, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clip: Option<[f64; 2]>,
        /// The mean of the training data.
        mean: f64,
        /// Its standard deviation.
        deviation: f64,
    },
    /// Less the mean of the image's channel, divided by its standard deviation; the usual way for MR.
    StandardizeEach,
}

/// What has to be done to a scan before the network reads it: facts for another program, not a program.
///
/// Everything that is counted along axes follows their storage order, depth first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Preprocessing {
    /// The axes of the image, such as `["batch", "channels", "depth", "height", "width"]`.
    pub layout: Vec<String>,
    /// Where the axes run to, such as `"LPS"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<String>,
    /// Millimetres between voxels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spacing_mm: Option<Vec<f64>>,
    /// Name and intensities of each channel.
    pub channels: Vec<Channel>,
    /// Voxels of the patch or window that the network was trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<Vec<usize>>,
    /// What every extent must be a multiple of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub divisor: Option<Vec<usize>>,
}

/// A channel of the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// What it shows: `"CT"`, `"T1"`, `"red"`.
    pub name: String,
    /// What becomes of its numbers.
    pub intensity: Intensity,
}

impl Preprocessing {
    /// An image of `[batch, channels, depth, height, width]`, the last `spatial_dims` of the spatial axes.
    #[must_use]
    pub fn new(spatial_dims: usize) -> Self {
        let spatial = ["depth", "height", "width"];
        let axes = spatial
            .iter()
            .skip(spatial.len().saturating_sub(spatial_dims));
        let layout = ["batch", "channels"].iter().chain(axes);
        Self {
            layout: layout.map(|&axis| axis.to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Says where the axes run to.
    #[must_use]
    pub fn with_orientation(mut self, orientation: impl Into<String>) -> Self {
        self.orientation = Some(orientation.into());
        self
    }

    /// Says the distance of voxels along each axis.
    #[must_use]
    pub fn with_spacing_mm(mut self, spacing: &[f64]) -> Self {
        self.spacing_mm = Some(spacing.to_vec());
        self
    }

    /// Adds a channel.
    #[must_use]
    pub fn with_channel(mut self, name: impl Into<String>, intensity: Intensity) -> Self {
        let name = name.into();
        self.channels.push(Channel { name, intensity });
        self
    }

    /// Says the patch that the network was trained on.
    #[must_use]
    pub fn with_patch(mut self, patch: &[usize]) -> Self {
        self.patch = Some(patch.to_vec());
        self
    }

    /// Says what every extent must be a multiple of.
    #[must_use]
    pub fn with_divisor(mut self, divisor: &[usize]) -> Self {
        self.divisor = Some(divisor.to_vec());
        self
    }
}

/// The properties of a model file: each is text under a key, lists and structures as JSON.
///
/// ```
/// use medmodels::onnx::{Intensity, Metadata, Preprocessing};
///
/// let lungs = Intensity::Scale { from: [-1000.0, 400.0], to: [0.0, 1.0], clip: true };
/// let preparation = Preprocessing::new(3)
///     .with_orientation("LPS")
///     .with_spacing_mm(&[1.5, 1.0, 1.0])
///     .with_channel("CT", lungs);
/// let metadata = Metadata::new()
///     .with_labels(["background", "nodule"])
///     .with_preprocessing(preparation)
///     .with_licence("Apache-2.0");
/// assert_eq!(metadata.labels, ["background", "nodule"]);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Metadata {
    /// What each class of the result is, under the key `labels`.
    pub labels: Vec<String>,
    /// How an image is prepared, under `preprocessing`.
    pub preprocessing: Option<Preprocessing>,
    /// On which terms the weights may be used, under `licence`.
    pub licence: Option<String>,
    /// Whatever else is to be said, under keys of its own.
    pub properties: BTreeMap<String, String>,
}

impl Metadata {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what each class of the result is.
    #[must_use]
    pub fn with_labels<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// Says how an image is prepared.
    #[must_use]
    pub fn with_preprocessing(mut self, preprocessing: Preprocessing) -> Self {
        self.preprocessing = Some(preprocessing);
        self
    }

    /// Says on which terms the weights may be used.
    #[must_use]
    pub fn with_licence(mut self, licence: impl Into<String>) -> Self {
        self.licence = Some(licence.into());
        self
    }

    /// Says something else.
    #[must_use]
    pub fn with_property(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(key.into(), value.into());
        self
    }

    /// Keys and values in the order of the keys.
    pub(super) fn entries(&self) -> Result<Vec<(String, String)>, Fault> {
        let mut entries = BTreeMap::new();
        if !self.labels.is_empty() {
            entries.insert("labels".to_owned(), json("labels", &self.labels)?);
        }
        if let Some(preprocessing) = &self.preprocessing {
            let text = json("preprocessing", preprocessing)?;
            entries.insert("preprocessing".to_owned(), text);
        }
        if let Some(licence) = &self.licence {
            entries.insert("licence".to_owned(), licence.clone());
        }
        for (key, value) in &self.properties {
            if entries.insert(key.clone(), value.clone()).is_some() {
                return Err(Fault::Metadata {
                    setting: "a property",
                    rule: "under a key of its own",
                    value: key.clone(),
                });
            }
        }
        Ok(entries.into_iter().collect())
    }
}

fn json(setting: &'static str, value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::Metadata {
        setting,
        rule: "such that JSON can say it",
        value: error.to_string(),
    })
}
