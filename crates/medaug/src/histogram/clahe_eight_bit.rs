//! Contrast limited adaptive histogram equalisation in 8 bits (OpenCV's `CLAHE`, which Albumentations uses; after
//! Zuiderveld, Graphics Gems IV, 1994).

use medcore::random::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::check_finite;
use crate::draw::{Channels, Draw};
use crate::error::{Result, check, check_dimension};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

const LEVELS: usize = 256;

/// Equalises each of some tiles of a slice, with limited contrast, and blends between them; from 0..1 to 0..1 in
/// steps of 1/255, values outside clipped.
///
/// For images of two axes. A channel with NaN is refused. [`Clahe`](crate::Clahe) is the one without levels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaheEightBit {
    /// How many times as frequent as all others a level may be; 0 does not limit.
    pub clip_limit: f64,
    /// Tiles along each axis.
    pub tiles: [usize; 2],
}

impl Default for ClaheEightBit {
    /// Albumentations' largest limit and its tiles.
    fn default() -> Self {
        Self {
            clip_limit: 4.0,
            tiles: [8, 8],
        }
    }
}

/// What becomes of each level in one tile.
fn table(counts: &mut [u32; LEVELS], size: usize, clip_limit: f64) -> [u8; LEVELS] {
    if clip_limit > 0.0 {
        let limit = ((clip_limit * size as f64 / LEVELS as f64) as u32).max(1);
        let clipped: u32 = counts.iter().map(|&n| n.saturating_sub(limit)).sum();
        let (each, mut rest) = (clipped / LEVELS as u32, clipped as usize % LEVELS);
        counts.iter_mut().for_each(|n| *n = (*n).min(limit) + each);
        let step = (LEVELS / rest.max(1)).max(1);
        for n in counts.iter_mut().step_by(step) {
            if rest == 0 {
                break;
            }
            *n += 1;
            rest -= 1;
        }
    }
    let scale = 255.0 / size as f32;
    let mut sum = 0;
    counts.map(|n| {
        sum += n;
        (sum as f32 * scale).round_ties_even() as u8
    })
}

/// The two tiles beside each of `len` pixels, and the weight of the second.
fn neighbours(len: usize, tile: usize, tiles: usize) -> Vec<(usize, usize, f32)> {
    let inverse = 1.0 / tile as f32;
    (0..len)
        .map(|i| {
            let at = i as f32 * inverse - 0.5;
            let low = at.floor();
            let clamped = |t: f32| (t.max(0.0) as usize).min(tiles - 1);
            (clamped(low), clamped(low + 1.0), at - low)
        })
        .collect()
}

/// Equalises a slice of `shape` with values from 0 to 1.
///
/// # Panics
/// If `voxels` is not as long as `shape` says, or there are no tiles.
pub fn clahe_eight_bit(voxels: &mut [f32], shape: [usize; 2], parameters: ClaheEightBit) {
    let [height, width] = shape;
    let [down, across] = parameters.tiles;
    assert!(voxels.len() == height * width && down * across > 0);
    if voxels.is_empty() {
        return;
    }
    let level = |v: f32| (v * 255.0).round_ties_even() as u8;
    let levels: Vec<u8> = voxels.iter().map(|&v| level(v)).collect();
    // OpenCV adds a whole tile's worth to both axes as soon as one does not divide.
    let padded = if height.is_multiple_of(down) && width.is_multiple_of(across) {
        shape
    } else {
        [
            height + down - height % down,
            width + across - width % across,
        ]
    };
    let tile = [padded[0] / down, padded[1] / across];
    let mirrored = |i: usize, len: usize| {
        let period = (2 * (len - 1)).max(1);
        (i % period).min(period - i % period).min(len - 1)
    };
    let tables: Vec<[u8; LEVELS]> = (0..down * across)
        .into_par_iter()
        .map(|t| {
            let start = [t / across * tile[0], t % across * tile[1]];
            let mut counts = [0; LEVELS];
            for h in start[0]..start[0] + tile[0] {
                let row = &levels[mirrored(h, height) * width..][..width];
                for w in start[1]..start[1] + tile[1] {
                    counts[usize::from(row[mirrored(w, width)])] += 1;
                }
            }
            table(&mut counts, tile[0] * tile[1], parameters.clip_limit)
        })
        .collect();
    let rows = neighbours(height, tile[0], down);
    let columns = neighbours(width, tile[1], across);
    let out = voxels.par_chunks_mut(width).zip(levels.par_chunks(width));
    out.zip(&rows)
        .for_each(|((out, levels), &(top, bottom, y))| {
            let (top, bottom) = (&tables[top * across..], &tables[bottom * across..]);
            for ((v, &level), &(left, right, x)) in out.iter_mut().zip(levels).zip(&columns) {
                let blend = |tables: &[[u8; LEVELS]]| {
                    let at = |column: usize| f32::from(tables[column][usize::from(level)]);
                    at(left) * (1.0 - x) + at(right) * x
                };
                let value = blend(top) * (1.0 - y) + blend(bottom) * y;
                *v = f32::from(value.round_ties_even() as u8) / 255.0;
            }
        });
}

const LIMIT: &str = "finite and at least 0";

fn is_limit(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

fn check_all(name: &'static str, tiles: [usize; 2], dimension: usize) -> Result<()> {
    check_dimension(name, dimension, &[2])?;
    tiles.iter().try_for_each(|&n| {
        check(name, "tiles", n as f64, "within 1 and 1024", |v| {
            (1.0..=1024.0).contains(&v)
        })
    })
}

impl ChannelOperation for ClaheEightBit {
    fn check(&self, dimension: usize) -> Result<()> {
        const NAME: &str = "ClaheEightBit";
        check_all(NAME, self.tiles, dimension)?;
        check(NAME, "clip_limit", self.clip_limit, LIMIT, is_limit)
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        check_finite(channel.voxels, channel.number)?;
        let [height, width] = channel.shape[..] else {
            return check_all("ClaheEightBit", self.tiles, D);
        };
        clahe_eight_bit(channel.voxels, [height, width], *self);
        Ok(())
    }
}

/// Equalises tiles with a drawn limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomClaheEightBit {
    /// Probability of a sample.
    pub probability: f64,
    /// How many times as frequent as all others a level may be.
    pub clip_limit: Draw,
    /// Tiles along each axis.
    pub tiles: [usize; 2],
    /// Whether the channels share the limit.
    pub channels: Channels,
}

impl Default for RandomClaheEightBit {
    /// Albumentations' parameters.
    fn default() -> Self {
        Self {
            probability: 0.5,
            clip_limit: Draw::Uniform {
                low: 1.0,
                high: 4.0,
            },
            tiles: [8, 8],
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomClaheEightBit {
    random_twin!(RandomClaheEightBit => ClaheEightBit);

    fn check_for(&self, dimension: usize) -> Result<()> {
        check_all(Self::NAME, self.tiles, dimension)?;
        self.clip_limit
            .check(Self::NAME, "clip_limit", LIMIT, is_limit)
    }

    fn draw(&self, _dimension: usize, random: &mut Random) -> ClaheEightBit {
        ClaheEightBit {
            clip_limit: self.clip_limit.draw(random),
            tiles: self.tiles,
        }
    }
}
