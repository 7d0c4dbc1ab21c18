//! Bands along lines: ribs, clavicles, vessels.

use super::film::Film;
use super::view::Posed;

/// A tube along a chain of points, in millimetres of the patient.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stroke {
    pub points: Vec<[f32; 2]>,
    /// At the first and at the last point.
    pub radius: [f32; 2],
    /// Tissue along a ray through its middle, at the first and at the last point; negative for air.
    pub thickness: [f32; 2],
    /// How much denser its walls are than its inside: 0 for vessels, up to 1 for bones.
    pub wall: f32,
}

impl Stroke {
    /// Adds the tube to `film`.
    pub(super) fn draw(&self, posed: &Posed, film: &mut Film) {
        let points: Vec<_> = self.points.iter().map(|&p| posed.place(p)).collect();
        let soft = 0.7 * film.pixel_mm();
        let reach = self.radius[0].max(self.radius[1]) + 2.0 * soft;
        let ends = |axis: usize| {
            let values = points.iter().map(|p| p[axis]);
            let (low, high) = values.fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(v), b.max(v)));
            (low - reach, high + reach)
        };
        let lengths: Vec<f32> = points.windows(2).map(|w| distance(w[0], w[1])).collect();
        let whole = lengths.iter().sum::<f32>().max(1e-3);
        film.add(ends(0), ends(1), |place| {
            let mut nearest = (f32::MAX, 0.0);
            let mut walked = 0.0;
            for (segment, &length) in points.windows(2).zip(&lengths) {
                let (d, along) = to_segment(place, segment[0], segment[1]);
                if d < nearest.0 {
                    nearest = (d, (walked + along * length) / whole);
                }
                walked += length;
            }
            let (d, t) = nearest;
            let radius = self.radius[0] + (self.radius[1] - self.radius[0]) * t + soft;
            let depth = self.thickness[0] + (self.thickness[1] - self.thickness[0]) * t;
            let r = d / radius;
            if r >= 1.0 {
                return 0.0;
            }
            let round = 1.0 - r * r;
            depth * round.sqrt() * (1.0 - self.wall * round * round * 0.6)
        });
    }
}

fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    let (x, y) = (a[0] - b[0], a[1] - b[1]);
    (x * x + y * y).sqrt()
}

/// Distance to a segment, and where on it the nearest point lies, 0 to 1.
fn to_segment(place: [f32; 2], from: [f32; 2], to: [f32; 2]) -> (f32, f32) {
    let along = [to[0] - from[0], to[1] - from[1]];
    let off = [place[0] - from[0], place[1] - from[1]];
    let length = (along[0] * along[0] + along[1] * along[1]).max(1e-6);
    let t = ((along[0] * off[0] + along[1] * off[1]) / length).clamp(0.0, 1.0);
    let nearest = [from[0] + t * along[0], from[1] + t * along[1]];
    (distance(place, nearest), t)
}
