//! Single affine changes under the names people look for; all of them draw an [`Affine`] as
//! [`RandomSpatial`] does.

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::affine::Affine;
use super::extract::Sampling;
use super::parameters::{Space, SpatialParameters};
use super::random::RandomSpatial;
use crate::draw::Draw;
use crate::error::Result;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::Transform;

/// Makes a random transform of one way in which a [`RandomSpatial`] changes a sample.
macro_rules! named {
    (
        $(#[$about:meta])* $name:ident, $(#[$what:meta])* $field:ident as $part:ident: $default:expr,
        $probability:ident
    ) => {
        $(#[$about])*
        ///
        /// A sample that chance leaves alone is not read.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            /// Probability of a sample.
            pub probability: f64,
            $(#[$what])*
            pub $field: Vec<Draw>,
            /// Whether lengths and angles are those of millimetres or of voxels.
            pub space: Space,
            /// How values between voxels and outside the image are made.
            pub sampling: Sampling,
        }

        impl Default for $name {
            /// Every sample.
            fn default() -> Self {
                Self {
                    probability: 1.0,
                    $field: vec![$default],
                    space: Space::Millimetres,
                    sampling: Sampling::default(),
                }
            }
        }

        impl $name {
            fn spatial(&self) -> RandomSpatial {
                RandomSpatial {
                    $probability: self.probability,
                    $part: self.$field.clone(),
                    space: self.space,
                    sampling: self.sampling,
                    ..RandomSpatial::default()
                }
            }
        }

        impl<const D: usize> Transform<D> for $name {
            fn name(&self) -> &'static str {
                stringify!($name)
            }

            fn check(&self) -> Result<()> {
                self.spatial().check_named(stringify!($name), D)
            }

            fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
                let parameters = self.spatial().parameters(sample.geometry(), key);
                if parameters == SpatialParameters::identity() {
                    return Ok(vec![]);
                }
                let affine = Affine::new(&parameters, self.space, self.sampling);
                Ok(vec![affine.into()])
            }
        }
    };
}

named!(
    /// Turns samples about their middle.
    RandomRotate,
    /// Angles in degrees: one draw for all planes, or one each as in [`SpatialParameters::rotation_degrees`].
    degrees as rotation_degrees: Draw::symmetric(10.0),
    rotation_probability
);
named!(
    /// Shows more or less of the patient in the same number of voxels; see [`RandomZoom`](crate::RandomZoom)
    /// for factors that make organs larger.
    RandomScale,
    /// How much more of the patient is shown: one draw for all axes together, or one an axis.
    scale as scale: Draw::Uniform { low: 0.9, high: 1.1 },
    scale_probability
);
named!(
    /// Shears samples about their middle.
    RandomShear,
    /// Shears: one draw for all pairs of axes, or one each as in [`SpatialParameters::shear`].
    shear as shear: Draw::symmetric(0.1),
    shear_probability
);
named!(
    /// Shifts samples.
    RandomTranslate,
    /// Shifts in the unit of `space`: one draw for each axis, or one an axis.
    shift as translation: Draw::symmetric(10.0),
    translation_probability
);
