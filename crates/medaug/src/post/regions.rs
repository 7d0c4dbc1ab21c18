//! Classes that lie within one another, as regions that overlap, and back.

use serde::{Deserialize, Serialize};

use super::classes::ClassSet;
use crate::error::{Error, Result, check};
use crate::operation::SampleOperation;
use crate::parallel::CHUNK;
use crate::sample::{Contents, Sample};
use medcore::{Image, LabelMap};

/// The labels of the sample become its image, one channel of zeros and ones for each region, a region being a set of
/// classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsToRegions {
    /// The classes of each region.
    pub regions: Vec<Vec<u8>>,
}

impl LabelsToRegions {
    /// Tumour core, whole tumour and enhancing tumour of BraTS (MONAI `ConvertToMultiChannelBasedOnBratsClasses`); the
    /// enhancing tumour is class 4 until BraTS 2021 and class 3 since.
    #[must_use]
    pub fn brats(enhancing: u8) -> Self {
        Self {
            regions: vec![vec![1, enhancing], vec![1, enhancing, 2], vec![enhancing]],
        }
    }
}

impl<const D: usize> SampleOperation<D> for LabelsToRegions {
    fn check(&self) -> Result<()> {
        let count = self.regions.len() as f64;
        check("LabelsToRegions", "regions", count, "at least one", |v| {
            v >= 1.0
        })
    }

    fn needs(&self) -> Contents {
        Contents::labels()
    }

    fn after(&self, before: Contents) -> Contents {
        before.with_channels(Some(self.regions.len()))
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let labels = sample.require_labels("LabelsToRegions")?;
        let mut image = Image::zeros(self.regions.len(), *labels.geometry())?;
        let channels = image
            .as_mut_slice()
            .chunks_exact_mut(labels.geometry().len());
        for (classes, voxels) in self.regions.iter().zip(channels) {
            let region = ClassSet::new(classes);
            crate::parallel::for_each_chunk(voxels, |block, chunk| {
                let labels = &labels.as_slice()[block * CHUNK..];
                for (v, &label) in chunk.iter_mut().zip(labels) {
                    *v = f32::from(u8::from(region.has(label)));
                }
            });
        }
        sample.with_image(image)
    }
}

/// The channels of the image, probabilities of regions, become the sample's labels: wherever a channel is above one half
/// its class is painted, later ones over earlier ones (nnU-Net's `regions_class_order`). NaN paints nothing.
///
/// ```
/// use medaug::{LabelsToRegions, Operation, RegionsToLabels, Sample};
/// use medcore::{Geometry, Image, LabelMap};
///
/// let grid = Geometry::axis_aligned([1, 4], [1.0; 2])?;
/// let labels = LabelMap::new(grid, vec![0_u8, 1, 2, 4])?;
/// let sample = Sample::with_labels(Image::zeros(1, grid)?, labels.clone())?;
/// let regions = Operation::from(LabelsToRegions::brats(4)).apply_to(sample)?;
/// assert_eq!(regions.image().channel(1), [0.0, 1.0, 1.0, 1.0]);
/// let back = Operation::from(RegionsToLabels::brats(4)).apply_to(regions)?;
/// assert_eq!(back.labels(), Some(&labels));
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionsToLabels {
    /// Channel and the class it paints, in the order of painting.
    pub paint: Vec<(usize, u8)>,
}

impl RegionsToLabels {
    /// BraTS' channels as [`LabelsToRegions::brats`] makes them: whole tumour, core over it, enhancing tumour over that.
    #[must_use]
    pub fn brats(enhancing: u8) -> Self {
        Self {
            paint: vec![(1, 2), (0, 1), (2, enhancing)],
        }
    }
}

impl<const D: usize> SampleOperation<D> for RegionsToLabels {
    fn check(&self) -> Result<()> {
        let count = self.paint.len() as f64;
        check("RegionsToLabels", "paint", count, "at least one", |v| {
            v >= 1.0
        })
    }

    fn after(&self, before: Contents) -> Contents {
        before.and_labels()
    }

    fn apply(&self, sample: Sample<D>) -> Result<Sample<D>> {
        let image = sample.image();
        let mut labels = LabelMap::<u8, D>::background(*image.geometry())?;
        for &(channel, class) in &self.paint {
            if channel >= image.channels() {
                return Err(Error::InvalidParameter {
                    transform: "RegionsToLabels",
                    parameter: "paint",
                    rule: "channels of the image",
                    value: channel as f64,
                });
            }
            let voxels = image.channel(channel);
            for (label, &v) in labels.as_mut_slice().iter_mut().zip(voxels) {
                *label = if v > 0.5 { class } else { *label };
            }
        }
        sample.with_class_labels(labels)
    }
}
