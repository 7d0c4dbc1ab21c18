//! Rotation, scaling, shear, shift and mirroring as one draw and one resampling.

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::affine::Affine;
use super::extract::Sampling;
use super::flip::RandomFlip;
use super::parameters::{Space, SpatialParameters, planes};
use crate::draw::Draw;
use crate::error::{Error, Result, check_axes, check_probability};
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::Transform;

/// Draws a spatial change; image and labels follow it together.
///
/// It turns a sample about its middle and keeps its shape. Behind a crop or the choice of a patch
/// ([`PatchPipeline`](crate::PatchPipeline)) it is composed with them, so that only the patch's voxels are
/// computed and its corners show the patient instead of padding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSpatial {
    /// Probability of a rotation.
    pub rotation_probability: f64,
    /// Angles in degrees: one draw for all planes, or one each as in [`SpatialParameters::rotation_degrees`].
    pub rotation_degrees: Vec<Draw>,
    /// Probability of scaling.
    pub scale_probability: f64,
    /// How much more of the patient the patch spans: one draw for all axes, or one an axis. A single draw
    /// gives all axes the same value.
    pub scale: Vec<Draw>,
    /// Axes that are not scaled, for instance the slice axis of thick slices.
    pub scale_ignored_axes: Vec<usize>,
    /// Probability of a shear.
    pub shear_probability: f64,
    /// Shears as in [`SpatialParameters::shear`]: one draw for all pairs of axes, or one each.
    pub shear: Vec<Draw>,
    /// Probability of a shift.
    pub translation_probability: f64,
    /// Shifts in the unit of `space`: one draw for all axes, or one an axis.
    pub translation: Vec<Draw>,
    /// Mirroring.
    pub flip: RandomFlip,
    /// Whether rotations are rigid in millimetres or in voxels.
    pub space: Space,
    /// How values between voxels and outside the image are made.
    pub sampling: Sampling,
}

impl Default for RandomSpatial {
    /// Changes nothing until a probability is set; then up to 30 degrees and 0.7 to 1.4 times, nnU-Net's
    /// ranges.
    fn default() -> Self {
        Self {
            rotation_probability: 0.0,
            rotation_degrees: vec![Draw::symmetric(30.0)],
            scale_probability: 0.0,
            scale: vec![Draw::Uniform {
                low: 0.7,
                high: 1.4,
            }],
            scale_ignored_axes: vec![],
            shear_probability: 0.0,
            shear: vec![Draw::symmetric(0.1)],
            translation_probability: 0.0,
            translation: vec![Draw::symmetric(10.0)],
            flip: RandomFlip::default(),
            space: Space::Millimetres,
            sampling: Sampling::default(),
        }
    }
}

const NAME: &str = "RandomSpatial";

impl RandomSpatial {
    /// The change under `key` for a sample on this grid.
    #[must_use]
    pub fn parameters<const D: usize>(
        &self,
        geometry: &medcore::Geometry<D>,
        key: Key,
    ) -> SpatialParameters<D> {
        let mut parameters = SpatialParameters::identity();
        let mut random = key.stream("rotation");
        if random.chance(self.rotation_probability) {
            for (plane, angle) in parameters.rotation_degrees.iter_mut().enumerate() {
                *angle = entry(&self.rotation_degrees, plane).draw(&mut random);
            }
        }
        let mut random = key.stream("scale");
        if random.chance(self.scale_probability) {
            if let [together] = self.scale[..] {
                parameters.scale = [together.draw(&mut random); D];
            } else {
                for (axis, scale) in parameters.scale.iter_mut().enumerate() {
                    *scale = entry(&self.scale, axis).draw(&mut random);
                }
            }
            for &axis in self.scale_ignored_axes.iter().filter(|&&axis| axis < D) {
                parameters.scale[axis] = 1.0;
            }
        }
        let mut random = key.stream("shear");
        if random.chance(self.shear_probability) {
            for (pair, shear) in parameters.shear.iter_mut().enumerate() {
                *shear = entry(&self.shear, pair).draw(&mut random);
            }
        }
        let mut random = key.stream("translation");
        if random.chance(self.translation_probability) {
            for (axis, shift) in parameters.translation.iter_mut().enumerate() {
                *shift = entry(&self.translation, axis).draw(&mut random);
            }
        }
        parameters.flip = self.flip.axes(geometry, key);
        parameters
    }

    pub(crate) fn check_for(&self, dimension: usize) -> Result<()> {
        self.check_named(NAME, dimension)
    }

    /// Checks the parameters; errors are reported under the name `transform`.
    pub(super) fn check_named(&self, transform: &'static str, dimension: usize) -> Result<()> {
        let lists = [
            (
                "rotation_degrees",
                &self.rotation_degrees,
                planes(dimension),
            ),
            ("scale", &self.scale, dimension),
            ("shear", &self.shear, planes(dimension)),
            ("translation", &self.translation, dimension),
        ];
        for (parameter, draws, expected) in lists {
            if draws.len() != 1 && draws.len() != expected {
                return Err(Error::EntryCount {
                    transform,
                    parameter,
                    expected,
                    got: draws.len(),
                });
            }
            for draw in draws {
                if parameter == "scale" {
                    draw.check(transform, parameter, "within 0.01 and 100", |v| {
                        (0.01..=100.0).contains(&v)
                    })?;
                } else {
                    draw.check(transform, parameter, "finite", f64::is_finite)?;
                }
            }
        }
        for probability in [
            self.rotation_probability,
            self.scale_probability,
            self.shear_probability,
            self.translation_probability,
        ] {
            check_probability(transform, probability)?;
        }
        check_axes(
            transform,
            "scale_ignored_axes",
            &self.scale_ignored_axes,
            dimension,
        )?;
        self.flip.check_for(transform, dimension)
    }
}

/// The draw of one axis or plane: its own, or the one for all.
fn entry(draws: &[Draw], index: usize) -> &Draw {
    draws.get(index).unwrap_or(&draws[0])
}

impl<const D: usize> Transform<D> for RandomSpatial {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        self.check_for(D)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let grid = sample.geometry();
        let parameters = self.parameters(grid, key);
        let swap = self.flip.laterality.swap(parameters.flip, grid);
        let affine = Affine::new(&parameters, self.space, self.sampling);
        Ok(vec![Affine { swap, ..affine }.into()])
    }
}
