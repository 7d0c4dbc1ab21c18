//! Rotation, scaling, shear, shift and mirroring about the middle of an image, with all numbers given.

use medcore::Geometry;
use serde::{Deserialize, Serialize};

use super::extract::Sampling;
use super::flip::check_pairs;
use super::parameters::{Space, SpatialParameters, planes};
use crate::array::per_axis;
use crate::error::{Error, Result, check};
use crate::operation::SpatialOperation;
use crate::warp::{Reading, Warp};

/// One affine change about the middle of the image, which keeps its shape; see [`SpatialParameters`].
///
/// An empty list changes nothing in its way.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Affine {
    /// Angles in degrees, as [`SpatialParameters::rotation_degrees`].
    pub rotation_degrees: Vec<f64>,
    /// How much more of the patient is shown: one for all axes, or one an axis.
    pub scale: Vec<f64>,
    /// Shear, as [`SpatialParameters::shear`].
    pub shear: Vec<f64>,
    /// Shift of what is looked at, one an axis.
    pub translation: Vec<f64>,
    /// Storage axes that are mirrored.
    pub flip: Vec<usize>,
    /// Labels that change places by mirroring.
    pub swap: Option<Vec<(u8, u8)>>,
    /// Whether rotations are rigid in millimetres or in voxels, and the unit of shifts.
    pub space: Space,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

const NAME: &str = "Affine";

impl Affine {
    /// The change with these numbers.
    #[must_use]
    pub fn new<const D: usize>(
        parameters: &SpatialParameters<D>,
        space: Space,
        sampling: Sampling,
    ) -> Self {
        Self {
            rotation_degrees: parameters.rotation_degrees.clone(),
            scale: parameters.scale.to_vec(),
            shear: parameters.shear.clone(),
            translation: parameters.translation.to_vec(),
            flip: (0..D).filter(|&axis| parameters.flip[axis]).collect(),
            swap: None,
            space,
            sampling,
        }
    }

    /// The numbers for images of `D` axes.
    ///
    /// # Errors
    /// Refuses lists of another length.
    pub fn parameters<const D: usize>(&self) -> Result<SpatialParameters<D>> {
        let or = |values: &[f64], default: f64, parameter| -> Result<[f64; D]> {
            if values.is_empty() {
                return Ok([default; D]);
            }
            per_axis(NAME, parameter, values)
        };
        Ok(SpatialParameters {
            rotation_degrees: self.rotation_degrees.clone(),
            scale: or(&self.scale, 1.0, "scale")?,
            shear: self.shear.clone(),
            translation: or(&self.translation, 0.0, "translation")?,
            flip: std::array::from_fn(|axis| self.flip.contains(&axis)),
        })
    }
}

impl<const D: usize> SpatialOperation<D> for Affine {
    fn check(&self) -> Result<()> {
        for (parameter, values) in [
            ("rotation_degrees", &self.rotation_degrees),
            ("shear", &self.shear),
        ] {
            if !values.is_empty() && values.len() != planes(D) {
                return Err(Error::EntryCount {
                    transform: NAME,
                    parameter,
                    expected: planes(D),
                    got: values.len(),
                });
            }
        }
        for &scale in &self.scale {
            check(NAME, "scale", scale, "within 0.01 and 100", |v| {
                (0.01..=100.0).contains(&v)
            })?;
        }
        let others = [&self.rotation_degrees, &self.shear, &self.translation];
        for &value in others.into_iter().flatten() {
            check(
                NAME,
                "rotation, shear and translation",
                value,
                "finite",
                f64::is_finite,
            )?;
        }
        crate::error::check_axes(NAME, "flip", &self.flip, D)?;
        if let Some(pairs) = &self.swap {
            check_pairs(NAME, pairs)?;
        }
        self.parameters::<D>().map(|_| ())
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        let shape = grid.shape();
        let middle = shape.map(|n| (n as f64 - 1.0) / 2.0);
        let map = self
            .parameters()?
            .index_map(shape, grid, middle, self.space);
        let warp = Warp::new(shape, map, Reading::from(self.sampling));
        Ok(match &self.swap {
            None => warp,
            Some(pairs) => warp.with_swap(pairs.clone()),
        })
    }
}
