//! Grid distortion: each axis stretched here and squeezed there (Albumentations and MONAI `GridDistortion`).

use std::sync::Arc;

use medcore::Geometry;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::extract::Sampling;
use crate::array::per_axis;
use crate::deformation::{AxisTables, Deformation};
use crate::draw::Draw;
use crate::error::{Error, Result, check, check_entries, check_probability};
use crate::operation::SpatialOperation;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};
use crate::warp::{Reading, Warp};

/// Where the voxels behind the last whole cell look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastCell {
    /// As its own step says (Albumentations).
    #[default]
    Step,
    /// Up to the end of the axis (MONAI).
    End,
}

/// Divides each axis into cells of equally many voxels, and looks at a stretch as many times as long for each.
///
/// As in the references, the last voxel of a cell and the first of the next look at the same place.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GridDistortion {
    /// Lengths of the stretches in lengths of a cell, axis by axis: one more than there are cells, for the voxels that
    /// are left over.
    pub steps: Vec<Vec<f64>>,
    /// Where the voxels that are left over look.
    pub last: LastCell,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

const NAME: &str = "GridDistortion";
const RANDOM: &str = "RandomGridDistortion";

impl GridDistortion {
    fn table(&self, steps: &[f64], len: usize) -> Result<Vec<f64>> {
        let cells = steps.len() - 1;
        let size = len / cells;
        let rule = "at most the voxels of each axis";
        check(NAME, "cells", cells as f64, rule, |_| size > 0)?;
        let mut table = vec![0.0; len];
        let mut from = 0.0;
        for (cell, step) in steps.iter().enumerate() {
            let (start, end) = (cell * size, (cell + 1) * size);
            let to = if end > len && self.last == LastCell::End {
                len as f64
            } else {
                from + size as f64 * step
            };
            let voxels = &mut table[start.min(len)..end.min(len)];
            let parts = voxels.len().saturating_sub(1).max(1) as f64;
            for (i, voxel) in voxels.iter_mut().enumerate() {
                *voxel = (from + (to - from) * (i as f64 / parts)).min(to);
            }
            from = to;
        }
        Ok(table)
    }
}

impl<const D: usize> SpatialOperation<D> for GridDistortion {
    fn check(&self) -> Result<()> {
        if self.steps.len() != D {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "steps",
                expected: D,
                got: self.steps.len(),
            });
        }
        for steps in &self.steps {
            let rule = "at least 2 along each axis";
            check(NAME, "steps", steps.len() as f64, rule, |v| v >= 2.0)?;
            for &step in steps {
                check(NAME, "steps", step, "finite and at least 0", |v| {
                    v.is_finite() && v >= 0.0
                })?;
            }
        }
        Ok(())
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        SpatialOperation::<D>::check(self)?;
        let shape = grid.shape();
        let mut tables = std::array::from_fn(|_| vec![]);
        for a in 0..D {
            tables[a] = self.table(&self.steps[a], shape[a])?;
        }
        let deformation = Deformation::Tables(Arc::new(AxisTables::new(tables)?));
        Ok(Warp::bent(shape, deformation, Reading::from(self.sampling)))
    }
}

/// Draws the steps of a [`GridDistortion`], which together are as long as the image (Albumentations' `normalized`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomGridDistortion {
    /// Probability of a sample.
    pub probability: f64,
    /// Cells along each axis: one number for all axes, or one an axis.
    pub cells: Vec<usize>,
    /// How much longer or shorter than a cell a stretch is, above -1.
    pub distortion: Draw,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandomGridDistortion {
    /// Albumentations': half of the samples, 5 cells, up to three tenths.
    fn default() -> Self {
        Self {
            probability: 0.5,
            cells: vec![5],
            distortion: Draw::symmetric(0.3),
            sampling: Sampling::default(),
        }
    }
}

impl<const D: usize> Transform<D> for RandomGridDistortion {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_probability(RANDOM, self.probability)?;
        check_entries(RANDOM, "cells", self.cells.len(), D)?;
        for &cells in &self.cells {
            check(RANDOM, "cells", cells as f64, "within 1 and 1000", |v| {
                (1.0..=1000.0).contains(&v)
            })?;
        }
        self.distortion
            .check(RANDOM, "distortion", "above -1", |v| v > -1.0)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let shape = sample.shape();
            let cells: [usize; D] = per_axis(RANDOM, "cells", &self.cells)?;
            let mut random = key.stream("distortion");
            let steps = (0..D).map(|a| {
                let size = (shape[a] / cells[a]).max(1);
                let mut steps: Vec<f64> = (0..=cells[a])
                    .map(|_| 1.0 + self.distortion.draw(&mut random))
                    .collect();
                let rest = shape[a].saturating_sub(cells[a] * size);
                steps[cells[a]] *= rest.min(size) as f64 / size as f64;
                let sum: f64 = steps.iter().sum();
                let factor = shape[a] as f64 / size as f64 / sum;
                steps.into_iter().map(|step| step * factor).collect()
            });
            Ok(GridDistortion {
                steps: steps.collect(),
                last: LastCell::Step,
                sampling: self.sampling,
            })
        })
    }
}
