//! Bowel: what fills the rest of the abdomen, with CT numbers of every organ.

use super::{Draw, smooth_curve, tube};
use crate::linear::{Vec3, add, norm, scale};
use crate::shape::{Field, Part, Segment};
use crate::tissue::Tissue;

/// Ascending, transverse and descending colon with stool and pockets of gas.
pub(super) fn colon(draw: &mut Draw) -> Vec<Part> {
    let radius = 20.0 * draw.factor(0.12);
    let shift = draw.shift3([4.0, 4.0, 6.0]);
    let course: Vec<(Vec3, f32)> = [
        ([-94.0, 2.0, -150.0], 1.25),
        ([-98.0, 6.0, -95.0], 1.15),
        ([-98.0, 4.0, -50.0], 1.0),
        ([-82.0, -34.0, -26.0], 1.0),
        ([-40.0, -72.0, -44.0], 0.95),
        ([10.0, -78.0, -58.0], 0.9),
        ([58.0, -68.0, -36.0], 0.9),
        ([98.0, -28.0, 4.0], 0.9),
        ([108.0, 14.0, -14.0], 0.8),
        ([106.0, 24.0, -70.0], 0.75),
        ([96.0, 16.0, -150.0], 0.75),
    ]
    .into_iter()
    .map(|(place, relative)| {
        let place = add(add(place, shift), draw.shift3([3.0; 3]));
        (place, radius * relative * draw.factor(0.08))
    })
    .collect();
    let curve = smooth_curve(&course, 22.0);
    let mut parts = Vec::new();
    for &(place, radius) in &curve {
        if draw.random.chance(0.35) {
            let pocket = Segment {
                start: add(place, [draw.between(-8.0, 8.0), -0.35 * radius, -6.0]),
                end: add(place, [draw.between(-8.0, 8.0), -0.35 * radius, 6.0]),
                radii: [0.5 * radius; 2],
            };
            parts.push(Part::new(Field::Segment(pocket), &[(0.0, Tissue::Gas)]));
        }
    }
    parts.extend(tube(
        &curve,
        &[(-2.5, Tissue::ColonContent)],
        &[(0.0, Tissue::BowelWall), (1.0, Tissue::VisceralFat)],
    ));
    parts
}

/// Loops of small bowel: random walks through the lower middle of the abdomen.
pub(super) fn small_bowel(draw: &mut Draw) -> Vec<Part> {
    const LOW: Vec3 = [-74.0, -74.0, -150.0];
    const HIGH: Vec3 = [84.0, 2.0, -4.0];
    use Tissue::{BowelContentA as Fluid, BowelContentB as Chyme, BowelContentC as Contrast};
    let contents = [Fluid, Chyme, Contrast, Chyme, Contrast, Fluid, Chyme];
    let mut parts = Vec::new();
    for content in contents {
        let mut place = [0, 1, 2].map(|i| draw.between(LOW[i], HIGH[i]));
        let mut heading = [0.0f32; 3];
        let radius = draw.between(10.0, 14.0);
        let course: Vec<_> = (0..14)
            .map(|_| {
                let here = place;
                let turn = [0, 1, 2].map(|_| draw.random.normal() as f32);
                heading = add(scale(heading, 0.6), turn);
                heading = scale(heading, 22.0 / norm(heading).max(1e-3));
                place = add(place, heading);
                for axis in 0..3 {
                    if place[axis] < LOW[axis] || place[axis] > HIGH[axis] {
                        heading[axis] = -heading[axis];
                        place[axis] = place[axis].clamp(LOW[axis], HIGH[axis]);
                    }
                }
                (here, radius * draw.factor(0.08))
            })
            .collect();
        parts.extend(tube(
            &smooth_curve(&course, 14.0),
            &[(-2.2, content)],
            &[(0.0, Tissue::BowelWall), (1.0, Tissue::VisceralFat)],
        ));
    }
    parts
}
