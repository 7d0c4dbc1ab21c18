//! A sample in the middle of others.

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::alike::{check_contents, check_count};
use super::mosaic::{always, check_shape, grey, refuse_target};
use super::tiles::{Extent, Montage, Tile};
use super::{Mix, Mixture};
use crate::array::per_axis;
use crate::draw::happens;
use crate::error::{Result, check, check_probability};
use crate::sample::Sample;
use crate::warp::Warp;

/// Nine images, the first in the middle and the others around it, of which a canvas of twice the size is shown (the larger mosaic of
/// YOLO detectors); 27 volumes in 3D.
///
/// Each sample is first scaled, without changing its proportions, until it fits `shape`. Three by three cells meet at the faces of
/// the first sample; the others touch these faces, and what reaches over their cell or over what is shown is cut off. Everything
/// else is as in a [`Mosaic`](crate::Mosaic).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridMosaic {
    /// The shape that each sample is scaled to fit; what is shown is twice as long along each axis, all of it three times.
    pub shape: Vec<usize>,
    /// The first voxel that is shown, one an axis, within 0 and `shape`.
    pub start: Vec<usize>,
    /// What is around the samples.
    pub fill: f32,
}

const NAME: &str = "GridMosaic";
const RANDOM: &str = "RandomGridMosaic";

/// Samples there are.
fn count<const D: usize>() -> usize {
    3_usize.pow(D as u32)
}

impl GridMosaic {
    pub(super) fn apply<const D: usize>(&self, samples: Vec<Sample<D>>) -> Result<Sample<D>> {
        let montage = self.montage(samples)?;
        montage.read(&Warp::identity(montage.geometry().shape()))
    }

    /// The samples where they lie on the canvas.
    pub(super) fn montage<const D: usize>(&self, samples: Vec<Sample<D>>) -> Result<Montage<D>> {
        check_count(NAME, &samples, count::<D>())?;
        check_contents(NAME, &samples)?;
        refuse_target(NAME, &samples)?;
        let shape: [usize; D] = per_axis(NAME, "shape", &self.shape)?;
        let start: [usize; D] = per_axis(NAME, "start", &self.start)?;
        check_shape(NAME, &shape)?;
        for a in 0..D {
            check(NAME, "start", start[a] as f64, "at most `shape`", |_| {
                start[a] <= shape[a]
            })?;
        }
        let middle = Extent::of(samples[0].shape(), shape);
        let mut tiles = vec![];
        // The cells in storage order, but for the one in the middle, which is the first sample's.
        let half = count::<D>() / 2;
        for (number, sample) in samples.into_iter().enumerate() {
            let cell = match number {
                0 => half,
                n if n <= half => n - 1,
                n => n,
            };
            let extent = Extent::of(sample.shape(), shape);
            let (mut at, mut seen, mut first) = ([0; D], [0; D], [0; D]);
            for a in 0..D {
                let size = extent.voxels[a];
                let low = (3 * shape[a] - middle.voxels[a]) / 2;
                let high = low + middle.voxels[a];
                // Where the cell lies, and where the sample in it begins.
                let (cell, begin) = match cell / 3_usize.pow((D - 1 - a) as u32) % 3 {
                    0 => (0..low, low as isize - size as isize),
                    1 => (low..high, (3 * shape[a] - size) as isize / 2),
                    _ => (high..3 * shape[a], high as isize),
                };
                let shown = start[a]..start[a] + 2 * shape[a];
                let from = cell.start.max(shown.start).max(begin.max(0) as usize);
                let end = (begin + size as isize).max(0) as usize;
                let to = cell.end.min(shown.end).min(end);
                seen[a] = to.saturating_sub(from);
                at[a] = from.saturating_sub(start[a]);
                first[a] = (from as isize - begin).max(0) as usize;
            }
            if !seen.contains(&0) {
                tiles.push(Tile::scaled(sample, &extent, at, first, seen)?);
            }
        }
        Montage::new(NAME, tiles, shape.map(|n| 2 * n), self.fill)
    }
}

/// Draws which part of a [`GridMosaic`] is shown: anywhere in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomGridMosaic {
    /// Probability of a sample.
    #[serde(default = "always")]
    pub probability: f64,
    /// The shape that each sample is scaled to fit; what is shown is twice as long: one extent for all axes, or one an axis.
    pub shape: Vec<usize>,
    /// What is around the samples.
    #[serde(default = "grey")]
    pub fill: f32,
}

impl RandomGridMosaic {
    /// Always, with the grey of a [`RandomMosaic`](crate::RandomMosaic) around it.
    #[must_use]
    pub fn new(shape: Vec<usize>) -> Self {
        Self {
            probability: always(),
            shape,
            fill: grey(),
        }
    }
}

impl<const D: usize> Mix<D> for RandomGridMosaic {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_probability(RANDOM, self.probability)?;
        let fill = f64::from(self.fill);
        check(RANDOM, "fill", fill, "finite", f64::is_finite)?;
        per_axis::<_, D>(RANDOM, "shape", &self.shape)?;
        check_shape(RANDOM, &self.shape)
    }

    fn others(&self, key: Key) -> usize {
        if happens(key, self.probability) {
            count::<D>() - 1
        } else {
            0
        }
    }

    fn mixture(&self, _samples: &[Sample<D>], key: Key) -> Result<Option<Mixture>> {
        let shape: [usize; D] = per_axis(RANDOM, "shape", &self.shape)?;
        let mut random = key.stream("start");
        let start = shape.map(|n| random.below(n + 1));
        Ok(Some(
            GridMosaic {
                shape: shape.to_vec(),
                start: start.to_vec(),
                fill: self.fill,
            }
            .into(),
        ))
    }
}
