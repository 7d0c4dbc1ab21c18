//! The way back: what was predicted on a result, on the grid of its source.

use medcore::resample::{
    Gather, GatherLabels, Interpolation, LabelInterpolation, Outside, resample_labels_slice,
    resample_slice,
};
use medcore::{Geometry, Image, IndexMap, LabelMap, buffer};

use super::read::{Plane, fill};
use super::{Warp, swap_labels};
use crate::deformation::Row;
use crate::error::{Error, Result};

/// Coordinate that lies outside every image: where the result does not show the source.
const NOWHERE: f64 = -1e6;

impl<const D: usize> Warp<D> {
    /// Brings labels on the result back to `source`: nearest, background where the result did not show it.
    ///
    /// Exact for whole voxels; deformations are inverted to 1e-3 voxel.
    ///
    /// # Errors
    /// Refuses labels of another shape than the result's.
    pub fn restore_labels(
        &self,
        labels: &LabelMap<u8, D>,
        source: &Geometry<D>,
    ) -> Result<LabelMap<u8, D>> {
        self.check_result(labels.shape())?;
        let mut restored = buffer::zeroed::<u8>(source.len(), "restored labels")?;
        let (nearest, outside) = (LabelInterpolation::Nearest, Outside::Value(0));
        if self.bends.is_empty() {
            resample_labels_slice(
                labels.as_slice(),
                self.shape,
                &invert(&self.map)?,
                &mut restored,
                source.shape(),
                nearest,
                outside,
            )?;
        } else {
            let from = GatherLabels::new(labels.as_slice(), self.shape, nearest, outside)?;
            let mut planes = [Plane::Classes(from, &mut restored)];
            self.fill_back(source.shape(), &mut planes)?;
        }
        for pairs in self.swaps.iter().rev() {
            swap_labels(&mut restored, pairs);
        }
        Ok(LabelMap::new(*source, restored)?)
    }

    /// Brings an image on the result back to `source`: linearly, `outside` where the result did not show it.
    ///
    /// Deformations are inverted to 1e-3 voxel.
    ///
    /// # Errors
    /// Refuses an image of another shape than the result's.
    pub fn restore_image(
        &self,
        image: &Image<f32, D>,
        source: &Geometry<D>,
        outside: f32,
    ) -> Result<Image<f32, D>> {
        self.restore_channels(image, source, |_| outside)
    }

    /// Brings the probability of each class on the result back to `source`, one channel a class: linearly, background
    /// where the result did not show it, sides exchanged as they were.
    ///
    /// # Errors
    /// Refuses an image of another shape than the result's, and channels that hold one side of a pair of labels only.
    pub fn restore_probabilities(
        &self,
        probabilities: &Image<f32, D>,
        source: &Geometry<D>,
    ) -> Result<Image<f32, D>> {
        let background = |channel| if channel == 0 { 1.0 } else { 0.0 };
        let mut restored = self.restore_channels(probabilities, source, background)?;
        for &(a, b) in self.swaps.iter().rev().flatten() {
            swap_channels(&mut restored, [a, b].map(usize::from))?;
        }
        Ok(restored)
    }

    fn restore_channels(
        &self,
        image: &Image<f32, D>,
        source: &Geometry<D>,
        outside: impl Fn(usize) -> f32,
    ) -> Result<Image<f32, D>> {
        self.check_result(image.shape())?;
        let linear = Interpolation::Linear;
        let mut restored = Image::zeros(image.channels(), *source)?;
        let channels = restored.as_mut_slice().chunks_exact_mut(source.len());
        if self.bends.is_empty() {
            let map = invert(&self.map)?;
            for (channel, out) in channels.enumerate() {
                let (values, outside) = (image.channel(channel), Outside::Value(outside(channel)));
                let shape = source.shape();
                resample_slice(values, self.shape, &map, out, shape, linear, outside)?;
            }
        } else {
            let mut planes = vec![];
            for (channel, out) in channels.enumerate() {
                let (values, outside) = (image.channel(channel), Outside::Value(outside(channel)));
                let from = Gather::new(values, self.shape, linear, outside)?;
                planes.push(Plane::Values(from, out));
            }
            self.fill_back(source.shape(), &mut planes)?;
        }
        Ok(restored)
    }

    fn fill_back(&self, source: [usize; D], planes: &mut [Plane<'_, '_, D>]) -> Result<()> {
        let identity = IndexMap::identity();
        let map = invert(&self.map)?;
        let mut bends = Vec::with_capacity(self.bends.len());
        for bend in self.bends.iter().rev() {
            bends.push((invert(&bend.then)?, &bend.deformation));
        }
        fill(source, planes, |first, row: &mut Row<D>| {
            row.start(first, &identity);
            for (before, deformation) in &bends {
                row.map(before);
                deformation.unbend(row);
            }
            row.map(&map);
            row.replace_unknown(NOWHERE);
        })
    }

    fn check_result(&self, shape: [usize; D]) -> Result<()> {
        if shape == self.shape {
            return Ok(());
        }
        Err(medcore::Error::ShapeMismatch {
            expected: self.shape.to_vec(),
            got: shape.to_vec(),
        }
        .into())
    }
}

/// Exchanges two channels; nothing if the image has neither of them.
fn swap_channels<const D: usize>(image: &mut Image<f32, D>, [a, b]: [usize; 2]) -> Result<()> {
    let (first, last) = (a.min(b), a.max(b));
    let (channels, len) = (image.channels(), image.geometry().len());
    if first >= channels || first == last {
        return Ok(());
    }
    if last >= channels {
        return Err(Error::EntryCount {
            transform: "restore_probabilities",
            parameter: "channels",
            expected: last + 1,
            got: channels,
        });
    }
    let (before, rest) = image.as_mut_slice().split_at_mut(last * len);
    before[first * len..][..len].swap_with_slice(&mut rest[..len]);
    Ok(())
}

fn invert<const D: usize>(map: &IndexMap<D>) -> Result<IndexMap<D>> {
    let flat = medcore::Error::InvalidParameter {
        parameter: "warp",
        rule: "a map that flattens nothing",
        value: 0.0,
    };
    Ok(map.inverse().ok_or(flat)?)
}
