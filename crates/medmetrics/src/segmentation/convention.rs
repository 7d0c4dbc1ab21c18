//! What "Hausdorff 95" means: libraries differ by a factor of twenty on one image, so ours has to be named.
//!
//! Three choices make a surface distance: what the surface is, how a percentile of two directed sets of
//! distances is taken, and how they are averaged.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::empty::EmptyPolicy;

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

impl SurfaceModel {
    /// Its name in [`crate::Estimate::convention`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::VoxelErode => "erode",
            Self::DualGrid => "dual-grid",
        }
    }

    /// How a percentile lies between distances.
    pub(crate) fn quantile_name(self) -> &'static str {
        match self {
            Self::VoxelErode => "linear",
            Self::DualGrid => "area",
        }
    }
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

impl HdRule {
    /// Its name in [`crate::Estimate::convention`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxOfDirected => "max-of-directed",
            Self::Pooled => "pooled",
        }
    }
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

impl AverageRule {
    /// Its name in [`crate::Estimate::convention`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::MeanOfDirected => "mean-of-directed",
            Self::FromPrediction => "from-prediction",
            Self::FromReference => "from-reference",
        }
    }
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

impl SurfaceDiceRule {
    /// Its name in [`crate::Estimate::convention`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::MeanOfDirected => "mean-of-directed",
        }
    }
}

/// The conventions of a library, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Convention {
    /// MONAI 1.6 with its defaults: voxel surfaces, the larger directed percentile with linear
    /// interpolation, averages pooled (MONAI's `symmetric=True`).
    #[default]
    Monai,
    /// MONAI with `use_subvoxels=True`: its surface Dice weighs patches by their area, all else is
    /// [`Convention::Monai`].
    MonaiSubvoxels,
    /// MONAI's `SurfaceDistanceMetric` as it comes, `symmetric=False`: averages from the prediction alone.
    MonaiDirected,
    /// MetricsReloaded: [`Convention::Monai`] with other values for empty masks.
    MetricsReloaded,
    /// torchmetrics 1.9: the Hausdorff distance of voxel surfaces, and nothing else (what else is asked for
    /// is [`Convention::Monai`]'s). It mixes up rows and columns: right for squares, wrong for wide planes, and
    /// undefined for tall ones and for volumes, where it ends in an exception. All others here are right.
    Torchmetrics,
    /// DeepMind's surface-distance 0.1: surface patches weighted by area; a percentile is the smallest
    /// distance that covers that share of the area. (Where areas make up exactly that share, rounding decides
    /// in the library which of two distances it is; here it is the smaller one.)
    DeepMind,
    /// MedPy 0.5, seg-metrics: voxel surfaces, percentiles of both directions pooled.
    MedPy,
    /// panoptica: as MedPy, but the mean of directed averages, and of directed surface Dice.
    Panoptica,
}

impl Convention {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Monai,
        Self::MonaiSubvoxels,
        Self::MonaiDirected,
        Self::MetricsReloaded,
        Self::Torchmetrics,
        Self::DeepMind,
        Self::MedPy,
        Self::Panoptica,
    ];

    /// What the surface is, for distances.
    #[must_use]
    pub fn surface(self) -> SurfaceModel {
        match self {
            Self::DeepMind => SurfaceModel::DualGrid,
            _ => SurfaceModel::VoxelErode,
        }
    }

    /// What the surface is, for surface Dice: points that count once, or patches weighted by area.
    #[must_use]
    pub fn surface_dice_model(self) -> SurfaceModel {
        match self {
            Self::DeepMind | Self::MonaiSubvoxels => SurfaceModel::DualGrid,
            _ => SurfaceModel::VoxelErode,
        }
    }

    /// How percentiles are taken.
    #[must_use]
    pub fn hausdorff(self) -> HdRule {
        match self {
            Self::MedPy | Self::Panoptica => HdRule::Pooled,
            _ => HdRule::MaxOfDirected,
        }
    }

    /// How distances are averaged. (DeepMind's library returns two directed means; theirs is the mean.)
    #[must_use]
    pub fn average(self) -> AverageRule {
        match self {
            Self::DeepMind | Self::Panoptica => AverageRule::MeanOfDirected,
            Self::MonaiDirected => AverageRule::FromPrediction,
            _ => AverageRule::Pooled,
        }
    }

    /// How surface Dice weighs the two surfaces.
    #[must_use]
    pub fn surface_dice(self) -> SurfaceDiceRule {
        match self {
            Self::Panoptica => SurfaceDiceRule::MeanOfDirected,
            _ => SurfaceDiceRule::Pooled,
        }
    }

    /// What the library says of empty masks; [`super::Evaluation::with_empty`] takes it over.
    #[must_use]
    pub fn empty(self) -> EmptyPolicy {
        match self {
            Self::Monai | Self::MonaiSubvoxels | Self::MonaiDirected => EmptyPolicy::MONAI,
            Self::MetricsReloaded => EmptyPolicy::METRICS_RELOADED,
            Self::Torchmetrics => EmptyPolicy::TORCHMETRICS,
            Self::DeepMind => EmptyPolicy::DEEPMIND,
            Self::MedPy => EmptyPolicy::MEDPY,
            Self::Panoptica => EmptyPolicy::PANOPTICA,
        }
    }
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Monai => "voxel surfaces, larger directed percentile, pooled averages (MONAI)",
            Self::MonaiSubvoxels => {
                "voxel surfaces, larger directed percentile, pooled averages, area-weighted surface Dice \
                 (MONAI with subvoxels)"
            }
            Self::MonaiDirected => {
                "voxel surfaces, larger directed percentile, averages from the prediction (MONAI, not \
                 symmetric)"
            }
            Self::MetricsReloaded => {
                "voxel surfaces, larger directed percentile, pooled averages (MetricsReloaded)"
            }
            Self::Torchmetrics => {
                "voxel surfaces, larger directed distance, wrong unless square (torchmetrics)"
            }
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
