//! Classes that grow and shrink.

use medcore::components::Connectivity;
use medcore::morphology::{dilate, dilate_steps, erode, erode_steps};
use serde::{Deserialize, Serialize};

use super::classes::{ClassSet, chosen};
use crate::error::{Result, check};
use crate::operation::SampleOperation;
use crate::sample::{Contents, Sample};

/// What is done to the shape of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It grows.
    Dilate,
    /// It shrinks.
    Erode,
    /// It shrinks and grows again: thin bridges and crumbs go.
    Open,
    /// It grows and shrinks again: thin gaps close.
    Close,
}

/// How far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Radius {
    /// By a ball of this radius in millimetres; at its border the image is taken to go on.
    Millimetres(f64),
    /// By a ball of this radius in voxels (batchgeneratorsv2); at its border the image is taken to go on.
    Ball(f64),
    /// By so many neighbours, as SciPy's `binary_dilation` and its kin: outside the image is background.
    Voxels {
        /// How often.
        steps: usize,
        /// By which neighbours.
        connectivity: Connectivity,
    },
}

/// What a class may grow into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrowInto {
    /// Background only.
    #[default]
    Background,
    /// Other classes too (nnU-Net's cascade).
    Anything,
}

/// Grows or shrinks classes, each for itself and in this order; what a class gives up becomes background.
///
/// ```
/// use medaug::{Change, GrowInto, Morphology, Operation, Radius, Sample};
/// use medcore::{Geometry, Image, LabelMap};
///
/// let grid = Geometry::axis_aligned([1, 6], [1.0, 0.5])?;
/// let sample = Sample::with_labels(Image::zeros(1, grid)?, LabelMap::new(grid, vec![0_u8, 0, 0, 1, 2, 0])?)?;
/// let grow = Morphology { change: Change::Dilate, radius: Radius::Millimetres(1.0), classes: vec![1],
///     into: GrowInto::Background };
/// let grown = Operation::from(grow).apply_to(sample)?;
/// assert_eq!(grown.labels().expect("labels").as_slice(), [0, 1, 1, 1, 2, 1]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Morphology {
    /// What is done.
    pub change: Change,
    /// How far, in voxels or millimetres.
    pub radius: Radius,
    /// The classes it is done for; all but background if there are none.
    #[serde(default)]
    pub classes: Vec<u8>,
    /// What they may grow into.
    #[serde(default)]
    pub into: GrowInto,
}

const NAME: &str = "Morphology";

impl Morphology {
    fn changed<const D: usize>(
        &self,
        mask: &[bool],
        shape: [usize; D],
        spacing: [f64; D],
    ) -> medcore::Result<Vec<bool>> {
        let grown = |mask: &[bool]| match self.radius {
            Radius::Millimetres(radius) => dilate(mask, shape, spacing, radius),
            Radius::Ball(radius) => dilate(mask, shape, [1.0; D], radius),
            Radius::Voxels {
                steps,
                connectivity,
            } => dilate_steps(mask, shape, connectivity, steps),
        };
        let shrunk = |mask: &[bool]| match self.radius {
            Radius::Millimetres(radius) => erode(mask, shape, spacing, radius),
            Radius::Ball(radius) => erode(mask, shape, [1.0; D], radius),
            Radius::Voxels {
                steps,
                connectivity,
            } => erode_steps(mask, shape, connectivity, steps),
        };
        match self.change {
            Change::Dilate => grown(mask),
            Change::Erode => shrunk(mask),
            Change::Open => grown(&shrunk(mask)?),
            Change::Close => shrunk(&grown(mask)?),
        }
    }
}

impl<const D: usize> SampleOperation<D> for Morphology {
    fn check(&self) -> Result<()> {
        match self.radius {
            Radius::Voxels { .. } => Ok(()),
            Radius::Millimetres(radius) | Radius::Ball(radius) => {
                check(NAME, "radius", radius, "finite and at least 0", |v| {
                    v.is_finite() && v >= 0.0
                })
            }
        }
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let classes = chosen(&self.classes, sample.require_labels(NAME)?);
        let (shape, spacing) = (sample.shape(), sample.geometry().spacing());
        if let Some(labels) = sample.labels_mut() {
            for class in classes {
                let mask = ClassSet::new(&[class]).mask(labels.as_slice());
                let changed = self.changed(&mask, shape, spacing)?;
                let grows = self.into == GrowInto::Anything;
                for (label, inside) in labels.as_mut_slice().iter_mut().zip(changed) {
                    match (inside, *label) {
                        (true, other) if other == 0 || grows => *label = class,
                        (false, own) if own == class => *label = 0,
                        _ => {}
                    }
                }
            }
        }
        Ok(sample)
    }
}
