//! From a scan to what a network reads: orientation, crop, spacing, intensities, padding.
//!
//! The steps are always the same; their order is not, and changes the numbers. It is named after who uses it:
//! nnU-Net crops, normalises and then resamples; MONAI's usual chain resamples, normalises and then crops.

mod fingerprint;
mod foreground;
mod grid;
mod trace;

use medcore::orientation::Reorientation;
use medcore::resample::{Interpolation, LabelInterpolation, Voxel};
use medcore::{Geometry, GeometryTolerance, Image, LabelMap, Orientation, Region, buffer};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use fingerprint::{CaseFingerprint, Fingerprint, IntensityStatistics, Modality};
pub(crate) use foreground::bounds;
pub use foreground::{Foreground, ForegroundRule, foreground_region};
pub use grid::GridRule;
pub use trace::Trace;

use crate::error::{Error, Result, check};
use crate::intensity::{Intensity, normalise};
use crate::sample::Sample;

/// In which order the steps are taken; orientation comes first and padding last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreprocessOrder {
    /// Crop, intensities, spacing.
    #[default]
    NnUnet,
    /// Spacing, intensities, crop.
    Monai,
}

/// What distance slices have after a change of spacing; slices follow each other along the first axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceDistance {
    /// That of the new spacing.
    #[default]
    Target,
    /// That of the scan: networks for slices see slices as they were taken.
    Own,
}

impl SliceDistance {
    fn is_target(&self) -> bool {
        *self == Self::Target
    }
}

/// A border that brings the grid to a size the network accepts, half of it (rounded down) in front.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Padding {
    /// Fewest voxels along each axis.
    pub minimum: [usize; 3],
    /// The number of voxels along each axis is a multiple of this.
    pub divisible: [usize; 3],
    /// Intensity of the border, after normalisation.
    pub value: f32,
    /// Class of the border.
    pub label: u8,
}

impl Default for Padding {
    /// None.
    fn default() -> Self {
        Self {
            minimum: [1; 3],
            divisible: [1; 3],
            value: 0.0,
            label: 0,
        }
    }
}

/// What is done to every scan, in training and in use; axes in storage order after orientation.
///
/// ```
/// use medaug::{Intensity, Preprocess};
/// use medcore::{Geometry, Image, LabelMap};
///
/// let scan = Image::<i16, 3>::zeros(1, Geometry::axis_aligned([30, 64, 64], [5.0, 0.8, 0.8])?)?;
/// let preprocess = Preprocess {
///     orientation: Some("RAS".parse()?),
///     spacing: Some([2.5, 1.6, 1.6]),
///     intensity: vec![Intensity::Window { low: -160.0, high: 240.0 }],
///     ..Preprocess::monai()
/// };
/// let ready = preprocess.apply(&scan, None)?;
/// assert_eq!(ready.image.shape(), [59, 32, 32]);
///
/// let prediction = LabelMap::<u8, 3>::background(*ready.image.geometry())?;
/// let labels = ready.trace.invert_labels(&prediction)?;
/// assert_eq!(labels.geometry(), scan.geometry());
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocess {
    /// Order of the steps.
    pub order: PreprocessOrder,
    /// Where the axes run to; `None` keeps the scan's own.
    pub orientation: Option<Orientation>,
    /// Which axis of the oriented scan comes first, second and third (nnU-Net's `transpose_forward`); `None` keeps their
    /// order. All other settings are of the axes in this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transpose: Option<[usize; 3]>,
    /// Crop to what is not background.
    pub foreground: Option<Foreground>,
    /// Millimetres between voxels; `None` keeps the scan's own.
    pub spacing: Option<[f64; 3]>,
    /// Whether scans keep their own distance of slices, whatever `spacing` says of the first axis (nnU-Net in 2D).
    #[serde(skip_serializing_if = "SliceDistance::is_target")]
    pub slice_distance: SliceDistance,
    /// How many voxels the new spacing gives, and where they lie.
    pub grid: GridRule,
    /// Between the voxels of the image.
    pub interpolation: Interpolation,
    /// Between the voxels of the labels.
    pub label_interpolation: LabelInterpolation,
    /// Scans whose spacing (or else target spacing) is more anisotropic than this take the nearest slice
    /// along their coarsest axis (nnU-Net: 3).
    pub nearest_slice_above: Option<f64>,
    /// One scheme for all channels, or one for each.
    pub intensity: Vec<Intensity>,
    /// Border.
    pub padding: Padding,
}

impl Default for Preprocess {
    /// Changes nothing but the type of the voxels.
    fn default() -> Self {
        Self {
            order: PreprocessOrder::NnUnet,
            orientation: None,
            transpose: None,
            foreground: None,
            spacing: None,
            slice_distance: SliceDistance::Target,
            grid: GridRule::FieldOfView,
            interpolation: Interpolation::Linear,
            label_interpolation: LabelInterpolation::Nearest,
            nearest_slice_above: None,
            intensity: vec![Intensity::Keep],
            padding: Padding::default(),
        }
    }
}

/// A scan as a network reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocessed {
    /// Intensities, `[channels, depth, height, width]`.
    pub image: Image<f32, 3>,
    /// Labels on the same grid.
    pub labels: Option<LabelMap<u8, 3>>,
    /// The way back.
    pub trace: Trace,
}

impl Preprocessed {
    /// Image and labels for training.
    ///
    /// # Errors
    /// None in practice: both lie on one grid.
    pub fn into_sample(self) -> Result<Sample<3>> {
        match self.labels {
            Some(labels) => Sample::with_labels(self.image, labels),
            None => Ok(Sample::new(self.image)),
        }
    }
}

impl Preprocess {
    /// nnU-Net's order, grid and interpolation: crop to what is not zero, cubic in the image, linear by class
    /// in the labels, nearest slices where spacing is anisotropic. Spacing and intensities are to be set.
    #[must_use]
    pub fn nnunet() -> Self {
        Self {
            order: PreprocessOrder::NnUnet,
            foreground: Some(Foreground {
                rule: ForegroundRule::NonZero,
                margin: [0; 3],
            }),
            grid: GridRule::NnUnet,
            interpolation: Interpolation::CubicBSpline,
            label_interpolation: LabelInterpolation::Linear,
            nearest_slice_above: Some(3.0),
            ..Self::default()
        }
    }

    /// The order and grid of MONAI's usual chain (`Orientation` to RAS, `Spacing`, `ScaleIntensityRange`),
    /// linear in the image, nearest in the labels. Spacing and intensities are to be set.
    #[must_use]
    pub fn monai() -> Self {
        Self {
            order: PreprocessOrder::Monai,
            orientation: Some(Orientation::RAS),
            grid: GridRule::Monai,
            ..Self::default()
        }
    }

    /// Checks the parameters that no type can.
    ///
    /// # Errors
    /// Names the first parameter that breaks its rule.
    pub fn check(&self) -> Result<()> {
        const NAME: &str = "Preprocess";
        for spacing in self.spacing.iter().flatten() {
            check(NAME, "spacing", *spacing, "positive and finite", |v| {
                v.is_finite() && v > 0.0
            })?;
        }
        let mut axes = self.transpose.unwrap_or([0, 1, 2]);
        axes.sort_unstable();
        if let Some(axis) = (0..3).find(|&axis| axes[axis] != axis) {
            let rule = "an order of the axes 0, 1 and 2";
            check(NAME, "transpose", axes[axis] as f64, rule, |_| false)?;
        }
        for &voxels in self.padding.minimum.iter().chain(&self.padding.divisible) {
            check(
                NAME,
                "padding",
                voxels as f64,
                "at least 1 and below 2^31",
                |v| (1.0..2_147_483_648.0).contains(&v),
            )?;
        }
        if let Some(limit) = self.nearest_slice_above {
            check(NAME, "nearest_slice_above", limit, "at least 1", |v| {
                v >= 1.0
            })?;
        }
        self.intensity.iter().try_for_each(Intensity::check)
    }

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
                let part_labels = labels
                    .map(|labels| {
                        labels
                            .crop(&kept)
                            .and_then(|l| l.with_geometry(*part.geometry()))
                    })
                    .transpose()?;
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
        let (image, labels) = self.pad(image, labels)?;
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

    fn pad(
        &self,
        image: Image<f32, 3>,
        labels: Option<LabelMap<u8, 3>>,
    ) -> Result<(Image<f32, 3>, Option<LabelMap<u8, 3>>)> {
        let Padding {
            minimum,
            divisible,
            value,
            label,
        } = self.padding;
        let shape = image.shape();
        let missing: [usize; 3] = std::array::from_fn(|a| {
            shape[a].max(minimum[a]).next_multiple_of(divisible[a]) - shape[a]
        });
        if missing == [0; 3] {
            return Ok((image, labels));
        }
        let before = missing.map(|n| n / 2);
        let after = std::array::from_fn(|a| missing[a] - before[a]);
        let labels = labels
            .map(|labels| labels.pad(before, after, label))
            .transpose()?;
        Ok((image.pad(before, after, value)?, labels))
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
