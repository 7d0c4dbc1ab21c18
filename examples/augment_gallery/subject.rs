//! What the transforms are shown on.

use std::path::Path;

use anyhow::{Context, Result};
use medaug::{Boxes, LabelledPoint, Layer, Points, Sample, TurnedBox};
use medcore::random::Key;
use medcore::{BoundingBox, Geometry, Image, LabelMap};
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

/// A phantom of an abdomen, a slice and a volume of it: three windows as three colours.
pub(crate) fn phantom() -> Result<Subject> {
    let patient = Abdomen::new(Key::new(7), &AbdomenOptions::default())?;
    let scan = |shape: [usize; 3], spacing: [f64; 3]| -> Result<Sample<3>> {
        let scan = patient.scan(&field_of_view(shape, spacing)?, &ScanOptions::default())?;
        let windows = [(-160.0, 240.0), (-220.0, 300.0), (-300.0, 380.0)];
        let colours = windows.map(|(low, high)| {
            let range = Range { low, high };
            scan.image.map(|hu| range.unit(hu.into()))
        });
        Ok(Sample::with_labels(coloured(&colours)?, scan.labels)?)
    };
    let volume = scan([64, 100, 126], [4.0, 3.0, 3.0])?;
    let slice = scan([1, 150, 190], [4.0, 2.0, 2.0])?;
    Ok(Subject {
        flat: Some(marked(middle_slice(&slice)?)?),
        volume: Some(marked(volume)?),
    })
}

/// An image file, its values spread over 0 to 1, three times the same or its first three channels as colours; bright and
/// very bright places are its labels. One slice of it, and all of it where it has several.
pub(crate) fn read(path: &Path) -> Result<Subject> {
    let image: Image<f32, 3> = medio::read(path).with_context(|| path.display().to_string())?;
    let range = Range::of(&image);
    let image = image.map(|value| range.unit(value));
    let colours = [
        channel_of(&image, 0)?,
        channel_of(&image, 1)?,
        channel_of(&image, 2)?,
    ];
    let bright = colours[0].as_slice().iter();
    let classes: Vec<u8> = bright
        .map(|&value| u8::from(value > 0.4) + u8::from(value > 0.7))
        .collect();
    let labels = LabelMap::new(*image.geometry(), classes)?;
    let volume = Sample::with_labels(coloured(&colours)?, labels)?;
    Ok(Subject {
        flat: Some(marked(middle_slice(&volume)?)?),
        volume: (image.shape()[0] > 1).then(|| marked(volume)).transpose()?,
    })
}

/// One channel of an image, or its last.
fn channel_of(image: &Image<f32, 3>, channel: usize) -> Result<Image<f32, 3>> {
    let voxels = image.channel(channel.min(image.channels() - 1)).to_vec();
    Ok(Image::new(*image.geometry(), voxels)?)
}

/// Three images as the channels of one.
fn coloured(colours: &[Image<f32, 3>; 3]) -> Result<Image<f32, 3>> {
    let voxels: Vec<f32> = colours
        .iter()
        .flat_map(|colour| colour.as_slice().iter().copied())
        .collect();
    Ok(Image::with_channels(3, *colours[0].geometry(), voxels)?)
}

/// The middle slice along the first axis, as an image of its own.
fn middle_slice(sample: &Sample<3>) -> Result<Sample<2>> {
    let [depth, height, width] = sample.shape();
    let [_, row_mm, column_mm] = sample.geometry().spacing();
    let grid = Geometry::axis_aligned([height, width], [row_mm, column_mm])?;
    let start = depth / 2 * height * width;
    let slice = start..start + height * width;
    let voxels: Vec<f32> = (0..sample.image().channels())
        .flat_map(|channel| sample.image().channel(channel)[slice.clone()].to_vec())
        .collect();
    let image = Image::with_channels(sample.image().channels(), grid, voxels)?;
    Ok(match sample.labels() {
        None => Sample::new(image),
        Some(labels) => {
            let classes = labels.as_slice()[slice.clone()].to_vec();
            Sample::with_labels(image, LabelMap::new(grid, classes)?)?
        }
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
    let second = Layer::Image(sample.image().clone());
    let mut boxes = Boxes::new([(bounds, 1)]);
    boxes.extend(Boxes::turned([(needle(shape)?, 0)]).items().iter().copied());
    Ok(sample
        .with_layer("second", second)?
        .with_boxes(boxes)
        .with_points(Points::new(points)))
}

/// A long thin box right of the middle, leaning in the plane of the last two axes.
fn needle<const D: usize>(shape: [f64; D]) -> Result<TurnedBox<D>> {
    let centre = std::array::from_fn(|a| shape[a] * if a == D - 1 { 0.72 } else { 0.5 });
    let (length, width) = (0.2 * shape[D - 2], 0.04 * shape[D - 2]);
    let (down, across) = (0.8, 0.6);
    let mut half_edges: [[f64; D]; D] = [[0.0; D]; D];
    half_edges[0][0] = 0.2 * shape[0];
    half_edges[D - 2][D - 2] = length * down;
    half_edges[D - 2][D - 1] = length * across;
    half_edges[D - 1][D - 2] = -width * across;
    half_edges[D - 1][D - 1] = width * down;
    Ok(TurnedBox::new(centre, half_edges)?)
}
