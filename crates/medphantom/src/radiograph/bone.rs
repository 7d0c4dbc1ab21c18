//! Ribs, clavicles and spine.

use medcore::random::Random;

use super::film::{Film, step};
use super::lung::Lung;
use super::stroke::Stroke;
use super::view::Posed;

/// All bones of one chest.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Skeleton {
    strokes: Vec<Stroke>,
    /// Half the width of a vertebra, its height, and what it adds along the rays.
    vertebra: [f32; 3],
    phase: f32,
}

impl Skeleton {
    pub(super) fn draw(random: &mut Random, lungs: &[Lung; 2], variation: f64) -> Self {
        let mut about = |mean: f64, spread: f64| {
            (mean + variation * spread * random.normal().clamp(-2.0, 2.0)) as f32
        };
        let (thick, gap, drop) = (about(13.0, 2.0), about(21.5, 1.0), about(34.0, 7.0));
        let mut strokes = Vec::new();
        for lung in lungs {
            for number in 0..10 {
                let start = lung.top + 4.0 + gap * number as f32 + about(0.0, 1.0);
                let wide = match number {
                    0 => 0.55,
                    1 => 0.78,
                    2 => 0.92,
                    _ => 1.0,
                };
                let wall = (lung.lateral + 3.0) * wide;
                let fall = drop * (0.7 + 0.06 * number as f32);
                let behind = |s: f32| {
                    let x = 20.0 + (wall - 20.0) * (1.0 - (1.0 - s) * (1.0 - s));
                    [lung.side * x, start - 8.0 * s * (1.0 - s) + fall * s * s]
                };
                strokes.push(Stroke {
                    points: (0..=9).map(|i| behind(i as f32 / 9.0)).collect(),
                    radius: [5.0, 5.5],
                    thickness: [thick; 2],
                    wall: 0.8,
                });
                let front = |s: f32| {
                    let x = wall - (wall - 58.0) * s * s;
                    [
                        lung.side * x,
                        start + fall + (46.0 + 2.0 * number as f32) * s,
                    ]
                };
                strokes.push(Stroke {
                    points: (0..=7).map(|i| front(i as f32 / 7.0)).collect(),
                    radius: [5.5, 6.5],
                    thickness: [0.8 * thick, 0.35 * thick],
                    wall: 0.6,
                });
            }
            let rise = about(10.0, 5.0);
            strokes.push(Stroke {
                points: [
                    (12.0, 20.0),
                    (45.0, 14.0),
                    (90.0, 9.0 - rise),
                    (140.0, -2.0 - rise),
                ]
                .map(|(x, y)| [lung.side * x, lung.top + y + 6.0])
                .to_vec(),
                radius: [7.0, 6.0],
                thickness: [1.5 * thick, 1.2 * thick],
                wall: 0.7,
            });
        }
        Self {
            strokes,
            vertebra: [about(17.0, 1.5), about(24.0, 1.5), about(30.0, 4.0)],
            phase: about(0.0, 8.0),
        }
    }

    pub(super) fn project(&self, posed: &Posed, film: &mut Film) {
        for stroke in &self.strokes {
            stroke.draw(posed, film);
        }
        let [half, tall, thick] = self.vertebra;
        let shift = -60.0 * posed.turn;
        let all = (f32::MIN, f32::MAX);
        film.add(all, all, |place| {
            let [x, y] = posed.back(place);
            let (x, y) = (x - shift, y + self.phase);
            // Discs between the vertebrae are lower and narrower.
            let along = ((y / tall).fract() + 1.0).fract();
            let body = step(along.min(1.0 - along) * tall - 2.5, 2.0);
            step(half - 2.0 * (1.0 - body) - x.abs(), 3.0) * thick * (0.55 + 0.45 * body)
        });
    }
}
