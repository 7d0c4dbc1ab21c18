//! Landmarks as maps that a network can learn (MONAI `GenerateHeatmap`).

use medcore::Image;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::array::per_axis;
use crate::error::{Error, Result, check, check_entries};
use crate::intensity::erf_kernel;
use crate::operation::SampleOperation;
use crate::sample::{Contents, Layer, Sample};

const NAME: &str = "GenerateHeatmap";

/// Where the peak of a landmark lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeatmapCentre {
    /// At the landmark, also between voxels, so that nothing of its place is lost (Zhang et al., "Distribution-aware
    /// coordinate representation for human pose estimation", CVPR 2020).
    #[default]
    Place,
    /// At the closest voxel, in MONAI's way: the Gaussian is integrated over voxels, ends at 4 sigma, and its largest
    /// value is 1.
    Voxel,
}

/// Adds a layer with a Gaussian of height 1 around each landmark, one channel for each in their order. A landmark whose
/// place is not known, or outside the image, has a channel of zeros.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GenerateHeatmap {
    /// Standard deviation in voxels, above 0: one for all axes, or one an axis.
    pub sigma_voxels: Vec<f64>,
    /// Where the peak lies.
    pub centre: HeatmapCentre,
    /// Name of the layer.
    pub layer: String,
}

impl Default for GenerateHeatmap {
    /// MONAI's 5 voxels.
    fn default() -> Self {
        Self {
            sigma_voxels: vec![5.0],
            centre: HeatmapCentre::Place,
            layer: "heatmap".to_owned(),
        }
    }
}

impl HeatmapCentre {
    /// The Gaussian along one axis of `len` voxels.
    fn profile(self, at: f64, sigma: f64, len: usize) -> Vec<f32> {
        match self {
            Self::Place => (0..len)
                .map(|i| libm::exp(-0.5 * ((i as f64 - at) / sigma).powi(2)) as f32)
                .collect(),
            Self::Voxel => {
                let kernel = erf_kernel(sigma);
                let middle = kernel.len() / 2;
                let at = at.round_ties_even().clamp(0.0, len as f64 - 1.0) as usize;
                let tap = |i: usize| kernel.get((middle + i).checked_sub(at)?).copied();
                (0..len)
                    .map(|i| tap(i).unwrap_or(0.0) / kernel[middle])
                    .collect()
            }
        }
    }
}

impl<const D: usize> SampleOperation<D> for GenerateHeatmap {
    fn check(&self) -> Result<()> {
        check_entries(NAME, "sigma_voxels", self.sigma_voxels.len(), D)?;
        self.sigma_voxels.iter().try_for_each(|&sigma| {
            check(
                NAME,
                "sigma_voxels",
                sigma,
                "above 0 and at most 100",
                |v| v > 0.0 && v <= 100.0,
            )
        })
    }

    fn needs(&self) -> Contents {
        Contents {
            points: true,
            ..Contents::default()
        }
    }

    fn after(&self, before: Contents) -> Contents {
        let mut after = before;
        after.layers.insert(self.layer.clone());
        after
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let points = sample
            .points()
            .ok_or(Error::MissingPoints { transform: NAME })?;
        check(
            NAME,
            "points",
            points.items.len() as f64,
            "at least one",
            |v| v >= 1.0,
        )?;
        let sigma: [f64; D] = per_axis(NAME, "sigma_voxels", &self.sigma_voxels)?;
        let (shape, grid) = (sample.shape(), *sample.geometry());
        let mut map = Image::zeros(points.items.len(), grid)?;
        let channels = map.as_mut_slice().par_chunks_exact_mut(grid.len());
        channels.zip(&points.items).for_each(|(channel, point)| {
            if !point.is_inside(shape) {
                return;
            }
            let profiles: [Vec<f32>; D] =
                std::array::from_fn(|a| self.centre.profile(point.at[a], sigma[a], shape[a]));
            for (row, voxels) in channel.chunks_exact_mut(shape[D - 1]).enumerate() {
                let (mut rest, mut height) = (row, 1.0);
                for axis in (0..D - 1).rev() {
                    height *= profiles[axis][rest % shape[axis]];
                    rest /= shape[axis];
                }
                for (v, &along) in voxels.iter_mut().zip(&profiles[D - 1]) {
                    *v = height * along;
                }
            }
        });
        sample.with_layer(self.layer.clone(), Layer::Image(map))
    }
}
