//! Scores: the mean of some voxels becomes 0, their standard deviation 1 (MONAI `NormalizeIntensity`, TorchIO
//! `ZNormalization`).

use serde::{Deserialize, Serialize};

use super::extent::{Extent, finite, voxels, voxels_mut};
use super::mask::{Mask, chosen};
use crate::error::{Error, Result, check};
use crate::operation::SampleOperation;
use crate::parallel::{Statistics, for_each_chunk, for_each_masked_chunk};
use crate::sample::{Contents, Sample};

const NAME: &str = "NormalizeIntensity";

/// The divisor of a variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deviation {
    /// The number of voxels (MONAI, NumPy, nnU-Net).
    #[default]
    Population,
    /// One less (TorchIO, PyTorch).
    Sample,
}

/// What becomes of voxels that the statistics are not taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutsideMask {
    /// They stay as they are (MONAI).
    #[default]
    Kept,
    /// They are scaled as the others are (TorchIO).
    Scaled,
}

/// `(v - subtrahend) / divisor`, by default the mean and the standard deviation of the voxels of a mask.
///
/// A deviation of 0 divides by 1, so that a constant image becomes 0; a mask of voxels that are not 0 may be
/// empty, any other empty mask is refused, as are statistics of voxels that are not finite.
///
/// ```
/// use medaug::{Mask, NormalizeIntensity, Operation, Sample};
/// use medcore::{Geometry, Image};
///
/// let grid = Geometry::axis_aligned([1, 4], [1.0; 2])?;
/// let sample = Sample::new(Image::new(grid, vec![0.0, 2.0, 4.0, 0.0])?);
/// let brain = NormalizeIntensity { mask: Mask::NonZero, ..NormalizeIntensity::default() };
/// assert_eq!(Operation::from(brain).apply_to(sample)?.image().as_slice(), [0.0, -1.0, 1.0, 0.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NormalizeIntensity {
    /// What is subtracted instead of the mean: one number for all, or one a channel.
    pub subtrahend: Option<Vec<f64>>,
    /// What is divided by instead of the standard deviation: one number for all, or one a channel; 0 counts
    /// as 1.
    pub divisor: Option<Vec<f64>>,
    /// The voxels that are measured.
    pub mask: Mask,
    /// What becomes of the others.
    pub outside: OutsideMask,
    /// The divisor of the variance.
    pub deviation: Deviation,
    /// Whether channels are measured together.
    pub extent: Extent,
}

/// The number given for a part of the channels, if any is.
fn given(values: Option<&Vec<f64>>, part: usize) -> Option<f64> {
    let values = values?;
    values.get(part).or(values.first()).copied()
}

impl NormalizeIntensity {
    fn check_counts(&self, parts: usize) -> Result<()> {
        for (parameter, values) in [("subtrahend", &self.subtrahend), ("divisor", &self.divisor)] {
            match values.as_ref().map(Vec::len) {
                Some(got) if got != 1 && got != parts => {
                    return Err(Error::EntryCount {
                        transform: NAME,
                        parameter,
                        expected: parts,
                        got,
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl<const D: usize> SampleOperation<D> for NormalizeIntensity {
    fn check(&self) -> Result<()> {
        self.mask.check(NAME)?;
        for (parameter, values) in [("subtrahend", &self.subtrahend), ("divisor", &self.divisor)] {
            for &value in values.iter().flatten() {
                check(NAME, parameter, value, "finite", f64::is_finite)?;
            }
        }
        Ok(())
    }

    fn needs(&self) -> Contents {
        self.mask.needs()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let parts = self.extent.parts(sample.image().channels());
        self.check_counts(parts.len())?;
        for (number, part) in parts.into_iter().enumerate() {
            let mask = self.mask.select_some(NAME, &sample, part.clone())?;
            let subtrahend = given(self.subtrahend.as_ref(), number);
            let divisor = given(self.divisor.as_ref(), number);
            let (mean, std) = match (subtrahend, divisor) {
                (Some(mean), Some(std)) => (mean, std),
                _ => {
                    let measured =
                        Statistics::of(&chosen(voxels(&sample, part.clone()), mask.as_deref()));
                    let known = measured.is_finite().then_some(measured);
                    let measured = finite(known, &sample, &part)?;
                    let std = match self.deviation {
                        Deviation::Population => measured.std(),
                        Deviation::Sample => measured.unbiased_std(),
                    };
                    (subtrahend.unwrap_or(measured.mean), divisor.unwrap_or(std))
                }
            };
            let (mean, std) = (mean as f32, if std == 0.0 { 1.0 } else { std as f32 });
            let voxels = voxels_mut(&mut sample, part);
            match (&mask, self.outside) {
                (Some(mask), OutsideMask::Kept) => {
                    for_each_masked_chunk(voxels, mask, |v| (v - mean) / std);
                }
                _ => for_each_chunk(voxels, |_, chunk| {
                    chunk.iter_mut().for_each(|v| *v = (*v - mean) / std);
                }),
            }
        }
        Ok(sample)
    }
}
