//! What was done to a sample, to be read by people, done again, and led back.

use medcore::{Geometry, Image, LabelMap};
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::raw_grid::RawGrid;
use crate::sample::Sample;
use crate::step::Operation;
use crate::warp::{Reading, Warp};

/// The operations that were done to a sample, with all drawn numbers, and the grid it lay on.
///
/// Written as JSON it says what augmentation did to a case, and does it again on the same case or on another
/// of the same shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Record<const D: usize> {
    source: Geometry<D>,
    operations: Vec<Operation>,
}

impl<const D: usize> Record<D> {
    /// A record of operations that were done to a sample on the grid `source`.
    #[must_use]
    pub fn new(source: Geometry<D>, operations: Vec<Operation>) -> Self {
        Self { source, operations }
    }

    /// The grid of the sample before.
    #[must_use]
    pub fn source(&self) -> &Geometry<D> {
        &self.source
    }

    /// What was done, in order.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Does the same to a sample.
    ///
    /// # Errors
    /// Passes on what the operations refuse, as a crop from an image that is too small.
    pub fn replay(&self, sample: Sample<D>) -> Result<Sample<D>> {
        self.operations
            .iter()
            .try_fold(sample.into_lazy(), |sample, operation| {
                operation.apply(sample)
            })?
            .finish()
    }

    /// All moves as one map.
    ///
    /// # Errors
    /// Passes on what the operations refuse.
    pub fn warp(&self) -> Result<Warp<D>> {
        let whole = Warp::identity(self.source.shape());
        let parts = self.parts()?.into_iter();
        Ok(parts.fold(whole, |whole, (_, part)| {
            whole.composed(part, Reading::EXACT)
        }))
    }

    /// The moves as maps between grids, each with the grid it starts from; where a border was put around an image,
    /// a new one begins, because what was cut off before is not under that border.
    fn parts(&self) -> Result<Vec<(Geometry<D>, Warp<D>)>> {
        let mut geometry = self.source;
        let mut parts: Vec<(Geometry<D>, Warp<D>)> = vec![];
        for operation in &self.operations {
            let Some(warp) = operation.warp(&geometry)? else {
                continue;
            };
            let next = warp.geometry(&geometry)?;
            match parts.pop() {
                Some((source, part)) if !warp.is_bordered() => {
                    parts.push((source, part.composed(warp, Reading::EXACT)));
                }
                before => {
                    parts.extend(before);
                    parts.push((geometry, warp));
                }
            }
            geometry = next;
        }
        Ok(parts)
    }

    /// Brings labels predicted on the result back to the grid the sample came from: the class of the nearest voxel,
    /// background where the result did not show the sample. Exact where voxels were only mirrored, turned by
    /// quarters, cropped and padded.
    ///
    /// # Errors
    /// Refuses labels of another shape than the result's.
    pub fn restore_labels(&self, labels: &LabelMap<u8, D>) -> Result<LabelMap<u8, D>> {
        self.lead_back(labels.clone(), |part, labels, source| {
            part.restore_labels(&labels, source)
        })
    }

    /// Brings an image predicted on the result back, linearly; `outside` fills what the result did not show.
    ///
    /// # Errors
    /// Refuses an image of another shape than the result's.
    pub fn restore_image(&self, image: &Image<f32, D>, outside: f32) -> Result<Image<f32, D>> {
        self.lead_back(image.clone(), |part, image, source| {
            part.restore_image(&image, source, outside)
        })
    }

    /// Brings the probability of each class back, one channel a class: linearly, background where the result did not
    /// show the sample. Where mirroring exchanged the labels of two sides, it exchanges their channels.
    ///
    /// # Errors
    /// Refuses an image of another shape than the result's, and channels that hold one side of a pair of labels only.
    pub fn restore_probabilities(&self, probabilities: &Image<f32, D>) -> Result<Image<f32, D>> {
        self.lead_back(probabilities.clone(), |part, image, source| {
            part.restore_probabilities(&image, source)
        })
    }

    /// Undoes the moves, the last one first.
    fn lead_back<T>(
        &self,
        result: T,
        undo: impl Fn(&Warp<D>, T, &Geometry<D>) -> Result<T>,
    ) -> Result<T> {
        let parts = self.parts()?;
        let mut parts = parts.iter().rev();
        parts.try_fold(result, |result, (source, part)| undo(part, result, source))
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    source: RawGrid,
    operations: Vec<Operation>,
}

impl<const D: usize> From<Record<D>> for Raw {
    fn from(record: Record<D>) -> Self {
        Self {
            source: record.source.into(),
            operations: record.operations,
        }
    }
}

impl<const D: usize> TryFrom<Raw> for Record<D> {
    type Error = crate::error::Error;

    fn try_from(raw: Raw) -> Result<Self> {
        let source = raw.source.geometry()?;
        raw.operations.iter().try_for_each(Operation::check::<D>)?;
        Ok(Self::new(source, raw.operations))
    }
}
