//! Transforms that look at the distribution of intensities.

mod clahe;
mod clahe_eight_bit;
mod equalize;
mod match_points;
mod matching;
mod normalize;
mod standardization;

pub use clahe::{Clahe, RandomClahe, clahe};
pub use clahe_eight_bit::{ClaheEightBit, RandomClaheEightBit, clahe_eight_bit};
pub use equalize::{Equalize, EqualizeRule, RandomEqualize};
pub use match_points::{
    MatchFrom, MatchPoints, MatchRule, QuantileMatching, RandomQuantileMatching,
};
pub use matching::{
    HistogramMatching, RandomHistogramMatching, ReferenceHistogram, match_histogram,
};
pub use normalize::{Equalized, HistogramNormalize, histogram_normalize};
pub use standardization::{HistogramStandardization, LandmarkTraining, Landmarks};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check};
use crate::parallel::Statistics;

/// Which voxels of a channel are counted; all are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// All.
    #[default]
    All,
    /// Those that are not exactly zero, as around a brain without its skull.
    NonZero,
    /// Those brighter than the mean (TorchIO's `ZNormalization.mean`).
    AboveMean,
}

impl Counted {
    /// The voxels that count, in their order.
    #[must_use]
    pub fn select(self, voxels: &[f32]) -> Vec<f32> {
        match self {
            Self::All => voxels.to_vec(),
            Self::NonZero => voxels.iter().copied().filter(|&v| v != 0.0).collect(),
            Self::AboveMean => {
                let mean = Statistics::of(voxels).mean;
                let bright = |v: &f32| f64::from(*v) > mean;
                voxels.iter().copied().filter(bright).collect()
            }
        }
    }
}

/// The voxels in order; refuses what is not finite.
fn sorted(mut voxels: Vec<f32>, channel: usize) -> Result<Vec<f32>> {
    check_finite(&voxels, channel)?;
    voxels.par_sort_unstable_by(f32::total_cmp);
    Ok(voxels)
}

/// Refuses an empty list of references, and references without channels.
fn check_references<T>(transform: &'static str, references: &[Vec<T>]) -> Result<()> {
    let count = references.len() as f64;
    check(transform, "references", count, "at least one", |v| v > 0.0)?;
    references.iter().try_for_each(|reference| {
        let channels = reference.len() as f64;
        let rule = "of at least one channel";
        check(transform, "references", channels, rule, |v| v > 0.0)
    })
}

fn check_finite(voxels: &[f32], channel: usize) -> Result<()> {
    if Statistics::of(voxels).is_finite() {
        Ok(())
    } else {
        Err(Error::NotFinite { channel })
    }
}

/// `values` between the places `at`, in order; the ends continue as they are (numpy's `interp`).
fn interpolate(at: &[f64], values: &[f64], place: f64) -> f64 {
    let above = at.partition_point(|&v| v <= place);
    if above == 0 {
        return values[0];
    }
    if above == at.len() {
        return values[above - 1];
    }
    let slope = (values[above] - values[above - 1]) / (at[above] - at[above - 1]);
    slope * (place - at[above - 1]) + values[above - 1]
}
