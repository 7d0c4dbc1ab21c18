//! Gradients along the axes (MONAI `SobelGradients`).

use medcore::Image;
use serde::{Deserialize, Serialize};

use crate::error::{Result, check, check_axes};
use crate::intensity::{FilterBorder, separable_filter};
use crate::operation::SampleOperation;
use crate::sample::{Contents, Sample};

const NAME: &str = "SobelGradients";

/// Puts the gradients of the image in its place: for each axis, one after the other, all channels, differentiated along
/// it and smoothed across. NaN spreads over the kernel; a constant image becomes 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SobelGradients {
    /// Voxels of the kernel along each axis, odd and at least 3.
    pub size: usize,
    /// The axes; all if there are none.
    pub axes: Vec<usize>,
    /// Whether the kernels are those of Sobel (3 voxels: -1 0 1 and 1 2 1) or scaled so that a gradient is the change
    /// from voxel to voxel.
    pub normalised: bool,
}

impl Default for SobelGradients {
    /// MONAI's parameters: 3 voxels, all axes, true gradients.
    fn default() -> Self {
        Self {
            size: 3,
            axes: vec![],
            normalised: true,
        }
    }
}

/// Each tap shared out to its neighbours by 1 2 1.
fn widened(kernel: &[f32]) -> Vec<f32> {
    let mut wide = vec![0.0; kernel.len() + 2];
    for (at, &tap) in kernel.iter().enumerate() {
        for (shift, part) in [1.0, 2.0, 1.0].into_iter().enumerate() {
            wide[at + shift] += tap * part;
        }
    }
    wide
}

impl SobelGradients {
    /// The kernel along the axis of the gradient, and that across.
    fn kernels(&self) -> [Vec<f32>; 2] {
        [([-1.0, 0.0, 1.0], 2.0), ([1.0, 2.0, 1.0], 4.0)].map(|(kernel, sum)| {
            let (mut kernel, mut sum) = (kernel.to_vec(), sum);
            while kernel.len() < self.size {
                kernel = widened(&kernel);
                sum *= 4.0;
            }
            if self.normalised {
                kernel.iter_mut().for_each(|tap| *tap /= sum);
            }
            kernel
        })
    }
}

impl<const D: usize> SampleOperation<D> for SobelGradients {
    fn check(&self) -> Result<()> {
        check(
            NAME,
            "size",
            self.size as f64,
            "odd and within 3 and 15",
            |v| v % 2.0 == 1.0 && (3.0..=15.0).contains(&v),
        )?;
        check_axes(NAME, "axes", &self.axes, D)
    }

    fn after(&self, before: Contents) -> Contents {
        let axes = match self.axes.len() {
            0 => D,
            some => some,
        };
        let channels = before.channels.map(|n| n * axes);
        before.with_channels(channels)
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        SampleOperation::<D>::check(self)?;
        let all: Vec<usize> = (0..D).collect();
        let axes = if self.axes.is_empty() {
            &all
        } else {
            &self.axes
        };
        let image = sample.image();
        let len = image.geometry().len();
        let [along, across] = self.kernels();
        let mut gradients = image.as_slice().repeat(axes.len());
        for (channels, &axis) in gradients.chunks_exact_mut(image.as_slice().len()).zip(axes) {
            for voxels in channels.chunks_exact_mut(len) {
                let kernels =
                    std::array::from_fn(|a| if a == axis { &along } else { &across }.clone());
                separable_filter(voxels, image.shape(), kernels, FilterBorder::Mirror);
            }
        }
        let channels = image.channels() * axes.len();
        let gradients = Image::with_channels(channels, *image.geometry(), gradients)?;
        sample.with_image(gradients)
    }
}
