//! What can be done to a sample, with every number known: three interfaces, by what they touch.
//!
//! Chance comes before this: a [`Transform`](crate::Transform) draws the numbers and makes operations of them,
//! which can be written down and done again.

use std::fmt::Debug;

use medcore::Geometry;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::sample::{Contents, Sample};
use crate::warp::Warp;

/// Moves voxels: image, labels, boxes, points and layers together.
///
/// It only says where to look; a pipeline composes what stands in a row and reads the voxels once.
pub trait SpatialOperation<const D: usize>: Debug {
    /// Checks the parameters for images of `D` axes.
    ///
    /// # Errors
    /// Names the first parameter that breaks its rule.
    fn check(&self) -> Result<()>;

    /// Where each voxel of the result is read in an image on `grid`.
    ///
    /// # Errors
    /// Refuses a grid that the parameters do not fit, for instance a crop that leaves nothing.
    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>>;
}

/// Changes the intensities of one channel at a time.
pub trait ChannelOperation: Debug {
    /// Checks the parameters for images of `dimension` axes.
    ///
    /// # Errors
    /// Names the first parameter that breaks its rule.
    fn check(&self, dimension: usize) -> Result<()>;

    /// Changes the voxels of a channel.
    ///
    /// # Errors
    /// Refuses voxels that the operation is not defined for.
    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()>;
}

/// Changes anything else: several channels together, labels, or the grid by averaging.
pub trait SampleOperation<const D: usize>: Debug {
    /// Checks the parameters for samples of `D` axes.
    ///
    /// # Errors
    /// Names the first parameter that breaks its rule.
    fn check(&self) -> Result<()>;

    /// What it needs beside an image.
    fn needs(&self) -> Contents {
        Contents::default()
    }

    /// What a sample holds after it that held `before`, for the steps behind it.
    fn after(&self, before: Contents) -> Contents {
        before
    }

    /// Changes a sample.
    ///
    /// # Errors
    /// Refuses a sample that lacks what it needs.
    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>>;

    /// Where each voxel of the result lies on `grid`; `None` when none moves.
    ///
    /// # Errors
    /// Refuses a grid that the parameters do not fit.
    fn warp(&self, _grid: &Geometry<D>) -> Result<Option<Warp<D>>> {
        Ok(None)
    }
}

/// One channel of an image, for writing.
#[derive(Debug)]
pub struct Channel<'a, const D: usize> {
    /// Intensities, last axis fastest.
    pub voxels: &'a mut [f32],
    /// Voxels along each axis.
    pub shape: [usize; D],
    /// Millimetres between voxels.
    pub spacing: [f64; D],
    /// Number of the channel; noise of two channels differs by it.
    pub number: usize,
}

/// One operation for all channels, or one for each; `None` leaves a channel as it is.
///
/// ```
/// use medaug::{Brightness, PerChannel};
///
/// let all: PerChannel<Brightness> = serde_json::from_str(r#"{"factor": 1.5}"#)?;
/// assert_eq!(all, PerChannel::All(Brightness { factor: 1.5 }));
/// let second: PerChannel<Brightness> = serde_json::from_str(r#"[null, {"factor": 1.5}]"#)?;
/// assert_eq!(second, PerChannel::Each(vec![None, Some(Brightness { factor: 1.5 })]));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PerChannel<T> {
    /// The same for all channels.
    All(T),
    /// One for each channel.
    Each(Vec<Option<T>>),
}

impl<T: ChannelOperation> PerChannel<T> {
    pub(crate) fn check(&self, dimension: usize) -> Result<()> {
        match self {
            Self::All(operation) => operation.check(dimension),
            Self::Each(operations) => operations
                .iter()
                .flatten()
                .try_for_each(|operation| operation.check(dimension)),
        }
    }

    pub(crate) fn apply<const D: usize>(
        &self,
        name: &'static str,
        sample: &mut Sample<D>,
    ) -> Result<()> {
        let channels = sample.image().channels();
        if let Self::Each(operations) = self
            && operations.len() != channels
        {
            return Err(Error::EntryCount {
                transform: name,
                parameter: "channels",
                expected: channels,
                got: operations.len(),
            });
        }
        for number in 0..channels {
            let operation = match self {
                Self::All(operation) => Some(operation),
                Self::Each(operations) => operations[number].as_ref(),
            };
            if let Some(operation) = operation {
                let (shape, spacing) = (sample.shape(), sample.geometry().spacing());
                operation.apply(Channel {
                    voxels: sample.channel_mut(number),
                    shape,
                    spacing,
                    number,
                })?;
            }
        }
        Ok(())
    }
}

impl<T> From<T> for PerChannel<T> {
    fn from(operation: T) -> Self {
        Self::All(operation)
    }
}
