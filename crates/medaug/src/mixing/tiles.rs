//! Samples side by side on a canvas.

use medcore::resample::{
    Collage, Interpolation, LabelInterpolation, Outside, Tile as Part, Voxel, resample_labels_slice,
};
use medcore::{BoundingBox, Geometry, Image, IndexMap, Label, LabelMap, Region, buffer};
use rayon::prelude::*;

use super::alike::next_numbers;
use crate::error::{Error, Result};
use crate::sample::{Boxes, LabelledBox, Layer, Points, Sample};
use crate::spatial::{Sampling, is_lattice};
use crate::warp::{Reading, Warp};

/// How large a sample is that was scaled, with its proportions, until it fits a shape.
pub(super) struct Extent<const D: usize> {
    pub(super) voxels: [usize; D],
}

impl<const D: usize> Extent<D> {
    pub(super) fn of(source: [usize; D], shape: [usize; D]) -> Self {
        let factors = (0..D).map(|a| shape[a] as f64 / source[a] as f64);
        let factor = factors.fold(f64::INFINITY, f64::min);
        Self {
            voxels: source.map(|n| ((n as f64 * factor).round_ties_even() as usize).max(1)),
        }
    }
}

/// A sample and the part of it that lies on the canvas.
#[derive(Debug, Clone)]
pub(super) struct Tile<const D: usize> {
    /// The sample, whose boxes and points count from the part's first voxel.
    sample: Sample<D>,
    /// The part's grid.
    grid: Geometry<D>,
    /// Its first voxel.
    first: [usize; D],
    /// Where it is seen on the canvas.
    region: Region<D>,
}

impl<const D: usize> Tile<D> {
    /// What `warp` makes of a sample, at a place of the canvas; `first` is its first voxel if it is a part of the sample as
    /// it is, which then stays where it lies.
    pub(super) fn new(
        sample: Sample<D>,
        warp: &Warp<D>,
        at: [usize; D],
        first: Option<[usize; D]>,
    ) -> Result<Self> {
        let seen = warp.shape();
        let grid = warp.geometry(sample.geometry())?;
        let layers = &mut sample.layers().values();
        // Instances are numbered on from those that are seen.
        let numbered = layers.any(|layer| matches!(layer, Layer::Instances(_)));
        let (mut sample, first) = match first {
            Some(first) if !numbered => {
                let (boxes, points) = (sample.boxes().cloned(), sample.points().cloned());
                let sample = warp.with_marks(sample, boxes.as_ref(), points.as_ref());
                (sample, first)
            }
            _ => (warp.apply(&sample)?, [0; D]),
        };
        if let Some(points) = sample.points_mut() {
            for point in &mut points.items {
                point.known = point.is_inside(seen);
            }
        }
        Ok(Self {
            sample,
            grid,
            first,
            region: Region::new(at, std::array::from_fn(|a| at[a] + seen[a]))?,
        })
    }

    /// A part of a sample that is scaled to this extent: `seen` voxels from `first` on, at a place of the canvas.
    pub(super) fn scaled(
        sample: Sample<D>,
        extent: &Extent<D>,
        at: [usize; D],
        first: [usize; D],
        seen: [usize; D],
    ) -> Result<Self> {
        let mut map = IndexMap::identity();
        for a in 0..D {
            let step = sample.shape()[a] as f64 / extent.voxels[a] as f64;
            map.matrix[a][a] = step;
            map.offset[a] = (first[a] as f64 + 0.5) * step - 0.5;
        }
        let reading = Reading::from(Sampling {
            interpolation: Interpolation::Linear,
            labels: LabelInterpolation::Nearest,
            outside: Outside::Edge,
            outside_label: 0,
        });
        let scaled = (0..D).any(|a| map.matrix[a][a] != 1.0);
        let warp = Warp::new(seen, map, reading);
        Self::new(sample, &warp, at, (!scaled).then_some(first))
    }

    fn part<'a, T>(&self, voxels: &'a [T]) -> Part<'a, T, D> {
        Part {
            voxels,
            shape: self.sample.shape(),
            first: self.first,
            region: self.region,
        }
    }
}

/// Samples on a canvas that has not been read yet: `fill` and background between them, boxes and points in the order of
/// the tiles, instances numbered on. The canvas lies where the first tile lies.
#[derive(Debug, Clone)]
pub(crate) struct Montage<const D: usize> {
    transform: &'static str,
    tiles: Vec<Tile<D>>,
    grid: Geometry<D>,
    fill: f32,
    boxes: Option<Boxes<D>>,
    points: Option<Points<D>>,
}

impl<const D: usize> Montage<D> {
    pub(super) fn new(
        transform: &'static str,
        tiles: Vec<Tile<D>>,
        shape: [usize; D],
        fill: f32,
    ) -> Result<Self> {
        let first = first_of(transform, &tiles)?;
        let back = IndexMap::translation(first.region.start().map(|v| -(v as f64)));
        Ok(Self {
            transform,
            grid: first.grid.mapped(shape, &back)?,
            fill,
            boxes: boxes(&tiles),
            points: points(&tiles),
            tiles,
        })
    }

    /// The grid of the canvas.
    pub(crate) fn geometry(&self) -> &Geometry<D> {
        &self.grid
    }

    /// Channels of the images.
    pub(crate) fn channels(&self) -> usize {
        self.tiles
            .first()
            .map_or(0, |tile| tile.sample.image().channels())
    }

    /// The whole canvas, or what `warp` shows of it; the samples are let go, so it can be read only once.
    pub(crate) fn join(&mut self, warp: Option<&Warp<D>>) -> Result<Sample<D>> {
        let whole = Warp::identity(self.grid.shape());
        let joined = self.read(warp.unwrap_or(&whole))?;
        self.tiles.clear();
        Ok(joined)
    }

    /// What `warp` shows of the canvas; of the samples only what is looked at is read, unless something is bent or turned.
    pub(crate) fn read(&self, warp: &Warp<D>) -> Result<Sample<D>> {
        let Some(map) = warp.straight() else {
            return warp.apply(&self.read(&Warp::identity(self.grid.shape()))?);
        };
        let reader = Reader {
            montage: self,
            grid: warp.geometry(&self.grid)?,
            map,
            sampling: exact_on_lattice(warp.reading().sampling(), self.grid.shape(), warp),
        };
        let first = &first_of(self.transform, &self.tiles)?.sample;
        let mut joined = Sample::new(reader.image(|sample| Some(sample.image()))?);
        if first.labels().is_some() {
            joined = joined.with_class_labels(reader.labels(Sample::labels)?)?;
        }
        for (name, layer) in first.layers() {
            let layer = match layer {
                Layer::Image(_) => {
                    Layer::Image(reader.image(|sample| match sample.layers().get(name)? {
                        Layer::Image(image) => Some(image),
                        _ => None,
                    })?)
                }
                Layer::Labels(_) => {
                    Layer::Labels(reader.labels(|sample| match sample.layers().get(name)? {
                        Layer::Labels(labels) => Some(labels),
                        _ => None,
                    })?)
                }
                Layer::Instances(_) => Layer::Instances(reader.instances(name)?),
            };
            joined = joined.with_layer(name.clone(), layer)?;
        }
        Ok(warp.with_marks(joined, self.boxes.as_ref(), self.points.as_ref()))
    }
}

fn first_of<'a, const D: usize>(
    transform: &'static str,
    tiles: &'a [Tile<D>],
) -> Result<&'a Tile<D>> {
    tiles.first().ok_or(Error::SampleCount {
        transform,
        expected: 1,
        got: 0,
    })
}

/// Voxels that are taken as they are need no interpolation.
fn exact_on_lattice<const D: usize>(
    sampling: Sampling,
    source: [usize; D],
    warp: &Warp<D>,
) -> Sampling {
    match warp.straight() {
        Some(map) if is_lattice(map, source, warp.shape()) => Sampling {
            interpolation: Interpolation::Nearest,
            labels: LabelInterpolation::Nearest,
            ..sampling
        },
        _ => sampling,
    }
}

/// One map, for every layer of a montage.
struct Reader<'a, const D: usize> {
    montage: &'a Montage<D>,
    grid: Geometry<D>,
    map: &'a IndexMap<D>,
    sampling: Sampling,
}

impl<const D: usize> Reader<'_, D> {
    fn image(&self, layer: impl Fn(&Sample<D>) -> Option<&Image<f32, D>>) -> Result<Image<f32, D>> {
        let Montage { tiles, fill, .. } = self.montage;
        let images: Vec<(&Tile<D>, &Image<f32, D>)> = tiles
            .iter()
            .filter_map(|tile| Some((tile, layer(&tile.sample)?)))
            .collect();
        let channels = images.first().map_or(1, |(_, image)| image.channels());
        let len = self.grid.len();
        let mut voxels = buffer::zeroed::<f32>(channels * len, "patch")?;
        let planes = voxels.par_chunks_exact_mut(len).enumerate();
        planes.try_for_each(|(channel, out)| {
            let images = images.iter().filter(|(_, i)| channel < i.channels());
            let parts = images.map(|(tile, image)| tile.part(image.channel(channel)));
            Collage::new(self.montage.grid.shape(), *fill, parts.collect())?.resample_slice(
                self.map,
                out,
                self.grid.shape(),
                self.sampling.interpolation,
                self.sampling.outside,
            )
        })?;
        Ok(Image::with_channels(channels, self.grid, voxels)?)
    }

    fn labels(
        &self,
        layer: impl Fn(&Sample<D>) -> Option<&LabelMap<u8, D>>,
    ) -> Result<LabelMap<u8, D>> {
        let tiles = self.montage.tiles.iter();
        let parts = tiles.filter_map(|tile| Some(tile.part(layer(&tile.sample)?.as_slice())));
        self.classes(parts.collect(), self.sampling.outside_label)
    }

    fn instances(&self, name: &str) -> Result<LabelMap<u16, D>> {
        let mut largest = 0;
        let mut maps = vec![];
        for tile in &self.montage.tiles {
            if let Some(Layer::Instances(numbers)) = tile.sample.layers().get(name) {
                let on = next_numbers(self.montage.transform, largest, numbers)?;
                let numbers = numbers.map(|number| if number == 0 { 0 } else { number + on });
                largest = largest.max(numbers.as_slice().iter().copied().max().unwrap_or(0));
                maps.push((tile, numbers));
            }
        }
        let parts = maps.iter().map(|(tile, map)| tile.part(map.as_slice()));
        self.classes(parts.collect(), 0)
    }

    fn classes<L: Label + Voxel>(
        &self,
        parts: Vec<Part<'_, L, D>>,
        outside: L,
    ) -> Result<LabelMap<L, D>> {
        let canvas = self.montage.grid.shape();
        let collage = Collage::new(canvas, L::default(), parts)?;
        let outside: Outside<L> = self.sampling.outside_labels(outside);
        let mut classes = buffer::zeroed::<L>(self.grid.len(), "patch labels")?;
        let shape = self.grid.shape();
        match self.sampling.labels {
            LabelInterpolation::Nearest => collage.resample_slice(
                self.map,
                &mut classes,
                shape,
                Interpolation::Nearest,
                outside,
            )?,
            chosen @ LabelInterpolation::Linear => resample_labels_slice(
                &collage.canvas()?,
                canvas,
                self.map,
                &mut classes,
                shape,
                chosen,
                outside,
            )?,
        }
        Ok(LabelMap::new(self.grid, classes)?)
    }
}

/// Boxes of all tiles.
fn boxes<const D: usize>(tiles: &[Tile<D>]) -> Option<Boxes<D>> {
    let (first, others) = tiles.split_first()?;
    let mut boxes = first.sample.boxes()?.clone();
    boxes.retain_changed(|item| Some(moved(item, first.region.start())));
    for tile in others {
        let items = tile.sample.boxes().map_or(&[][..], |boxes| boxes.items());
        boxes.extend(items.iter().map(|item| moved(item, tile.region.start())));
    }
    Some(boxes)
}

/// Points of all tiles.
fn points<const D: usize>(tiles: &[Tile<D>]) -> Option<Points<D>> {
    let mut points = tiles.first()?.sample.points()?.clone();
    points.items.clear();
    for tile in tiles {
        let items = tile.sample.points().map_or(&[][..], |p| &p.items);
        points.items.extend(items.iter().map(|point| {
            let mut point = *point;
            (0..D).for_each(|a| point.at[a] += tile.region.start()[a] as f64);
            point
        }));
    }
    Some(points)
}

fn moved<const D: usize>(item: &LabelledBox<D>, at: [usize; D]) -> LabelledBox<D> {
    let by = |corner: [f64; D]| std::array::from_fn(|a| corner[a] + at[a] as f64);
    let bounds = BoundingBox::new(by(item.bounds.min()), by(item.bounds.max()));
    LabelledBox {
        bounds: bounds.unwrap_or(item.bounds),
        turned: item
            .turned
            .and_then(|turned| turned.moved(|corner| Some(by(corner)))),
        ..*item
    }
}
