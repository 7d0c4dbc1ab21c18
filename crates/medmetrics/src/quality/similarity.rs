//! The map of structural similarity, summed row by row.
//!
//! Local means are taken along depth, then height, then width. Only the rows that a window spans are kept,
//! so memory does not grow with the image; each slice of the map is computed by itself and slices are summed
//! in order, so threads change nothing.

use rayon::prelude::*;

use super::ssim::{Covariance, SsimBorder, SsimConfig};
use crate::error::{Error, Result};

/// A window with its constants.
#[derive(Debug)]
pub(crate) struct Kernel {
    weights: Vec<f64>,
    border: SsimBorder,
    /// What makes a window's covariance the one asked for.
    covariance: f64,
    c1: f64,
    c2: f64,
    /// Axes that the window spans, the last ones.
    axes: usize,
}

/// Sums over the map.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Similarity {
    ssim: f64,
    /// Number of voxels.
    pub(crate) n: u64,
    /// The contrast term, where the window is whole.
    contrast: f64,
    whole: u64,
}

impl Similarity {
    pub(crate) fn add(&mut self, other: &Self) {
        self.ssim += other.ssim;
        self.n += other.n;
        self.contrast += other.contrast;
        self.whole += other.whole;
    }

    pub(crate) fn mean_ssim(&self) -> Option<f64> {
        mean(self.ssim, self.n)
    }

    pub(crate) fn mean_contrast(&self) -> Option<f64> {
        mean(self.contrast, self.whole)
    }
}

/// The mean; `None` without voxels, and where squares of intensities are beyond all numbers.
fn mean(sum: f64, n: u64) -> Option<f64> {
    (n > 0 && sum.is_finite()).then(|| sum / n as f64)
}

/// Local sums of a row: of both images, of both squares together, of the product.
type Moments = [Vec<f64>; 4];

impl Kernel {
    pub(crate) fn new(config: &SsimConfig, data_range: f64, axes: usize) -> Result<Self> {
        let weights = config.weights()?;
        let voxels = libm::pow(weights.len() as f64, axes as f64);
        if config.covariance == Covariance::Sample && voxels < 2.0 {
            return Err(Error::InvalidParameter {
                parameter: "size of the SSIM window",
                rule: "at least 3 for a sample covariance",
                value: weights.len() as f64,
            });
        }
        Ok(Self {
            border: config.border,
            covariance: match config.covariance {
                Covariance::Population => 1.0,
                Covariance::Sample => voxels / (voxels - 1.0),
            },
            c1: (config.k1 * data_range).powi(2),
            c2: (config.k2 * data_range).powi(2),
            axes,
            weights,
        })
    }

    /// The map of two images, summed over the voxels of the mask.
    pub(crate) fn similarity<T: Copy + Into<f64> + Sync>(
        &self,
        images: [&[T]; 2],
        shape: [usize; 3],
        mask: Option<&[bool]>,
    ) -> Result<Similarity> {
        let one = [1.0];
        let mut axes: [Axis<'_>; 3] = std::array::from_fn(|a| Axis {
            extent: shape[a],
            weights: &one,
            border: self.border,
        });
        for axis in axes.iter_mut().rev().take(self.axes) {
            axis.weights = &self.weights;
            axis.check()?;
        }
        let field = Field {
            kernel: self,
            images,
            shape,
            mask,
            axes,
        };
        let slices: Vec<Similarity> = { (0..axes[0].count()).into_par_iter() }
            .map(|slice| field.slice(slice))
            .collect();
        let mut sum = Similarity::default();
        slices.iter().for_each(|slice| sum.add(slice));
        Ok(sum)
    }
}

/// An axis of the image and what the window does along it.
#[derive(Debug, Clone, Copy)]
struct Axis<'a> {
    extent: usize,
    weights: &'a [f64],
    border: SsimBorder,
}

impl Axis<'_> {
    fn check(&self) -> Result<()> {
        let least = match self.border {
            SsimBorder::Valid => self.weights.len(),
            SsimBorder::Mirror => self.radius() + 1,
        };
        match self.extent >= least {
            true => Ok(()),
            false => Err(Error::TooFew {
                what: "the window of SSIM",
                of: "voxels along each axis",
                least,
                got: self.extent,
            }),
        }
    }

    fn radius(&self) -> usize {
        self.weights.len() / 2
    }

    /// Places of the window.
    fn count(&self) -> usize {
        match self.border {
            SsimBorder::Valid => self.extent + 1 - self.weights.len(),
            SsimBorder::Mirror => self.extent,
        }
    }

    /// The voxel at the middle of a place of the window.
    fn middle(&self, place: usize) -> usize {
        match self.border {
            SsimBorder::Valid => place + self.radius(),
            SsimBorder::Mirror => place,
        }
    }

    /// The voxel under the window's weight `k`.
    fn voxel(&self, place: usize, k: usize) -> usize {
        match self.border {
            SsimBorder::Valid => place + k,
            SsimBorder::Mirror => {
                let at = (place + k).abs_diff(self.radius());
                at.min(2 * (self.extent - 1) - at.min(2 * (self.extent - 1)))
            }
        }
    }

    /// Whether no weight of the window lies outside.
    fn is_whole(&self, place: usize) -> bool {
        let middle = self.middle(place);
        middle >= self.radius() && middle + self.radius() < self.extent
    }
}

/// All that the map is made of.
struct Field<'a, T> {
    kernel: &'a Kernel,
    images: [&'a [T]; 2],
    shape: [usize; 3],
    mask: Option<&'a [bool]>,
    axes: [Axis<'a>; 3],
}

impl<T: Copy + Into<f64> + Sync> Field<'_, T> {
    /// A slice of the map.
    fn slice(&self, slice: usize) -> Similarity {
        let [deep, high, wide] = &self.axes;
        let [_, height, width] = self.shape;
        let empty = || -> Moments { std::array::from_fn(|_| vec![0.0; width]) };
        // Row h of the image lies in ring[h % window] once it is needed.
        let window = high.weights.len();
        let mut ring: Vec<(usize, Moments)> = (0..window).map(|_| (usize::MAX, empty())).collect();
        let mut down = empty();
        let mut local = empty().map(|row| vec![0.0; row.len().min(wide.count())]);
        let mut padded = Vec::new();
        let mut sum = Similarity::default();
        for row in 0..high.count() {
            for k in 0..window {
                let h = high.voxel(row, k);
                let kept = &mut ring[h % window];
                if kept.0 != h {
                    kept.0 = h;
                    self.through_depth(slice, h, &mut kept.1);
                }
            }
            for (m, down) in down.iter_mut().enumerate() {
                down.fill(0.0);
                for (k, weight) in high.weights.iter().enumerate() {
                    let row = &ring[high.voxel(row, k) % window].1[m];
                    add_weighted(down, row, *weight);
                }
            }
            for (down, local) in down.iter().zip(&mut local) {
                along_width(wide, down, &mut padded, local);
            }
            let first = (deep.middle(slice) * height + high.middle(row)) * width;
            let mask = self.mask.map(|mask| &mask[first..first + width]);
            let whole = deep.is_whole(slice) && high.is_whole(row);
            self.add_row(&local, mask, whole, &mut sum);
        }
        sum
    }

    /// The moments of a row of the image, averaged along depth.
    fn through_depth(&self, slice: usize, h: usize, into: &mut Moments) {
        let [_, height, width] = self.shape;
        let [x_sum, y_sum, squares, products] = into;
        for sum in [&mut *x_sum, y_sum, squares, products] {
            sum.fill(0.0);
        }
        for (k, &weight) in self.axes[0].weights.iter().enumerate() {
            let first = (self.axes[0].voxel(slice, k) * height + h) * width;
            let [x_row, y_row] = self.images.map(|image| &image[first..first + width]);
            let sums = { x_sum.iter_mut().zip(y_sum.iter_mut()) }
                .zip(squares.iter_mut().zip(products.iter_mut()));
            for ((x, y), ((x_sum, y_sum), (squares, products))) in
                { x_row.iter().zip(y_row) }.zip(sums)
            {
                let (x, y): (f64, f64) = ((*x).into(), (*y).into());
                *x_sum += weight * x;
                *y_sum += weight * y;
                *squares += weight * (x * x + y * y);
                *products += weight * (x * y);
            }
        }
    }

    /// Adds a row of the map.
    fn add_row(
        &self,
        [x, y, squares, products]: &Moments,
        mask: Option<&[bool]>,
        whole: bool,
        sum: &mut Similarity,
    ) {
        let Kernel {
            covariance, c1, c2, ..
        } = *self.kernel;
        let wide = &self.axes[2];
        let terms = |at: usize| {
            let (x, y) = (x[at], y[at]);
            // The maximum would turn what overflowed into 0.
            let variances = match squares[at].is_finite() {
                true => (covariance * (squares[at] - (x * x + y * y))).max(0.0),
                false => f64::NAN,
            };
            let shared = covariance * (products[at] - x * y);
            let contrast = ratio(2.0 * shared + c2, variances + c2);
            let luminance = ratio(2.0 * x * y + c1, x * x + y * y + c1);
            (luminance * contrast, contrast)
        };
        for at in 0..x.len() {
            if mask.is_some_and(|mask| !mask[wide.middle(at)]) {
                continue;
            }
            let (ssim, contrast) = terms(at);
            sum.ssim += ssim;
            sum.n += 1;
            if whole && wide.is_whole(at) {
                sum.contrast += contrast;
                sum.whole += 1;
            }
        }
    }
}

/// A ratio of two terms that are equal where both vanish, which constants of 0 allow.
fn ratio(above: f64, below: f64) -> f64 {
    if below == 0.0 { 1.0 } else { above / below }
}

fn add_weighted(sum: &mut [f64], row: &[f64], weight: f64) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += weight * value;
    }
}

/// The weighted mean of a row around each place of the window.
fn along_width(axis: &Axis<'_>, row: &[f64], padded: &mut Vec<f64>, into: &mut [f64]) {
    let row = match axis.border {
        SsimBorder::Valid => row,
        SsimBorder::Mirror => {
            padded.clear();
            // Place 0 sees one voxel after the other, then each further place one more.
            padded.extend((0..2 * axis.radius()).map(|k| row[axis.voxel(0, k)]));
            padded.extend((0..axis.extent).map(|place| row[axis.voxel(place, 2 * axis.radius())]));
            padded
        }
    };
    into.fill(0.0);
    for (k, &weight) in axis.weights.iter().enumerate() {
        add_weighted(into, &row[k..], weight);
    }
}
