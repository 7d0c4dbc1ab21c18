//! Reads a patch through a map: image and labels together, only the patch's voxels, once.

use medcore::resample::{
    Interpolation, LabelInterpolation, Outside, resample_labels_slice, resample_slice,
};
use medcore::{Geometry, Image, IndexMap, Label, LabelMap, buffer};
use serde::{Deserialize, Serialize};

use super::lattice::Lattice;
use crate::error::Result;
use crate::sample::{Layer, Sample};

/// How values between voxels and outside the image are made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Between the voxels of the image.
    pub interpolation: Interpolation,
    /// Between the voxels of the labels.
    pub labels: LabelInterpolation,
    /// Outside the image.
    pub outside: Outside<f32>,
    /// Outside the labels.
    pub outside_label: u8,
}

impl Default for Sampling {
    /// Linear for both, zeros outside: nnU-Net's choice for normalised images.
    fn default() -> Self {
        Self {
            interpolation: Interpolation::Linear,
            labels: LabelInterpolation::Linear,
            outside: Outside::Value(0.0),
            outside_label: 0,
        }
    }
}

impl Sampling {
    /// What stands in for labels outside, where it is `label` if there is a value outside the image.
    pub(crate) fn outside_labels<L>(&self, label: L) -> Outside<L> {
        match self.outside {
            Outside::Value(_) => Outside::Value(label),
            Outside::Edge => Outside::Edge,
            Outside::Reflect => Outside::Reflect,
        }
    }
}

/// The patch of `shape` whose voxel `i` shows what `sample` shows at its index `map(i)`: image, labels and
/// layers, without boxes and points ([`Warp`](crate::Warp) moves those too).
///
/// Every voxel of the patch keeps its world position. A map that only shifts by whole voxels, mirrors and
/// exchanges axes copies them unchanged.
///
/// # Errors
/// Refuses an empty shape and a map that flattens the patch or is not finite.
pub fn extract<const D: usize>(
    sample: &Sample<D>,
    shape: [usize; D],
    map: &IndexMap<D>,
    sampling: &Sampling,
) -> Result<Sample<D>> {
    let geometry = sample.geometry().mapped(shape, map)?;
    let reader = Reader {
        source: sample.shape(),
        geometry,
        map,
        sampling,
        lattice: Lattice::of(map, sample.shape(), shape),
    };
    let mut result = Sample::new(reader.image(sample.image())?);
    if let Some(target) = sample.target() {
        result = result.with_target(target.to_vec());
    }
    if let Some(labels) = sample.labels() {
        result = result.with_class_labels(reader.labels(labels, sampling.outside_label)?)?;
    }
    for (name, layer) in sample.layers() {
        let layer = match layer {
            Layer::Image(image) => Layer::Image(reader.image(image)?),
            Layer::Labels(labels) => Layer::Labels(reader.labels(labels, sampling.outside_label)?),
            Layer::Instances(numbers) => Layer::Instances(reader.labels(numbers, 0)?),
        };
        result = result.with_layer(name.clone(), layer)?;
    }
    Ok(result)
}

/// One map, for every layer of a sample.
struct Reader<'a, const D: usize> {
    source: [usize; D],
    geometry: Geometry<D>,
    map: &'a IndexMap<D>,
    sampling: &'a Sampling,
    lattice: Option<Lattice>,
}

impl<const D: usize> Reader<'_, D> {
    fn image(&self, image: &Image<f32, D>) -> Result<Image<f32, D>> {
        let len = self.geometry.len();
        let mut voxels = buffer::zeroed::<f32>(image.channels() * len, "patch")?;
        for (channel, out) in voxels.chunks_exact_mut(len).enumerate() {
            let source = image.channel(channel);
            match &self.lattice {
                Some(lattice) => lattice.copy(source, out, self.sampling.outside),
                None => resample_slice(
                    source,
                    self.source,
                    self.map,
                    out,
                    self.geometry.shape(),
                    self.sampling.interpolation,
                    self.sampling.outside,
                )?,
            }
        }
        Ok(Image::with_channels(
            image.channels(),
            self.geometry,
            voxels,
        )?)
    }

    fn labels<L: Label>(&self, labels: &LabelMap<L, D>, outside: L) -> Result<LabelMap<L, D>> {
        let outside = self.sampling.outside_labels(outside);
        let mut classes = buffer::zeroed::<L>(self.geometry.len(), "patch labels")?;
        match &self.lattice {
            Some(lattice) => lattice.copy(labels.as_slice(), &mut classes, outside),
            None => resample_labels_slice(
                labels.as_slice(),
                self.source,
                self.map,
                &mut classes,
                self.geometry.shape(),
                self.sampling.labels,
                outside,
            )?,
        }
        Ok(LabelMap::new(self.geometry, classes)?)
    }
}
