//! The median of a box of voxels (MONAI `MedianSmooth`, `scipy.ndimage.median_filter`).
//!
//! Medians of a block of neighbours are found together by forgetful selection: of one candidate more than
//! could still be the median the smallest and the largest are forgotten, and the next voxel of the box takes
//! their place. It compares and exchanges only, sixteen voxels at a time.

use medcore::random::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::border::{FilterBorder, PaddedRows, three_axes};
use crate::array::per_axis;
use crate::draw::Channels;
use crate::error::{Result, check, check_entries};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

/// Voxels whose medians are found together.
const LANES: usize = 16;

/// Replaces every voxel by the median of the box of `2 radius + 1` voxels along each axis.
///
/// # Panics
/// If `voxels` is not as long as `shape` says, or has more than three axes.
pub fn median_filter<const D: usize>(
    voxels: &mut [f32],
    shape: [usize; D],
    radius: [usize; D],
    border: FilterBorder,
) {
    assert!(D <= 3 && voxels.len() == shape.iter().product::<usize>());
    if voxels.is_empty() {
        return;
    }
    let dims = three_axes(shape);
    let [rd, rh, rw] = three_axes(radius.map(|r| r + 1)).map(|r| r - 1);
    let source = PaddedRows::new(voxels, dims, rw, border);
    let count = (2 * rd + 1) * (2 * rh + 1) * (2 * rw + 1);
    voxels.par_chunks_mut(dims[2]).enumerate().for_each_init(
        || (Vec::new(), Vec::with_capacity(count / 2 + 2)),
        |(rows, candidates), (row, out)| {
            let (d, h) = (row / dims[1], row % dims[1]);
            rows.clear();
            for a in 0..=2 * rd {
                for b in 0..=2 * rh {
                    let depth = (d + a) as isize - rd as isize;
                    rows.push(source.row(depth, (h + b) as isize - rh as isize));
                }
            }
            for (block, out) in out.chunks_mut(LANES).enumerate() {
                let first = block * LANES;
                let window = rows
                    .iter()
                    .flat_map(|row| row[first..].windows(LANES).take(2 * rw + 1));
                let median = median(window, count, candidates);
                out.copy_from_slice(&median[..out.len()]);
            }
        },
    );
}

type Lanes = [f32; LANES];

/// The median in each lane of an odd `count` of vectors.
fn median<'a>(
    mut vectors: impl Iterator<Item = &'a [f32]>,
    count: usize,
    candidates: &mut Vec<Lanes>,
) -> Lanes {
    let lanes = |vector: &[f32]| -> Lanes { std::array::from_fn(|l| vector[l]) };
    candidates.clear();
    candidates.extend(vectors.by_ref().take((count / 2 + 2).min(count)).map(lanes));
    for vector in vectors {
        forget_extremes(candidates);
        candidates.push(lanes(vector));
    }
    while candidates.len() > 2 {
        forget_extremes(candidates);
    }
    candidates[0]
}

/// Removes the smallest and the largest in each lane.
#[inline(always)]
fn forget_extremes(candidates: &mut Vec<Lanes>) {
    let last = candidates.len() - 1;
    let half = candidates.len() / 2;
    for i in 0..half {
        order(candidates, i, last - i);
    }
    // The middle one of an odd number may be either.
    for i in 1..=last - half {
        order(candidates, 0, i);
    }
    for i in half..last {
        order(candidates, i, last);
    }
    candidates.truncate(last);
    candidates.swap_remove(0);
}

/// Exchanges two vectors in the lanes where the second is smaller.
#[inline(always)]
fn order(vectors: &mut [Lanes], a: usize, b: usize) {
    let (x, y) = (vectors[a], vectors[b]);
    vectors[a] = std::array::from_fn(|l| if y[l] < x[l] { y[l] } else { x[l] });
    vectors[b] = std::array::from_fn(|l| if y[l] < x[l] { x[l] } else { y[l] });
}

/// Takes the median of a box around every voxel.
///
/// Where the box holds a NaN, one of its voxels is taken that need not be the median.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MedianFilter {
    /// Voxels on either side along each axis: one for all axes, or one an axis.
    pub radius: Vec<usize>,
    /// What lies beyond the image; MONAI repeats the border.
    #[serde(default = "edge")]
    pub border: FilterBorder,
}

fn edge() -> FilterBorder {
    FilterBorder::Edge
}

const RADIUS: &str = "at most 10 voxels";

impl ChannelOperation for MedianFilter {
    fn check(&self, dimension: usize) -> Result<()> {
        check_entries("MedianFilter", "radius", self.radius.len(), dimension)?;
        self.radius.iter().try_for_each(|&radius| {
            check("MedianFilter", "radius", radius as f64, RADIUS, |v| {
                v <= 10.0
            })
        })
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let radius = per_axis("MedianFilter", "radius", &self.radius)?;
        median_filter(channel.voxels, channel.shape, radius, self.border);
        Ok(())
    }
}

/// Takes medians of boxes of a drawn size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomMedianFilter {
    /// Probability of a sample.
    pub probability: f64,
    /// Smallest and largest number of voxels on either side; one draw for all axes.
    pub radius: [usize; 2],
    /// Whether the channels share it.
    pub channels: Channels,
}

impl Default for RandomMedianFilter {
    /// MONAI's radius and its usual probability.
    fn default() -> Self {
        Self {
            probability: 0.1,
            radius: [1, 1],
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomMedianFilter {
    random_twin!(RandomMedianFilter => MedianFilter);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        let [low, high] = self.radius.map(|r| r as f64);
        check(Self::NAME, "radius", high, RADIUS, |v| v <= 10.0)?;
        check(
            Self::NAME,
            "radius",
            high,
            "at least its lower bound",
            |v| v >= low,
        )
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> MedianFilter {
        MedianFilter {
            radius: vec![self.radius[0] + random.below(self.radius[1] - self.radius[0] + 1)],
            border: FilterBorder::Edge,
        }
    }
}
