//! Two images on one grid.

use medcore::{GeometryTolerance, Image};
use rayon::prelude::*;

use super::difference::Differences;
use super::information::{self, NmiRule};
use super::multiscale::{self, MsSsimConfig};
use super::ssim::{self, SsimConfig};
use crate::error::{Error, Result};
use crate::estimate::Estimate;

/// A reference and an image on the same grid, and the voxels that count.
///
/// ```
/// use medcore::{Geometry, Image};
/// use medmetrics::quality::{ImagePair, SsimConfig};
///
/// let grid = Geometry::<2>::axis_aligned([16, 20], [1.0, 1.0])?;
/// let scan: Vec<f32> = (0..320).map(|i| (i % 37) as f32).collect();
/// let noisy: Vec<f32> = scan.iter().enumerate().map(|(i, v)| v + (i % 3) as f32).collect();
/// let (scan, noisy) = (Image::new(grid, scan)?, Image::new(grid, noisy)?);
/// let pair = ImagePair::new(&scan, &noisy)?;
/// let errors = pair.differences();
/// assert!((errors.mean_absolute().value.unwrap_or(0.0) - 319.0 / 320.0).abs() < 1e-12);
/// let psnr = errors.psnr(36.0)?.value;
/// assert!((psnr.unwrap_or(0.0) - 28.9).abs() < 0.1);
/// let ssim = pair.ssim(36.0, &SsimConfig::default())?.value;
/// assert!((0.9..1.0).contains(&ssim.unwrap_or(0.0)));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ImagePair<'a, T, const D: usize> {
    reference: &'a Image<T, D>,
    image: &'a Image<T, D>,
    mask: Option<&'a [bool]>,
}

impl<'a, T: Copy + Into<f64> + Sync, const D: usize> ImagePair<'a, T, D> {
    /// Two images of the same grid and number of channels.
    ///
    /// # Errors
    /// Refuses grids and channels that differ, and intensities that are not finite.
    pub fn new(reference: &'a Image<T, D>, image: &'a Image<T, D>) -> Result<Self> {
        let tolerance = GeometryTolerance::default();
        { reference.geometry() }.check_same_as(image.geometry(), &tolerance)?;
        if reference.channels() != image.channels() {
            return Err(Error::Length {
                what: "the image's list of channels",
                got: image.channels(),
                against: "the reference",
                expected: reference.channels(),
            });
        }
        for (what, voxels) in [("reference", reference), ("image", image)] {
            if let Some(index) = first_not_finite(voxels.as_slice()) {
                return Err(Error::InvalidValue {
                    what,
                    rule: "a finite number",
                    index,
                    value: voxels.as_slice()[index].into(),
                });
            }
        }
        Ok(Self {
            reference,
            image,
            mask: None,
        })
    }

    /// The same with only the voxels of a mask counted, in every channel.
    ///
    /// # Errors
    /// Refuses a mask that has not one entry a voxel.
    pub fn with_mask(self, mask: &'a [bool]) -> Result<Self> {
        let expected = self.reference.geometry().len();
        if mask.len() != expected {
            return Err(Error::Length {
                what: "the mask",
                got: mask.len(),
                against: "the grid",
                expected,
            });
        }
        Ok(Self {
            mask: Some(mask),
            ..self
        })
    }

    /// Absolute and squared errors of the voxels that count.
    #[must_use]
    pub fn differences(&self) -> Differences {
        Differences::of(self)
    }

    /// The structural similarity for intensities that span `data_range`, averaged over voxels and channels;
    /// undefined where a mask leaves no voxel, and where squares of intensities overflow. 1 for equal images.
    ///
    /// # Errors
    /// Refuses a range or settings that are out of range, and images smaller than the window.
    pub fn ssim(&self, data_range: f64, config: &SsimConfig) -> Result<Estimate> {
        ssim::of_pair(self, data_range, config)
    }

    /// The multi-scale structural similarity; undefined where a mask leaves no voxel at some scale, and where
    /// squares of intensities overflow.
    ///
    /// A voxel of a coarser scale is in the mask if all voxels that it is the mean of are.
    ///
    /// # Errors
    /// As [`ImagePair::ssim`], for the coarsest scale.
    pub fn ms_ssim(&self, data_range: f64, config: &MsSsimConfig) -> Result<Estimate> {
        multiscale::of_pair(self, data_range, config)
    }

    /// The normalised mutual information of intensities in `bins` equal bins from least to most; undefined
    /// where both images are constant, and without voxels.
    ///
    /// # Errors
    /// Refuses no bins, and more than 4096.
    pub fn nmi(&self, bins: usize, rule: NmiRule) -> Result<Estimate> {
        information::nmi(self, bins, rule)
    }

    /// The normalised cross-correlation: Pearson's correlation of intensities, -1 to 1; undefined where an
    /// image is constant, and where squares of intensities overflow.
    #[must_use]
    pub fn ncc(&self) -> Estimate {
        information::ncc(self)
    }

    /// The largest less the smallest intensity of the reference, mask or not: one way to state a data range.
    #[must_use]
    pub fn reference_range(&self) -> f64 {
        let voxels = self.reference.as_slice().iter().map(|&voxel| voxel.into());
        let (low, high) = voxels.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        high - low
    }

    /// Shape with depth 1 and height 1 in front of what has fewer axes.
    pub(crate) fn shape(&self) -> [usize; 3] {
        let mut shape = [1; 3];
        for (to, from) in shape
            .iter_mut()
            .rev()
            .zip(self.reference.shape().iter().rev())
        {
            *to = *from;
        }
        shape
    }

    pub(crate) fn mask(&self) -> Option<&'a [bool]> {
        self.mask
    }

    /// Both images' voxels of each channel.
    pub(crate) fn channels(&self) -> impl Iterator<Item = [&'a [T]; 2]> + use<'a, T, D> {
        let (reference, image) = (self.reference, self.image);
        (0..reference.channels()).map(move |c| [reference.channel(c), image.channel(c)])
    }

    /// Folds the voxels that count, in parts that are always the same, and lists what comes of each.
    pub(crate) fn parts<A: Send>(
        &self,
        start: impl Fn() -> A + Sync,
        add: impl Fn(&mut A, f64, f64) + Sync,
    ) -> Vec<A> {
        let mut parts = Vec::new();
        let whole_mask = self.mask;
        for [reference, image] in self.channels() {
            let part = |first: usize, r: &[T], i: &[T]| {
                let mut sum = start();
                let voxels = r.iter().zip(i).map(|(&r, &i)| (r.into(), i.into()));
                match whole_mask {
                    None => voxels.for_each(|(r, i)| add(&mut sum, r, i)),
                    Some(mask) => {
                        let counted = voxels.zip(&mask[first..]).filter(|(_, inside)| **inside);
                        counted.for_each(|((r, i), _)| add(&mut sum, r, i));
                    }
                }
                sum
            };
            let chunks = { reference.par_chunks(PART) }.zip(image.par_chunks(PART));
            parts.par_extend({ chunks.enumerate() }.map(|(n, (r, i))| part(n * PART, r, i)));
        }
        parts
    }
}

/// The first voxel that is infinite or no number.
fn first_not_finite<T: Copy + Into<f64> + Sync>(voxels: &[T]) -> Option<usize> {
    let finite = |all: bool, &voxel: &T| all & voxel.into().is_finite();
    let part =
        { voxels.par_chunks(PART) }.position_first(|part| !part.iter().fold(true, finite))?;
    let first = part * PART;
    let place = { voxels[first..].iter() }.position(|&voxel| !voxel.into().is_finite())?;
    Some(first + place)
}

/// Voxels that are summed one after the other.
const PART: usize = 1 << 14;

/// Refuses a data range that is not positive.
pub(crate) fn check_range(data_range: f64) -> Result<()> {
    if data_range.is_finite() && data_range > 0.0 {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        parameter: "data_range",
        rule: "positive: what intensities can span, such as 255",
        value: data_range,
    })
}
