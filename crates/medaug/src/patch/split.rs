//! A sample taken apart into equal parts (MONAI `GridSplit`).

use serde::{Deserialize, Serialize};

use crate::array::per_axis;
use crate::crop::{Crop, check_voxels};
use crate::error::{Result, check};
use crate::operation::SpatialOperation;
use crate::sample::Sample;

const NAME: &str = "GridSplit";

/// Takes samples apart into a grid of parts of one shape, as for networks that see a picture tile by tile.
///
/// Parts begin at even distances, the first where the image begins; voxels between them or behind the last are dropped, and parts
/// with a shape of their own may overlap. [`PatchGrid`](crate::PatchGrid) drops nothing.
///
/// ```
/// use medaug::{GridSplit, Sample};
/// use medcore::{Geometry, Image};
///
/// let voxels: Vec<f32> = (0..10).map(|v| v as f32).collect();
/// let image = Image::new(Geometry::axis_aligned([2, 5], [1.0; 2])?, voxels)?;
/// let split = GridSplit { parts: vec![1, 2], shape: None };
/// let parts = split.apply(&Sample::new(image))?;
/// assert_eq!(parts[1].image().as_slice(), [3.0, 4.0, 8.0, 9.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridSplit {
    /// Parts along each axis: one number for all axes, or one an axis.
    pub parts: Vec<usize>,
    /// Voxels of a part along each axis, one for all axes or one an axis; as many as fit if there are none.
    #[serde(default)]
    pub shape: Option<Vec<usize>>,
}

impl GridSplit {
    /// The blocks of an image of `shape`, the last axis fastest.
    ///
    /// # Errors
    /// Refuses parts without voxels or larger than the image.
    pub fn crops<const D: usize>(&self, shape: [usize; D]) -> Result<Vec<Crop>> {
        check_voxels(NAME, "parts", &self.parts, D)?;
        let parts: [usize; D] = per_axis(NAME, "parts", &self.parts)?;
        let part: [usize; D] = match &self.shape {
            Some(voxels) => per_axis(NAME, "shape", voxels)?,
            None => std::array::from_fn(|a| shape[a] / parts[a]),
        };
        let mut steps = [0; D];
        for a in 0..D {
            let rule = "no more than the image has voxels";
            check(NAME, "parts", parts[a] as f64, rule, |_| {
                parts[a] <= shape[a]
            })?;
            let rule = "at least 1 and no more than the image has";
            check(NAME, "shape", part[a] as f64, rule, |_| {
                (1..=shape[a]).contains(&part[a])
            })?;
            steps[a] = (shape[a] - part[a]) / (parts[a] - 1).max(1);
        }
        let count = parts.iter().product();
        let crop = |mut number: usize| {
            let mut start = [0; D];
            for a in (0..D).rev() {
                start[a] = (number % parts[a] * steps[a]) as isize;
                number /= parts[a];
            }
            Crop::new(start, part)
        };
        Ok((0..count).map(crop).collect())
    }

    /// The parts of a sample, with all that is known about them.
    ///
    /// # Errors
    /// As [`GridSplit::crops`].
    pub fn apply<const D: usize>(&self, sample: &Sample<D>) -> Result<Vec<Sample<D>>> {
        self.crops(sample.shape())?
            .iter()
            .map(|crop| crop.warp(sample.geometry())?.apply(sample))
            .collect()
    }
}
