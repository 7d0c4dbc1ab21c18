//! Vessels that leave the hila and branch.

use medcore::random::Random;

use super::film::Film;
use super::lung::Lung;
use super::stroke::Stroke;
use super::view::Posed;

/// The vessels of both lungs and the great airways.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vessels {
    strokes: Vec<Stroke>,
}

/// A piece of vessel about to grow.
#[derive(Clone, Copy)]
struct Bud {
    place: [f32; 2],
    /// From the downward direction towards the lung's side, in radians.
    angle: f64,
    radius: f32,
    length: f32,
}

impl Vessels {
    pub(super) fn draw(random: &mut Random, lungs: &[Lung; 2], variation: f64) -> Self {
        let prominence = (1.0 + 0.22 * variation * random.normal().clamp(-2.0, 2.0)) as f32;
        let mut strokes = Vec::new();
        for lung in lungs {
            let hilum = lung.top + 0.52 * (lung.dome - lung.top);
            let trunks = 8;
            for trunk in 0..trunks {
                let angle = 0.25 + 2.5 * (f64::from(trunk) + random.uniform()) / f64::from(trunks);
                let bud = Bud {
                    place: [lung.side * (lung.medial + 6.0), hilum],
                    angle,
                    radius: prominence * random.uniform_in(3.2, 5.0) as f32,
                    length: random.uniform_in(26.0, 40.0) as f32,
                };
                grow(bud, lung.side, 3, random, &mut strokes);
            }
            // The hilum itself.
            strokes.push(Stroke {
                points: vec![
                    [lung.side * (lung.medial + 4.0), hilum - 16.0],
                    [lung.side * (lung.medial + 10.0), hilum + 14.0],
                ],
                radius: [9.0, 8.0],
                thickness: [12.0 * prominence; 2],
                wall: 0.0,
            });
            // Main bronchus.
            let top = lung.top;
            strokes.push(Stroke {
                points: vec![[0.0, hilum - 28.0], [lung.side * 30.0, hilum - 6.0]],
                radius: [6.0, 5.0],
                thickness: [-11.0, -6.0],
                wall: 0.0,
            });
            strokes.push(Stroke {
                points: vec![[0.0, top - 60.0], [0.0, hilum - 28.0]],
                radius: [8.0, 8.0],
                thickness: [-8.0; 2],
                wall: 0.0,
            });
        }
        Self { strokes }
    }

    pub(super) fn project(&self, posed: &Posed, film: &mut Film) {
        for stroke in &self.strokes {
            stroke.draw(posed, film);
        }
    }
}

/// A curved piece, and two thinner ones at its end.
fn grow(bud: Bud, side: f32, generations: u32, random: &mut Random, strokes: &mut Vec<Stroke>) {
    let mut points = vec![bud.place];
    let mut angle = bud.angle;
    for _ in 0..3 {
        angle += random.normal().clamp(-2.0, 2.0) * 0.13;
        let (sin, cos) = libm::sincos(angle);
        let [x, y] = points[points.len() - 1];
        let piece = bud.length / 3.0;
        points.push([x + side * piece * sin as f32, y + piece * cos as f32]);
    }
    let end = points[points.len() - 1];
    let thin = 0.72 * bud.radius;
    strokes.push(Stroke {
        points,
        radius: [bud.radius, thin],
        thickness: [2.6 * bud.radius, 2.6 * thin],
        wall: 0.0,
    });
    if generations > 1 {
        for turn in [-1.0, 1.0] {
            let next = Bud {
                place: end,
                angle: angle + turn * random.uniform_in(0.18, 0.55),
                radius: thin * random.uniform_in(0.7, 0.95) as f32,
                length: bud.length * random.uniform_in(0.65, 0.95) as f32,
            };
            grow(next, side, generations - 1, random, strokes);
        }
    }
}
