//! The median of a box of voxels (MONAI `MedianSmooth`, `scipy.ndimage.median_filter`).
//!
//! Neighbouring boxes share columns of voxels across the row: each column is sorted once, two columns that lie side by
//! side are merged once, then four, and so on; what is left is to merge the few lists that make up a box, as far as
//! the median needs it. Networks of comparisons do it for sixteen voxels at a time.

use medcore::cpu::{Work, with_wide_vectors};
use medcore::random::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::border::{FilterBorder, PaddedRows, three_axes};
use super::network::{LANES, Lanes, Network};
use crate::array::per_axis;
use crate::draw::Channels;
use crate::error::{Result, check, check_entries};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

/// Voxels of a row whose lists are kept at a time.
const TILE: usize = 128;

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
    let plan = Plan::new((2 * rd + 1) * (2 * rh + 1), 2 * rw + 1);
    voxels.par_chunks_mut(dims[2]).enumerate().for_each_init(
        || (Vec::new(), Scratch::new(&plan)),
        |(rows, scratch), (row, out)| {
            let (d, h) = (row / dims[1], row % dims[1]);
            rows.clear();
            for a in 0..=2 * rd {
                for b in 0..=2 * rh {
                    let depth = (d + a) as isize - rd as isize;
                    rows.push(source.row(depth, (h + b) as isize - rh as isize));
                }
            }
            for (tile, out) in out.chunks_mut(TILE).enumerate() {
                with_wide_vectors(Tile {
                    plan: &plan,
                    rows,
                    first: tile * TILE,
                    scratch,
                    out,
                });
            }
        },
    );
}

/// How the median of a box is found from its columns.
struct Plan {
    /// Voxels of a column.
    column: usize,
    /// Columns of a box.
    columns: usize,
    sort: Network,
    /// From lists of one column to lists of 2, of 2 to 4 and so on; the last leaves only what can be the median.
    doubled: Vec<Network>,
    /// Which shorter lists follow, by the logarithm of their columns, and how they are merged with what is there.
    joined: Vec<(usize, Network)>,
}

impl Plan {
    fn new(column: usize, columns: usize) -> Self {
        let last = columns.ilog2() as usize;
        // The rank of the median among what is left, and how much is not in the list yet.
        let (mut rank, mut missing) = (column * columns / 2, column * columns);
        // Which ranks of the longest list can still be the median.
        let mut kept = |len: usize, added: usize| {
            missing -= added;
            let kept = rank.saturating_sub(missing)..len.min(rank + 1);
            rank -= kept.start;
            kept
        };
        let longest = column << last;
        let mut left = kept(longest, longest);
        let list = |level: usize, left: &std::ops::Range<usize>| {
            if level == last {
                left.clone()
            } else {
                0..column << level
            }
        };
        let sort = Network::sort(column, list(0, &left));
        let doubled = (1..=last)
            .map(|level| {
                let half = column << (level - 1);
                Network::merge(half, half, list(level, &left))
            })
            .collect();
        let mut joined = vec![];
        for level in (0..last).rev().filter(|level| columns >> level & 1 == 1) {
            let (first, second) = (left.len(), column << level);
            left = kept(first + second, second);
            joined.push((level, Network::merge(first, second, left.clone())));
        }
        Self {
            column,
            columns,
            sort,
            doubled,
            joined,
        }
    }

    /// Voxels from one rank of a list to the next.
    fn stride(&self) -> usize {
        TILE + 2 * self.columns + 2 * LANES
    }
}

/// The sorted lists of all places of a tile, rank by rank, for 1, 2, 4 and more columns; and the list at hand.
struct Scratch {
    levels: Vec<Vec<f32>>,
    list: Vec<Lanes>,
}

impl Scratch {
    fn new(plan: &Plan) -> Self {
        let level = |level: usize| vec![0.0; (plan.column << level) * plan.stride()];
        Self {
            levels: (0..plan.doubled.len()).map(level).collect(),
            list: vec![],
        }
    }
}

/// A part of a row of the result.
struct Tile<'a> {
    plan: &'a Plan,
    /// The rows of the box.
    rows: &'a [&'a [f32]],
    /// Column of its first voxel.
    first: usize,
    scratch: &'a mut Scratch,
    out: &'a mut [f32],
}

impl Work for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (plan, stride) = (self.plan, self.plan.stride());
        let Scratch { levels, list } = self.scratch;
        let width = self.out.len();
        let last = plan.doubled.len();
        for level in 0..last {
            let (shorter, longer) = levels.split_at_mut(level);
            for x in (0..width + plan.columns - (1 << level)).step_by(LANES) {
                list.clear();
                match shorter.last() {
                    None => {
                        list.extend(self.rows.iter().map(|row| lanes(&row[self.first + x..])));
                        plan.sort.run(list);
                    }
                    Some(shorter) => {
                        append(list, shorter, stride, x);
                        append(list, shorter, stride, x + (1 << (level - 1)));
                        plan.doubled[level - 1].run(list);
                    }
                }
                for (to, values) in longer[0].chunks_exact_mut(stride).zip(&*list) {
                    to[x..x + LANES].copy_from_slice(values);
                }
            }
        }
        for (block, out) in self.out.chunks_mut(LANES).enumerate() {
            let x = block * LANES;
            list.clear();
            match levels.last() {
                None => {
                    list.extend(self.rows.iter().map(|row| lanes(&row[self.first + x..])));
                    plan.sort.run(list);
                }
                Some(shorter) => {
                    append(list, shorter, stride, x);
                    append(list, shorter, stride, x + (1 << (last - 1)));
                    plan.doubled[last - 1].run(list);
                }
            }
            let mut seen = 1 << last;
            for (level, network) in &plan.joined {
                append(list, &levels[*level], stride, x + seen);
                network.run(list);
                seen += 1 << level;
            }
            out.copy_from_slice(&list[0][..out.len()]);
        }
    }
}

/// Adds the list of the places from `x` on, rank by rank.
#[inline(always)]
fn append(list: &mut Vec<Lanes>, level: &[f32], stride: usize, x: usize) {
    list.extend(level.chunks_exact(stride).map(|rank| lanes(&rank[x..])));
}

#[inline(always)]
fn lanes(values: &[f32]) -> Lanes {
    let values = &values[..LANES];
    std::array::from_fn(|l| values[l])
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
