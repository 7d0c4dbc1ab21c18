//! Colours that do not depend on a screen (PS3.3 section C.10.7.1.1).
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "colours are computed in f64 and kept inside the range of their integers"
)]

/// A recommended display colour: CIE L*a*b* under illuminant D50, as three integers of 16 bits.
///
/// ```
/// use medio::dicom::CieLab;
///
/// let red = CieLab::from_rgb([200, 30, 40]);
/// assert_eq!(red.to_rgb(), [200, 30, 40]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CieLab {
    encoded: [u16; 3],
}

/// The white of illuminant D50.
const WHITE: [f64; 3] = [0.964_22, 1.0, 0.825_21];

/// Linear sRGB to XYZ under D50: the primaries of IEC 61966-2-1, adapted by Bradford's method.
const TO_XYZ: [[f64; 3]; 3] = [
    [0.436_074_7, 0.385_064_9, 0.143_080_4],
    [0.222_504_5, 0.716_878_6, 0.060_616_9],
    [0.013_932_2, 0.097_104_5, 0.714_173_3],
];

const TO_RGB: [[f64; 3]; 3] = [
    [3.133_856_1, -1.616_866_7, -0.490_614_6],
    [-0.978_768_4, 1.916_141_5, 0.033_454_0],
    [0.071_945_3, -0.228_991_4, 1.405_242_7],
];

fn times(matrix: &[[f64; 3]; 3], [a, b, c]: [f64; 3]) -> [f64; 3] {
    matrix.map(|[x, y, z]| x * a + y * b + z * c)
}

const EDGE: f64 = 6.0 / 29.0;

impl CieLab {
    /// The colour of an sRGB triple.
    #[must_use]
    pub fn from_rgb(rgb: [u8; 3]) -> Self {
        let linear = rgb.map(|v| match f64::from(v) / 255.0 {
            v if v <= 0.040_45 => v / 12.92,
            v => ((v + 0.055) / 1.055).powf(2.4),
        });
        let [x, y, z] = times(&TO_XYZ, linear);
        let [p, q, r] = WHITE;
        let curve = |t: f64| match t {
            t if t > EDGE.powi(3) => t.cbrt(),
            t => t / (3.0 * EDGE * EDGE) + 4.0 / 29.0,
        };
        let (x, y, z) = (curve(x / p), curve(y / q), curve(z / r));
        let lab = [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)];
        let [lightness, a, b] = lab;
        let code = |part: f64| (part * 65_535.0).round().clamp(0.0, 65_535.0) as u16;
        let encoded = [
            code(lightness / 100.0),
            code((a + 128.0) / 255.0),
            code((b + 128.0) / 255.0),
        ];
        Self { encoded }
    }

    /// A colour from its integers: L* of 0 to 100, a* and b* of -128 to 127, each over 0 to 65535.
    #[must_use]
    pub fn from_encoded(encoded: [u16; 3]) -> Self {
        Self { encoded }
    }

    /// The integers of the attribute.
    #[must_use]
    pub fn encoded(self) -> [u16; 3] {
        self.encoded
    }

    /// The nearest sRGB triple; colours beyond a screen's are brought to its edge.
    #[must_use]
    pub fn to_rgb(self) -> [u8; 3] {
        let [lightness, a, b] = self.encoded.map(|v| f64::from(v) / 65_535.0);
        let (lightness, a, b) = (lightness * 100.0, a * 255.0 - 128.0, b * 255.0 - 128.0);
        let y = (lightness + 16.0) / 116.0;
        let curve = |t: f64| match t {
            t if t > EDGE => t.powi(3),
            t => 3.0 * EDGE * EDGE * (t - 4.0 / 29.0),
        };
        let [p, q, r] = WHITE;
        let xyz = [
            p * curve(y + a / 500.0),
            q * curve(y),
            r * curve(y - b / 200.0),
        ];
        times(&TO_RGB, xyz).map(|v| {
            let v = match v {
                v if v <= 0.003_130_8 => v * 12.92,
                v => 1.055 * v.powf(1.0 / 2.4) - 0.055,
            };
            (v * 255.0).round().clamp(0.0, 255.0) as u8
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_black_and_grey_have_no_hue() {
        let neutral = |v: u16| v.abs_diff(32_896) <= 8;
        for (rgb, lightness) in [([255; 3], 65_535), ([0; 3], 0)] {
            let [l, a, b] = CieLab::from_rgb(rgb).encoded();
            assert!(
                l.abs_diff(lightness) <= 2 && neutral(a) && neutral(b),
                "{l} {a} {b}"
            );
        }
        let [l, a, b] = CieLab::from_rgb([119; 3]).encoded();
        // L* of this grey is 50.0.
        assert!(
            l.abs_diff(32_792) <= 40 && neutral(a) && neutral(b),
            "{l} {a} {b}"
        );
    }

    #[test]
    fn every_colour_of_a_screen_comes_back() {
        for r in (0..=255).step_by(15) {
            for g in (0..=255).step_by(15) {
                for b in (0..=255).step_by(15) {
                    assert_eq!(CieLab::from_rgb([r, g, b]).to_rgb(), [r, g, b]);
                }
            }
        }
    }
}
