//! A sample as bytes: a line that says what it is, a JSON head, the voxels, and the SHA-256 of all that.

use std::collections::BTreeMap;
use std::io::{self, Write};

use medaug::{Boxes, Layer, Points, Sample};
use medcore::{Calibration, Geometry, Image, Label, LabelMap, Plain, Point, Vector, buffer};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The first bytes of an entry.
const MAGIC: &[u8; 16] = b"medtrain case 1\n";

const DIGEST: usize = 32;

/// What is written before the voxels.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head<const D: usize> {
    /// Voxels are written as they lie in memory.
    little_endian: bool,
    shape: Vec<usize>,
    origin: [f64; 3],
    steps: Vec<[f64; 3]>,
    calibration: Calibration,
    channels: usize,
    labels: bool,
    boxes: Option<Boxes<D>>,
    points: Option<Points<D>>,
    target: Option<Vec<f32>>,
    layers: BTreeMap<String, Kind>,
}

#[derive(Serialize, Deserialize)]
enum Kind {
    Image { channels: usize },
    Labels,
    Instances,
}

/// The head of a sample.
fn head<const D: usize>(sample: &Sample<D>) -> io::Result<Vec<u8>> {
    let grid = sample.geometry();
    let layers = sample.layers().iter().map(|(name, layer)| {
        let kind = match layer {
            Layer::Image(image) => Kind::Image {
                channels: image.channels(),
            },
            Layer::Labels(_) => Kind::Labels,
            Layer::Instances(_) => Kind::Instances,
            _ => {
                return Err(io::Error::other(format!(
                    "layer {name:?} is of an unknown kind"
                )));
            }
        };
        Ok((name.clone(), kind))
    });
    let head = Head {
        little_endian: cfg!(target_endian = "little"),
        shape: grid.shape().to_vec(),
        origin: grid.origin().coordinates(),
        steps: grid.steps().map(Vector::components).to_vec(),
        calibration: grid.calibration(),
        channels: sample.image().channels(),
        labels: sample.labels().is_some(),
        boxes: sample.boxes().cloned(),
        points: sample.points().cloned(),
        target: sample.target().map(<[f32]>::to_vec),
        layers: layers.collect::<io::Result<_>>()?,
    };
    Ok(serde_json::to_vec(&head)?)
}

/// Writes a sample.
pub(super) fn write<const D: usize>(sample: &Sample<D>, out: &mut dyn Write) -> io::Result<()> {
    let head = head(sample)?;
    let mut out = Hashing {
        out,
        hash: Sha256::new(),
    };
    out.write_all(MAGIC)?;
    out.write_all(&(head.len() as u64).to_le_bytes())?;
    out.write_all(&head)?;
    out.write_all(buffer::as_bytes(sample.image().as_slice()))?;
    if let Some(labels) = sample.labels() {
        out.write_all(labels.as_slice())?;
    }
    for layer in sample.layers().values() {
        match layer {
            Layer::Image(image) => out.write_all(buffer::as_bytes(image.as_slice()))?,
            Layer::Labels(labels) => out.write_all(labels.as_slice())?,
            Layer::Instances(numbers) => out.write_all(buffer::as_bytes(numbers.as_slice()))?,
            _ => {}
        }
    }
    let digest = out.hash.finalize();
    out.out.write_all(&digest)
}

/// Bytes that a sample takes up as an entry.
pub(super) fn size<const D: usize>(sample: &Sample<D>) -> io::Result<u64> {
    let around = MAGIC.len() + size_of::<u64>() + DIGEST;
    Ok((around + head(sample)?.len() + sample.bytes()) as u64)
}

/// Reads a sample.
///
/// # Errors
/// Says what is wrong with the bytes.
pub(super) fn read<const D: usize>(bytes: &[u8]) -> Result<Sample<D>, String> {
    let body = bytes.len().checked_sub(DIGEST).ok_or("it is cut off")?;
    let (body, digest) = bytes.split_at(body);
    if Sha256::digest(body)[..] != *digest {
        return Err("its checksum is another".to_owned());
    }
    let rest = body.strip_prefix(MAGIC).ok_or("it is no case")?;
    let (length, rest) = rest.split_first_chunk::<8>().ok_or("it is cut off")?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|e| e.to_string())?;
    let (head, voxels) = rest.split_at_checked(length).ok_or("it is cut off")?;
    let head: Head<D> = serde_json::from_slice(head).map_err(|e| e.to_string())?;
    if head.little_endian != cfg!(target_endian = "little") {
        return Err("it was written on a machine with another order of bytes".to_owned());
    }
    sample(head, voxels).map_err(|e| e.to_string())
}

fn sample<const D: usize>(
    head: Head<D>,
    voxels: &[u8],
) -> Result<Sample<D>, Box<dyn std::error::Error>> {
    let shape: [usize; D] = head
        .shape
        .try_into()
        .map_err(|_| "its shape has other axes")?;
    let steps: [[f64; 3]; D] = head
        .steps
        .try_into()
        .map_err(|_| "its steps have other axes")?;
    let [x, y, z] = head.origin;
    let steps = steps.map(|[x, y, z]| Vector::new(x, y, z));
    let grid = Geometry::new(shape, Point::new(x, y, z), steps)?.with_calibration(head.calibration);
    let mut voxels = voxels;
    let mut sample = Sample::new(image(head.channels, grid, &mut voxels)?);
    if head.labels {
        sample = sample.with_class_labels(labels(grid, &mut voxels)?)?;
    }
    for (name, kind) in head.layers {
        let layer = match kind {
            Kind::Image { channels } => Layer::Image(image(channels, grid, &mut voxels)?),
            Kind::Labels => Layer::Labels(labels(grid, &mut voxels)?),
            Kind::Instances => Layer::Instances(labels(grid, &mut voxels)?),
        };
        sample = sample.with_layer(name, layer)?;
    }
    if let Some(boxes) = head.boxes {
        sample = sample.with_boxes(boxes);
    }
    if let Some(points) = head.points {
        sample = sample.with_points(points);
    }
    if let Some(target) = head.target {
        sample = sample.with_target(target);
    }
    if voxels.is_empty() {
        Ok(sample)
    } else {
        Err("it is too long".into())
    }
}

fn image<const D: usize>(
    channels: usize,
    grid: Geometry<D>,
    bytes: &mut &[u8],
) -> Result<Image<f32, D>, Box<dyn std::error::Error>> {
    let count = grid.len().checked_mul(channels).ok_or("it is too large")?;
    Ok(Image::with_channels(channels, grid, taken(count, bytes)?)?)
}

fn labels<L: Label, const D: usize>(
    grid: Geometry<D>,
    bytes: &mut &[u8],
) -> Result<LabelMap<L, D>, Box<dyn std::error::Error>> {
    Ok(LabelMap::new(grid, taken::<L>(grid.len(), bytes)?)?)
}

/// The next elements of the voxels.
fn taken<T: Plain>(count: usize, bytes: &mut &[u8]) -> Result<Vec<T>, Box<dyn std::error::Error>> {
    let length = count.checked_mul(size_of::<T>()).ok_or("it is too large")?;
    let (own, rest) = bytes.split_at_checked(length).ok_or("it is cut off")?;
    let mut values = buffer::zeroed::<T>(count, "cached case")?;
    buffer::as_bytes_mut(&mut values).copy_from_slice(own);
    *bytes = rest;
    Ok(values)
}

/// Passes bytes on and takes their checksum.
struct Hashing<'a> {
    out: &'a mut dyn Write,
    hash: Sha256,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
