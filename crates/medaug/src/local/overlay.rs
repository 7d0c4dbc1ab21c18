//! Small pictures laid over an image (Albumentations 2.0.8 `OverlayElements`): letters that mark a side, electrodes, rulers.

use medcore::{BoundingBox, Region};
use serde::{Deserialize, Serialize};

use crate::array::per_axis;
use crate::error::{Error, Result, check};
use crate::operation::SampleOperation;
use crate::sample::Sample;

/// A small picture, and what it is called where it is seen.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OverlayElement {
    /// Voxels along each axis.
    pub shape: Vec<usize>,
    /// Its intensities, last axis fastest: one channel for all of the image's, or one after another.
    pub values: Vec<f32>,
    /// How much of each voxel is the element's, within 0 and 1; an empty list for all of all.
    pub opacity: Vec<f32>,
    /// What voxels of which at least half is the element's are labelled as, in a sample with labels; without it labels stay.
    pub label: Option<u8>,
    /// The class of a box around those voxels, in a sample with boxes; without it there is none.
    pub box_class: Option<usize>,
}

/// An element and where it lies.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacedElement {
    /// The element.
    pub element: OverlayElement,
    /// The index of its first voxel, one an axis; what lies outside the image is not seen.
    pub start: Vec<isize>,
}

/// Lays elements over the image, one after the other, voxel by voxel; layers stay as they are.
///
/// NaN shines through where an element is not opaque.
///
/// ```
/// use medaug::{Operation, OverlayElement, OverlayElements, PlacedElement, Sample};
/// use medcore::{Geometry, Image};
///
/// let line = OverlayElement { shape: vec![1, 2], values: vec![9.0, 8.0], ..OverlayElement::default() };
/// let laid = OverlayElements { elements: vec![PlacedElement { element: line, start: vec![0, 1] }] };
/// let image = Image::new(Geometry::axis_aligned([1, 4], [1.0; 2])?, vec![1.0; 4])?;
/// let done = Operation::from(laid).apply_to(Sample::new(image))?;
/// assert_eq!(done.image().as_slice(), [1.0, 9.0, 8.0, 1.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverlayElements {
    /// The elements, the last one on top.
    pub elements: Vec<PlacedElement>,
}

const NAME: &str = "OverlayElements";

impl OverlayElement {
    /// Voxels along each axis, all parameters checked.
    pub(super) fn checked_shape<const D: usize>(
        &self,
        transform: &'static str,
    ) -> Result<[usize; D]> {
        let wrong = |parameter, expected, got| Error::EntryCount {
            transform,
            parameter,
            expected,
            got,
        };
        let shape: [usize; D] = self
            .shape
            .as_slice()
            .try_into()
            .map_err(|_| wrong("shape", D, self.shape.len()))?;
        for n in shape {
            check(transform, "shape", n as f64, "within 1 and 65535", |v| {
                (1.0..=65_535.0).contains(&v)
            })?;
        }
        let count = shape.into_iter().fold(1_usize, usize::saturating_mul);
        if self.values.is_empty() || !self.values.len().is_multiple_of(count) {
            return Err(wrong("values", count, self.values.len()));
        }
        if !self.opacity.is_empty() && self.opacity.len() != count {
            return Err(wrong("opacity", count, self.opacity.len()));
        }
        for &value in &self.values {
            check(transform, "values", value.into(), "finite", f64::is_finite)?;
        }
        for &share in &self.opacity {
            check(transform, "opacity", share.into(), "within 0 and 1", |v| {
                (0.0..=1.0).contains(&v)
            })?;
        }
        Ok(shape)
    }
}

impl PlacedElement {
    /// Calls `f(voxel of the image, voxel of the element, how much of it is the element's)`.
    fn for_each_voxel<const D: usize>(
        &self,
        image: [usize; D],
        mut f: impl FnMut([usize; D], usize, usize, f32),
    ) -> Result<()> {
        let shape: [usize; D] = self.element.checked_shape(NAME)?;
        let start: [isize; D] = per_axis(NAME, "start", &self.start)?;
        for voxel in 0..shape.iter().product() {
            let share = self.element.opacity.get(voxel).copied().unwrap_or(1.0);
            let mut rest = voxel;
            let mut index = [0; D];
            let mut seen = share > 0.0;
            for a in (0..D).rev() {
                let at = start[a].saturating_add((rest % shape[a]) as isize);
                rest /= shape[a];
                seen &= (0..image[a] as isize).contains(&at);
                index[a] = at.max(0) as usize;
            }
            if seen {
                let at = (0..D).fold(0, |at, a| at * image[a] + index[a]);
                f(index, at, voxel, share);
            }
        }
        Ok(())
    }

    fn lay<const D: usize>(&self, sample: &mut Sample<D>) -> Result<()> {
        let (shape, channels) = (sample.shape(), sample.image().channels());
        let count: usize = self.element.shape.iter().product();
        let given = self.element.values.len() / count.max(1);
        if given != 1 && given != channels {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "values",
                expected: channels * count,
                got: self.element.values.len(),
            });
        }
        for channel in 0..channels {
            let values = &self.element.values[channel.min(given - 1) * count..][..count];
            let out = sample.channel_mut(channel);
            self.for_each_voxel(shape, |_, at, voxel, share| {
                if share >= 1.0 {
                    out[at] = values[voxel];
                } else {
                    out[at] += share * (values[voxel] - out[at]);
                }
            })?;
        }
        if let (Some(label), Some(labels)) = (self.element.label, sample.labels_mut()) {
            let labels = labels.as_mut_slice();
            self.for_each_voxel(shape, |_, at, _, share| {
                if share >= 0.5 {
                    labels[at] = label;
                }
            })?;
        }
        if let (Some(class), Some(boxes)) = (self.element.box_class, sample.boxes_mut()) {
            let (mut low, mut high) = (shape, [0; D]);
            self.for_each_voxel(shape, |index, _, _, share| {
                for a in 0..D {
                    if share >= 0.5 {
                        low[a] = low[a].min(index[a]);
                        high[a] = high[a].max(index[a] + 1);
                    }
                }
            })?;
            if let Ok(seen) = Region::new(low, high) {
                boxes.add(BoundingBox::from(seen), class);
            }
        }
        Ok(())
    }
}

impl<const D: usize> SampleOperation<D> for OverlayElements {
    fn check(&self) -> Result<()> {
        for placed in &self.elements {
            placed.element.checked_shape::<D>(NAME)?;
            per_axis::<_, D>(NAME, "start", &placed.start)?;
        }
        Ok(())
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        for placed in &self.elements {
            placed.element.checked_shape::<D>(NAME)?;
            placed.lay(&mut sample)?;
        }
        Ok(sample)
    }
}
