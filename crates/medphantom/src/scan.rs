//! Scanning a patient on a grid: labels, partial volume, texture and noise.
//!
//! Voxels are visited in blocks. What a whole block is made of is often known from its centre, since a
//! field changes by at most its slope times the distance; only the parts whose surfaces may cross the
//! block are evaluated voxel by voxel, and only voxels that a surface may cross are sampled more finely.

use medcore::{Geometry, Image, LabelMap, buffer};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::abdomen::{Abdomen, check_range};
use crate::error::Result;
use crate::linear::{Vec3, add, dot, norm, scale, sub};
use crate::noise::{Scratch, SliceNoise};
use crate::organ::Organ;
use crate::shape::{Field, Part};
use crate::tissue::Tissue;

/// How a patient is scanned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ScanOptions {
    /// Standard deviation of the noise in HU, up to 500.
    pub noise_hu: f64,
    /// Names the scan: the noise differs from one acquisition of a patient to the next.
    pub acquisition: u64,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            noise_hu: 14.0,
            acquisition: 0,
        }
    }
}

/// A scan and its truth, on one grid.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Phantom {
    /// CT numbers in HU, -1024 to 3071.
    pub image: Image<i16, 3>,
    /// The [`Organ`] that fills most of a voxel, 0 where that is none of them.
    pub labels: LabelMap<u8, 3>,
}

/// The size of a cell in millimetres, and the number of cells along each axis of a block.
const CELL_MM: f64 = 6.0;
const BLOCK_CELLS: usize = 4;
const HU_MIN: f32 = -1024.0;
const HU_MAX: f32 = 3071.0;

impl Abdomen {
    /// Scans the patient on `geometry`.
    ///
    /// Every voxel holds the mean of what it covers, with up to 3 samples along each axis where tissues
    /// meet. The result does not depend on the number of threads.
    ///
    /// # Errors
    /// Refuses options outside their ranges and grids too large for memory.
    pub fn scan(&self, geometry: &Geometry<3>, options: &ScanOptions) -> Result<Phantom> {
        check_range(
            "noise_hu",
            options.noise_hu,
            (0.0, 500.0),
            "between 0 and 500",
        )?;
        let [depth, height, width] = geometry.shape();
        let mut voxels = buffer::zeroed::<i16>(depth * height * width, "phantom image")?;
        let mut labels = buffer::zeroed::<u8>(depth * height * width, "phantom labels")?;
        let sampler = Sampler::new(self, geometry);
        let [_, dy, dx] = geometry.spacing();
        let noise = SliceNoise::new(
            self.key.fork("acquisition", options.acquisition),
            [height, width],
            [dy, dx],
            options.noise_hu,
        );
        let slab = sampler.block[0] * height * width;
        (voxels.par_chunks_mut(slab))
            .zip(labels.par_chunks_mut(slab))
            .enumerate()
            .for_each(|(index, (voxels, labels))| {
                let mut hounsfield = vec![0.0f32; voxels.len()];
                let first = index * sampler.block[0];
                sampler.slab(first, &mut hounsfield, labels);
                let mut scratch = Scratch::default();
                let slices = hounsfield.chunks_exact_mut(height * width);
                for (d, (slice, out)) in slices
                    .zip(voxels.chunks_exact_mut(height * width))
                    .enumerate()
                {
                    if options.noise_hu > 0.0 {
                        noise.add(first + d, slice, &mut scratch);
                    }
                    for (out, &hu) in out.iter_mut().zip(&*slice) {
                        *out = hu.round().clamp(HU_MIN, HU_MAX) as i16;
                    }
                }
            });
        Ok(Phantom {
            image: Image::new(*geometry, voxels)?,
            labels: LabelMap::new(*geometry, labels)?,
        })
    }
}

/// A patient on a grid.
struct Sampler<'a> {
    patient: &'a Abdomen,
    shape: [usize; 3],
    /// Place of the first voxel and the steps along each axis, before deformation.
    origin: Vec3,
    steps: [Vec3; 3],
    /// Samples of a boundary voxel, in steps from its centre.
    offsets: Vec<Vec3>,
    /// Voxels along each axis of a block and of the cells that it is divided into.
    block: [usize; 3],
    cell: [usize; 3],
    /// Half the diagonals of a voxel, a cell and a block.
    voxel_reach: f32,
    cell_reach: f32,
    block_reach: f32,
}

/// A part whose surface may cross a block, reduced to what matters there.
struct Crossing<'a> {
    field: Field,
    slope: f32,
    part: &'a Part,
}

impl<'a> Sampler<'a> {
    fn new(patient: &'a Abdomen, geometry: &Geometry<3>) -> Self {
        let steps = (geometry.steps()).map(|step| patient.pose.linear(step.components()));
        let counts = (geometry.spacing()).map(|mm| (mm / 1.2).ceil().clamp(2.0, 3.0) as usize);
        let at = |i: usize, count: usize| (i as f32 + 0.5) / count as f32 - 0.5;
        let mut offsets = Vec::new();
        for d in 0..counts[0] {
            for h in 0..counts[1] {
                for w in 0..counts[2] {
                    offsets.push([at(d, counts[0]), at(h, counts[1]), at(w, counts[2])]);
                }
            }
        }
        // Half the longest of the four diagonals of a parallelepiped of that many voxels.
        let reach = |voxels: [usize; 3]| {
            let [a, b, c] = [0, 1, 2].map(|i| scale(steps[i], 0.5 * voxels[i] as f32));
            [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)]
                .map(|(s, t)| norm(add(a, add(scale(b, s), scale(c, t)))))
                .into_iter()
                .fold(0.0, f32::max)
        };
        let slope = patient.pose.slope();
        let cell = (geometry.spacing()).map(|mm| (CELL_MM / mm).round().clamp(1.0, 8.0) as usize);
        let block = cell.map(|voxels| BLOCK_CELLS * voxels);
        Self {
            block,
            cell,
            patient,
            shape: geometry.shape(),
            origin: patient.pose.affine(geometry.origin().coordinates()),
            steps,
            offsets,
            voxel_reach: reach([1; 3]) * NEAR_SLOPE,
            cell_reach: reach(cell) * slope,
            block_reach: reach(block) * slope,
        }
    }

    fn place(&self, index: Vec3) -> Vec3 {
        (0..3).fold(self.origin, |p, axis| {
            add(p, scale(self.steps[axis], index[axis]))
        })
    }

    /// Place after deformation of the middle of a box of `size` voxels from `start` on.
    fn middle(&self, start: [usize; 3], size: [usize; 3]) -> Vec3 {
        let affine = self.place([0, 1, 2].map(|i| start[i] as f32 + (size[i] - 1) as f32 / 2.0));
        self.patient.pose.deform(affine)
    }

    /// Fills the slices from `first` on, as many as a block has.
    fn slab(&self, first: usize, hounsfield: &mut [f32], labels: &mut [u8]) {
        let [_, height, width] = self.shape;
        let last = first + labels.len() / (height * width);
        for h in (0..height).step_by(self.block[1]) {
            for w in (0..width).step_by(self.block[2]) {
                let (crossings, rest) = self.survey(self.middle([first, h, w], self.block));
                let mut active = Vec::with_capacity(crossings.len());
                let end = [
                    last,
                    height.min(h + self.block[1]),
                    width.min(w + self.block[2]),
                ];
                for cell in boxes([first, h, w], end, self.cell) {
                    let rest =
                        self.narrow(self.middle(cell, self.cell), &crossings, rest, &mut active);
                    let end = [0, 1, 2].map(|i| end[i].min(cell[i] + self.cell[i]));
                    for [d, h, w] in boxes(cell, end, [1; 3]) {
                        let at = ((d - first) * height + h) * width + w;
                        let index = [d as f32, h as f32, w as f32];
                        (hounsfield[at], labels[at]) = self.voxel(index, &active, rest);
                    }
                }
            }
        }
    }

    /// The parts that may cross the block around `centre`, and what is there where none of them is.
    fn survey(&self, centre: Vec3) -> (Vec<Crossing<'a>>, Tissue) {
        let mut crossings = Vec::new();
        for part in &self.patient.parts {
            if let Some(ball) = part.ball {
                let reach = ball.radius + self.block_reach;
                let way = sub(centre, ball.centre);
                if dot(way, way) > reach * reach {
                    continue;
                }
            }
            let value = part.field.at(centre);
            if part.clearance(value) <= self.block_reach * part.slope {
                let (field, _) = part.field.near(centre, self.block_reach);
                crossings.push(Crossing {
                    slope: field.slope(),
                    field,
                    part,
                });
            } else if let Some(tissue) = part.tissue(value) {
                return (crossings, tissue);
            }
        }
        (crossings, FILL)
    }

    /// The crossings that matter in the cell around `centre`, and what is there where none of them is.
    fn narrow<'b>(
        &self,
        centre: Vec3,
        crossings: &'b [Crossing<'a>],
        rest: Tissue,
        active: &mut Vec<&'b Crossing<'a>>,
    ) -> Tissue {
        active.clear();
        for crossing in crossings {
            let value = crossing.field.at(centre);
            if crossing.part.clearance(value) <= self.cell_reach * crossing.slope {
                active.push(crossing);
            } else if let Some(tissue) = crossing.part.tissue(value) {
                return tissue;
            }
        }
        rest
    }

    /// CT number and label of a voxel, without noise.
    fn voxel(&self, index: Vec3, active: &[&Crossing<'_>], rest: Tissue) -> (f32, u8) {
        let palette = &self.patient.palette;
        let affine = self.place(index);
        let (mean, grain, label) = if active.is_empty() {
            palette.of(rest)
        } else {
            let place = self.patient.pose.deform(affine);
            self.average(affine, place, active, rest)
        };
        if grain == 0.0 {
            (mean, label)
        } else {
            (mean + grain * self.patient.texture.at(affine), label)
        }
    }

    /// Mean CT number, mean texture and prevailing label over the samples of the voxel at `place`.
    fn average(
        &self,
        affine: Vec3,
        place: Vec3,
        active: &[&Crossing<'_>],
        rest: Tissue,
    ) -> (f32, f32, u8) {
        // Once more the parts that matter, now for this voxel.
        let mut near = [None; MOST_NEAR];
        let mut rest = rest;
        let mut count = 0;
        for crossing in active {
            let value = crossing.field.at(place);
            if crossing.part.clearance(value) <= self.voxel_reach && count < MOST_NEAR {
                near[count] = Some(*crossing);
                count += 1;
            } else if let Some(tissue) = crossing.part.tissue(value) {
                rest = tissue;
                break;
            }
        }
        if count == 0 {
            return self.patient.palette.of(rest);
        }
        // Over one voxel the deformation is as good as linear.
        let steps = self
            .steps
            .map(|step| sub(self.patient.pose.deform(add(affine, step)), place));
        let mut counts = [0u32; Organ::CLASSES];
        let (mut mean, mut grain) = (0.0, 0.0);
        for offset in &self.offsets {
            let sample = (0..3).fold(place, |p, axis| add(p, scale(steps[axis], offset[axis])));
            let tissue = (near[..count].iter().flatten())
                .find_map(|crossing| crossing.part.tissue(crossing.field.at(sample)))
                .unwrap_or(rest);
            let (hounsfield, texture, label) = self.patient.palette.of(tissue);
            mean += hounsfield;
            grain += texture;
            counts[label as usize] += 1;
        }
        let share = 1.0 / self.offsets.len() as f32;
        let most = counts.iter().copied().max().unwrap_or(0);
        let label = counts.iter().position(|&count| count == most).unwrap_or(0);
        (mean * share, grain * share, label as u8)
    }
}

/// What fills the abdomen between the parts.
const FILL: Tissue = Tissue::VisceralFat;

/// How much faster than distance a field may change near its surface.
const NEAR_SLOPE: f32 = 1.25;

/// Surfaces that a voxel's samples are tested against; more do not meet in one voxel.
const MOST_NEAR: usize = 16;

/// The first corners of the boxes of `size` that tile `start..end`.
fn boxes(start: [usize; 3], end: [usize; 3], size: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (start[0]..end[0]).step_by(size[0]).flat_map(move |d| {
        (start[1]..end[1])
            .step_by(size[1])
            .flat_map(move |h| (start[2]..end[2]).step_by(size[2]).map(move |w| [d, h, w]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abdomen::AbdomenOptions;
    use medcore::random::Key;
    use medcore::{Point, Vector};

    /// Looking at every part at every sample gives the same voxels as looking at those that matter.
    #[test]
    fn passing_over_parts_changes_no_voxel() {
        for (seed, mm) in [(1, 3.0), (2, 4.5)] {
            let patient = Abdomen::new(Key::new(seed), &AbdomenOptions::default()).unwrap();
            let geometry = Geometry::new(
                [41, 37, 45],
                Point::new(-70.0, -80.0, -40.0),
                [
                    Vector::new(0.3, 0.8, mm),
                    Vector::new(0.2, mm, -0.6),
                    Vector::new(mm, -0.3, 0.4),
                ],
            )
            .unwrap();
            let sampler = Sampler::new(&patient, &geometry);
            let all: Vec<_> = (patient.parts.iter())
                .map(|part| Crossing {
                    field: part.field.clone(),
                    slope: part.slope,
                    part,
                })
                .collect();
            let all: Vec<_> = all.iter().collect();
            let scan = ScanOptions {
                noise_hu: 0.0,
                acquisition: 0,
            };
            let phantom = patient.scan(&geometry, &scan).unwrap();
            let (image, labels) = (phantom.image.as_slice(), phantom.labels.as_slice());
            for at in (0..image.len()).step_by(7) {
                let index = [at / (37 * 45), at / 45 % 37, at % 45];
                let (hounsfield, label) = sampler.voxel(index.map(|i| i as f32), &all, FILL);
                assert_eq!(labels[at], label, "{index:?}");
                assert_eq!(
                    image[at],
                    hounsfield.round().clamp(HU_MIN, HU_MAX) as i16,
                    "{index:?}"
                );
            }
        }
    }

    #[test]
    fn a_coarse_voxel_holds_the_mean_of_the_fine_voxels_it_covers() {
        let options = AbdomenOptions {
            texture: 0.0,
            ..AbdomenOptions::default()
        };
        let patient = Abdomen::new(Key::new(5), &options).unwrap();
        let scan = ScanOptions {
            noise_hu: 0.0,
            acquisition: 0,
        };
        let grid = |n: usize, mm: f64, start: [f64; 3]| {
            Geometry::new(
                [n; 3],
                Point::new(start[0], start[1], start[2]),
                [
                    Vector::new(0.0, 0.0, mm),
                    Vector::new(0.0, mm, 0.0),
                    Vector::new(mm, 0.0, 0.0),
                ],
            )
            .unwrap()
        };
        let coarse = patient
            .scan(&grid(20, 4.0, [20.0, -20.0, 0.0]), &scan)
            .unwrap();
        let fine = patient
            .scan(&grid(80, 1.0, [18.5, -21.5, -1.5]), &scan)
            .unwrap();
        let fine = fine.image.as_slice();
        let (mut sum, mut worst) = (0.0f64, 0.0f64);
        for (at, &voxel) in coarse.image.as_slice().iter().enumerate() {
            let [d, h, w] = [at / 400, at / 20 % 20, at % 20];
            let mut mean = 0.0;
            for i in 0..64 {
                let [d, h, w] = [4 * d + i / 16, 4 * h + i / 4 % 4, 4 * w + i % 4];
                mean += f64::from(fine[(d * 80 + h) * 80 + w]) / 64.0;
            }
            let error = (f64::from(voxel) - mean).abs();
            sum += error;
            worst = worst.max(error);
        }
        assert!(sum / 8000.0 < 2.5, "{}", sum / 8000.0);
        assert!(worst < 160.0, "{worst}");
    }
}
