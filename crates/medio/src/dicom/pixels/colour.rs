//! Luminance and colour differences to red, green and blue (PS3.3 section C.7.6.3.1.2).

/// The inverse of the transform of ITU-T T.871: 8 bits in fixed point with 16 bits of fraction.
#[inline]
pub(super) fn rgb_of_ybr8([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + ((91881 * cr + HALF) >> 16);
    let green = y + ((-22554 * cb - 46802 * cr + HALF) >> 16);
    let blue = y + ((116130 * cb + HALF) >> 16);
    [red, green, blue].map(|v| v.clamp(0, 255) as u8)
}

/// The same for samples of up to 16 bits.
#[inline]
pub(super) fn rgb_of_ybr16([y, cb, cr]: [u16; 3], bits: u32) -> [u16; 3] {
    let middle = f64::from(1_u32 << (bits - 1));
    let largest = f64::from((1_u32 << bits) - 1);
    let (y, cb, cr) = (f64::from(y), f64::from(cb) - middle, f64::from(cr) - middle);
    let red = y + 1.402 * cr;
    let green = y - (0.114 * 1.772 * cb + 0.299 * 1.402 * cr) / 0.587;
    let blue = y + 1.772 * cb;
    [red, green, blue].map(|v| v.round().clamp(0.0, largest) as u16)
}

/// Television range in 8 bits: luminance 16 to 235, differences 16 to 240.
#[inline]
pub(super) fn rgb_of_partial8([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let y = (f64::from(y) - 16.0) * (255.0 / 219.0);
    let scale = 255.0 / 224.0;
    let (cb, cr) = (
        (f64::from(cb) - 128.0) * scale,
        (f64::from(cr) - 128.0) * scale,
    );
    let red = y + 1.402 * cr;
    let green = y - (0.114 * 1.772 * cb + 0.299 * 1.402 * cr) / 0.587;
    let blue = y + 1.772 * cb;
    [red, green, blue].map(|v| v.round().clamp(0.0, 255.0) as u8)
}

/// Native `YBR_FULL_422`, two luminances and one pair of differences, to three samples a pixel; rows of an
/// odd length end with a pair of their own.
pub(super) fn full_from_422(bytes: &[u8]) -> Vec<u8> {
    let groups = bytes.as_chunks::<4>().0.iter();
    groups
        .flat_map(|&[first, second, cb, cr]| [first, cb, cr, second, cb, cr])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_stays_grey_and_primaries_come_back() {
        for y in [0, 1, 127, 255] {
            assert_eq!(rgb_of_ybr8([y, 128, 128]), [y; 3]);
            assert_eq!(rgb_of_ybr16([y.into(), 128, 128], 8), [u16::from(y); 3]);
        }
        assert_eq!(rgb_of_ybr8([76, 85, 255]), [254, 0, 0]);
        assert_eq!(rgb_of_partial8([16, 128, 128]), [0; 3]);
        assert_eq!(rgb_of_partial8([235, 128, 128]), [255; 3]);
    }

    #[test]
    fn fixed_point_is_within_one_of_the_formula() {
        for y in (0..=255).step_by(15) {
            for cb in (0..=255).step_by(15) {
                for cr in (0..=255).step_by(15) {
                    let fixed = rgb_of_ybr8([y, cb, cr]).map(i32::from);
                    let exact = rgb_of_ybr16([y, cb, cr].map(u16::from), 8).map(i32::from);
                    let near = { fixed.iter().zip(exact) }.all(|(a, b)| (a - b).abs() <= 1);
                    assert!(near, "{y} {cb} {cr}: {fixed:?} {exact:?}");
                }
            }
        }
    }
}
