//! Several samples around one point.

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::alike::{check_contents, check_count};
use super::tiles::{Extent, Montage, Tile};
use super::{Mix, Mixture};
use crate::array::per_axis;
use crate::crop::is_extent;
use crate::draw::happens;
use crate::error::{Error, Result, check, check_probability};
use crate::sample::Sample;
use crate::warp::Warp;

/// Four images of which each touches one point with a corner, on a canvas of twice the size (Bochkovskiy et al., "YOLOv4",
/// 2020); eight volumes in 3D.
///
/// Each sample is first scaled, without changing its proportions, until it fits `shape`. What reaches over the canvas is
/// cut off, boxes by their [`BoxRule`](crate::BoxRule); a point that is not seen is not known. Image, labels, layers, boxes
/// and points of all are joined in the order of the samples; instances are numbered on. The canvas lies where the first
/// sample lies. Whole-image targets are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mosaic {
    /// The shape that each sample is scaled to fit; the canvas is twice as long along each axis.
    pub shape: Vec<usize>,
    /// The first canvas index behind the point where all samples meet, one an axis.
    pub centre: Vec<usize>,
    /// What is around the samples.
    pub fill: f32,
}

const NAME: &str = "Mosaic";

impl Mosaic {
    pub(super) fn apply<const D: usize>(&self, samples: Vec<Sample<D>>) -> Result<Sample<D>> {
        let montage = self.montage(samples)?;
        montage.read(&Warp::identity(montage.geometry().shape()))
    }

    /// The samples where they lie on the canvas.
    pub(super) fn montage<const D: usize>(&self, samples: Vec<Sample<D>>) -> Result<Montage<D>> {
        check_count(NAME, &samples, 1 << D)?;
        check_contents(NAME, &samples)?;
        refuse_target(NAME, &samples)?;
        let shape: [usize; D] = per_axis(NAME, "shape", &self.shape)?;
        let centre: [usize; D] = per_axis(NAME, "centre", &self.centre)?;
        check_shape(NAME, &shape)?;
        for a in 0..D {
            check(
                NAME,
                "centre",
                centre[a] as f64,
                "inside the canvas",
                |_| (1..2 * shape[a]).contains(&centre[a]),
            )?;
        }
        let tiles = samples.into_iter().enumerate();
        let tiles: Vec<Tile<D>> = tiles
            .map(|(corner, sample)| self.tile(sample, corner, shape, centre))
            .collect::<Result<_>>()?;
        Montage::new(NAME, tiles, shape.map(|n| 2 * n), self.fill)
    }

    /// The part of a sample that is seen in one corner of the canvas; bits of `corner` say behind which axes' centre.
    fn tile<const D: usize>(
        &self,
        sample: Sample<D>,
        corner: usize,
        shape: [usize; D],
        centre: [usize; D],
    ) -> Result<Tile<D>> {
        let scaled = Extent::of(sample.shape(), shape);
        let (mut at, mut seen, mut first) = ([0; D], [0; D], [0; D]);
        for a in 0..D {
            let extent = scaled.voxels[a];
            // The last axis runs fastest, as the corners of the papers' figures do.
            let behind = corner >> (D - 1 - a) & 1 == 1;
            first[a] = if behind {
                at[a] = centre[a];
                seen[a] = extent.min(2 * shape[a] - centre[a]);
                0
            } else {
                at[a] = centre[a].saturating_sub(extent);
                seen[a] = centre[a] - at[a];
                extent - seen[a]
            };
        }
        Tile::scaled(sample, &scaled, at, first, seen)
    }
}

/// Refuses targets of whole images, which say nothing of parts.
pub(super) fn refuse_target<const D: usize>(
    transform: &'static str,
    samples: &[Sample<D>],
) -> Result<()> {
    match samples.iter().find_map(Sample::target) {
        None => Ok(()),
        Some(_) => Err(Error::CannotMix {
            transform,
            what: "targets of whole images",
            instead: "use MixUp or CutMix for classification",
        }),
    }
}

pub(super) fn check_shape(transform: &'static str, shape: &[usize]) -> Result<()> {
    shape.iter().try_for_each(|&extent| {
        check(
            transform,
            "shape",
            extent as f64,
            "at least 2 and below 2^31",
            |v| v >= 2.0 && is_extent(v),
        )
    })
}

/// Draws where the samples of a mosaic meet: anywhere in the middle half of the canvas along each axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomMosaic {
    /// Probability of a sample.
    #[serde(default = "always")]
    pub probability: f64,
    /// The shape that each sample is scaled to fit; the canvas is twice as long: one extent for all axes, or one an axis.
    pub shape: Vec<usize>,
    /// What is around the samples.
    #[serde(default = "grey")]
    pub fill: f32,
}

pub(super) fn always() -> f64 {
    1.0
}

/// The grey of ultralytics, of images from 0 to 1.
pub(super) fn grey() -> f32 {
    114.0 / 255.0
}

impl RandomMosaic {
    /// Always, grey around it, as ultralytics trains.
    #[must_use]
    pub fn new(shape: Vec<usize>) -> Self {
        Self {
            probability: always(),
            shape,
            fill: grey(),
        }
    }
}

impl<const D: usize> Mix<D> for RandomMosaic {
    fn name(&self) -> &'static str {
        "RandomMosaic"
    }

    fn check(&self) -> Result<()> {
        check_probability("RandomMosaic", self.probability)?;
        let fill = f64::from(self.fill);
        check("RandomMosaic", "fill", fill, "finite", f64::is_finite)?;
        per_axis::<_, D>("RandomMosaic", "shape", &self.shape)?;
        check_shape("RandomMosaic", &self.shape)
    }

    fn others(&self, key: Key) -> usize {
        if happens(key, self.probability) {
            (1 << D) - 1
        } else {
            0
        }
    }

    fn mixture(&self, _samples: &[Sample<D>], key: Key) -> Result<Option<Mixture>> {
        let shape: [usize; D] = per_axis("RandomMosaic", "shape", &self.shape)?;
        let mut random = key.stream("centre");
        let centre = shape.map(|n| (n.div_ceil(2) + random.below(n)).max(1));
        Ok(Some(
            Mosaic {
                shape: shape.to_vec(),
                centre: centre.to_vec(),
                fill: self.fill,
            }
            .into(),
        ))
    }
}
