//! Contrast limited adaptive histogram equalisation in any number of dimensions (scikit-image `equalize_adapthist`;
//! Zuiderveld, Graphics Gems IV, 1994).

use medcore::random::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::check_finite;
use crate::array::per_axis;
use crate::draw::{Channels, Draw};
use crate::error::{Result, check, check_entries};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::{Statistics, for_each_chunk};
use crate::transform::{RandomChannels, random_twin};

/// Grey levels in which the image is counted.
const LEVELS: usize = 1 << 14;

/// Equalises each of some tiles with limited contrast and blends between them; the result runs from 0 to 1.
///
/// The channel is first spread over 0..1, as scikit-image's users have to. A constant channel becomes 0, one with
/// NaN is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clahe {
    /// Share of a tile's voxels that one bin may have; 0 does not limit.
    pub clip_limit: f64,
    /// Voxels of a tile along an axis: one for all axes, one an axis, or none for an eighth of the image.
    pub tile: Vec<usize>,
    /// Bins of a histogram.
    pub bins: usize,
}

impl Default for Clahe {
    /// scikit-image's parameters.
    fn default() -> Self {
        Self {
            clip_limit: 0.01,
            tile: vec![],
            bins: 256,
        }
    }
}

/// Limits the counts of a histogram and spreads what is cut off over the bins below the limit.
fn clip(counts: &mut [u32], limit: u32) {
    let bins = counts.len() as i64;
    let cut: u32 = counts.iter().map(|&n| n.saturating_sub(limit)).sum();
    let mut excess = i64::from(cut);
    let each = (excess / bins) as u32;
    let upper = limit.saturating_sub(each);
    for n in counts.iter_mut() {
        *n = (*n).min(limit);
        if *n < upper {
            *n += each;
            excess -= i64::from(each);
        }
        if *n >= upper {
            excess -= i64::from(limit - *n);
            *n = limit;
        }
    }
    while excess > 0 {
        let before = excess;
        for start in 0..counts.len() {
            let below = counts.iter().filter(|&&n| n < limit).count() as i64;
            let step = (below / excess).max(1) as usize;
            // All that a stride meets is raised, even if that is a little more than was cut off.
            for n in counts[start..].iter_mut().step_by(step) {
                if *n < limit {
                    *n += 1;
                    excess -= 1;
                }
            }
            if excess <= 0 {
                break;
            }
        }
        if excess == before {
            break;
        }
    }
}

/// Tiles of an image, and the tables of grey levels of each.
struct Tiles<const D: usize> {
    tile: [usize; D],
    /// Tiles along each axis.
    count: [usize; D],
    bins: usize,
    /// What becomes of each bin, tile by tile.
    tables: Vec<u16>,
}

/// Index of a place that is mirrored at the border voxels of an axis.
fn mirrored(i: usize, len: usize) -> usize {
    let period = (2 * (len - 1)).max(1);
    (i % period).min(period - i % period).min(len - 1)
}

impl<const D: usize> Tiles<D> {
    /// Of an image in bins, mirrored beyond its end.
    fn of(image: &[u16], shape: [usize; D], tile: [usize; D], parameters: &Clahe) -> Self {
        let count: [usize; D] = std::array::from_fn(|a| shape[a].div_ceil(tile[a]));
        let size: usize = tile.iter().product();
        let limit = if parameters.clip_limit > 0.0 {
            ((parameters.clip_limit * size as f64) as u32).max(1)
        } else {
            size as u32
        };
        let bins = parameters.bins;
        let mut tables = vec![0; bins * count.iter().product::<usize>()];
        tables
            .par_chunks_mut(bins)
            .enumerate()
            .for_each(|(t, table)| {
                let start = unravelled(t, count);
                let mut counts = vec![0_u32; bins];
                let rows: usize = size / tile[D - 1];
                for row in 0..rows {
                    let mut inside = [1; D];
                    inside[..D - 1].copy_from_slice(&tile[..D - 1]);
                    let at = unravelled(row, inside);
                    let from = (0..D - 1).fold(0, |offset, a| {
                        offset * shape[a] + mirrored(start[a] * tile[a] + at[a], shape[a])
                    });
                    let voxels = &image[from * shape[D - 1]..][..shape[D - 1]];
                    let first = start[D - 1] * tile[D - 1];
                    for w in first..first + tile[D - 1] {
                        counts[usize::from(voxels[mirrored(w, shape[D - 1])])] += 1;
                    }
                }
                clip(&mut counts, limit);
                let scale = (LEVELS - 1) as f64 / size as f64;
                let mut sum = 0;
                for (value, n) in table.iter_mut().zip(counts) {
                    sum += n;
                    *value = (f64::from(sum) * scale).min((LEVELS - 1) as f64) as u16;
                }
            });
        Self {
            tile,
            count,
            bins,
            tables,
        }
    }

    /// The tiles before and after index `i` of an axis, and the weight of the one after.
    fn beside(&self, axis: usize, i: usize) -> ([usize; 2], f64) {
        let tile = self.tile[axis];
        let place = i + tile / 2;
        let after = place / tile;
        let last = self.count[axis] - 1;
        let weight = (place % tile) as f64 / tile as f64;
        ([after.saturating_sub(1).min(last), after.min(last)], weight)
    }

    /// The blended level of each voxel of a row that starts at `start`.
    fn blend(&self, start: [usize; D], row: &[u16], out: &mut [f32]) {
        let beside: [([usize; 2], f64); D] = std::array::from_fn(|a| self.beside(a, start[a]));
        // Corners of the tiles around the row, the first axis slowest.
        let corners: Vec<(usize, [f64; D])> = (0..1_usize << (D - 1))
            .map(|corner| {
                let mut weights = [1.0; D];
                let tiles = (0..D - 1).fold(0, |offset, a| {
                    let side = corner >> (D - 2 - a) & 1;
                    let (tiles, weight) = beside[a];
                    weights[a] = if side == 1 { weight } else { 1.0 - weight };
                    offset * self.count[a] + tiles[side]
                });
                (tiles * self.count[D - 1], weights)
            })
            .collect();
        for (w, (v, &bin)) in out.iter_mut().zip(row).enumerate() {
            let (tiles, weight) = self.beside(D - 1, w);
            let mut sum = 0.0_f32;
            for (offset, weights) in &corners {
                for (side, tile) in tiles.into_iter().enumerate() {
                    let last = if side == 1 { weight } else { 1.0 - weight };
                    let share = weights[..D - 1]
                        .iter()
                        .rev()
                        .fold(last, |share, w| share * w);
                    let table = &self.tables[(offset + tile) * self.bins..];
                    sum += (f64::from(table[usize::from(bin)]) * share) as f32;
                }
            }
            *v = sum.floor();
        }
    }
}

/// The index of a place in memory, last axis fastest.
fn unravelled<const D: usize>(mut place: usize, shape: [usize; D]) -> [usize; D] {
    let mut index = [0; D];
    for a in (0..D).rev() {
        index[a] = place % shape[a];
        place /= shape[a];
    }
    index
}

/// Equalises a channel of `shape` in tiles of `tile` voxels.
///
/// # Panics
/// If `voxels` is not as long as `shape` says, a tile is empty, or there are no bins or more than 2^14.
pub fn clahe<const D: usize>(
    voxels: &mut [f32],
    shape: [usize; D],
    tile: [usize; D],
    parameters: &Clahe,
) {
    assert_eq!(voxels.len(), shape.iter().product::<usize>());
    assert!(!tile.contains(&0) && (1..=LEVELS).contains(&parameters.bins));
    let Statistics { min, max, .. } = Statistics::of(voxels);
    if voxels.is_empty() || min == max {
        voxels.fill(0.0);
        return;
    }
    let range = max - min;
    let width = 1 + LEVELS / parameters.bins;
    let mut image = vec![0_u16; voxels.len()];
    image.par_iter_mut().zip(&*voxels).for_each(|(bin, &v)| {
        // Sixteen bits and then fourteen, as scikit-image rounds.
        let level = ((v - min) / range * 65_535.0).round_ties_even();
        let level = (level / 65_535.0 * (LEVELS - 1) as f32).round_ties_even() as usize;
        *bin = (level / width) as u16;
    });
    let tiles = Tiles::of(&image, shape, tile, parameters);
    let row = shape[D - 1];
    let rows = voxels.par_chunks_mut(row).zip(image.par_chunks(row));
    rows.enumerate().for_each(|(r, (out, bins))| {
        let mut outer = shape;
        outer[D - 1] = 1;
        tiles.blend(unravelled(r, outer), bins, out);
    });
    let Statistics { min, max, .. } = Statistics::of(voxels);
    let range = if max > min { max - min } else { 1.0 };
    for_each_chunk(voxels, |_, chunk| {
        chunk.iter_mut().for_each(|v| *v = (*v - min) / range);
    });
}

const LIMIT: &str = "within 0 and 1";

fn is_limit(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

fn check_all(name: &'static str, tile: &[usize], bins: usize, dimension: usize) -> Result<()> {
    if !tile.is_empty() {
        check_entries(name, "tile", tile.len(), dimension)?;
    }
    for &voxels in tile {
        check(name, "tile", voxels as f64, "at least 1", |v| v >= 1.0)?;
    }
    check(name, "bins", bins as f64, "within 2 and 16384", |v| {
        (2.0..=LEVELS as f64).contains(&v)
    })
}

impl ChannelOperation for Clahe {
    fn check(&self, dimension: usize) -> Result<()> {
        check_all("Clahe", &self.tile, self.bins, dimension)?;
        check("Clahe", "clip_limit", self.clip_limit, LIMIT, is_limit)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        check_finite(channel.voxels, channel.number)?;
        let tile = if self.tile.is_empty() {
            channel.shape.map(|n| (n / 8).max(1))
        } else {
            per_axis("Clahe", "tile", &self.tile)?
        };
        clahe(channel.voxels, channel.shape, tile, self);
        Ok(())
    }
}

/// Equalises tiles with a drawn limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomClahe {
    /// Probability of a sample.
    pub probability: f64,
    /// Share of a tile's voxels that one bin may have.
    pub clip_limit: Draw,
    /// Voxels of a tile along an axis, as [`Clahe::tile`].
    pub tile: Vec<usize>,
    /// Bins of a histogram.
    pub bins: usize,
    /// Whether the channels share the limit.
    pub channels: Channels,
}

impl Default for RandomClahe {
    /// Half the samples, about scikit-image's limit.
    fn default() -> Self {
        Self {
            probability: 0.5,
            clip_limit: Draw::Uniform {
                low: 0.005,
                high: 0.02,
            },
            tile: vec![],
            bins: 256,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomClahe {
    random_twin!(RandomClahe => Clahe);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check_all(Self::NAME, &self.tile, self.bins, dimension)?;
        self.clip_limit
            .check(Self::NAME, "clip_limit", LIMIT, is_limit)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> Clahe {
        Clahe {
            clip_limit: self.clip_limit.draw(random),
            tile: self.tile.clone(),
            bins: self.bins,
        }
    }
}
