//! The abdomen in canonical millimetres: x to the left, y to posterior, z to superior, the origin in the
//! middle of the peritoneal cavity at the height of the kidneys.
//!
//! Parts are listed by priority: where two overlap, the earlier one is there. What surrounds the abdomen
//! comes first and confines the rest. Organs carry a layer of fat, so that an organ of lower priority
//! yields with a gap, as real organs do.

mod bowel;
mod trunk;
mod viscera;

use medcore::random::{Key, Random};

use crate::linear::{Vec3, add, norm, scale, sub};
use crate::shape::{Field, Part, Segment};
use crate::tissue::Tissue;

/// Numbers that place the organs of one patient.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    key: Key,
    /// How much patients differ, 1 for a usual cohort.
    variation: f64,
}

impl Plan {
    pub(crate) fn new(key: Key, variation: f64) -> Self {
        Self { key, variation }
    }

    fn draw(&self, name: &str) -> Draw {
        Draw {
            random: self.key.stream(name),
            variation: self.variation,
        }
    }

    /// All parts, highest priority first.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let trunk = trunk::Trunk::draw(&mut self.draw("trunk"));
        let mut parts = vec![trunk.skin(&mut self.draw("skin"))];
        parts.extend(trunk.spine_parts());
        parts.extend(trunk.wall_parts(&mut self.draw("wall")));
        parts.extend(viscera::great_vessels(
            &mut self.draw("great vessels"),
            &trunk,
        ));
        parts.extend(trunk.chest_parts());
        parts.extend(trunk.psoas_parts());
        parts.extend(viscera::kidneys(&mut self.draw("kidneys"), &trunk));
        parts.extend(viscera::spleen(&mut self.draw("spleen"), &trunk));
        parts.extend(viscera::liver(&mut self.draw("liver"), &trunk));
        parts.extend(viscera::stomach(&mut self.draw("stomach"), &trunk));
        parts.extend(viscera::pancreas(&mut self.draw("pancreas")));
        parts.extend(bowel::colon(&mut self.draw("colon")));
        parts.extend(bowel::small_bowel(&mut self.draw("small bowel")));
        parts
    }
}

/// Draws scaled by the patients' variation.
#[derive(Debug)]
pub(crate) struct Draw {
    random: Random,
    variation: f64,
}

impl Draw {
    /// A deviation of standard deviation `spread`, at most twice that.
    fn shift(&mut self, spread: f64) -> f32 {
        (self.variation * spread * self.random.normal().clamp(-2.0, 2.0)) as f32
    }

    fn shift3(&mut self, spread: Vec3) -> Vec3 {
        spread.map(|s| self.shift(f64::from(s)))
    }

    /// A factor around 1 whose logarithm has standard deviation `spread`.
    fn factor(&mut self, spread: f64) -> f32 {
        libm::exp(f64::from(self.shift(spread))) as f32
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        self.random.uniform_in(f64::from(low), f64::from(high)) as f32
    }
}

fn intersection(fields: Vec<Field>, blend: f32) -> Field {
    Field::Intersection { fields, blend }
}

fn union(fields: Vec<Field>, blend: f32) -> Field {
    Field::Union { fields, blend }
}

fn grown(field: &Field, by: f32) -> Field {
    Field::Grown {
        field: Box::new(field.clone()),
        by,
    }
}

fn outside(field: Field) -> Field {
    Field::Complement(Box::new(field))
}

/// Points along a smooth curve (Catmull-Rom) through `points`, each a place and a radius, about
/// `step` millimetres apart.
fn smooth_curve(points: &[(Vec3, f32)], step: f32) -> Vec<(Vec3, f32)> {
    let mut curve = Vec::new();
    let at = |i: isize| points[i.clamp(0, points.len() as isize - 1) as usize];
    for i in 0..points.len() as isize - 1 {
        let (before, a, b, after) = (at(i - 1), at(i), at(i + 1), at(i + 2));
        let pieces = (norm(sub(b.0, a.0)) / step).ceil().max(1.0) as usize;
        for piece in 0..pieces {
            let t = piece as f32 / pieces as f32;
            let weights = [
                -0.5 * t + t * t - 0.5 * t * t * t,
                1.0 - 2.5 * t * t + 1.5 * t * t * t,
                0.5 * t + 2.0 * t * t - 1.5 * t * t * t,
                -0.5 * t * t + 0.5 * t * t * t,
            ];
            let place = [before.0, a.0, b.0, after.0]
                .into_iter()
                .zip(weights)
                .fold([0.0; 3], |sum, (p, w)| add(sum, scale(p, w)));
            curve.push((place, a.1 + (b.1 - a.1) * t));
        }
    }
    curve.extend(points.last());
    curve
}

/// The segments of a curve.
fn segments(curve: &[(Vec3, f32)]) -> impl Iterator<Item = Segment> + '_ {
    curve.windows(2).map(|pair| Segment {
        start: pair[0].0,
        end: pair[1].0,
        radii: [pair[0].1, pair[1].1],
    })
}

/// A tube as parts: `core` layers of every segment first, then `shell` layers, so that the walls of one
/// segment do not cross the lumen of the next.
fn tube(curve: &[(Vec3, f32)], core: &[(f32, Tissue)], shell: &[(f32, Tissue)]) -> Vec<Part> {
    [core, shell]
        .into_iter()
        .flat_map(|layers| segments(curve).map(|s| Part::new(Field::Segment(s), layers)))
        .collect()
}
