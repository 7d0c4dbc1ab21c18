//! Which voxels belong to which part: the classes of a label map, or a mask for each part.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "voxels of arrays whose shapes their types promise"
)]

use medcore::{Geometry, GeometryTolerance, Image, Label, LabelMap};

use super::super::fault::Fault;
use super::label_fault::LabelFault;
use super::source::Source;

/// Parts of a volume, plane by plane.
pub(in super::super) trait Layers: Sync {
    fn geometry(&self) -> &Geometry<3>;

    /// For each part whether it has voxels in a plane, and whether any two share one.
    fn survey(&self, depth: usize) -> Result<Survey, LabelFault>;

    /// Sets `out` to 1 where a part is and to 0 elsewhere.
    fn fill(&self, part: usize, depth: usize, out: &mut [u8]);
}

/// What is in a plane.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Survey {
    pub(in super::super) present: Vec<bool>,
    pub(in super::super) overlap: bool,
}

/// Class n of a label map is part n - 1.
pub(in super::super) struct Classes<'a, L> {
    labels: &'a LabelMap<L, 3>,
    count: usize,
    what: &'static str,
}

/// Channel n of an image of zeros and ones is part n.
pub(in super::super) struct Masks<'a> {
    masks: &'a Image<u8, 3>,
}

/// Refuses another grid than the source's.
pub(in super::super) fn check_grid(grid: &Geometry<3>, source: &Source) -> Result<(), Fault> {
    let same = grid.check_same_as(source.geometry(), &GeometryTolerance::default());
    same.map_err(|mismatch| Fault::core("labels beside their source")(mismatch.into()))
}

fn check_count(channels: usize, count: usize, what: &'static str) -> Result<(), LabelFault> {
    if channels == count {
        return Ok(());
    }
    Err(LabelFault::ChannelCount {
        channels,
        count,
        what,
    })
}

/// `[depth, height, width]` of a place in memory.
pub(in super::super) fn voxel(geometry: &Geometry<3>, at: usize) -> [usize; 3] {
    let [_, height, width] = geometry.shape();
    let row = at / width;
    [row / height, row % height, at % width]
}

/// `[depth, height, width]` of a pixel of a plane.
fn pixel(geometry: &Geometry<3>, depth: usize, at: usize) -> [usize; 3] {
    let [_, row, column] = voxel(geometry, at);
    [depth, row, column]
}

fn plane<'a, T>(voxels: &'a [T], geometry: &Geometry<3>, depth: usize) -> &'a [T] {
    let [_, height, width] = geometry.shape();
    let size = height * width;
    &voxels[depth * size..(depth + 1) * size]
}

impl<'a, L: Label> Classes<'a, L> {
    pub(in super::super) fn new(
        labels: &'a LabelMap<L, 3>,
        count: usize,
        what: &'static str,
    ) -> Self {
        Self {
            labels,
            count,
            what,
        }
    }
}

impl<L: Label> Layers for Classes<'_, L> {
    fn geometry(&self) -> &Geometry<3> {
        self.labels.geometry()
    }

    fn survey(&self, depth: usize) -> Result<Survey, LabelFault> {
        let plane = plane(self.labels.as_slice(), self.geometry(), depth);
        let mut seen = vec![false; self.count + 1];
        for (at, &label) in plane.iter().enumerate() {
            let label: u32 = label.into();
            match seen.get_mut(label as usize) {
                Some(seen) => *seen = true,
                None => {
                    return Err(LabelFault::UnknownLabel {
                        label,
                        voxel: pixel(self.geometry(), depth, at),
                        count: self.count,
                        what: self.what,
                    });
                }
            }
        }
        seen.remove(0);
        Ok(Survey {
            present: seen,
            overlap: false,
        })
    }

    fn fill(&self, part: usize, depth: usize, out: &mut [u8]) {
        let plane = plane(self.labels.as_slice(), self.geometry(), depth);
        // A part beyond the type's range was found nowhere, so that nobody asks for it.
        let class = u32::try_from(part + 1).ok().and_then(L::from_class);
        for (out, &label) in out.iter_mut().zip(plane) {
            *out = u8::from(Some(label) == class);
        }
    }
}

impl<'a> Masks<'a> {
    pub(in super::super) fn new(
        masks: &'a Image<u8, 3>,
        count: usize,
        what: &'static str,
    ) -> Result<Self, LabelFault> {
        check_count(masks.channels(), count, what)?;
        Ok(Self { masks })
    }
}

impl Layers for Masks<'_> {
    fn geometry(&self) -> &Geometry<3> {
        self.masks.geometry()
    }

    fn survey(&self, depth: usize) -> Result<Survey, LabelFault> {
        let mut present = Vec::with_capacity(self.masks.channels());
        let mut union: Vec<u8> = Vec::new();
        let mut overlap = false;
        for channel in 0..self.masks.channels() {
            let plane = plane(self.masks.channel(channel), self.geometry(), depth);
            if let Some(at) = plane.iter().position(|v| *v > 1) {
                return Err(LabelFault::VoxelValue {
                    channel,
                    rule: "0 or 1",
                    voxel: pixel(self.geometry(), depth, at),
                    value: f32::from(plane[at]),
                });
            }
            present.push(plane.contains(&1));
            if union.is_empty() {
                union.extend_from_slice(plane);
                continue;
            }
            let mut shared = 0;
            for (sum, value) in union.iter_mut().zip(plane) {
                shared |= *sum & value;
                *sum |= value;
            }
            overlap |= shared == 1;
        }
        Ok(Survey { present, overlap })
    }

    fn fill(&self, part: usize, depth: usize, out: &mut [u8]) {
        let plane = plane(self.masks.channel(part), self.geometry(), depth);
        out.copy_from_slice(plane);
    }
}

/// Fractions of parts, a channel each: whole steps of 1 / 255.
pub(in super::super) struct Fractions<'a> {
    fractions: &'a Image<f32, 3>,
}

impl<'a> Fractions<'a> {
    /// The fraction that stands for 1.
    pub(in super::super) const MOST: u8 = u8::MAX;

    pub(in super::super) fn new(
        fractions: &'a Image<f32, 3>,
        count: usize,
        what: &'static str,
    ) -> Result<Self, LabelFault> {
        check_count(fractions.channels(), count, what)?;
        Ok(Self { fractions })
    }

    fn step(value: f32) -> u8 {
        (value * f32::from(Self::MOST) + 0.5) as u8
    }
}

impl Layers for Fractions<'_> {
    fn geometry(&self) -> &Geometry<3> {
        self.fractions.geometry()
    }

    fn survey(&self, depth: usize) -> Result<Survey, LabelFault> {
        let mut present = Vec::with_capacity(self.fractions.channels());
        let mut union: Vec<bool> = Vec::new();
        let mut overlap = false;
        for channel in 0..self.fractions.channels() {
            let plane = plane(self.fractions.channel(channel), self.geometry(), depth);
            let inside = |v: &f32| (0.0..=1.0).contains(v);
            if let Some(at) = plane.iter().position(|v| !inside(v)) {
                return Err(LabelFault::VoxelValue {
                    channel,
                    rule: "fractions of 0 to 1",
                    voxel: pixel(self.geometry(), depth, at),
                    value: plane[at],
                });
            }
            union.resize(plane.len(), false);
            let mut any = false;
            for (there, &value) in union.iter_mut().zip(plane) {
                let here = Self::step(value) > 0;
                overlap |= here && *there;
                any |= here;
                *there |= here;
            }
            present.push(any);
        }
        Ok(Survey { present, overlap })
    }

    fn fill(&self, part: usize, depth: usize, out: &mut [u8]) {
        let plane = plane(self.fractions.channel(part), self.geometry(), depth);
        for (out, &value) in out.iter_mut().zip(plane) {
            *out = Self::step(value);
        }
    }
}
