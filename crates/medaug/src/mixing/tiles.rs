//! Samples side by side on a canvas.

use medcore::{BoundingBox, Geometry, Image, IndexMap, LabelMap, Region};

use super::alike::next_numbers;
use crate::error::{Error, Result};
use crate::sample::{LabelledBox, Layer, Sample};

/// A sample and where it lies on the canvas.
pub(super) struct Tile<const D: usize> {
    pub(super) sample: Sample<D>,
    /// Canvas index of its first voxel.
    pub(super) at: [usize; D],
}

/// All tiles as one sample: `fill` and background between them, boxes and points in the order of the tiles, instances
/// numbered on. The canvas lies where the first tile lies.
pub(super) fn join<const D: usize>(
    transform: &'static str,
    tiles: &[Tile<D>],
    shape: [usize; D],
    fill: f32,
) -> Result<Sample<D>> {
    let Some(first) = tiles.first() else {
        return Err(Error::SampleCount {
            transform,
            expected: 1,
            got: 0,
        });
    };
    let back = IndexMap::translation(first.at.map(|v| -(v as f64)));
    let canvas = Canvas {
        tiles,
        grid: first.sample.geometry().mapped(shape, &back)?,
    };
    let mut joined = Sample::new(canvas.image(fill, |sample| Some(sample.image()))?);
    if first.sample.labels().is_some() {
        joined = joined.with_class_labels(canvas.labels(Sample::labels)?)?;
    }
    for (name, layer) in first.sample.layers() {
        let layer = match layer {
            Layer::Image(_) => {
                Layer::Image(
                    canvas.image(fill, |sample| match sample.layers().get(name)? {
                        Layer::Image(image) => Some(image),
                        _ => None,
                    })?,
                )
            }
            Layer::Labels(_) => {
                Layer::Labels(canvas.labels(|sample| match sample.layers().get(name)? {
                    Layer::Labels(labels) => Some(labels),
                    _ => None,
                })?)
            }
            Layer::Instances(_) => Layer::Instances(canvas.instances(transform, name)?),
        };
        joined = joined.with_layer(name.clone(), layer)?;
    }
    Ok(canvas.marks(first, joined))
}

struct Canvas<'a, const D: usize> {
    tiles: &'a [Tile<D>],
    grid: Geometry<D>,
}

impl<const D: usize> Canvas<'_, D> {
    fn image(
        &self,
        fill: f32,
        layer: impl Fn(&Sample<D>) -> Option<&Image<f32, D>>,
    ) -> Result<Image<f32, D>> {
        let parts: Vec<(&Image<f32, D>, [usize; D])> = self
            .tiles
            .iter()
            .filter_map(|tile| Some((layer(&tile.sample)?, tile.at)))
            .collect();
        let channels = parts.first().map_or(1, |(image, _)| image.channels());
        let mut voxels = vec![fill; channels * self.grid.len()];
        for (image, at) in parts {
            let canvas = voxels.chunks_exact_mut(self.grid.len());
            for (channel, to) in canvas.enumerate().take(image.channels()) {
                paste(
                    to,
                    self.grid.shape(),
                    image.channel(channel),
                    image.shape(),
                    at,
                )?;
            }
        }
        Ok(Image::with_channels(channels, self.grid, voxels)?)
    }

    fn labels(
        &self,
        layer: impl Fn(&Sample<D>) -> Option<&LabelMap<u8, D>>,
    ) -> Result<LabelMap<u8, D>> {
        let mut map = LabelMap::background(self.grid)?;
        for tile in self.tiles {
            if let Some(labels) = layer(&tile.sample) {
                let (to, from) = (map.as_mut_slice(), labels.as_slice());
                paste(to, self.grid.shape(), from, labels.shape(), tile.at)?;
            }
        }
        Ok(map)
    }

    fn instances(&self, transform: &'static str, name: &str) -> Result<LabelMap<u16, D>> {
        let mut map = LabelMap::background(self.grid)?;
        let mut largest = 0;
        for tile in self.tiles {
            if let Some(Layer::Instances(numbers)) = tile.sample.layers().get(name) {
                let on = next_numbers(transform, largest, numbers)?;
                let numbers = numbers.map(|number| if number == 0 { 0 } else { number + on });
                largest = largest.max(numbers.as_slice().iter().copied().max().unwrap_or(0));
                let (to, from) = (map.as_mut_slice(), numbers.as_slice());
                paste(to, self.grid.shape(), from, numbers.shape(), tile.at)?;
            }
        }
        Ok(map)
    }

    /// Boxes and points of all tiles.
    fn marks(&self, first: &Tile<D>, mut joined: Sample<D>) -> Sample<D> {
        if let Some(boxes) = first.sample.boxes() {
            let mut boxes = boxes.clone();
            boxes.retain_changed(|item| Some(moved(item, first.at)));
            for tile in &self.tiles[1..] {
                let items = tile.sample.boxes().map_or(&[][..], |boxes| boxes.items());
                boxes.extend(items.iter().map(|item| moved(item, tile.at)));
            }
            joined = joined.with_boxes(boxes);
        }
        if let Some(points) = first.sample.points() {
            let mut points = points.clone();
            points.items.clear();
            for tile in self.tiles {
                let items = tile.sample.points().map_or(&[][..], |p| &p.items);
                points.items.extend(items.iter().map(|point| {
                    let mut point = *point;
                    (0..D).for_each(|a| point.at[a] += tile.at[a] as f64);
                    point
                }));
            }
            joined = joined.with_points(points);
        }
        joined
    }
}

fn moved<const D: usize>(item: &LabelledBox<D>, at: [usize; D]) -> LabelledBox<D> {
    let by = |corner: [f64; D]| std::array::from_fn(|a| corner[a] + at[a] as f64);
    let bounds = BoundingBox::new(by(item.bounds.min()), by(item.bounds.max()));
    LabelledBox {
        bounds: bounds.unwrap_or(item.bounds),
        ..*item
    }
}

fn paste<T: Copy, const D: usize>(
    to: &mut [T],
    canvas: [usize; D],
    from: &[T],
    shape: [usize; D],
    at: [usize; D],
) -> Result<()> {
    let region = Region::new(at, std::array::from_fn(|a| at[a] + shape[a]))?;
    region.check_inside(canvas)?;
    for (row, from) in region.rows(canvas).zip(from.chunks_exact(shape[D - 1])) {
        to[row].copy_from_slice(from);
    }
    Ok(())
}
