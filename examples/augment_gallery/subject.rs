//! What the transforms are shown on.

use std::path::Path;

use anyhow::{Context, Result};
use medaug::{Boxes, LabelledPoint, Points, Sample};
use medcore::random::Key;
use medcore::{BoundingBox, Geometry, Image, LabelMap, Region};
use medphantom::{Abdomen, AbdomenOptions, ScanOptions, field_of_view};

/// An image in two and in three dimensions, as far as it has them.
pub(crate) struct Subject {
    pub(crate) flat: Option<Sample<2>>,
    pub(crate) volume: Option<Sample<3>>,
}

/// Values of the image that become 0 and 1.
struct Range {
    low: f32,
    high: f32,
}

impl Range {
    /// All but the darkest and the brightest hundredth of some of the values.
    fn of(image: &Image<f32, 3>) -> Self {
        let step = image.as_slice().len() / 65_536 + 1;
        let some = image.as_slice().iter().step_by(step).copied();
        let mut sorted: Vec<f32> = some.filter(|value| value.is_finite()).collect();
        sorted.sort_by(f32::total_cmp);
        let at = |part: usize| {
            sorted
                .get(sorted.len() * part / 100)
                .copied()
                .unwrap_or(0.0)
        };
        let (low, high) = (at(1), at(99));
        Self {
            low,
            high: if high > low { high } else { low + 1.0 },
        }
    }

    fn unit(&self, value: f32) -> f32 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// A phantom of an abdomen: a slice through three windows as three colours, and a volume.
pub(crate) fn phantom() -> Result<Subject> {
    let patient = Abdomen::new(Key::new(7), &AbdomenOptions::default())?;
    let slice = patient.scan(
        &field_of_view([1, 150, 190], [4.0, 2.0, 2.0])?,
        &ScanOptions::default(),
    )?;
    let windows =
        [(-160.0, 240.0), (-220.0, 300.0), (-300.0, 380.0)].map(|(low, high)| Range { low, high });
    let voxels: Vec<f32> = windows
        .iter()
        .flat_map(|range| {
            slice
                .image
                .as_slice()
                .iter()
                .map(|&hu| range.unit(hu.into()))
        })
        .collect();
    let grid = Geometry::axis_aligned([150, 190], [2.0, 2.0])?;
    let labels = LabelMap::new(grid, slice.labels.as_slice().to_vec())?;
    let flat = Sample::with_labels(Image::with_channels(3, grid, voxels)?, labels)?;
    let volume = patient.scan(
        &field_of_view([64, 100, 126], [4.0, 3.0, 3.0])?,
        &ScanOptions::default(),
    )?;
    let [soft, ..] = windows;
    let image = volume.image.map(|hu| soft.unit(hu.into()));
    Ok(Subject {
        flat: Some(marked(flat)?),
        volume: Some(marked(Sample::with_labels(image, volume.labels)?)?),
    })
}

/// An image file: one slice of it, with its values spread over 0 to 1, and all of it where it has several.
pub(crate) fn read(path: &Path) -> Result<Subject> {
    let image: Image<f32, 3> = medio::read(path).with_context(|| path.display().to_string())?;
    let shape = image.shape();
    let middle = shape[0] / 2;
    let range = Range::of(&image);
    let image = image.map(|value| range.unit(value));
    let slice = image.crop(&Region::new(
        [middle, 0, 0],
        [middle + 1, shape[1], shape[2]],
    )?)?;
    let spacing = image.geometry().spacing();
    let grid = Geometry::axis_aligned([shape[1], shape[2]], [spacing[1], spacing[2]])?;
    let colours: Vec<f32> = (0..3)
        .flat_map(|channel| slice.channel(channel.min(slice.channels() - 1)).to_vec())
        .collect();
    let flat = Sample::new(Image::with_channels(3, grid, colours)?);
    Ok(Subject {
        flat: Some(marked(flat)?),
        volume: (shape[0] > 1)
            .then(|| marked(Sample::new(image)))
            .transpose()?,
    })
}

/// The sample with a box around its middle and two points.
fn marked<const D: usize>(sample: Sample<D>) -> Result<Sample<D>> {
    let shape = sample.shape().map(|n| n as f64);
    let at = |part: f64| shape.map(|n| n * part);
    let bounds = BoundingBox::new(at(0.35), at(0.65))?;
    let points = vec![
        LabelledPoint::new(at(0.5), 0),
        LabelledPoint::new(
            std::array::from_fn(|a| shape[a] * if a == D - 1 { 0.8 } else { 0.5 }),
            1,
        ),
    ];
    Ok(sample
        .with_boxes(Boxes::new([(bounds, 1)]))
        .with_points(Points::new(points)))
}
