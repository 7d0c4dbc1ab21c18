//! The body around the lungs: trunk, heart, great vessels, breasts, the air in the stomach.

use medcore::random::Random;

use super::film::step;
use super::lung::Lung;
use super::view::Posed;

/// An ellipse with an axis turned by an angle.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Oval {
    centre: [f32; 2],
    half: [f32; 2],
    cos: f32,
    sin: f32,
    /// Tissue through its middle.
    thickness: f32,
}

impl Oval {
    fn new(centre: [f32; 2], half: [f32; 2], degrees: f64, thickness: f32) -> Self {
        let (sin, cos) = libm::sincos(degrees.to_radians());
        Self {
            centre,
            half,
            cos: cos as f32,
            sin: sin as f32,
            thickness,
        }
    }

    /// Tissue at a point, of an ellipsoid of this outline.
    fn at(&self, p: [f32; 2], shift: f32) -> f32 {
        let (x, y) = (p[0] - self.centre[0] - shift, p[1] - self.centre[1]);
        let u = (self.cos * x + self.sin * y) / self.half[0];
        let v = (self.cos * y - self.sin * x) / self.half[1];
        let r = u * u + v * v;
        if r < 1.0 {
            self.thickness * (1.0 - r).sqrt()
        } else {
            0.0
        }
    }
}

/// Everything that is neither lung nor bone nor vessel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SoftTissue {
    /// Half the width of the trunk and its depth.
    trunk: [f32; 2],
    heart: [Oval; 2],
    arch: Oval,
    /// Half the width of the mediastinum and what it adds.
    mediastinum: [f32; 2],
    breasts: Vec<Oval>,
    bubble: Option<Oval>,
    dome: f32,
    top: f32,
}

impl SoftTissue {
    pub(super) fn draw(random: &mut Random, lungs: &[Lung; 2], variation: f64) -> Self {
        let mut about = |mean: f64, spread: f64| {
            (mean + variation * spread * random.normal().clamp(-2.0, 2.0)) as f32
        };
        let [right, left] = lungs;
        let size = about(1.0, 0.1);
        let low = 0.5 * (right.dome + left.dome);
        let heart = [
            Oval::new([20.0, low - 26.0], [58.0 * size, 42.0 * size], 32.0, 85.0),
            Oval::new([-14.0, low - 30.0], [32.0 * size, 46.0 * size], 0.0, 60.0),
        ];
        let arch = Oval::new([22.0, left.top + 62.0], [15.0 * size, 19.0], 0.0, 42.0);
        let trunk = [right.lateral + about(36.0, 7.0), about(205.0, 16.0)];
        let mediastinum = [about(27.0, 3.0), about(34.0, 6.0)];
        let (large, heavy) = (about(58.0, 8.0), about(24.0, 7.0).max(6.0));
        let breast =
            |side: f32| Oval::new([side * 76.0, low - 2.0], [large, 0.85 * large], 0.0, heavy);
        let breasts = match random.chance(0.5) {
            true => vec![breast(-1.0), breast(1.0)],
            false => Vec::new(),
        };
        let air = random.uniform_in(-70.0, -25.0) as f32;
        let bubble = random
            .chance(0.6)
            .then(|| Oval::new([64.0, left.dome + 26.0], [26.0, 13.0], -8.0, air));
        Self {
            trunk,
            heart,
            arch,
            mediastinum,
            breasts,
            bubble,
            dome: low,
            top: left.top,
        }
    }

    /// Tissue along the ray through a point of the patient, as if there were no lungs.
    pub(super) fn at(&self, p: [f32; 2], posed: &Posed) -> f32 {
        let [x, y] = p;
        let (front, breath) = (45.0 * posed.turn, posed.breath);
        // Shoulders and the neck between them.
        let high = ((self.top + 34.0 - y) / 60.0).clamp(0.0, 1.0);
        let half = self.trunk[0] + 45.0 * high;
        let r = x / half;
        if r.abs() >= 1.0 {
            return 0.0;
        }
        let neck = step(x.abs() - 62.0 + 0.9 * (y - self.top + 30.0), 26.0)
            * step(self.top - 26.0 - y, 22.0);
        let deep = self.trunk[1] * (1.0 - r * r * r * r).sqrt();
        let belly = 36.0 * step(y - self.dome - breath - 34.0, 40.0);
        let heart = {
            let beat = [x, y - 0.6 * breath];
            let [a, b] = self.heart.map(|oval| oval.at(beat, front));
            a.max(b)
        };
        let [wide, thick] = self.mediastinum;
        let middle =
            thick * step(wide - (x - 0.3 * front).abs(), 5.0) * step(self.dome + 10.0 - y, 40.0);
        let centre = heart.max(middle).max(self.arch.at(p, front));
        let mut sum = deep * (1.0 - 0.45 * neck) + belly + centre;
        sum += (self.breasts.iter())
            .map(|oval| oval.at(p, 0.0))
            .sum::<f32>();
        if let Some(bubble) = &self.bubble {
            sum += bubble.at([x, y - breath], 0.0);
        }
        sum
    }
}
