//! Fewer voxels, each the mean of those it covers.

use medcore::resample::{Interpolation, LabelInterpolation};
use medcore::{Geometry, Image, buffer};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::shape::stretched;
use super::{ResizeTo, inside, labels};
use crate::error::Result;
use crate::operation::SampleOperation;
use crate::sample::{Layer, Sample};
use crate::warp::Warp;

/// Gives an image another number of voxels, each the mean of all voxels that it touches (MONAI `Resize` in
/// its default mode `area`, PyTorch `adaptive_avg_pool`).
///
/// Made smaller, an image loses its noise instead of every other voxel. Labels are read as by
/// [`Resize`](super::Resize). A NaN spreads to every voxel that touches it.
///
/// ```
/// use medaug::{Operation, ResizeArea, ResizeTo, Sample};
/// use medcore::{Geometry, Image};
///
/// let ramp = vec![0.0, 5.0, 10.0, 15.0, 20.0];
/// let sample = Sample::new(Image::new(Geometry::axis_aligned([1, 5], [1.0; 2])?, ramp)?);
/// let resize = ResizeArea::new(ResizeTo::Shape(vec![1, 3]));
/// let coarse = Operation::from(resize).apply_to(sample)?;
/// assert_eq!(coarse.image().as_slice(), [2.5, 10.0, 17.5]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResizeArea {
    /// How many voxels it gets.
    pub to: ResizeTo,
    /// Between voxels of labels.
    #[serde(default = "labels")]
    pub labels: LabelInterpolation,
}

impl ResizeArea {
    /// Linear interpolation of labels.
    #[must_use]
    pub fn new(to: ResizeTo) -> Self {
        Self {
            to,
            labels: labels(),
        }
    }

    fn stretch<const D: usize>(&self, shape: [usize; D]) -> Result<Warp<D>> {
        let to = self.to.of("ResizeArea", shape)?;
        let reading = inside(Interpolation::Nearest, self.labels);
        Ok(stretched(shape, to, reading))
    }
}

impl<const D: usize> SampleOperation<D> for ResizeArea {
    fn check(&self) -> Result<()> {
        self.to.check("ResizeArea", D)
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let warp = self.stretch(sample.shape())?;
        if warp.is_identity(sample.shape()) {
            return Ok(sample);
        }
        with_images(&sample, warp.apply(&sample)?, |image, grid| {
            along_axes_of(image, grid, average)
        })
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Option<Warp<D>>> {
        self.stretch(grid.shape()).map(Some)
    }
}

/// The moved sample with images that are made of those before the move.
pub(super) fn with_images<const D: usize>(
    before: &Sample<D>,
    moved: Sample<D>,
    make: impl Fn(&Image<f32, D>, Geometry<D>) -> Result<Image<f32, D>>,
) -> Result<Sample<D>> {
    let grid = *moved.geometry();
    let mut moved = moved.with_image(make(before.image(), grid)?)?;
    for (name, layer) in before.layers() {
        if let Layer::Image(image) = layer {
            moved = moved.with_layer(name.clone(), Layer::Image(make(image, grid)?))?;
        }
    }
    Ok(moved)
}

/// The image on a grid over the same field of view, one axis after the other: `resize` gets the voxels, zeros for those
/// to be made, the voxels of a plane across the axis, and how many planes there are before and behind.
pub(super) fn along_axes_of<const D: usize>(
    image: &Image<f32, D>,
    grid: Geometry<D>,
    resize: impl Fn(&[f32], &mut [f32], [usize; 3]),
) -> Result<Image<f32, D>> {
    let mut shape = image.shape();
    let mut voxels: Option<Vec<f32>> = None;
    // The axis that loses most comes first: the rest has less to do.
    let mut order: [usize; D] = std::array::from_fn(|axis| axis);
    let share = |axis: usize| grid.shape()[axis] as f64 / image.shape()[axis] as f64;
    order.sort_by(|&a, &b| share(a).total_cmp(&share(b)));
    for axis in order {
        let (from, to) = (shape[axis], grid.shape()[axis]);
        if from == to {
            continue;
        }
        let inner: usize = shape[axis + 1..].iter().product();
        shape[axis] = to;
        let len = image.channels() * shape.iter().product::<usize>();
        let mut out = buffer::zeroed::<f32>(len, "resized image")?;
        let source = voxels.as_deref().unwrap_or(image.as_slice());
        resize(source, &mut out, [inner, from, to]);
        voxels = Some(out);
    }
    let voxels = voxels.unwrap_or_else(|| image.as_slice().to_vec());
    Ok(Image::with_channels(image.channels(), grid, voxels)?)
}

/// Averages along one axis of `from` planes of `inner` voxels.
fn average(source: &[f32], out: &mut [f32], [inner, from, to]: [usize; 3]) {
    let covered = |i: usize| i * from / to..((i + 1) * from).div_ceil(to);
    let blocks = out
        .par_chunks_mut(to * inner)
        .zip(source.par_chunks(from * inner));
    blocks.for_each(|(out, source)| {
        if inner == 1 {
            for (i, out) in out.iter_mut().enumerate() {
                let covered = covered(i);
                let count = covered.len() as f32;
                *out = source[covered].iter().sum::<f32>() / count;
            }
            return;
        }
        out.par_chunks_mut(inner).enumerate().for_each(|(i, out)| {
            let covered = covered(i);
            let count = covered.len() as f32;
            for plane in covered {
                for (sum, &v) in out.iter_mut().zip(&source[plane * inner..][..inner]) {
                    *sum += v;
                }
            }
            for sum in out {
                *sum /= count;
            }
        });
    });
}
