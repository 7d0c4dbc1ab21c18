//! Dice of each component by itself, so that small lesions count as much as large ones (Jaus et al., "Every
//! component counts", 2024).

use medcore::components::{Components, Connectivity};
use medcore::voronoi::nearest_label;
use serde::{Deserialize, Serialize};

use super::crop::Crop;
use super::pair::{PREDICTION, REFERENCE};
use crate::error::Result;

/// Which component of the reference a voxel of the prediction belongs to: the nearest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ComponentCells {
    /// Nearest in millimetres.
    #[default]
    Millimetres,
    /// Nearest in voxels whatever their size, as MONAI 1.6 has it (`per_component=True`). Where two
    /// components are equally near, the first in memory takes the voxel.
    Monai,
}

impl ComponentCells {
    /// Its name in [`crate::Estimate::convention`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Millimetres => "mm",
            Self::Monai => "voxels",
        }
    }

    /// Whether it needs millimetres.
    pub(super) fn needs_spacing(self) -> bool {
        matches!(self, Self::Millimetres)
    }

    /// The Dice of each component of the reference, joined by corners, in its cell.
    pub(crate) fn dice<const D: usize>(
        self,
        crop: &Crop<D>,
        spacing: [f64; D],
    ) -> Result<ComponentDice> {
        let inside = |bits: &u8| bits & REFERENCE != 0;
        let found = Components::new(&crop.bits, crop.shape, Connectivity::Corner, inside)?;
        let spacing = match self {
            Self::Millimetres => spacing,
            Self::Monai => [1.0; D],
        };
        let mut cells = vec![ComponentOverlap::default(); found.components().len()];
        let owners = nearest_label(&found.to_numbers()?, crop.shape, spacing)?;
        for (&bits, &owner) in crop
            .bits
            .iter()
            .zip(&owners)
            .filter(|&(&bits, _)| bits != 0)
        {
            // Without a reference nothing owns a voxel.
            if let Some(cell) = cells.get_mut((owner as usize).wrapping_sub(1)) {
                cell.reference += u64::from(bits & REFERENCE != 0);
                cell.prediction += u64::from(bits & PREDICTION != 0);
                cell.both += u64::from(bits == REFERENCE | PREDICTION);
            }
        }
        Ok(ComponentDice { cells, rule: self })
    }
}

/// What lies in the cell of one component of the reference, in voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ComponentOverlap {
    /// Of the component.
    pub reference: u64,
    /// Of the prediction.
    pub prediction: u64,
    /// Of both.
    pub both: u64,
}

impl ComponentOverlap {
    /// The Dice in the cell.
    #[must_use]
    pub fn dice(&self) -> f64 {
        2.0 * self.both as f64 / (self.reference + self.prediction) as f64
    }
}

/// Dice of each component of the reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComponentDice {
    /// One entry a component, in the order of memory.
    pub cells: Vec<ComponentOverlap>,
    /// What the cells are.
    pub rule: ComponentCells,
}

impl ComponentDice {
    /// The mean over components; `None` without a component in the reference.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let sum: f64 = self.cells.iter().map(ComponentOverlap::dice).sum();
        (!self.cells.is_empty()).then(|| sum / self.cells.len() as f64)
    }
}
