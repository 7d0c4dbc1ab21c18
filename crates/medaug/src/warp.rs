//! One map for a chain of moves: where each voxel of the result is read in the source.

mod read;
mod restore;

use medcore::resample::{Interpolation, LabelInterpolation, Outside};
use medcore::{BoundingBox, Geometry, IndexMap};
use serde::{Deserialize, Serialize};

use crate::deformation::{Deformation, Row};
use crate::error::Result;
use crate::sample::{Boxes, LabelledBox, Points, Sample};
use crate::spatial::{Sampling, extract};

/// How a move wants voxels to be read; what it leaves open, the moves beside it decide.
///
/// Mirroring reads no place between voxels and none outside, so it goes with any reading; a rotation with linear
/// interpolation and one with cubic cannot be read at once.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reading {
    /// Between voxels of images.
    pub interpolation: Option<Interpolation>,
    /// Between voxels of labels.
    pub labels: Option<LabelInterpolation>,
    /// Outside images.
    pub outside: Option<Outside<f32>>,
    /// Outside labels, where there is a value outside images.
    pub outside_label: Option<u8>,
}

impl Reading {
    /// Whatever is read: whole voxels inside the image.
    pub const EXACT: Self = Self {
        interpolation: None,
        labels: None,
        outside: None,
        outside_label: None,
    };

    /// Both readings at once; `None` if they differ.
    #[must_use]
    pub fn merged(self, other: Self) -> Option<Self> {
        fn one<T: PartialEq>(a: Option<T>, b: Option<T>) -> Option<Option<T>> {
            match (a, b) {
                (Some(a), Some(b)) if a != b => None,
                (a, b) => Some(a.or(b)),
            }
        }
        Some(Self {
            interpolation: one(self.interpolation, other.interpolation)?,
            labels: one(self.labels, other.labels)?,
            outside: one(self.outside, other.outside)?,
            outside_label: one(self.outside_label, other.outside_label)?,
        })
    }

    /// The reading with what was left open: linear, zeros and background outside.
    #[must_use]
    pub fn sampling(self) -> Sampling {
        let default = Sampling::default();
        Sampling {
            interpolation: self.interpolation.unwrap_or(default.interpolation),
            labels: self.labels.unwrap_or(default.labels),
            outside: self.outside.unwrap_or(default.outside),
            outside_label: self.outside_label.unwrap_or(default.outside_label),
        }
    }
}

impl From<Sampling> for Reading {
    fn from(sampling: Sampling) -> Self {
        Self {
            interpolation: Some(sampling.interpolation),
            labels: Some(sampling.labels),
            outside: Some(sampling.outside),
            outside_label: Some(sampling.outside_label),
        }
    }
}

/// Where each voxel of a result is read in its source, and which labels change their names on the way.
///
/// It is a chain of affine maps and deformations, from the result to the source; affine maps that stand side by side
/// become one.
///
/// ```
/// use medaug::{Reading, Sample, Warp};
/// use medcore::{Geometry, Image, IndexMap};
///
/// let grid = Geometry::axis_aligned([1, 4], [1.0, 1.0])?;
/// let sample = Sample::new(Image::new(grid, vec![1.0, 2.0, 3.0, 4.0])?);
/// // The middle two voxels, then mirrored.
/// let crop = Warp::new([1, 2], IndexMap::translation([0.0, 1.0]), Reading::EXACT);
/// let flip = Warp::new([1, 2], IndexMap { matrix: [[1.0, 0.0], [0.0, -1.0]], offset: [0.0, 1.0] }, Reading::EXACT);
/// let both = crop.then(flip).expect("readings that go together");
/// assert_eq!(both.apply(&sample)?.image().as_slice(), [3.0, 2.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Warp<const D: usize> {
    shape: [usize; D],
    map: IndexMap<D>,
    /// What comes behind `map`, on the way to the source.
    bends: Vec<Bend<D>>,
    reading: Reading,
    /// For each time left and right were mirrored: the labels that changed places.
    swaps: Vec<Vec<(u8, u8)>>,
    /// Whether it must see the border of what it is given.
    bordered: bool,
}

/// A deformation and the affine map behind it.
#[derive(Debug, Clone, PartialEq)]
struct Bend<const D: usize> {
    deformation: Deformation<D>,
    then: IndexMap<D>,
}

impl<const D: usize> Warp<D> {
    /// A result of `shape` whose voxel `i` is read at `map(i)`.
    #[must_use]
    pub fn new(shape: [usize; D], map: IndexMap<D>, reading: Reading) -> Self {
        Self {
            shape,
            map,
            bends: vec![],
            reading,
            swaps: vec![],
            bordered: false,
        }
    }

    /// A result of `shape` whose voxel `i` is read at `deformation.source_of(i)`.
    #[must_use]
    pub fn bent(shape: [usize; D], deformation: Deformation<D>, reading: Reading) -> Self {
        let then = IndexMap::identity();
        Self {
            bends: vec![Bend { deformation, then }],
            ..Self::new(shape, IndexMap::identity(), reading)
        }
    }

    /// The warp that changes nothing on an image of `shape`.
    #[must_use]
    pub fn identity(shape: [usize; D]) -> Self {
        Self::new(shape, IndexMap::identity(), Reading::EXACT)
    }

    /// The warp with the labels of each pair exchanged, as mirroring left to right asks for.
    #[must_use]
    pub fn with_swap(mut self, pairs: Vec<(u8, u8)>) -> Self {
        self.swaps.push(pairs);
        self
    }

    /// The warp that does not look through the border of what it is given: padding has to show what it was told, and not
    /// what a crop before it left out.
    #[must_use]
    pub fn bordered(self) -> Self {
        Self {
            bordered: true,
            ..self
        }
    }

    pub(crate) fn is_bordered(&self) -> bool {
        self.bordered
    }

    /// Shape of the result.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        self.shape
    }

    /// How voxels are read.
    #[must_use]
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// First `self`, then `next` on its result, as one; `None` if they cannot be read at once.
    ///
    /// `next` looks through the border of what `self` leaves: where a crop is followed by a rotation, the corners
    /// show the patient and not padding.
    #[must_use]
    pub fn then(self, next: Self) -> Option<Self> {
        let reading = self.joint_reading(&next)?;
        Some(self.composed(next, reading))
    }

    /// How `self` and `next` behind it are read at once; `None` if they cannot be.
    pub(crate) fn joint_reading(&self, next: &Self) -> Option<Reading> {
        if next.bordered {
            return None;
        }
        self.reading.merged(next.reading)
    }

    /// First `self`, then `next`, read as told.
    pub(crate) fn composed(self, next: Self, reading: Reading) -> Self {
        let mut swaps = self.swaps;
        swaps.extend(next.swaps);
        let (mut map, mut bends) = (next.map, next.bends);
        let seam = bends.last_mut().map_or(&mut map, |bend| &mut bend.then);
        *seam = seam.then(&self.map);
        bends.extend(self.bends);
        Self {
            shape: next.shape,
            map,
            bends,
            reading,
            swaps,
            bordered: self.bordered,
        }
    }

    /// Whether a sample of `shape` comes out as it is.
    #[must_use]
    pub fn is_identity(&self, shape: [usize; D]) -> bool {
        self.shape == shape
            && self.swaps.is_empty()
            && self.bends.is_empty()
            && self.map == IndexMap::identity()
    }

    /// The grid of the result, if the source lies on `grid`: that of its affine maps, since no grid is bent. Behind a
    /// deformation a voxel's place in the world is where it would lie without.
    ///
    /// # Errors
    /// Refuses an empty shape and a map that flattens the image or is not finite.
    pub fn geometry(&self, grid: &Geometry<D>) -> Result<Geometry<D>> {
        let whole = self
            .bends
            .iter()
            .fold(self.map, |map, bend| map.then(&bend.then));
        Ok(grid.mapped(self.shape, &whole)?)
    }

    /// Where an index of the result is read in the source.
    #[must_use]
    pub fn source_of(&self, index: [f64; D]) -> [f64; D] {
        self.bends.iter().fold(self.map.apply(index), |at, bend| {
            bend.then.apply(bend.deformation.source_of(at))
        })
    }

    /// Where the result shows an index of the source; `None` if nowhere.
    ///
    /// Exact to rounding for affine maps, tables and perspectives; to 1e-6 voxel for each other deformation, and
    /// `None` where one folds.
    #[must_use]
    pub fn place_of(&self, index: [f64; D]) -> Option<[f64; D]> {
        let before = self.bends.iter().rev().try_fold(index, |at, bend| {
            bend.deformation.place_of(bend.then.inverse()?.apply(at))
        })?;
        Some(self.map.inverse()?.apply(before))
    }

    /// The coordinates of the row of the result that begins at `first`, in the source.
    fn look(&self, first: [f64; D], row: &mut Row<D>) {
        row.start(first, &self.map);
        for bend in &self.bends {
            bend.deformation.bend(row);
            row.map(&bend.then);
        }
    }

    /// The smallest box of the result around a box of the source.
    ///
    /// Of a deformation it is the box around points of its surface, 4 steps along each edge.
    #[must_use]
    pub fn place_of_box(&self, bounds: &BoundingBox<D>) -> Option<BoundingBox<D>> {
        let steps: usize = if self.bends.is_empty() { 1 } else { 4 };
        let (mut low, mut high) = ([f64::INFINITY; D], [f64::NEG_INFINITY; D]);
        for point in 0..(steps + 1).pow(D as u32) {
            let mut rest = point;
            let step: [usize; D] = std::array::from_fn(|_| {
                let step = rest % (steps + 1);
                rest /= steps + 1;
                step
            });
            if step.iter().all(|&k| k > 0 && k < steps) {
                continue;
            }
            let at = std::array::from_fn(|a| {
                let part = step[a] as f64 / steps as f64;
                bounds.min()[a] * (1.0 - part) + bounds.max()[a] * part
            });
            match self.place_of(at) {
                Some(place) => {
                    for a in 0..D {
                        low[a] = low[a].min(place[a]);
                        high[a] = high[a].max(place[a]);
                    }
                }
                None if self.bends.is_empty() => return None,
                // What lies beyond a horizon is not shown; the rest of the box is.
                None => {}
            }
        }
        BoundingBox::new(low, high).ok()
    }

    /// Reads a sample: image, labels and layers once, boxes and points to where they are shown.
    ///
    /// # Errors
    /// As [`Warp::geometry`], and refuses results too large to allocate.
    pub fn apply(&self, sample: &Sample<D>) -> Result<Sample<D>> {
        let result = if self.bends.is_empty() {
            extract(sample, self.shape, &self.map, &self.reading.sampling())?
        } else {
            read::read(sample, self)?
        };
        Ok(self.with_marks(result, sample.boxes(), sample.points()))
    }

    /// What was read, with boxes and points of the source where they are shown, and mirrored sides exchanged.
    pub(crate) fn with_marks(
        &self,
        mut result: Sample<D>,
        boxes: Option<&Boxes<D>>,
        points: Option<&Points<D>>,
    ) -> Sample<D> {
        if let Some(boxes) = boxes {
            result = result.with_boxes(boxes.moved(self.shape, |item| self.move_box(item)));
        }
        if let Some(points) = points {
            result = result.with_points(self.move_points(points));
        }
        for pairs in &self.swaps {
            result.swap_sides(pairs);
        }
        result
    }

    /// The map from the result to the source; `None` where something is bent.
    pub(crate) fn straight(&self) -> Option<&IndexMap<D>> {
        self.bends.is_empty().then_some(&self.map)
    }

    /// A box where it is shown; of a turned one, the bounds of its own new place, within those of what was seen of it before.
    fn move_box(&self, item: &LabelledBox<D>) -> Option<LabelledBox<D>> {
        let mut bounds = self.place_of_box(&item.bounds)?;
        let mut turned = None;
        if let Some(before) = &item.turned {
            let after = before.moved(|at| self.place_of(at))?;
            let around = after.bounds()?;
            let low = std::array::from_fn(|a| bounds.min()[a].max(around.min()[a]));
            let high = std::array::from_fn(|a| bounds.max()[a].min(around.max()[a]));
            bounds = BoundingBox::new(low, high).ok()?;
            turned = Some(after);
        }
        Some(LabelledBox {
            bounds,
            turned,
            ..*item
        })
    }

    fn move_points(&self, points: &Points<D>) -> Points<D> {
        let mut moved = points.clone();
        for point in &mut moved.items {
            match self.place_of(point.at) {
                Some(at) => point.at = at,
                None => point.known = false,
            }
        }
        moved
    }
}

/// Exchanges the labels of each pair.
pub(crate) fn swap_labels(labels: &mut [u8], pairs: &[(u8, u8)]) {
    let mut table: [u8; 256] = std::array::from_fn(|i| i as u8);
    for &(a, b) in pairs {
        table[usize::from(a)] = b;
        table[usize::from(b)] = a;
    }
    for label in labels {
        *label = table[usize::from(*label)];
    }
}
