//! Voxels on a grid: [`Image`] for intensities, [`LabelMap`] for classes.
//!
//! Both are channel-first (a label map has no channels) and contiguous, slowest axis first, so that a
//! NIfTI or ITK file is used as it lies in memory. A label map is a type of its own: nothing can
//! interpolate it linearly.

use ndarray::{ArrayView, ArrayViewMut, Dimension, Ix1, Ix2, Ix3, Ix4};

use crate::buffer::{self, Buffer, Plain};
use crate::error::{Error, Result};
use crate::geometry::{Geometry, checked_len};
use crate::region::Region;

mod sealed {
    pub trait Sealed {}
}

/// Names the spatial rank `D` so that [`Rank`] can tell the array types that belong to it.
#[derive(Debug)]
pub struct Dims<const D: usize>;

/// The ndarray dimensions of an image of some spatial rank; implemented for 1, 2 and 3.
pub trait Rank: sealed::Sealed {
    /// Dimension without the channel axis.
    type Spatial: Dimension;
    /// Dimension with the channel axis in front.
    type WithChannels: Dimension;
}

macro_rules! rank {
    ($($d:literal: $spatial:ty, $channels:ty;)*) => { $(
        impl sealed::Sealed for Dims<$d> {}
        impl Rank for Dims<$d> { type Spatial = $spatial; type WithChannels = $channels; }
    )* };
}
rank!(1: Ix1, Ix2; 2: Ix2, Ix3; 3: Ix3, Ix4;);

/// Channel-first voxels on a [`Geometry`], shape `[channels, depth, height, width]` for D = 3.
///
/// ```
/// use medcore::{Geometry, Image};
///
/// let grid = Geometry::<2>::axis_aligned([2, 3], [1.0, 0.5])?;
/// let image = Image::new(grid, vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(image.view()[[0, 1, 2]], 6.0);
/// # Ok::<(), medcore::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Image<T, const D: usize> {
    channels: usize,
    geometry: Geometry<D>,
    voxels: Buffer<T>,
}

impl<T, const D: usize> Image<T, D> {
    /// An image of one channel.
    ///
    /// # Errors
    /// Refuses a number of voxels other than the grid's.
    pub fn new(geometry: Geometry<D>, voxels: impl Into<Buffer<T>>) -> Result<Self> {
        Self::with_channels(1, geometry, voxels)
    }

    /// An image of several channels, one after the other.
    ///
    /// # Errors
    /// Refuses zero channels and a number of voxels other than channels times the grid's.
    pub fn with_channels(
        channels: usize,
        geometry: Geometry<D>,
        voxels: impl Into<Buffer<T>>,
    ) -> Result<Self> {
        let voxels = voxels.into();
        check_count(channels, &geometry, voxels.len())?;
        Ok(Self {
            channels,
            geometry,
            voxels,
        })
    }

    /// Number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Where the voxels are.
    #[must_use]
    pub fn geometry(&self) -> &Geometry<D> {
        &self.geometry
    }

    /// Spatial shape, slowest axis first.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        self.geometry.shape()
    }

    /// All voxels, channel after channel, last axis fastest.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.voxels
    }

    /// The voxels of one channel.
    ///
    /// # Panics
    /// If there is no such channel.
    #[must_use]
    pub fn channel(&self, channel: usize) -> &[T] {
        let len = self.geometry.len();
        &self.voxels[channel * len..(channel + 1) * len]
    }

    /// The same voxels at another place.
    ///
    /// # Errors
    /// Refuses a grid of another shape.
    pub fn with_geometry(self, geometry: Geometry<D>) -> Result<Self> {
        if geometry.shape() != self.shape() {
            return Err(Error::ShapeMismatch {
                expected: self.shape().to_vec(),
                got: geometry.shape().to_vec(),
            });
        }
        Ok(Self { geometry, ..self })
    }

    /// A view of shape `[channels, ...spatial]`, without a copy.
    #[must_use]
    pub fn view(&self) -> ArrayView<'_, T, <Dims<D> as Rank>::WithChannels>
    where
        Dims<D>: Rank,
    {
        typed(&with_channel(self.channels, self.shape()), &self.voxels)
    }
}

impl<T: Clone, const D: usize> Image<T, D> {
    /// All voxels for writing; copied first if the buffer is shared or mapped.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        self.voxels.make_mut()
    }

    /// A view for writing of shape `[channels, ...spatial]`.
    pub fn view_mut(&mut self) -> ArrayViewMut<'_, T, <Dims<D> as Rank>::WithChannels>
    where
        Dims<D>: Rank,
    {
        typed_mut(
            &with_channel(self.channels, self.geometry.shape()),
            self.voxels.make_mut(),
        )
    }

    /// An image from an array of shape `[channels, ...spatial]` in any memory order.
    ///
    /// # Errors
    /// Refuses an array whose spatial shape is not the grid's.
    pub fn from_view(
        geometry: Geometry<D>,
        array: ArrayView<'_, T, <Dims<D> as Rank>::WithChannels>,
    ) -> Result<Self>
    where
        Dims<D>: Rank,
    {
        if array.shape()[1..] != geometry.shape() {
            return Err(Error::ShapeMismatch {
                expected: geometry.shape().to_vec(),
                got: array.shape()[1..].to_vec(),
            });
        }
        Self::with_channels(
            array.shape()[0],
            geometry,
            array.iter().cloned().collect::<Vec<_>>(),
        )
    }

    /// The voxels as a vector, copied only if they are shared or mapped.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.voxels.into_vec()
    }

    /// The same image with clones that cost nothing.
    #[must_use]
    pub fn into_shared(self) -> Self {
        Self {
            voxels: self.voxels.into_shared(),
            ..self
        }
    }
}

impl<T: Copy, const D: usize> Image<T, D> {
    /// The image with every voxel changed by `f`.
    #[must_use]
    pub fn map<U>(&self, f: impl Fn(T) -> U) -> Image<U, D> {
        let voxels: Vec<U> = self.voxels.iter().map(|&v| f(v)).collect();
        Image {
            channels: self.channels,
            geometry: self.geometry,
            voxels: voxels.into(),
        }
    }

    /// The part of the image inside `region`, in its place.
    ///
    /// # Errors
    /// Refuses a region that reaches outside.
    pub fn crop(&self, region: &Region<D>) -> Result<Self> {
        let geometry = self.geometry.crop(region)?;
        let mut voxels = buffer::reserve(self.channels * geometry.len(), "cropped image")?;
        for channel in 0..self.channels {
            copy_region(self.channel(channel), self.shape(), region, &mut voxels);
        }
        Self::with_channels(self.channels, geometry, voxels)
    }

    /// The image with a border of `value`, `before[a]` voxels in front of axis `a` and `after[a]` behind.
    ///
    /// # Errors
    /// Refuses a shape too large to address.
    pub fn pad(&self, before: [usize; D], after: [usize; D], value: T) -> Result<Self> {
        let geometry = self.geometry.pad(before, after)?;
        let mut voxels = buffer::reserve(self.channels * geometry.len(), "padded image")?;
        for channel in 0..self.channels {
            let start = voxels.len();
            voxels.resize(start + geometry.len(), value);
            let out = &mut voxels[start..];
            paste(
                self.channel(channel),
                self.shape(),
                out,
                geometry.shape(),
                before,
            );
        }
        Self::with_channels(self.channels, geometry, voxels)
    }
}

impl<T: Plain, const D: usize> Image<T, D> {
    /// An image of zeros.
    ///
    /// # Errors
    /// Refuses shapes too large to address or to allocate.
    pub fn zeros(channels: usize, geometry: Geometry<D>) -> Result<Self> {
        let count = checked_len(&with_channel(channels, geometry.shape())).ok_or_else(|| {
            Error::InvalidShape {
                channels,
                shape: geometry.shape().to_vec(),
            }
        })?;
        Self::with_channels(channels, geometry, buffer::zeroed::<T>(count, "image")?)
    }
}

/// An unsigned integer that names a class.
pub trait Label:
    sealed::Sealed + Plain + Eq + Ord + std::hash::Hash + std::fmt::Debug + Into<u32>
{
    /// The largest class it can name.
    const MAX_CLASS: u32;

    /// The label of a class number, `None` when it does not fit.
    fn from_class(class: u32) -> Option<Self>;
}

macro_rules! label {
    ($($t:ty),*) => { $(
        impl sealed::Sealed for $t {}
        impl Label for $t {
            const MAX_CLASS: u32 = <$t>::MAX as u32;
            fn from_class(class: u32) -> Option<Self> { Self::try_from(class).ok() }
        }
    )* };
}
label!(u8, u16, u32);

/// A class for every voxel of a [`Geometry`]; zero is background by custom.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelMap<L, const D: usize>(Image<L, D>);

impl<L: Label, const D: usize> LabelMap<L, D> {
    /// A label map from one class a voxel.
    ///
    /// # Errors
    /// Refuses a number of voxels other than the grid's.
    pub fn new(geometry: Geometry<D>, labels: impl Into<Buffer<L>>) -> Result<Self> {
        Ok(Self(Image::new(geometry, labels)?))
    }

    /// A map of background.
    ///
    /// # Errors
    /// Refuses shapes too large to allocate.
    pub fn background(geometry: Geometry<D>) -> Result<Self> {
        Ok(Self(Image::zeros(1, geometry)?))
    }

    /// Where the voxels are.
    #[must_use]
    pub fn geometry(&self) -> &Geometry<D> {
        self.0.geometry()
    }

    /// Spatial shape, slowest axis first.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        self.0.shape()
    }

    /// All labels, last axis fastest.
    #[must_use]
    pub fn as_slice(&self) -> &[L] {
        self.0.as_slice()
    }

    /// All labels for writing.
    pub fn as_mut_slice(&mut self) -> &mut [L] {
        self.0.as_mut_slice()
    }

    /// The labels as a vector, copied only if they are shared or mapped.
    #[must_use]
    pub fn into_vec(self) -> Vec<L> {
        self.0.into_vec()
    }

    /// The same map with clones that cost nothing.
    #[must_use]
    pub fn into_shared(self) -> Self {
        Self(self.0.into_shared())
    }

    /// The same labels at another place.
    ///
    /// # Errors
    /// Refuses a grid of another shape.
    pub fn with_geometry(self, geometry: Geometry<D>) -> Result<Self> {
        Ok(Self(self.0.with_geometry(geometry)?))
    }

    /// A view of the spatial shape, without a copy.
    #[must_use]
    pub fn view(&self) -> ArrayView<'_, L, <Dims<D> as Rank>::Spatial>
    where
        Dims<D>: Rank,
    {
        typed(&self.shape(), self.as_slice())
    }

    /// The part of the map inside `region`, in its place.
    ///
    /// # Errors
    /// Refuses a region that reaches outside.
    pub fn crop(&self, region: &Region<D>) -> Result<Self> {
        Ok(Self(self.0.crop(region)?))
    }

    /// The map with a border of `label`.
    ///
    /// # Errors
    /// Refuses a shape too large to address.
    pub fn pad(&self, before: [usize; D], after: [usize; D], label: L) -> Result<Self> {
        Ok(Self(self.0.pad(before, after, label)?))
    }

    /// The map with every label changed by `f`, for instance to merge classes.
    #[must_use]
    pub fn map<M: Label>(&self, f: impl Fn(L) -> M) -> LabelMap<M, D> {
        LabelMap(self.0.map(f))
    }

    /// Voxels of each class, `counts[class]`, up to the largest class present.
    #[must_use]
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = Vec::new();
        for &label in self.as_slice() {
            let class = label.into() as usize;
            if class >= counts.len() {
                counts.resize(class + 1, 0);
            }
            counts[class] += 1;
        }
        counts
    }
}

fn with_channel<const D: usize>(channels: usize, shape: [usize; D]) -> Vec<usize> {
    std::iter::once(channels).chain(shape).collect()
}

fn check_count<const D: usize>(channels: usize, geometry: &Geometry<D>, got: usize) -> Result<()> {
    let shape = geometry.shape();
    let expected = checked_len(&with_channel(channels, shape)).filter(|_| channels > 0);
    match expected {
        None => Err(Error::InvalidShape {
            channels,
            shape: shape.to_vec(),
        }),
        Some(expected) if expected != got => Err(Error::VoxelCount {
            channels,
            shape: shape.to_vec(),
            expected,
            got,
        }),
        Some(_) => Ok(()),
    }
}

fn typed<'a, T, R: Dimension>(shape: &[usize], voxels: &'a [T]) -> ArrayView<'a, T, R> {
    ArrayView::from_shape(shape, voxels)
        .and_then(ndarray::ArrayBase::into_dimensionality)
        .expect("the constructor checked the number of voxels")
}

fn typed_mut<'a, T, R: Dimension>(shape: &[usize], voxels: &'a mut [T]) -> ArrayViewMut<'a, T, R> {
    ArrayViewMut::from_shape(shape, voxels)
        .and_then(ndarray::ArrayBase::into_dimensionality)
        .expect("the constructor checked the number of voxels")
}

/// Calls `row(first_index)` for the first voxel of every row (last axis) of `shape`.
pub(crate) fn for_each_row<const D: usize>(shape: [usize; D], mut row: impl FnMut([usize; D])) {
    let rows: usize = shape[..D - 1].iter().product();
    let mut index = [0; D];
    for _ in 0..rows {
        row(index);
        for axis in (0..D - 1).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

/// Position of `index` in a contiguous array of `shape`.
pub(crate) fn linear_index<const D: usize>(shape: [usize; D], index: [usize; D]) -> usize {
    (0..D).fold(0, |position, axis| position * shape[axis] + index[axis])
}

fn copy_region<T: Copy, const D: usize>(
    source: &[T],
    shape: [usize; D],
    region: &Region<D>,
    out: &mut Vec<T>,
) {
    let width = region.shape()[D - 1];
    for_each_row(region.shape(), |row| {
        let index = std::array::from_fn(|a| row[a] + region.start()[a]);
        let at = linear_index(shape, index);
        out.extend_from_slice(&source[at..at + width]);
    });
}

fn paste<T: Copy, const D: usize>(
    source: &[T],
    shape: [usize; D],
    out: &mut [T],
    out_shape: [usize; D],
    at: [usize; D],
) {
    let width = shape[D - 1];
    for_each_row(shape, |row| {
        let from = linear_index(shape, row);
        let to = linear_index(out_shape, std::array::from_fn(|a| row[a] + at[a]));
        out[to..to + width].copy_from_slice(&source[from..from + width]);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Image<i32, 3> {
        let grid = Geometry::axis_aligned([3, 4, 5], [3.0, 2.0, 1.0]).unwrap();
        Image::with_channels(2, grid, (0..120).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_crop_is_the_same_as_a_slice_of_the_view() {
        let image = ramp();
        let part = image
            .crop(&Region::new([1, 0, 2], [3, 3, 4]).unwrap())
            .unwrap();
        assert_eq!(
            part.view(),
            image.view().slice(ndarray::s![.., 1..3, 0..3, 2..4])
        );
        assert_eq!(part.geometry().origin().coordinates(), [2.0, 0.0, 3.0]);
    }

    #[test]
    fn cropping_a_padded_image_gives_it_back() {
        let image = ramp();
        let padded = image.pad([1, 0, 2], [0, 3, 1], -7).unwrap();
        assert_eq!(padded.shape(), [4, 7, 8]);
        assert_eq!(padded.as_slice()[0], -7);
        assert_eq!(
            padded
                .crop(&Region::new([1, 0, 2], [4, 4, 7]).unwrap())
                .unwrap(),
            image
        );
    }

    #[test]
    fn a_wrong_number_of_voxels_is_refused_with_both_numbers() {
        let grid = Geometry::<2>::axis_aligned([2, 3], [1.0; 2]).unwrap();
        let error = Image::new(grid, vec![0u8; 5]).unwrap_err();
        assert!(matches!(
            error,
            Error::VoxelCount {
                expected: 6,
                got: 5,
                ..
            }
        ));
        assert!(Image::with_channels(0, grid, Vec::<u8>::new()).is_err());
    }

    #[test]
    fn a_transposed_array_comes_in_in_the_right_order() {
        let image = ramp();
        let turned = image.view().permuted_axes([0, 3, 1, 2]);
        let grid = Geometry::axis_aligned([5, 3, 4], [1.0; 3]).unwrap();
        let copy = Image::from_view(grid, turned).unwrap();
        assert_eq!(copy.view()[[1, 4, 2, 3]], image.view()[[1, 2, 3, 4]]);
    }

    #[test]
    fn labels_are_counted_by_class() {
        let grid = Geometry::<2>::axis_aligned([2, 3], [1.0; 2]).unwrap();
        let labels = LabelMap::new(grid, vec![0u8, 2, 2, 0, 5, 2]).unwrap();
        assert_eq!(labels.counts(), [2, 0, 3, 0, 0, 1]);
    }
}
