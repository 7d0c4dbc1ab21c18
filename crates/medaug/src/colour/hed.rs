//! Jitter of haematoxylin, eosin and DAB in stained slides (Tellez et al., "Whole-slide mitosis detection in H&E
//! breast histology using PHH3 as a reference", IEEE TMI 2018; stains as in scikit-image `rgb2hed`, after Ruifrok and
//! Johnston, 2001).

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::{for_each_colour, for_each_pixel, three_channels, unit};
use crate::draw::Draw;
use crate::error::{Result, check, check_probability};
use crate::math;
use crate::operation::SampleOperation;
use crate::sample::{Contents, LazySample, Sample};
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

/// How much each stain (rows: haematoxylin, eosin, DAB) absorbs of red, green and blue.
const ABSORPTION: [[f64; 3]; 3] = [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]];

/// Darkest colour that is told from black, scikit-image's 1e-6; its logarithm is the unit of stains.
const DARKEST: f32 = 1e-6;

/// Multiplies the amount of each stain by a factor and adds a shift: `stain = stain * factor + shift`.
///
/// Amounts are scikit-image's `rgb2hed`, negative ones counted as 0; a white image is left white only by shifts of 0.
/// Factors of 1 and shifts of 0 still bring colours that no mixture of the stains has to the nearest that one has.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HedJitter {
    /// Factors of the amounts of haematoxylin, eosin and DAB.
    pub factor: [f32; 3],
    /// Added to the amounts of haematoxylin, eosin and DAB, in units of scikit-image's `rgb2hed`.
    pub shift: [f32; 3],
}

impl Default for HedJitter {
    /// No change of the stains.
    fn default() -> Self {
        Self {
            factor: [1.0; 3],
            shift: [0.0; 3],
        }
    }
}

const NAME: &str = "HedJitter";
const FACTOR: &str = "finite and at least 0";
const SHIFT: &str = "within -1 and 1";

fn is_factor(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

fn is_shift(value: f64) -> bool {
    (-1.0..=1.0).contains(&value)
}

/// The inverse of a 3 x 3 matrix with a determinant, by cofactors.
fn inverse(m: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let cofactor = |r: usize, c: usize| {
        let [a, b, d, e] =
            [(1, 1), (2, 2), (1, 2), (2, 1)].map(|(i, j)| m[(r + i) % 3][(c + j) % 3]);
        a * b - d * e
    };
    let determinant: f64 = (0..3).map(|c| m[0][c] * cofactor(0, c)).sum();
    std::array::from_fn(|r| std::array::from_fn(|c| cofactor(c, r) / determinant))
}

/// Row vector times matrix.
#[inline(always)]
fn times(v: [f32; 3], m: &[[f32; 3]; 3]) -> [f32; 3] {
    std::array::from_fn(|c| v[0] * m[0][c] + v[1] * m[1][c] + v[2] * m[2][c])
}

impl<const D: usize> SampleOperation<D> for HedJitter {
    fn check(&self) -> Result<()> {
        for v in self.factor {
            check(NAME, "factor", v.into(), FACTOR, is_factor)?;
        }
        for v in self.shift {
            check(NAME, "shift", v.into(), SHIFT, is_shift)?;
        }
        Ok(())
    }

    fn needs(&self) -> Contents {
        three_channels()
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        let absorption = ABSORPTION.map(|row| row.map(|v| v as f32));
        let stains_of = inverse(ABSORPTION).map(|row| row.map(|v| v as f32));
        let darkest = math::log2(DARKEST);
        for_each_colour(NAME, &mut sample, |colours| {
            for_each_pixel(colours, |rgb| {
                let dark = rgb.map(|v| math::log2(if v > DARKEST { v } else { DARKEST }) / darkest);
                let stains = times(dark, &stains_of);
                let changed = std::array::from_fn(|i| {
                    let amount = if stains[i] > 0.0 { stains[i] } else { 0.0 };
                    amount * self.factor[i] + self.shift[i]
                });
                times(changed, &absorption).map(|v| unit(math::exp2(v * darkest)))
            });
        })?;
        Ok(sample)
    }
}

/// Draws a factor and a shift for each stain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomHedJitter {
    /// Probability of a sample.
    pub probability: f64,
    /// Factor of each stain.
    pub factor: Draw,
    /// Shift of each stain.
    pub shift: Draw,
}

impl Default for RandomHedJitter {
    /// Half the samples, Tellez' lighter strength: factors of 1 by 0.05, shifts by 0.05.
    fn default() -> Self {
        Self {
            probability: 0.5,
            factor: Draw::Uniform {
                low: 0.95,
                high: 1.05,
            },
            shift: Draw::symmetric(0.05),
        }
    }
}

impl<const D: usize> Transform<D> for RandomHedJitter {
    fn name(&self) -> &'static str {
        "RandomHedJitter"
    }

    fn check(&self) -> Result<()> {
        const NAME: &str = "RandomHedJitter";
        check_probability(NAME, self.probability)?;
        self.factor.check(NAME, "factor", FACTOR, is_factor)?;
        self.shift.check(NAME, "shift", SHIFT, is_shift)
    }

    fn needs(&self) -> Contents {
        three_channels()
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let mut random = key.stream("parameter");
            Ok(HedJitter {
                factor: std::array::from_fn(|_| self.factor.draw(&mut random) as f32),
                shift: std::array::from_fn(|_| self.shift.draw(&mut random) as f32),
            })
        })
    }
}
