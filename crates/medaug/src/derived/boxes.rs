//! Labels as boxes and boxes as labels (MONAI `MaskToBox`, `BoundingRect` and `BoxToMask`).

use medcore::BoundingBox;
use medcore::components::{Components, Connectivity};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check};
use crate::operation::SampleOperation;
use crate::sample::{Boxes, Contents, Sample};

/// Puts a box around each connected part of each class, in the place of the sample's boxes; its class is the label less
/// one, since detectors count objects from 0. The rule and the sides of boxes that were there stay.
///
/// ```
/// use medaug::{LabelsToBoxes, Operation, Sample};
/// use medcore::{Geometry, Image, LabelMap};
///
/// let grid = Geometry::axis_aligned([1, 5], [1.0; 2])?;
/// let sample = Sample::with_labels(Image::zeros(1, grid)?, LabelMap::new(grid, vec![0_u8, 2, 2, 0, 1])?)?;
/// let found = Operation::from(LabelsToBoxes::default()).apply_to(sample)?;
/// let boxes = found.boxes().expect("boxes").items();
/// assert_eq!(boxes.iter().map(|b| b.class).collect::<Vec<_>>(), [0, 1]);
/// // A box reaches to the outer faces of its voxels.
/// assert_eq!(boxes[1].bounds.min(), [-0.5, 0.5]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelsToBoxes {
    /// Which voxels are connected; without it all voxels of a class are one object.
    pub connectivity: Option<Connectivity>,
    /// Parts of fewer voxels are passed over.
    pub least_voxels: usize,
}

impl Default for LabelsToBoxes {
    /// Voxels that touch at a corner are connected; every part counts.
    fn default() -> Self {
        Self {
            connectivity: Some(Connectivity::Corner),
            least_voxels: 1,
        }
    }
}

impl<const D: usize> SampleOperation<D> for LabelsToBoxes {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn after(&self, before: Contents) -> Contents {
        Contents {
            boxes: true,
            ..before
        }
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let labels = sample.require_labels("LabelsToBoxes")?;
        let counts = labels.counts();
        let mut found: Vec<(BoundingBox<D>, usize)> = vec![];
        for (class, &count) in counts.iter().enumerate().skip(1) {
            if count == 0 {
                continue;
            }
            let connectivity = self.connectivity.unwrap_or(Connectivity::Corner);
            let parts =
                Components::new(labels.as_slice(), labels.shape(), connectivity, |&label| {
                    usize::from(label) == class
                })?;
            let parts = parts.components();
            if self.connectivity.is_some() {
                let large = parts.iter().filter(|part| part.voxels >= self.least_voxels);
                found.extend(large.map(|part| (part.region.into(), class - 1)));
            } else if count >= self.least_voxels as u64 {
                let whole = parts.iter().map(|part| part.region);
                let whole = whole.reduce(|all, part| all.union(&part));
                found.extend(whole.map(|whole| (whole.into(), class - 1)));
            }
        }
        let boxes = Boxes::new(found);
        let boxes = match sample.boxes() {
            Some(before) => before.replaced(boxes),
            None => boxes,
        };
        Ok(sample.with_boxes(boxes))
    }
}

/// What a box is painted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoxForm {
    /// All of it.
    #[default]
    Box,
    /// The ellipse or ellipsoid that it is around, which turns better (MONAI's `ellipse_mask`; Kalra et al., "Towards
    /// rotation invariance in object detection", ICCV 2021).
    Ellipsoid,
}

/// Paints the boxes, one over the other in their order, in the place of the sample's labels: voxels whose middle lies
/// within a box get its class and one more, all others become background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoxesToLabels {
    /// What a box is painted as.
    pub form: BoxForm,
}

impl<const D: usize> SampleOperation<D> for BoxesToLabels {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn needs(&self) -> Contents {
        Contents {
            boxes: true,
            ..Contents::default()
        }
    }

    fn after(&self, before: Contents) -> Contents {
        before.and_labels()
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        const NAME: &str = "BoxesToLabels";
        let boxes = sample
            .boxes()
            .ok_or(Error::MissingBoxes { transform: NAME })?;
        let shape = sample.shape();
        let mut labels = medcore::LabelMap::<u8, D>::background(*sample.geometry())?;
        for item in boxes.items() {
            let rule = "below 255, so that a label is left for it";
            check(NAME, "class of a box", item.class as f64, rule, |v| {
                v < 255.0
            })?;
            self.form
                .paint(&item.bounds, shape, labels.as_mut_slice(), |label| {
                    *label = item.class as u8 + 1;
                });
        }
        sample.with_class_labels(labels)
    }
}

impl BoxForm {
    /// Calls `paint` for the voxels whose middle lies within.
    fn paint<const D: usize>(
        self,
        bounds: &BoundingBox<D>,
        shape: [usize; D],
        voxels: &mut [u8],
        paint: impl Fn(&mut u8),
    ) {
        let first: [usize; D] = std::array::from_fn(|a| bounds.min()[a].ceil().max(0.0) as usize);
        let end: [usize; D] = std::array::from_fn(|a| {
            let last = bounds.max()[a].min(shape[a] as f64);
            // A middle on the far face belongs to the next box.
            (last.ceil().max(0.0) as usize).min(shape[a])
        });
        let size: [usize; D] = std::array::from_fn(|a| end[a].saturating_sub(first[a]));
        for number in 0..size.iter().product() {
            let inner = super::index_of(number, size);
            let index: [usize; D] = std::array::from_fn(|a| first[a] + inner[a]);
            let off: f64 = (0..D)
                .map(|a| {
                    let (low, high) = (bounds.min()[a], bounds.max()[a]);
                    ((index[a] as f64 - (low + high) / 2.0) / ((high - low) / 2.0)).powi(2)
                })
                .sum();
            if self == Self::Box || off <= 1.0 {
                paint(&mut voxels[(0..D).fold(0, |at, a| at * shape[a] + index[a])]);
            }
        }
    }
}
