//! A lesion of one sample in another.

use medcore::components::{Components, Connectivity};
use medcore::{BoundingBox, Image, LabelMap, Region, distance};
use serde::{Deserialize, Serialize};

use super::alike::check_count;
use crate::array::per_axis;
use crate::error::{Error, Result, check};
use crate::sample::{Boxes, LabelledBox, Layer, Sample};

/// A connected part of some classes of the second sample, pasted into the first (Ghiasi et al., "Simple copy-paste is a
/// strong data augmentation method for instance segmentation", CVPR 2021).
///
/// Its own voxels are copied as they are. Around it the images pass over into one another: `feather_mm` away from it only the
/// first one is seen. Labels, and layers of labels, change where the part itself lies; layers of instances get a new number;
/// a sample with boxes gets one more. What reaches over the border is not pasted. Points and targets stay.
/// NaN within the part is copied; around it, NaN of either image is NaN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopyPaste {
    /// The classes that are one object.
    pub classes: Vec<u8>,
    /// Which voxels are connected.
    #[serde(default)]
    pub connectivity: Connectivity,
    /// Number of the part, from zero, in the order of memory.
    pub part: usize,
    /// Where the first voxel of the part's box comes to lie, one index an axis; it may be outside.
    pub start: Vec<isize>,
    /// How far the images pass over into one another, in millimetres; 0 for a sharp edge.
    #[serde(default)]
    pub feather_mm: f64,
    /// Class of the box; that of the box of the second sample that fits best if there is none.
    #[serde(default)]
    pub box_class: Option<usize>,
}

const NAME: &str = "CopyPaste";

/// What is pasted: a block of the source, and where it comes to lie.
struct Patch<const D: usize> {
    /// The part with its feathered surroundings, in the source.
    source: Region<D>,
    shape: [usize; D],
    /// From indices of the source to those of the receiver.
    shift: [isize; D],
    /// For each voxel of the block: whether it belongs to the part.
    mask: Vec<bool>,
    /// For each voxel of the block: how much of it is seen.
    share: Vec<f32>,
}

impl CopyPaste {
    pub(super) fn apply<const D: usize>(&self, samples: Vec<Sample<D>>) -> Result<Sample<D>> {
        check_count(NAME, &samples, 2)?;
        check_feather(NAME, self.feather_mm)?;
        let mut samples = samples.into_iter();
        let (Some(first), Some(second)) = (samples.next(), samples.next()) else {
            return Err(Error::SampleCount {
                transform: NAME,
                expected: 2,
                got: 0,
            });
        };
        check_grids(&first, &second)?;
        let start: [isize; D] = per_axis(NAME, "start", &self.start)?;
        let parts = parts(NAME, &second, &self.classes, self.connectivity)?;
        let Some(part) = parts.components().get(self.part) else {
            return Err(Error::InvalidParameter {
                transform: NAME,
                parameter: "part",
                rule: "below the number of parts",
                value: self.part as f64,
            });
        };
        let patch = self.patch(&second, &parts, part.region, start)?;
        let part_box = moved(&part.region, patch.shift, first.shape());
        let found = match (first.boxes(), part_box) {
            (Some(_), Some(bounds)) => {
                let class = self.class_of(&second, &BoundingBox::from(part.region))?;
                Some(LabelledBox {
                    bounds: bounds.into(),
                    class,
                    number: 0,
                    turned: None,
                })
            }
            _ => None,
        };
        let mut first = first;
        patch.blend(first.image_and_labels_mut().0, second.image());
        if let (Some(to), Some(from)) = (first.labels_mut(), second.labels()) {
            patch.label(to, from);
        }
        for (name, to) in first.layers_mut() {
            match to {
                Layer::Instances(to) => {
                    let largest = to.as_slice().iter().copied().max().unwrap_or(0);
                    let number = largest.checked_add(1).ok_or(Error::CannotMix {
                        transform: NAME,
                        what: "so many instances",
                        instead: "there is no number after 65535; number them from one on",
                    })?;
                    let shape = to.shape();
                    patch.for_each_voxel(shape, shape, |to_at, _, voxel| {
                        if patch.mask[voxel] {
                            to.as_mut_slice()[to_at] = number;
                        }
                    });
                }
                Layer::Image(to) => {
                    if let Layer::Image(from) = second.require_layer(NAME, name)? {
                        check_channels(to, from)?;
                        patch.blend(to, from);
                    }
                }
                Layer::Labels(to) => {
                    if let Layer::Labels(from) = second.require_layer(NAME, name)? {
                        patch.label(to, from);
                    }
                }
            }
        }
        if let (Some(boxes), Some(found)) = (first.boxes_mut(), found) {
            boxes.extend([found]);
        }
        Ok(first)
    }

    fn patch<const D: usize>(
        &self,
        source: &Sample<D>,
        parts: &Components<D>,
        part: Region<D>,
        start: [isize; D],
    ) -> Result<Patch<D>> {
        let spacing = source.geometry().spacing();
        let margin = spacing.map(|mm| (self.feather_mm / mm).ceil() as usize);
        let block = part.grown(margin, source.shape());
        let shape = block.shape();
        let mut whole = vec![false; source.geometry().len()];
        parts.for_each_run(|number, range| {
            if number == self.part {
                whole[range].fill(true);
            }
        });
        let mask: Vec<bool> = block
            .rows(source.shape())
            .flatten()
            .map(|at| whole[at])
            .collect();
        let share = if self.feather_mm > 0.0 {
            let away = distance::to_feature(&mask, shape, spacing, |&inside| inside)?;
            let fall = 1.0 / self.feather_mm as f32;
            away.into_iter()
                .map(|mm| (1.0 - mm * fall).max(0.0))
                .collect()
        } else {
            mask.iter()
                .map(|&inside| f32::from(u8::from(inside)))
                .collect()
        };
        Ok(Patch {
            source: block,
            shape: source.shape(),
            shift: std::array::from_fn(|a| start[a] - part.start()[a] as isize),
            mask,
            share,
        })
    }

    /// The class of the new box.
    fn class_of<const D: usize>(&self, source: &Sample<D>, part: &BoundingBox<D>) -> Result<usize> {
        if let Some(class) = self.box_class {
            return Ok(class);
        }
        let items = source.boxes().map_or(&[][..], Boxes::items);
        let best = items
            .iter()
            .filter(|item| item.bounds.iou(part) > 0.0)
            .max_by(|a, b| a.bounds.iou(part).total_cmp(&b.bounds.iou(part)));
        best.map(|item| item.class).ok_or(Error::CannotMix {
            transform: NAME,
            what: "boxes without a class",
            instead: "no box of the second sample lies around the part; set `box_class`",
        })
    }
}

impl<const D: usize> Patch<D> {
    /// Calls `f(position in the receiver, position in the source, position in the block)` for every voxel that lies within
    /// the receiver.
    fn for_each_voxel(
        &self,
        receiver: [usize; D],
        source: [usize; D],
        mut f: impl FnMut(usize, usize, usize),
    ) {
        let width = self.source.shape()[D - 1];
        for (row, range) in self.source.rows(source).enumerate() {
            let mut rest = range.start;
            let mut at = [0; D];
            for a in (0..D).rev() {
                at[a] = (rest % source[a]) as isize + self.shift[a];
                rest /= source[a];
            }
            if (0..D - 1).any(|a| at[a] < 0 || at[a] >= receiver[a] as isize) {
                continue;
            }
            let mut to = 0;
            for a in 0..D - 1 {
                to = to * receiver[a] + at[a] as usize;
            }
            let first = at[D - 1];
            for (i, from) in range.enumerate() {
                let column = first + i as isize;
                if (0..receiver[D - 1] as isize).contains(&column) {
                    f(
                        to * receiver[D - 1] + column as usize,
                        from,
                        row * width + i,
                    );
                }
            }
        }
    }

    fn blend(&self, to: &mut Image<f32, D>, from: &Image<f32, D>) {
        let (shape, len) = (to.shape(), to.geometry().len());
        for (channel, out) in to.as_mut_slice().chunks_exact_mut(len).enumerate() {
            let from = from.channel(channel);
            self.for_each_voxel(shape, self.shape, |to, at, voxel| {
                let share = self.share[voxel];
                if share >= 1.0 {
                    out[to] = from[at];
                } else if share > 0.0 {
                    out[to] += share * (from[at] - out[to]);
                }
            });
        }
    }

    fn label(&self, to: &mut LabelMap<u8, D>, from: &LabelMap<u8, D>) {
        let (shape, from) = (to.shape(), from.as_slice());
        let to = to.as_mut_slice();
        self.for_each_voxel(shape, self.shape, |out, at, voxel| {
            if self.mask[voxel] {
                to[out] = from[at];
            }
        });
    }
}

/// The part of a region that lies within an image, moved by `shift`.
fn moved<const D: usize>(
    region: &Region<D>,
    shift: [isize; D],
    shape: [usize; D],
) -> Option<Region<D>> {
    let clamped = |index: [usize; D]| {
        std::array::from_fn(|a| (index[a] as isize + shift[a]).clamp(0, shape[a] as isize) as usize)
    };
    Region::new(clamped(region.start()), clamped(region.end())).ok()
}

/// The connected parts of some classes of a sample.
pub(super) fn parts<const D: usize>(
    transform: &'static str,
    sample: &Sample<D>,
    classes: &[u8],
    connectivity: Connectivity,
) -> Result<Components<D>> {
    let labels = sample.require_labels(transform)?;
    let mut wanted = [false; 256];
    for &class in classes {
        wanted[usize::from(class)] = true;
    }
    let (voxels, shape) = (labels.as_slice(), labels.shape());
    Ok(Components::new(voxels, shape, connectivity, |&l| {
        wanted[usize::from(l)]
    })?)
}

fn check_channels<const D: usize>(first: &Image<f32, D>, other: &Image<f32, D>) -> Result<()> {
    if first.channels() == other.channels() {
        return Ok(());
    }
    Err(Error::Unlike {
        transform: NAME,
        what: "channels",
        first: first.channels().to_string(),
        other: other.channels().to_string(),
    })
}

/// Refuses images of other channels or voxels of another size, on which a lesion would be as large as it is not.
fn check_grids<const D: usize>(first: &Sample<D>, other: &Sample<D>) -> Result<()> {
    check_channels(first.image(), other.image())?;
    let (a, b) = (first.geometry().spacing(), other.geometry().spacing());
    if (0..D).all(|axis| (a[axis] / b[axis] - 1.0).abs() <= 1e-3) {
        return Ok(());
    }
    Err(Error::Unlike {
        transform: NAME,
        what: "spacing",
        first: format!("{a:?}"),
        other: format!("{b:?}"),
    })
}

pub(super) fn check_feather(transform: &'static str, feather_mm: f64) -> Result<()> {
    check(
        transform,
        "feather_mm",
        feather_mm,
        "finite and at least 0",
        |v| v.is_finite() && v >= 0.0,
    )
}
