//! The steps, one after the other.

use medcore::orientation::Reorientation;
use medcore::resample::Voxel;
use medcore::{Geometry, GeometryTolerance, Image, LabelMap, Orientation, Region, buffer};
use rayon::prelude::*;

use super::{Preprocess, PreprocessOrder, Preprocessed, SliceDistance, Trace};
use super::{foreground_region, grid, mask};
use crate::error::{Error, Result};
use crate::intensity::{body, normalise};

impl Preprocess {
    /// Preprocesses a scan, and its labels if there are any.
    ///
    /// An image without foreground is not cropped. A new spacing that would leave the grid as it is (same
    /// shape, and spacing within 1 in 1000) is not resampled to.
    ///
    /// # Errors
    /// Refuses labels on another grid, a number of schemes that is not one or that of the channels, broken
    /// parameters, and an image with a voxel that is not finite, by its channel.
    pub fn apply<T: Voxel>(
        &self,
        image: &Image<T, 3>,
        labels: Option<&LabelMap<u8, 3>>,
    ) -> Result<Preprocessed> {
        self.check()?;
        let original = *image.geometry();
        if let Some(labels) = labels {
            original
                .check_same_as(labels.geometry(), &GeometryTolerance::default())
                .map_err(medcore::Error::from)?;
        }
        let orientation = self.orientation_of(&original)?;
        let turn = orientation
            .map(|orientation| Reorientation::new(&original, orientation))
            .filter(|turn| !turn.is_identity());
        let turned = turn.map(|turn| reoriented(image, turn)).transpose()?;
        let turned_labels = match (turn, labels) {
            (Some(turn), Some(labels)) => {
                let geometry = turn.geometry(&original)?;
                let mut voxels = buffer::zeroed(geometry.len(), "reoriented labels")?;
                turn.apply_slice(labels.as_slice(), original.shape(), &mut voxels)?;
                Some(LabelMap::new(geometry, voxels)?)
            }
            _ => None,
        };
        let image = turned.as_ref().unwrap_or(image);
        let labels = turned_labels.as_ref().or(labels);
        let oriented = *image.geometry();
        let (image, labels, kept) = match self.order {
            PreprocessOrder::NnUnet => {
                let kept = self.crop_region(image)?;
                let mut part = to_f32(image, &kept)?;
                drop(turned);
                let mut part_labels = labels
                    .map(|labels| {
                        labels
                            .crop(&kept)
                            .and_then(|l| l.with_geometry(*part.geometry()))
                    })
                    .transpose()?;
                if let (Some(class), Some(labels)) = (self.outside_class, &mut part_labels) {
                    mask::label_outside(labels, &body(&part)?, class);
                }
                normalise(&mut part, &self.intensity)?;
                let (image, labels) = self.resample(part, part_labels)?;
                (image, labels, kept)
            }
            PreprocessOrder::Monai => {
                let whole = Region::whole(oriented.shape())?;
                let part = to_f32(image, &whole)?;
                drop(turned);
                let labels = labels
                    .map(|labels| labels.clone().with_geometry(oriented))
                    .transpose()?;
                let (mut image, labels) = self.resample(part, labels)?;
                normalise(&mut image, &self.intensity)?;
                let region = self.crop_region(&image)?;
                if region == Region::whole(image.shape())? {
                    (image, labels, whole)
                } else {
                    let kept = grid::seen_by(&oriented, image.geometry(), &region)?;
                    let labels = labels.map(|labels| labels.crop(&region)).transpose()?;
                    (image.crop(&region)?, labels, kept)
                }
            }
        };
        let (image, labels) = self.padding.apply(image, labels)?;
        let trace = Trace::new(original, orientation, kept, *image.geometry())?;
        Ok(Preprocessed {
            image,
            labels,
            trace,
        })
    }

    /// Where the axes of a scan run to after they were turned and transposed; `None` if they stay.
    fn orientation_of(&self, scan: &Geometry<3>) -> Result<Option<Orientation>> {
        let Some(order) = self.transpose else {
            return Ok(self.orientation);
        };
        let turned = self.orientation;
        let directions = turned
            .unwrap_or_else(|| Orientation::closest_to(scan))
            .directions();
        Ok(Some(Orientation::new(order.map(|axis| directions[axis]))?))
    }

    fn crop_region<T: Voxel>(&self, image: &Image<T, 3>) -> Result<Region<3>> {
        let whole = Region::whole(image.shape())?;
        Ok(self
            .foreground
            .and_then(|foreground| foreground_region(image, &foreground))
            .unwrap_or(whole))
    }

    fn resample(
        &self,
        image: Image<f32, 3>,
        labels: Option<LabelMap<u8, 3>>,
    ) -> Result<(Image<f32, 3>, Option<LabelMap<u8, 3>>)> {
        let source = *image.geometry();
        let spacing = self.spacing.map(|[slices, rows, columns]| {
            let slices = match self.slice_distance {
                SliceDistance::Target => slices,
                SliceDistance::Own => source.spacing()[0],
            };
            [slices, rows, columns]
        });
        let Some(target) = spacing.and_then(|spacing| self.grid.resampled(&source, spacing)) else {
            return Ok((image, labels));
        };
        let (shape, scale, offset) = target;
        let coarse = self
            .nearest_slice_above
            .zip(spacing)
            .and_then(|(limit, spacing)| {
                grid::coarse_axis(source.spacing(), limit)
                    .or_else(|| grid::coarse_axis(spacing, limit))
            });
        let step = grid::Resampling {
            shape,
            scale,
            offset,
            coarse,
        };
        let labels = labels
            .map(|labels| step.labels(labels, self.label_interpolation))
            .transpose()?;
        Ok((step.image(image, self.interpolation)?, labels))
    }
}

fn reoriented<T: Voxel>(image: &Image<T, 3>, turn: Reorientation) -> Result<Image<T, 3>> {
    let geometry = turn.geometry(image.geometry())?;
    let mut out = Image::zeros(image.channels(), geometry)?;
    let channels = out.as_mut_slice().chunks_exact_mut(geometry.len());
    for (channel, voxels) in channels.enumerate() {
        turn.apply_slice(image.channel(channel), image.shape(), voxels)?;
    }
    Ok(out)
}

/// The part of an image inside `region`, as floating-point numbers, all of them finite: one NaN would spread over
/// every voxel that resampling and the network make of it, and end as background that nobody notices.
fn to_f32<T: Voxel>(image: &Image<T, 3>, region: &Region<3>) -> Result<Image<f32, 3>> {
    let geometry: Geometry<3> = image.geometry().crop(region)?;
    let ([_, height, width], start) = (image.shape(), region.start());
    let [_, rows, columns] = region.shape();
    let mut voxels = buffer::zeroed::<f32>(image.channels() * geometry.len(), "image")?;
    for (channel, out) in voxels.chunks_exact_mut(geometry.len()).enumerate() {
        let source = image.channel(channel);
        let is_finite = out
            .par_chunks_mut(rows * columns)
            .enumerate()
            .map(|(d, slice)| {
                let mut is_finite = true;
                for (h, out) in slice.chunks_exact_mut(columns).enumerate() {
                    let at = ((d + start[0]) * height + h + start[1]) * width + start[2];
                    for (o, v) in out.iter_mut().zip(&source[at..at + columns]) {
                        *o = v.to_f32();
                        is_finite &= o.is_finite();
                    }
                }
                is_finite
            })
            .reduce(|| true, |a, b| a & b);
        if !is_finite {
            return Err(Error::NotFinite { channel });
        }
    }
    Ok(Image::with_channels(image.channels(), geometry, voxels)?)
}
