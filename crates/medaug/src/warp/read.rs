//! Reading through a warp that bends: coordinates are made once a row, and everything is read at them.

use medcore::resample::{Gather, GatherLabels, Interpolation, LabelInterpolation, Places};
use medcore::{Geometry, Image, Label, LabelMap};
use rayon::prelude::*;

use super::Warp;
use crate::deformation::Row;
use crate::error::Result;
use crate::parallel::CHUNK;
use crate::sample::{Layer, Layers, Sample};
use crate::spatial::Sampling;

/// Image, labels and layers of `sample` through `warp`.
pub(super) fn read<const D: usize>(sample: &Sample<D>, warp: &Warp<D>) -> Result<Sample<D>> {
    let geometry = warp.geometry(sample.geometry())?;
    let sampling = warp.reading.sampling();
    let reader = Reader {
        source: sample.shape(),
        sampling,
        seen: match sampling.interpolation {
            Interpolation::CubicBSpline => Some(seen(warp)?),
            Interpolation::Nearest | Interpolation::Linear => None,
        },
    };
    let mut image = Image::zeros(sample.image().channels(), geometry)?;
    let mut labels = sample
        .labels()
        .map(|_| LabelMap::background(geometry))
        .transpose()?;
    let mut layers = Layers::new();
    for (name, layer) in sample.layers() {
        layers.insert(name.clone(), blank(layer, geometry)?);
    }

    let mut planes = vec![];
    reader.image(sample.image(), &mut image, &mut planes)?;
    if let (Some(labels), Some(out)) = (sample.labels(), &mut labels) {
        let from = reader.labels(labels, sampling.outside_label)?;
        planes.push(Plane::Classes(from, out.as_mut_slice()));
    }
    for (layer, out) in sample.layers().values().zip(layers.values_mut()) {
        match (layer, out) {
            (Layer::Image(image), Layer::Image(out)) => reader.image(image, out, &mut planes)?,
            (Layer::Labels(labels), Layer::Labels(out)) => {
                let from = reader.labels(labels, sampling.outside_label)?;
                planes.push(Plane::Classes(from, out.as_mut_slice()));
            }
            (Layer::Instances(numbers), Layer::Instances(out)) => {
                planes.push(Plane::Numbers(
                    reader.labels(numbers, 0)?,
                    out.as_mut_slice(),
                ));
            }
            _ => {}
        }
    }
    fill(warp.shape, &mut planes, |first, row| warp.look(first, row))?;

    let mut result = Sample::new(image);
    if let Some(labels) = labels {
        result = result.with_class_labels(labels)?;
    }
    for (name, layer) in layers {
        result = result.with_layer(name, layer)?;
    }
    Ok(result)
}

fn blank<const D: usize>(layer: &Layer<D>, geometry: Geometry<D>) -> Result<Layer<D>> {
    Ok(match layer {
        Layer::Image(image) => Layer::Image(Image::zeros(image.channels(), geometry)?),
        Layer::Labels(_) => Layer::Labels(LabelMap::background(geometry)?),
        Layer::Instances(_) => Layer::Instances(LabelMap::background(geometry)?),
    })
}

/// One channel of a result, or one label map, and where it is read from.
pub(super) enum Plane<'s, 'o, const D: usize> {
    Values(Gather<'s, f32, D>, &'o mut [f32]),
    Classes(GatherLabels<'s, u8, D>, &'o mut [u8]),
    Numbers(GatherLabels<'s, u16, D>, &'o mut [u16]),
}

/// A block of rows of a plane.
enum Block<'a, const D: usize> {
    Values(&'a Gather<'a, f32, D>, &'a mut [f32]),
    Classes(&'a GatherLabels<'a, u8, D>, &'a mut [u8]),
    Numbers(&'a GatherLabels<'a, u16, D>, &'a mut [u16]),
}

impl<const D: usize> Block<'_, D> {
    fn read(&mut self, places: &Places<D>, row: usize) {
        let range = row * places.len()..(row + 1) * places.len();
        match self {
            Self::Values(from, out) => from.read(places, &mut out[range]),
            Self::Classes(from, out) => from.read(places, &mut out[range]),
            Self::Numbers(from, out) => from.read(places, &mut out[range]),
        }
    }
}

/// Fills planes of `shape`, in parallel over blocks of rows; `look` makes the coordinates of the row that begins at
/// an index.
pub(super) fn fill<const D: usize>(
    shape: [usize; D],
    planes: &mut [Plane<'_, '_, D>],
    look: impl Fn([f64; D], &mut Row<D>) + Sync,
) -> Result<()> {
    let width = shape[D - 1];
    let rows: usize = shape[..D - 1].iter().product();
    let block = (CHUNK / width).max(1);
    let mut tasks: Vec<Vec<Block<'_, D>>> = (0..rows.div_ceil(block)).map(|_| vec![]).collect();
    for plane in planes {
        let size = block * width;
        match plane {
            Plane::Values(from, out) => {
                let blocks = tasks.iter_mut().zip(out.chunks_mut(size));
                blocks.for_each(|(task, out)| task.push(Block::Values(from, out)));
            }
            Plane::Classes(from, out) => {
                let blocks = tasks.iter_mut().zip(out.chunks_mut(size));
                blocks.for_each(|(task, out)| task.push(Block::Classes(from, out)));
            }
            Plane::Numbers(from, out) => {
                let blocks = tasks.iter_mut().zip(out.chunks_mut(size));
                blocks.for_each(|(task, out)| task.push(Block::Numbers(from, out)));
            }
        }
    }
    tasks
        .into_par_iter()
        .enumerate()
        .try_for_each(|(task, mut blocks)| {
            let mut row = Row::new(width);
            let mut places = Places::default();
            for r in 0..block.min(rows - task * block) {
                look(first(shape, task * block + r), &mut row);
                places.set(row.coordinates())?;
                for block in &mut blocks {
                    block.read(&places, r);
                }
            }
            Ok(())
        })
}

/// The index at which a row begins.
fn first<const D: usize>(shape: [usize; D], row: usize) -> [f64; D] {
    let (mut index, mut rest) = ([0.0; D], row);
    for a in (0..D - 1).rev() {
        index[a] = (rest % shape[a]) as f64;
        rest /= shape[a];
    }
    index
}

/// The part of the source that is looked at, along each axis.
fn seen<const D: usize>(warp: &Warp<D>) -> Result<[(f64, f64); D]> {
    let width = warp.shape[D - 1];
    let rows: usize = warp.shape[..D - 1].iter().product();
    let nothing = [(f64::INFINITY, f64::NEG_INFINITY); D];
    let seen = (0..rows)
        .into_par_iter()
        .with_min_len((CHUNK / width).max(1))
        .fold(
            || (Row::new(width), nothing),
            |(mut row, mut seen), r| {
                warp.look(first(warp.shape, r), &mut row);
                for (range, at) in seen.iter_mut().zip(row.coordinates()) {
                    *range = at
                        .iter()
                        .fold(*range, |(low, high), &v| (low.min(v), high.max(v)));
                }
                (row, seen)
            },
        )
        .map(|(_, seen)| seen)
        .reduce(
            || nothing,
            |a, b| std::array::from_fn(|k| (a[k].0.min(b[k].0), a[k].1.max(b[k].1))),
        );
    Ok(seen)
}

/// What is the same for all planes.
struct Reader<const D: usize> {
    source: [usize; D],
    sampling: Sampling,
    seen: Option<[(f64, f64); D]>,
}

impl<const D: usize> Reader<D> {
    fn image<'s, 'o>(
        &self,
        image: &'s Image<f32, D>,
        out: &'o mut Image<f32, D>,
        planes: &mut Vec<Plane<'s, 'o, D>>,
    ) -> Result<()> {
        let Sampling {
            interpolation,
            outside,
            ..
        } = self.sampling;
        let len = out.geometry().len();
        for (channel, out) in out.as_mut_slice().chunks_exact_mut(len).enumerate() {
            let source = image.channel(channel);
            let from = match self.seen {
                Some(seen) => Gather::of_part(source, self.source, seen, interpolation, outside)?,
                None => Gather::new(source, self.source, interpolation, outside)?,
            };
            planes.push(Plane::Values(from, out));
        }
        Ok(())
    }

    fn labels<'s, L: Label>(
        &self,
        labels: &'s LabelMap<L, D>,
        outside: L,
    ) -> Result<GatherLabels<'s, L, D>> {
        let outside = self.sampling.outside_labels(outside);
        let interpolation: LabelInterpolation = self.sampling.labels;
        Ok(GatherLabels::new(
            labels.as_slice(),
            self.source,
            interpolation,
            outside,
        )?)
    }
}
