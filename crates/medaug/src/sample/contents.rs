//! What samples hold, to be compared with what steps need.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What samples hold beside their image, and how many channels the image has.
///
/// ```
/// use medaug::{Compose, Contents, KeepLargest};
///
/// let pipeline = Compose::<3>::new(vec![KeepLargest::default().into()])?;
/// let refused = pipeline.check_contents(&Contents::default()).unwrap_err();
/// assert_eq!(refused.to_string(), "KeepLargest needs labels, the sample has none");
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contents {
    /// Channels of the image; `None` where they are not known.
    pub channels: Option<usize>,
    /// Whether there are labels.
    pub labels: bool,
    /// Whether there are boxes.
    pub boxes: bool,
    /// Whether there are points.
    pub points: bool,
    /// Names of further layers.
    pub layers: BTreeSet<String>,
}

impl Contents {
    /// Labels and nothing else.
    #[must_use]
    pub fn labels() -> Self {
        Self {
            labels: true,
            ..Self::default()
        }
    }

    /// What both hold; of two numbers of channels the first.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            channels: self.channels.or(other.channels),
            labels: self.labels || other.labels,
            boxes: self.boxes || other.boxes,
            points: self.points || other.points,
            layers: self.layers.union(&other.layers).cloned().collect(),
        }
    }

    /// What both of two samples hold.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            channels: self.channels.filter(|&n| other.channels == Some(n)),
            labels: self.labels && other.labels,
            boxes: self.boxes && other.boxes,
            points: self.points && other.points,
            layers: self.layers.intersection(&other.layers).cloned().collect(),
        }
    }

    /// What is here and not in `made`, which steps before have made; channels stay.
    #[must_use]
    pub(crate) fn without(&self, made: &Self) -> Self {
        Self {
            channels: self.channels,
            labels: self.labels && !made.labels,
            boxes: self.boxes && !made.boxes,
            points: self.points && !made.points,
            layers: self.layers.difference(&made.layers).cloned().collect(),
        }
    }

    /// The same with so many channels.
    #[must_use]
    pub(crate) fn with_channels(self, channels: Option<usize>) -> Self {
        Self { channels, ..self }
    }

    /// The same with labels.
    #[must_use]
    pub(crate) fn and_labels(self) -> Self {
        Self {
            labels: true,
            ..self
        }
    }

    /// Refuses `needs` of a step that are not here.
    ///
    /// # Errors
    /// Names the step and the first thing it lacks.
    pub fn check(&self, transform: &'static str, needs: &Self) -> Result<()> {
        if needs.labels && !self.labels {
            return Err(Error::MissingLabels { transform });
        }
        if needs.boxes && !self.boxes {
            return Err(Error::MissingBoxes { transform });
        }
        if needs.points && !self.points {
            return Err(Error::MissingPoints { transform });
        }
        if let Some(layer) = needs.layers.difference(&self.layers).next() {
            return Err(Error::MissingLayer {
                transform,
                layer: layer.clone(),
                found: self.layers.iter().cloned().collect(),
            });
        }
        match (needs.channels, self.channels) {
            (Some(expected), Some(got)) if expected != got => Err(Error::EntryCount {
                transform,
                parameter: "image channels",
                expected,
                got,
            }),
            _ => Ok(()),
        }
    }
}
