//! Classification of chest radiographs.

use crate::compose::Compose;
use crate::draw::Draw;
use crate::error::{Result, check};
use crate::spatial::{RandomSpatial, Space};

/// Classification of chest radiographs as TorchXRayVision trains it (Cohen et al., MIDL 2022,
/// <https://arxiv.org/abs/2111.00595>; the defaults of its training script): turned by up to 45 degrees, moved by
/// up to 15 % along each axis, 0.85 to 1.15 times as large, always, with zeros outside. Nothing is mirrored: the
/// heart lies on the left.
///
/// `shape` is that of the images, which are brought to one before.
///
/// # Errors
/// Refuses an empty shape.
pub fn radiograph(shape: [usize; 2]) -> Result<Compose<2>> {
    for voxels in shape {
        check("radiograph", "shape", voxels as f64, "at least 1", |v| {
            v >= 1.0
        })?;
    }
    let spatial = RandomSpatial {
        rotation_probability: 1.0,
        rotation_degrees: vec![Draw::symmetric(45.0)],
        scale_probability: 1.0,
        scale: vec![Draw::Uniform {
            low: 1.0 / 1.15,
            high: 1.0 / 0.85,
        }],
        translation_probability: 1.0,
        translation: shape.map(|n| Draw::symmetric(0.15 * n as f64)).to_vec(),
        space: Space::Voxels,
        ..RandomSpatial::default()
    };
    Compose::new(vec![spatial.into()])
}
