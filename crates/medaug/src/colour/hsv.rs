//! Hue, saturation and value of a colour (Smith, "Color gamut transform pairs", SIGGRAPH 1978).

/// A colour by its hue in whole turns (red at 0, green at a third), its saturation and its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hsv {
    pub(super) hue: f32,
    pub(super) saturation: f32,
    pub(super) value: f32,
}

impl Hsv {
    /// Of red, green and blue; hue and saturation of a grey are 0.
    #[inline(always)]
    pub(super) fn of([r, g, b]: [f32; 3]) -> Self {
        let high = if r > g { r } else { g };
        let high = if b > high { b } else { high };
        let low = if r < g { r } else { g };
        let low = if b < low { b } else { low };
        let range = high - low;
        let divisor = if range == 0.0 { 1.0 } else { range };
        // Chosen before the division, of which there is one then, and no branch.
        let (difference, start) = if high == r {
            (g - b, 0.0)
        } else if high == g {
            (b - r, 2.0)
        } else {
            (r - g, 4.0)
        };
        let sixths = start + difference / divisor;
        Self {
            hue: sixths * (1.0 / 6.0),
            saturation: range / if range == 0.0 { 1.0 } else { high },
            value: high,
        }
    }

    /// Red, green and blue.
    #[inline(always)]
    pub(super) fn rgb(self) -> [f32; 3] {
        let sixths = (self.hue - floor(self.hue)) * 6.0;
        let chroma = self.value * self.saturation;
        // Each colour is full for two sixths of the circle and rises and falls for one on either side.
        [5.0, 3.0, 1.0].map(|start| {
            let turned = start + sixths;
            let k = if turned >= 6.0 { turned - 6.0 } else { turned };
            let side = if k < 4.0 - k { k } else { 4.0 - k };
            let missing = if side > 0.0 { side } else { 0.0 };
            self.value - chroma * if missing < 1.0 { missing } else { 1.0 }
        })
    }
}

/// The next whole number below, for numbers of less than 2^22; vectorises where `f32::floor` is a call.
#[inline(always)]
fn floor(v: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    let nearest = (v + ROUND) - ROUND;
    if nearest > v { nearest - 1.0 } else { nearest }
}

/// Colours in 8 bits as OpenCV counts them: hue in 0..180, saturation and value in 0..256.
pub(super) mod eight_bit {
    const SHIFT: u32 = 12;
    const HALF: i32 = 1 << (SHIFT - 1);

    /// A colour from 0 to 1 in 8 bits, ties to even as in numpy's `rint`.
    #[inline(always)]
    pub(in super::super) fn level(v: f32) -> u8 {
        (v * 255.0).round_ties_even() as u8
    }

    /// `(numerator << 12) / divisor` for every divisor, rounded; 0 for a divisor of 0.
    const fn ratios(numerator: i32, times: i32) -> [i32; 256] {
        let mut table = [0; 256];
        let mut i = 1;
        while i < 256 {
            let divisor = i as i32 * times;
            table[i] = ((numerator << (SHIFT + 1)) + divisor) / (2 * divisor);
            i += 1;
        }
        table
    }

    static SATURATION: [i32; 256] = ratios(255, 1);
    static HUE: [i32; 256] = ratios(180, 6);

    /// Hue, saturation and value of red, green and blue, in fixed point.
    pub(in super::super) fn of([r, g, b]: [u8; 3]) -> [u8; 3] {
        let [r, g, b] = [r, g, b].map(i32::from);
        let high = r.max(g).max(b);
        let range = high - r.min(g).min(b);
        let saturation = (range * SATURATION[high as usize] + HALF) >> SHIFT;
        let part = if high == r {
            g - b
        } else if high == g {
            b - r + 2 * range
        } else {
            r - g + 4 * range
        };
        let hue = (part * HUE[range as usize] + HALF) >> SHIFT;
        let hue = if hue < 0 { hue + 180 } else { hue };
        [hue, saturation, high].map(|v| v.clamp(0, 255) as u8)
    }

    /// Red, green and blue of a hue, a saturation and a value, to the nearest level: in OpenCV's order of
    /// operations, on which ties depend.
    pub(in super::super) fn rgb([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
        const UNIT: f32 = 1.0 / 255.0;
        const SIXTH: f32 = 6.0 / 180.0;
        let (s, v) = (f32::from(saturation) * UNIT, f32::from(value) * UNIT);
        let sixths = f32::from(hue) * SIXTH;
        let sector = super::floor(sixths);
        let part = sixths - sector;
        let (low, falling, rising) = (
            v * (1.0 - s),
            v * (1.0 - s * part),
            v * (1.0 - s * (1.0 - part)),
        );
        let rgb = match sector as u8 {
            0 => [v, rising, low],
            1 => [falling, v, low],
            2 => [low, v, rising],
            3 => [low, falling, v],
            4 => [rising, low, v],
            _ => [v, low, falling],
        };
        rgb.map(level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_of_the_circle_are_where_they_belong() {
        let hue = |rgb| Hsv::of(rgb).hue;
        assert_eq!(hue([1.0, 0.0, 0.0]), 0.0);
        assert!((hue([0.0, 0.7, 0.0]) - 1.0 / 3.0).abs() < 1e-7);
        assert!((hue([0.1, 0.1, 0.9]) - 2.0 / 3.0).abs() < 1e-7);
        assert_eq!(Hsv::of([0.3; 3]).saturation, 0.0);
        assert_eq!(Hsv::of([0.0; 3]).rgb(), [0.0; 3]);
    }

    #[test]
    fn a_colour_comes_back() {
        for i in 0..1_000_u32 {
            let rgb = [7, 13, 29].map(|k| (i * k % 101) as f32 / 100.0);
            let back = Hsv::of(rgb).rgb();
            for (a, b) in rgb.iter().zip(back) {
                assert!((a - b).abs() < 6e-7, "{rgb:?} {back:?}");
            }
        }
    }
}
