//! What "Hausdorff 95" means: libraries differ by a factor of twenty on one image, so ours has to be named.
//!
//! Three choices make a surface distance: what the surface is, how a percentile of two directed sets of
//! distances is taken, and how they are averaged.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is taken for the surface of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurfaceModel {
    /// The centres of the mask's voxels that have a face neighbour outside (erosion by the cross); the
    /// image ends in background. Every surface voxel counts once.
    VoxelErode,
    /// The corners between voxels that touch both sides, each weighted by the area in mm² (length in mm in
    /// 2D) of the surface patch around it (Nikolov et al., arXiv:1809.04430).
    DualGrid,
}

/// How a percentile is taken of two directed sets of distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HdRule {
    /// The larger of the two directed percentiles.
    MaxOfDirected,
    /// The percentile of both sets together: a wrong blob that is small beside the whole surface vanishes.
    Pooled,
}

/// How distances are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AverageRule {
    /// All distances of both directions together (ASSD).
    Pooled,
    /// The mean of the two directed means (MASD).
    MeanOfDirected,
    /// From the prediction's surface to the reference's.
    FromPrediction,
    /// From the reference's surface to the prediction's.
    FromReference,
}

/// How surface Dice weighs the two surfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurfaceDiceRule {
    /// The share of both surfaces together (Nikolov et al.).
    Pooled,
    /// The mean of the two surfaces' shares.
    MeanOfDirected,
}

/// The conventions of a library, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Convention {
    /// MONAI 1.6 with its defaults, and MetricsReloaded: voxel surfaces, the larger directed percentile
    /// with linear interpolation, averages pooled (MONAI's `symmetric=True`).
    #[default]
    Monai,
    /// DeepMind's surface-distance 0.1: surface patches weighted by area; a percentile is the smallest
    /// distance that covers that share of the area.
    DeepMind,
    /// MedPy 0.5, seg-metrics: voxel surfaces, percentiles of both directions pooled.
    MedPy,
    /// panoptica: as MedPy, but the mean of directed averages, and of directed surface Dice.
    Panoptica,
}

impl Convention {
    /// What the surface is.
    #[must_use]
    pub fn surface(self) -> SurfaceModel {
        match self {
            Self::DeepMind => SurfaceModel::DualGrid,
            Self::Monai | Self::MedPy | Self::Panoptica => SurfaceModel::VoxelErode,
        }
    }

    /// How percentiles are taken.
    #[must_use]
    pub fn hausdorff(self) -> HdRule {
        match self {
            Self::Monai | Self::DeepMind => HdRule::MaxOfDirected,
            Self::MedPy | Self::Panoptica => HdRule::Pooled,
        }
    }

    /// How distances are averaged. (DeepMind's library returns two directed means; theirs is the mean.)
    #[must_use]
    pub fn average(self) -> AverageRule {
        match self {
            Self::Monai | Self::MedPy => AverageRule::Pooled,
            Self::DeepMind | Self::Panoptica => AverageRule::MeanOfDirected,
        }
    }

    /// How surface Dice weighs the two surfaces.
    #[must_use]
    pub fn surface_dice(self) -> SurfaceDiceRule {
        match self {
            Self::Panoptica => SurfaceDiceRule::MeanOfDirected,
            Self::Monai | Self::DeepMind | Self::MedPy => SurfaceDiceRule::Pooled,
        }
    }
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Monai => "voxel surfaces, larger directed percentile, pooled averages (MONAI)",
            Self::DeepMind => {
                "area-weighted surface patches, larger directed percentile (DeepMind)"
            }
            Self::MedPy => "voxel surfaces, pooled percentile, pooled averages (MedPy)",
            Self::Panoptica => {
                "voxel surfaces, pooled percentile, mean of directed averages (panoptica)"
            }
        })
    }
}
