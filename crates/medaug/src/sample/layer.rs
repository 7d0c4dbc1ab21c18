//! Further images and label maps on the grid of a sample.

use std::collections::BTreeMap;

use medcore::{Geometry, Image, LabelMap};

use crate::error::Result;

/// Layers by name, in the order of their names.
pub type Layers<const D: usize> = BTreeMap<String, Layer<D>>;

/// One further image or label map; what it is decides how it is interpolated.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Layer<const D: usize> {
    /// Intensities, interpolated as the image is.
    Image(Image<f32, D>),
    /// Classes, interpolated as labels are.
    Labels(LabelMap<u8, D>),
    /// Numbers of instances, of which there may be more than classes; interpolated as labels are.
    Instances(LabelMap<u16, D>),
}

impl<const D: usize> Layer<D> {
    /// The grid.
    #[must_use]
    pub fn geometry(&self) -> &Geometry<D> {
        match self {
            Self::Image(image) => image.geometry(),
            Self::Labels(labels) => labels.geometry(),
            Self::Instances(numbers) => numbers.geometry(),
        }
    }

    pub(super) fn with_geometry(self, geometry: Geometry<D>) -> Result<Self> {
        Ok(match self {
            Self::Image(image) => Self::Image(image.with_geometry(geometry)?),
            Self::Labels(labels) => Self::Labels(labels.with_geometry(geometry)?),
            Self::Instances(numbers) => Self::Instances(numbers.with_geometry(geometry)?),
        })
    }

    /// The layer with clones that cost nothing.
    #[must_use]
    pub fn into_shared(self) -> Self {
        match self {
            Self::Image(image) => Self::Image(image.into_shared()),
            Self::Labels(labels) => Self::Labels(labels.into_shared()),
            Self::Instances(numbers) => Self::Instances(numbers.into_shared()),
        }
    }
}
