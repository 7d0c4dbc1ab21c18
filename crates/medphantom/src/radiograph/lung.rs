//! A lung as its outline on the film and its depth behind it.

use medcore::random::Random;

use super::film::step;
use super::view::Posed;

/// A lung. Lateral distances are from the midline, positive on the lung's own side.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lung {
    /// 1 for the patient's left, which is on the right of the picture.
    pub side: f32,
    pub medial: f32,
    pub lateral: f32,
    pub top: f32,
    /// The highest point of the diaphragm below it.
    pub dome: f32,
    /// How far the diaphragm falls from there to the chest wall.
    pub sulcus: f32,
    /// Extent along the rays where it is deepest.
    pub depth: f32,
    /// Tissue in a millimetre of it.
    pub density: f32,
}

impl Lung {
    /// The lungs of one patient, right and left.
    pub(super) fn draw(random: &mut Random, variation: f64) -> [Self; 2] {
        let mut about = |mean: f64, spread: f64| {
            (mean + variation * spread * random.normal().clamp(-2.0, 2.0)) as f32
        };
        let (lateral, top, dome) = (about(124.0, 6.0), about(-128.0, 6.0), about(62.0, 9.0));
        let (depth, density) = (about(165.0, 12.0), about(0.30, 0.045));
        [-1.0, 1.0].map(|side| Self {
            side,
            medial: about(26.0, 2.0),
            lateral: lateral + about(0.0, 2.0),
            top: top + about(0.0, 2.0),
            // The liver lifts the right side, the heart covers the left.
            dome: dome + if side < 0.0 { -6.0 } else { 6.0 } + about(0.0, 3.0),
            sulcus: about(34.0, 5.0),
            depth,
            density: density + about(0.0, 0.012),
        })
    }

    /// The edges at a height, medial and lateral, and the share of full width, 0 at the top.
    fn edges(&self, y: f32, posed: &Posed) -> (f32, f32, f32) {
        let length = self.dome + posed.breath + self.sulcus - self.top;
        let t = ((y - self.top) / length).clamp(0.0, 1.0);
        let rest = 1.0 - (t * 1.25).min(1.0);
        let open = (1.0 - rest * rest * rest).sqrt();
        let apex = 0.5 * (self.medial + self.lateral) - 12.0;
        let shift = self.side * posed.turn * 6.0;
        (
            apex - (apex - self.medial) * open + shift,
            apex + (self.lateral - apex) * open,
            open,
        )
    }

    /// Lung along the ray through a point of the patient, in millimetres.
    pub(super) fn depth_at(&self, p: [f32; 2], posed: &Posed) -> f32 {
        let (x, y) = (p[0] * self.side, p[1]);
        if x < 0.0 || y < self.top {
            return 0.0;
        }
        let (medial, lateral, open) = self.edges(y, posed);
        let middle = 0.5 * (self.medial + self.lateral) - 6.0;
        let out = (x - middle) / (self.lateral - middle);
        let diaphragm = self.dome + posed.breath + self.sulcus * out * out;
        let inside = step(x - medial, 5.0) * step(lateral - x, 2.0) * step(diaphragm - y, 3.0);
        // Behind the dome the lung goes on, thinner and thinner.
        let behind = 0.16
            * step(x - medial, 8.0)
            * step(lateral - x, 3.0)
            * step(diaphragm + 22.0 - y, 26.0);
        let wide = (lateral - medial).max(1.0);
        let across = (2.0 * (x - medial) / wide - 1.0).clamp(-1.0, 1.0);
        let profile = (1.0 - 0.75 * across * across).sqrt() * (0.45 + 0.55 * open);
        let turned = 1.0 + 0.5 * self.side * posed.turn;
        self.depth * profile * inside.max(behind) * turned
    }

    /// The point at shares of the lung's width and height, for one breath; both 0 to 1, from the midline and from the top.
    pub(super) fn point(&self, across: f32, down: f32, posed: &Posed) -> [f32; 2] {
        let y = self.top + down * (self.dome + posed.breath - self.top);
        let (medial, lateral, _) = self.edges(y, posed);
        [self.side * (medial + across * (lateral - medial)), y]
    }
}
