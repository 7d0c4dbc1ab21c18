//! Two masks side by side, and what is measured between their surfaces.

use medcore::{Label, LabelMap, Region, distance};

use super::convention::SurfaceModel;
use super::crop::Crop;
use super::directed::Directed;
use super::dual_grid;
use super::empty::EmptyCase;
use super::surface::SurfaceDistances;
use super::sweep::Sweep;
use crate::error::{Error, Result};

/// Two label maps on one grid, and the label of the reference that means "not annotated".
pub(crate) struct Maps<'a, A, B, const D: usize> {
    pub(crate) reference: &'a LabelMap<A, D>,
    pub(crate) prediction: &'a LabelMap<B, D>,
    pub(crate) ignore: Option<u32>,
}

impl<A: Label, B: Label, const D: usize> Maps<'_, A, B, D> {
    /// Both masks of a structure, given the boxes of all labels; `None` if neither has a voxel.
    pub(crate) fn crop(&self, sweep: &Sweep<D>, labels: &[u32]) -> Result<Option<Crop<D>>> {
        let boxes = labels.iter().flat_map(|&label| {
            let at = |boxes: &[Option<Region<D>>]| boxes.get(label as usize).copied().flatten();
            [at(&sweep.reference), at(&sweep.prediction)]
        });
        let region = boxes.flatten().reduce(|a, b| a.union(&b));
        region
            .map(|region| Crop::new(self, &region, labels))
            .transpose()
    }

    /// The spacing in millimetres.
    pub(crate) fn spacing(&self) -> Result<[f64; D]> {
        crate::millimetres::spacing(self.reference.geometry())
    }
}

/// The bit of a voxel of the reference, and of a point of its surface.
pub(crate) const REFERENCE: u8 = 1;
/// The bit of a voxel of the prediction, and of a point of its surface.
pub(crate) const PREDICTION: u8 = 2;

impl SurfaceDistances {
    /// What is measured when a mask is empty.
    pub(crate) fn nothing(empty: EmptyCase, model: SurfaceModel) -> Self {
        Self {
            from_reference: Directed::default(),
            from_prediction: Directed::default(),
            empty: Some(empty),
            model,
        }
    }

    /// Measures two masks.
    pub(crate) fn of_crop<const D: usize>(
        crop: &Crop<D>,
        spacing: [f64; D],
        model: SurfaceModel,
    ) -> Result<Self> {
        if !(2..=3).contains(&D) {
            return Err(Error::InvalidParameter {
                parameter: "dimensions of a surface",
                rule: "2 or 3",
                value: D as f64,
            });
        }
        if let Some(empty) = crop.empty() {
            return Ok(Self::nothing(empty, model));
        }
        let surface = match model {
            SurfaceModel::VoxelErode => crop.eroded()?,
            SurfaceModel::DualGrid => dual_grid::patches(crop, spacing)?,
        };
        Ok(Self {
            from_reference: surface.directed(spacing, REFERENCE)?,
            from_prediction: surface.directed(spacing, PREDICTION)?,
            empty: None,
            model,
        })
    }
}

/// Points of both surfaces on one grid.
pub(crate) struct Points<const D: usize> {
    pub(crate) shape: [usize; D],
    /// Bits of the surfaces at each point.
    pub(crate) bits: Vec<u8>,
    /// Positions on the reference's surface and on the prediction's.
    pub(crate) positions: [Vec<usize>; 2],
    /// Areas around them, if not each counts once.
    pub(crate) areas: Option<[Vec<f32>; 2]>,
}

impl<const D: usize> Points<D> {
    /// Distances from the surface with bit `from` to the other.
    fn directed(&self, spacing: [f64; D], from: u8) -> Result<Directed> {
        let side = usize::from(from == PREDICTION);
        let to = (REFERENCE | PREDICTION) ^ from;
        let positions = &self.positions[side];
        let mut mm = distance::squared_at(
            &self.bits,
            self.shape,
            spacing,
            |&bits| bits & to != 0,
            positions,
        )?;
        mm.iter_mut().for_each(|v| *v = v.sqrt());
        Ok(Directed::sorted(
            mm,
            self.areas.as_ref().map(|areas| areas[side].clone()),
        ))
    }
}
