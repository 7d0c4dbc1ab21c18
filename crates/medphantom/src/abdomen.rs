//! One patient.

use medcore::random::Key;
use medcore::{Lps, Point};
use serde::{Deserialize, Serialize};

use crate::anatomy::Plan;
use crate::error::{Error, Result};
use crate::linear::{Vec3, rotate, rotate_back, rotation};
use crate::shape::Part;
use crate::texture::Texture;
use crate::tissue::Palette;
use crate::warp::Warp;

/// How patients differ. The defaults give a cohort of adults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AbdomenOptions {
    /// Differences of anatomy between patients: 0 makes all alike, 1 is a usual cohort; up to 1.5.
    pub anatomy_variation: f64,
    /// Differences of CT numbers between patients: 0 none, 1 usual; up to 3.
    pub intensity_variation: f64,
    /// Height of the texture within a tissue: 0 none, 1 usual; up to 3.
    pub texture: f64,
    /// Largest turn of the patient about each axis, in degrees; up to 30.
    pub pose_degrees: f64,
    /// Largest shift of the patient along each axis, in millimetres; up to 100.
    pub pose_mm: f64,
}

impl Default for AbdomenOptions {
    fn default() -> Self {
        Self {
            anatomy_variation: 1.0,
            intensity_variation: 1.0,
            texture: 1.0,
            pose_degrees: 4.0,
            pose_mm: 8.0,
        }
    }
}

impl AbdomenOptions {
    fn check(&self) -> Result<()> {
        let limits: [(&'static str, f64, f64, &'static str); 5] = [
            (
                "anatomy_variation",
                self.anatomy_variation,
                1.5,
                "between 0 and 1.5",
            ),
            (
                "intensity_variation",
                self.intensity_variation,
                3.0,
                "between 0 and 3",
            ),
            ("texture", self.texture, 3.0, "between 0 and 3"),
            ("pose_degrees", self.pose_degrees, 30.0, "between 0 and 30"),
            ("pose_mm", self.pose_mm, 100.0, "between 0 and 100"),
        ];
        for (option, value, high, rule) in limits {
            check_range(option, value, (0.0, high), rule)?;
        }
        Ok(())
    }
}

/// Refuses a value outside `range`, NaN included.
pub(crate) fn check_range(
    option: &'static str,
    value: f64,
    range: (f64, f64),
    rule: &'static str,
) -> Result<()> {
    if (range.0..=range.1).contains(&value) {
        Ok(())
    } else {
        Err(Error::InvalidOption {
            option,
            rule,
            value,
        })
    }
}

/// From the world to canonical millimetres: pose, size, deformation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pose {
    rows: [Vec3; 3],
    centre: [f64; 3],
    stretch: Vec3,
    warp: Warp,
}

impl Pose {
    fn draw(key: Key, options: &AbdomenOptions) -> Self {
        let mut random = key.stream("pose");
        let turn = [0; 3].map(|_| random.uniform_in(-1.0, 1.0) * options.pose_degrees);
        let centre = [0; 3].map(|_| random.uniform_in(-1.0, 1.0) * options.pose_mm);
        let mut random = key.stream("build");
        let mut spread =
            |s: f64| libm::exp(options.anatomy_variation * s * random.normal().clamp(-2.0, 2.0));
        let size = spread(0.035);
        let stretch = [0.025, 0.025, 0.03].map(|s| (size * spread(s)) as f32);
        Self {
            rows: rotation(turn),
            centre,
            stretch,
            warp: Warp::draw(&mut key.stream("warp"), 4.5 * options.anatomy_variation),
        }
    }

    /// A place before deformation; affine in `world`.
    pub(crate) fn affine(&self, world: [f64; 3]) -> Vec3 {
        let moved = [0, 1, 2].map(|i| (world[i] - self.centre[i]) as f32);
        let turned = rotate_back(&self.rows, moved);
        [0, 1, 2].map(|i| turned[i] / self.stretch[i])
    }

    /// A direction before deformation.
    pub(crate) fn linear(&self, step: [f64; 3]) -> Vec3 {
        let turned = rotate_back(&self.rows, step.map(|v| v as f32));
        [0, 1, 2].map(|i| turned[i] / self.stretch[i])
    }

    #[inline(always)]
    pub(crate) fn deform(&self, affine: Vec3) -> Vec3 {
        self.warp.apply(affine)
    }

    /// A bound on how much deformation stretches distances.
    pub(crate) fn slope(&self) -> f32 {
        self.warp.slope()
    }

    fn world(&self, canonical: Vec3) -> [f64; 3] {
        let affine = self.warp.inverse(canonical);
        let turned = rotate(&self.rows, [0, 1, 2].map(|i| affine[i] * self.stretch[i]));
        [0, 1, 2].map(|i| f64::from(turned[i]) + self.centre[i])
    }
}

/// A patient's abdomen, defined at every point of space.
///
/// The same key and options give the same patient on every machine. The world origin lies in the middle
/// of the abdomen at the height of the kidneys (up to [`AbdomenOptions::pose_mm`]); x runs to the
/// patient's left, y to the back, z to the head.
#[derive(Debug, Clone)]
pub struct Abdomen {
    pub(crate) key: Key,
    pub(crate) pose: Pose,
    pub(crate) parts: Vec<Part>,
    pub(crate) palette: Palette,
    pub(crate) texture: Texture,
}

impl Abdomen {
    /// Draws the patient that `key` names, by convention `Key::new(seed).sample(patient)`.
    ///
    /// # Errors
    /// Refuses options outside their ranges.
    pub fn new(key: Key, options: &AbdomenOptions) -> Result<Self> {
        options.check()?;
        Ok(Self {
            key,
            pose: Pose::draw(key, options),
            parts: Plan::new(key, options.anatomy_variation).parts(),
            palette: Palette::draw(
                &mut key.stream("palette"),
                options.intensity_variation,
                options.texture,
            ),
            texture: Texture::draw(&mut key.stream("texture")),
        })
    }

    /// The centre of the abdomen in the world: where a technician would centre the scan.
    #[must_use]
    pub fn centre(&self) -> Point<Lps> {
        let [x, y, z] = self.pose.world([0.0, 6.0, 18.0]);
        Point::new(x, y, z)
    }
}
