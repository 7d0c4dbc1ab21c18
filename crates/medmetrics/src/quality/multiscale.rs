//! Structural similarity over scales (Wang, Simoncelli, Bovik, Asilomar Conf. Signals Syst. Comput. 2003).

use serde::{Deserialize, Serialize};

use super::pair::{ImagePair, check_range};
use super::similarity::{Kernel, Similarity};
use super::ssim::SsimConfig;
use crate::error::{Error, Result};
use crate::estimate::Estimate;

/// How multi-scale structural similarity is computed.
///
/// Each scale halves the image by means of 2 voxels along each axis. All but the coarsest give their mean
/// contrast term, taken where windows are whole; the coarsest gives its SSIM. Negative ones count as 0. This
/// is MONAI's `MultiScaleSSIMMetric`, and torchmetrics' (`normalize="relu"`) if the border is mirrored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default)]
pub struct MsSsimConfig {
    /// What is computed at each scale.
    pub ssim: SsimConfig,
    /// The exponent of each scale, the finest first; by default the paper's five.
    pub weights: Vec<f64>,
}

impl Default for MsSsimConfig {
    fn default() -> Self {
        Self {
            ssim: SsimConfig::default(),
            weights: vec![0.0448, 0.2856, 0.3001, 0.2363, 0.1333],
        }
    }
}

pub(crate) fn of_pair<T: Copy + Into<f64> + Sync, const D: usize>(
    pair: &ImagePair<'_, T, D>,
    data_range: f64,
    config: &MsSsimConfig,
) -> Result<Estimate> {
    check_range(data_range)?;
    let kernel = Kernel::new(&config.ssim, data_range, D)?;
    if config.weights.is_empty() {
        return Err(Error::TooFew {
            what: "multi-scale SSIM",
            of: "scales",
            least: 1,
            got: 0,
        });
    }
    if let Some(index) = { config.weights.iter() }.position(|w| !(w.is_finite() && *w >= 0.0)) {
        return Err(Error::InvalidValue {
            what: "weights of scales",
            rule: "finite and not negative",
            index,
            value: config.weights[index],
        });
    }
    let scales = config.weights.len();
    let mut sums = vec![Similarity::default(); scales];
    for images in pair.channels() {
        sums[0].add(&kernel.similarity(images, pair.shape(), pair.mask())?);
        if scales == 1 {
            continue;
        }
        let mut coarse = Scale::new(images, pair.shape(), pair.mask()).halved(D)?;
        for (scale, sum) in sums.iter_mut().enumerate().skip(1) {
            sum.add(&coarse.similarity(&kernel)?);
            if scale + 1 < scales {
                coarse = coarse.halved(D)?;
            }
        }
    }
    let convention = format!("ms-ssim:{}/{scales}-scales/relu", config.ssim);
    let mut product = 1.0;
    for (scale, (sum, &weight)) in sums.iter().zip(&config.weights).enumerate() {
        let term = match scale + 1 == scales {
            true => sum.mean_ssim(),
            false => sum.mean_contrast(),
        };
        let Some(term) = term else {
            return Ok(Estimate::undefined(sums[0].n, convention));
        };
        product *= libm::pow(term.max(0.0), weight);
    }
    Ok(Estimate::new(product, sums[0].n, convention))
}

/// Two images at one scale.
struct Scale {
    shape: [usize; 3],
    images: [Vec<f64>; 2],
    mask: Option<Vec<bool>>,
}

impl Scale {
    fn new<T: Copy + Into<f64>>(
        images: [&[T]; 2],
        shape: [usize; 3],
        mask: Option<&[bool]>,
    ) -> Self {
        Self {
            shape,
            images: images.map(|image| image.iter().map(|&voxel| voxel.into()).collect()),
            mask: mask.map(<[bool]>::to_vec),
        }
    }

    fn similarity(&self, kernel: &Kernel) -> Result<Similarity> {
        let [reference, image] = &self.images;
        kernel.similarity([reference, image], self.shape, self.mask.as_deref())
    }

    /// Means of 2 voxels along the last `axes` axes; an odd one at the end is left out.
    fn halved(&self, axes: usize) -> Result<Self> {
        let step: [usize; 3] = std::array::from_fn(|a| if a + axes >= 3 { 2 } else { 1 });
        let shape: [usize; 3] = std::array::from_fn(|a| self.shape[a] / step[a]);
        if shape.contains(&0) {
            return Err(Error::TooFew {
                what: "halving an image",
                of: "voxels along each axis",
                least: 2,
                got: 1,
            });
        }
        let [_, height, width] = self.shape;
        let blocks = |mut each: Box<dyn FnMut([usize; 8]) + '_>| {
            for d in 0..shape[0] {
                for h in 0..shape[1] {
                    for w in 0..shape[2] {
                        each(std::array::from_fn(|corner| {
                            let at = |a: usize, place: usize| {
                                place * step[a] + (corner >> a & 1) % step[a]
                            };
                            (at(0, d) * height + at(1, h)) * width + at(2, w)
                        }));
                    }
                }
            }
        };
        let images = [0, 1].map(|side: usize| {
            let mut coarse = Vec::with_capacity(shape.iter().product());
            let fine = &self.images[side];
            // Corners along axes that are not halved repeat, which leaves the mean as it is.
            blocks(Box::new(|block| {
                coarse.push(block.iter().map(|&at| fine[at]).sum::<f64>() / 8.0);
            }));
            coarse
        });
        let mask = self.mask.as_ref().map(|fine| {
            let mut coarse = Vec::with_capacity(shape.iter().product());
            blocks(Box::new(|block| {
                coarse.push(block.iter().all(|&at| fine[at]));
            }));
            coarse
        });
        Ok(Self {
            shape,
            images,
            mask,
        })
    }
}
