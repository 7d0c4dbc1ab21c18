//! Where windows lie on an image, in the two conventions that trained networks expect.
//!
//! MONAI's `sliding_window_inference` steps by a fixed interval and moves the last window back;
//! nnU-Net's `compute_steps_for_sliding_window` spreads as many windows as are needed evenly.
//! Both pad an image that is smaller than a window on both sides, the odd voxel behind.

use medcore::windows::starts_every;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::weight::Weighting;

/// Whose rules decide about window positions and Gaussian weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Convention {
    /// MONAI 1.x, `monai.inferers.sliding_window_inference`.
    Monai,
    /// nnU-Net 2.x, `nnUNetPredictor`.
    NnUnet,
}

/// How an image is covered with windows.
///
/// ```
/// use medinfer::{Convention, SlidingWindow};
///
/// let monai = SlidingWindow::monai([96, 96, 96]).with_overlap(0.5);
/// assert_eq!(monai.grid([110, 200, 97])?.starts()[1], [0, 48, 96, 104]);
/// let nnunet = SlidingWindow::nnunet([96, 96, 96]);
/// assert_eq!(nnunet.grid([110, 200, 97])?.starts()[1], [0, 35, 69, 104]);
/// # Ok::<(), medinfer::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SlidingWindow {
    /// Window size in voxels, slowest axis first.
    ///
    /// One axis less than the image has means slices: every index of the slowest axis is seen by itself.
    pub roi: Vec<usize>,
    /// Overlap of neighbouring windows as a fraction of the window, in [0, 1).
    pub overlap: f64,
    /// Rules for positions and weights.
    pub convention: Convention,
    /// Weights of the voxels of a window when windows are averaged.
    pub weighting: Weighting,
    /// What stands outside an image that is smaller than the window.
    pub padding_value: f32,
}

impl SlidingWindow {
    /// MONAI's defaults: overlap 0.25, constant weights, padding with zeros.
    #[must_use]
    pub fn monai(roi: impl Into<Vec<usize>>) -> Self {
        Self {
            roi: roi.into(),
            overlap: 0.25,
            convention: Convention::Monai,
            weighting: Weighting::Constant,
            padding_value: 0.0,
        }
    }

    /// nnU-Net's defaults: overlap 0.5, Gaussian weights, padding with zeros.
    #[must_use]
    pub fn nnunet(roi: impl Into<Vec<usize>>) -> Self {
        Self {
            roi: roi.into(),
            overlap: 0.5,
            convention: Convention::NnUnet,
            weighting: Weighting::Gaussian,
            padding_value: 0.0,
        }
    }

    /// The same with another overlap, a fraction of the window in [0, 1).
    #[must_use]
    pub fn with_overlap(self, overlap: f64) -> Self {
        Self { overlap, ..self }
    }

    /// The same with other weights.
    #[must_use]
    pub fn with_weighting(self, weighting: Weighting) -> Self {
        Self { weighting, ..self }
    }

    /// The same with another value outside small images.
    #[must_use]
    pub fn with_padding_value(self, padding_value: f32) -> Self {
        Self {
            padding_value,
            ..self
        }
    }

    /// Says whether the settings can be used at all.
    ///
    /// # Errors
    /// Refuses an empty window, an overlap outside [0, 1) and a padding value that is not finite.
    pub fn check(&self) -> Result<()> {
        if self.roi.is_empty() || self.roi.contains(&0) {
            return Err(Error::Setting {
                setting: "roi",
                rule: "at least 1 voxel along each of at least 1 axes",
                value: format!("{:?}", self.roi),
            });
        }
        if !(0.0..1.0).contains(&self.overlap) {
            return Err(Error::Setting {
                setting: "overlap",
                rule: "at least 0 and below 1",
                value: self.overlap.to_string(),
            });
        }
        if !self.padding_value.is_finite() {
            return Err(Error::Setting {
                setting: "padding_value",
                rule: "finite",
                value: self.padding_value.to_string(),
            });
        }
        Ok(())
    }

    /// The windows that cover an image of this shape.
    ///
    /// # Errors
    /// As [`SlidingWindow::check`], and for a window with more axes than the image or fewer than a slice of it.
    pub fn grid<const D: usize>(&self, shape: [usize; D]) -> Result<WindowGrid<D>> {
        self.check()?;
        let slices = self.roi.len() + 1 == D;
        if !(slices || self.roi.len() == D) {
            return Err(Error::WindowRank {
                roi: self.roi.clone(),
                axes: D,
            });
        }
        let mut roi = [1; D];
        roi[D - self.roi.len()..].copy_from_slice(&self.roi);
        let pad_before = std::array::from_fn(|a| roi[a].saturating_sub(shape[a]) / 2);
        let starts = std::array::from_fn(|a| {
            let padded = shape[a].max(roi[a]);
            match self.convention {
                Convention::Monai => monai_starts(padded, roi[a], self.overlap),
                Convention::NnUnet => nnunet_starts(padded, roi[a], 1.0 - self.overlap),
            }
        });
        Ok(WindowGrid {
            shape,
            roi,
            pad_before,
            starts,
            slices,
        })
    }
}

/// The windows on one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowGrid<const D: usize> {
    shape: [usize; D],
    roi: [usize; D],
    pad_before: [usize; D],
    starts: [Vec<usize>; D],
    slices: bool,
}

impl<const D: usize> WindowGrid<D> {
    /// The shape of the image.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        self.shape
    }

    /// Voxels of a window along each axis.
    #[must_use]
    pub fn roi(&self) -> [usize; D] {
        self.roi
    }

    /// Voxels added in front of each axis of an image smaller than the window.
    #[must_use]
    pub fn pad_before(&self) -> [usize; D] {
        self.pad_before
    }

    /// First index of every window along each axis, ascending, counted in the padded image.
    #[must_use]
    pub fn starts(&self) -> &[Vec<usize>; D] {
        &self.starts
    }

    /// Whether windows are slices: one voxel along the slowest axis, which the network does not see.
    #[must_use]
    pub fn is_slices(&self) -> bool {
        self.slices
    }

    /// Number of windows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.iter().map(Vec::len).product()
    }

    /// Always false: every image has a window.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// First voxel of a window in the image; negative where it reaches into the padding.
    #[must_use]
    pub fn start(&self, window: [usize; D]) -> [isize; D] {
        std::array::from_fn(|a| self.starts[a][window[a]] as isize - self.pad_before[a] as isize)
    }

    /// The part of axis `axis` of the image that the window at position `window` of that axis covers.
    #[must_use]
    pub(crate) fn covered(&self, axis: usize, window: usize) -> std::ops::Range<usize> {
        let start = self.starts[axis][window];
        let before = self.pad_before[axis];
        start.saturating_sub(before)
            ..(start + self.roi[axis])
                .saturating_sub(before)
                .min(self.shape[axis])
    }
}

/// Steps of `int(window * (1 - overlap))`, the last window moved back to the end.
fn monai_starts(length: usize, window: usize, overlap: f64) -> Vec<usize> {
    starts_every(length, window, (window as f64 * (1.0 - overlap)) as usize)
}

/// As many windows as steps of `window * step` need, spread evenly and rounded half to even.
///
/// Where steps are below one voxel nnU-Net runs the same window twice, which changes no mean; here it runs once.
fn nnunet_starts(length: usize, window: usize, step: f64) -> Vec<usize> {
    let last = (length - window) as f64;
    let intervals = (last / (window as f64 * step)).ceil();
    if intervals < 1.0 {
        return vec![0];
    }
    let actual = last / intervals;
    let mut starts: Vec<usize> = (0..=intervals as usize)
        .map(|i| (actual * i as f64).round_ties_even() as usize)
        .collect();
    starts.dedup();
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_those_of_the_references() {
        // From MONAI 1.6.1 and nnU-Net 2.8.1.
        for (length, window, overlap, monai, nnunet) in [
            (110, 64, 0.5, vec![0, 32, 46], vec![0, 23, 46]),
            (100, 96, 0.25, vec![0, 4], vec![0, 4]),
            (200, 96, 0.5, vec![0, 48, 96, 104], vec![0, 35, 69, 104]),
            (97, 96, 0.5, vec![0, 1], vec![0, 1]),
            (96, 96, 0.5, vec![0], vec![0]),
            (192, 96, 0.0, vec![0, 96], vec![0, 96]),
        ] {
            assert_eq!(monai_starts(length, window, overlap), monai);
            assert_eq!(nnunet_starts(length, window, 1.0 - overlap), nnunet);
        }
    }

    #[test]
    fn windows_cover_every_voxel_and_stay_inside() {
        for convention in [Convention::Monai, Convention::NnUnet] {
            for length in 1..60 {
                for roi in 1..20 {
                    for overlap in [0.0, 0.25, 0.5, 0.9] {
                        let mut window = SlidingWindow::monai([roi]).with_overlap(overlap);
                        window.convention = convention;
                        let grid = window.grid([length]).unwrap();
                        let mut next = 0;
                        for i in 0..grid.len() {
                            let covered = grid.covered(0, i);
                            assert!(covered.start <= next, "{window:?} {length}");
                            assert!(covered.end >= next && covered.end <= length);
                            next = covered.end;
                        }
                        assert_eq!(next, length, "{window:?}");
                        assert!(grid.starts()[0].is_sorted_by(|a, b| a < b));
                    }
                }
            }
        }
    }

    #[test]
    fn a_small_image_is_padded_on_both_sides_the_odd_voxel_behind() {
        let grid = SlidingWindow::monai([8, 8, 8]).grid([5, 8, 20]).unwrap();
        assert_eq!(grid.pad_before(), [1, 0, 0]);
        assert_eq!(grid.start([0, 0, 1]), [-1, 0, 6]);
        assert_eq!(grid.covered(0, 0), 0..5);
    }

    #[test]
    fn a_window_with_one_axis_less_means_slices() {
        let grid = SlidingWindow::nnunet([8, 8]).grid([3, 8, 20]).unwrap();
        assert!(grid.is_slices());
        assert_eq!(grid.starts()[0], [0, 1, 2]);
        assert!(SlidingWindow::nnunet([8]).grid([3, 8, 20]).is_err());
        assert!(SlidingWindow::nnunet([8; 4]).grid([3, 8, 20]).is_err());
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        assert!(SlidingWindow::monai([8, 0]).check().is_err());
        assert!(SlidingWindow::monai([]).check().is_err());
        for overlap in [-0.1, 1.0, f64::NAN] {
            assert!(
                SlidingWindow::monai([8])
                    .with_overlap(overlap)
                    .check()
                    .is_err()
            );
        }
    }
}
