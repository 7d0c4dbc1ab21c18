//! Reads a patch through a map: image and labels together, only the patch's voxels, once.

use medcore::resample::{
    Interpolation, LabelInterpolation, Outside, resample_labels_slice, resample_slice,
};
use medcore::{Geometry, Image, IndexMap, Label, LabelMap, Plain, buffer};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::sample::{Layer, Sample};

/// How values between voxels and outside the image are made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Between the voxels of the image.
    pub interpolation: Interpolation,
    /// Between the voxels of the labels.
    pub labels: LabelInterpolation,
    /// Outside the image.
    pub outside: Outside<f32>,
    /// Outside the labels.
    pub outside_label: u8,
}

impl Default for Sampling {
    /// Linear for both, zeros outside: nnU-Net's choice for normalised images.
    fn default() -> Self {
        Self {
            interpolation: Interpolation::Linear,
            labels: LabelInterpolation::Linear,
            outside: Outside::Value(0.0),
            outside_label: 0,
        }
    }
}

/// The patch of `shape` whose voxel `i` shows what `sample` shows at its index `map(i)`: image, labels and layers,
/// without boxes and points ([`Warp`](crate::Warp) moves those too).
///
/// Every voxel of the patch keeps its world position. A map that only shifts by whole voxels and mirrors
/// copies them unchanged.
///
/// # Errors
/// Refuses an empty shape and a map that flattens the patch or is not finite.
pub fn extract<const D: usize>(
    sample: &Sample<D>,
    shape: [usize; D],
    map: &IndexMap<D>,
    sampling: &Sampling,
) -> Result<Sample<D>> {
    let geometry = sample.geometry().mapped(shape, map)?;
    let reader = Reader {
        source: sample.shape(),
        geometry,
        map,
        sampling,
        lattice: Lattice::of(map, sample.shape(), shape),
    };
    let mut result = Sample::new(reader.image(sample.image())?);
    if let Some(target) = sample.target() {
        result = result.with_target(target.to_vec());
    }
    if let Some(labels) = sample.labels() {
        result = result.with_class_labels(reader.labels(labels, sampling.outside_label)?)?;
    }
    for (name, layer) in sample.layers() {
        let layer = match layer {
            Layer::Image(image) => Layer::Image(reader.image(image)?),
            Layer::Labels(labels) => Layer::Labels(reader.labels(labels, sampling.outside_label)?),
            Layer::Instances(numbers) => Layer::Instances(reader.labels(numbers, 0)?),
        };
        result = result.with_layer(name.clone(), layer)?;
    }
    Ok(result)
}

/// One map, for every layer of a sample.
struct Reader<'a, const D: usize> {
    source: [usize; D],
    geometry: Geometry<D>,
    map: &'a IndexMap<D>,
    sampling: &'a Sampling,
    lattice: Option<Lattice<D>>,
}

impl<const D: usize> Reader<'_, D> {
    fn image(&self, image: &Image<f32, D>) -> Result<Image<f32, D>> {
        let len = self.geometry.len();
        let mut voxels = buffer::zeroed::<f32>(image.channels() * len, "patch")?;
        for (channel, out) in voxels.chunks_exact_mut(len).enumerate() {
            let source = image.channel(channel);
            match &self.lattice {
                Some(lattice) => lattice.copy(source, out, self.sampling.outside),
                None => resample_slice(
                    source,
                    self.source,
                    self.map,
                    out,
                    self.geometry.shape(),
                    self.sampling.interpolation,
                    self.sampling.outside,
                )?,
            }
        }
        Ok(Image::with_channels(
            image.channels(),
            self.geometry,
            voxels,
        )?)
    }

    fn labels<L: Label>(&self, labels: &LabelMap<L, D>, outside: L) -> Result<LabelMap<L, D>> {
        let outside = match self.sampling.outside {
            Outside::Value(_) => Outside::Value(outside),
            Outside::Edge => Outside::Edge,
            Outside::Reflect => Outside::Reflect,
        };
        let mut classes = buffer::zeroed::<L>(self.geometry.len(), "patch labels")?;
        match &self.lattice {
            Some(lattice) => lattice.copy(labels.as_slice(), &mut classes, outside),
            None => resample_labels_slice(
                labels.as_slice(),
                self.source,
                self.map,
                &mut classes,
                self.geometry.shape(),
                self.sampling.labels,
                outside,
            )?,
        }
        Ok(LabelMap::new(self.geometry, classes)?)
    }
}

/// A map that takes voxels to voxels, axis by axis.
struct Lattice<const D: usize> {
    source: [usize; D],
    out: [usize; D],
    /// Source index of output index 0 along each axis, and whether the axis runs backwards.
    start: [i64; D],
    backwards: [bool; D],
}

impl<const D: usize> Lattice<D> {
    /// `None` if the map falls between voxels by more than a rounding error.
    fn of(map: &IndexMap<D>, source: [usize; D], out: [usize; D]) -> Option<Self> {
        const ROUNDING: f64 = 1e-6;
        const FARTHEST: f64 = (1_u64 << 52) as f64;
        let mut start = [0; D];
        let mut backwards = [false; D];
        for a in 0..D {
            for b in 0..D {
                let wanted = f64::from(u8::from(a == b));
                let error = (map.matrix[a][b].abs() - wanted).abs() * out[b] as f64;
                if error.is_nan() || error > ROUNDING {
                    return None;
                }
            }
            let whole = map.offset[a].round();
            let error = (map.offset[a] - whole).abs();
            if error.is_nan() || error > ROUNDING || whole.abs() > FARTHEST {
                return None;
            }
            start[a] = whole as i64;
            backwards[a] = map.matrix[a][a] < 0.0;
        }
        Some(Self {
            source,
            out,
            start,
            backwards,
        })
    }

    /// Source index of every output index along `axis`; `None` outside.
    fn indices<T>(&self, axis: usize, outside: Outside<T>) -> Vec<Option<usize>> {
        let len = self.source[axis] as i64;
        (0..self.out[axis] as i64)
            .map(|i| {
                let at = self.start[axis] + if self.backwards[axis] { -i } else { i };
                let at = match outside {
                    Outside::Value(_) => at,
                    Outside::Edge => at.clamp(0, len - 1),
                    Outside::Reflect => {
                        let at = at.rem_euclid(2 * len);
                        at.min(2 * len - 1 - at)
                    }
                };
                (0..len).contains(&at).then_some(at as usize)
            })
            .collect()
    }

    fn copy<T: Plain>(&self, source: &[T], out: &mut [T], outside: Outside<T>) {
        let fill = match outside {
            Outside::Value(value) => value,
            Outside::Edge | Outside::Reflect => T::default(),
        };
        let indices: [Vec<Option<usize>>; D] =
            std::array::from_fn(|axis| self.indices(axis, outside));
        let width = self.out[D - 1];
        let columns = &indices[D - 1];
        // The inside of a row is one run, and forwards it is contiguous in the source.
        let first = columns.iter().position(Option::is_some).unwrap_or(width);
        let end = columns
            .iter()
            .rposition(Option::is_some)
            .map_or(width, |last| last + 1);
        let contiguous = columns[first..end]
            .windows(2)
            .all(|pair| pair[1] == pair[0].map(|v| v + 1));
        let rows = (crate::parallel::CHUNK / width).max(1);
        out.par_chunks_mut(rows * width)
            .enumerate()
            .for_each(|(block, out)| {
                for (r, out) in out.chunks_exact_mut(width).enumerate() {
                    let Some(at) = self.row(block * rows + r, &indices) else {
                        out.fill(fill);
                        continue;
                    };
                    let row = &source[at..at + self.source[D - 1]];
                    out[..first].fill(fill);
                    out[end..].fill(fill);
                    let inside = &mut out[first..end];
                    match columns.get(first).copied().flatten() {
                        Some(from) if contiguous => {
                            inside.copy_from_slice(&row[from..from + inside.len()]);
                        }
                        _ => {
                            for (o, column) in inside.iter_mut().zip(&columns[first..end]) {
                                *o = column.map_or(fill, |c| row[c]);
                            }
                        }
                    }
                }
            });
    }

    /// Where the source row of an output row begins; `None` outside.
    fn row(&self, row: usize, indices: &[Vec<Option<usize>>; D]) -> Option<usize> {
        let mut rest = row;
        let mut index = [0; D];
        for axis in (0..D - 1).rev() {
            index[axis] = indices[axis][rest % self.out[axis]]?;
            rest /= self.out[axis];
        }
        Some((0..D).fold(0, |at, axis| at * self.source[axis] + index[axis]))
    }
}
