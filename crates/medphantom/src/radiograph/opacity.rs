//! Patches of lung filled with fluid.

use medcore::random::Random;

use super::lung::Lung;
use super::view::Posed;
use crate::texture::Texture;

/// A soft ball of fluid in a lung.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Puff {
    /// Shares of the lung's width from the midline and of its height from the top.
    place: [f32; 2],
    /// Offset and radius in millimetres.
    offset: [f32; 2],
    radius: f32,
    weight: f32,
}

/// One consolidation: several puffs with an uneven inside.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Opacity {
    /// 0 the patient's right, 1 the left.
    lung: usize,
    puffs: Vec<Puff>,
    texture: Texture,
    /// Fluid along the rays where it is thickest, in millimetres.
    pub thickness: f32,
}

impl Opacity {
    /// An opacity whose fluid is `conspicuity` times as thick as usual.
    pub(super) fn draw(random: &mut Random, conspicuity: f64) -> Self {
        let lung = random.below(2);
        // Lower and middle zones are more often ill than the apices.
        let place = [
            random.uniform_in(0.28, 0.82) as f32,
            random.uniform_in(0.30, 0.92) as f32,
        ];
        let size = random.uniform_in(15.0, 27.0);
        let count = 3 + random.below(4);
        let mut puff = |_| Puff {
            place,
            offset: [0; 2].map(|_| (0.62 * size * random.normal().clamp(-1.6, 1.6)) as f32),
            radius: (size * random.uniform_in(0.7, 1.15)) as f32,
            weight: random.uniform_in(0.6, 1.0) as f32,
        };
        let puffs = (0..count).map(&mut puff).collect();
        Self {
            lung,
            puffs,
            thickness: (conspicuity * random.uniform_in(24.0, 52.0)) as f32,
            texture: Texture::draw(random),
        }
    }

    /// Fluid in millimetres at a point of the patient.
    pub(super) fn at(&self, p: [f32; 2], lungs: &[Lung; 2], posed: &Posed) -> f32 {
        let lung = &lungs[self.lung];
        let mut sum = 0.0f32;
        for puff in &self.puffs {
            let centre = lung.point(puff.place[0], puff.place[1], posed);
            let x = p[0] - centre[0] - puff.offset[0];
            let y = p[1] - centre[1] - puff.offset[1];
            let r = (x * x + y * y) / (2.4 * puff.radius * puff.radius);
            if r < 1.0 {
                sum += puff.weight * (1.0 - r) * (1.0 - r);
            }
        }
        if sum <= 0.0 {
            return 0.0;
        }
        let uneven = (1.0 + 0.33 * self.texture.at([p[0], p[1], 3.0])).clamp(0.15, 1.9);
        // Where puffs overlap, the lung is full, not doubly full.
        let filled = sum / (0.45 + sum);
        let within = (lung.depth_at(p, posed) / (0.4 * lung.depth)).min(1.0);
        1.35 * self.thickness * filled * uneven * within
    }
}
