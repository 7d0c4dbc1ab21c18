//! Elementary functions in `f32` written so that the compiler vectorises them.
//!
//! They use additions, multiplications and square roots only, in a fixed order, so the bytes that come
//! out are the same on every platform; the system's `powf` and `sinf` are neither fast nor that.

use std::f32::consts::FRAC_PI_2;

use medcore::random::Random;

/// Adding and subtracting it rounds a number below 2^22 to the nearest whole one.
const ROUND: f32 = 12_582_912.0;

/// `base.powf(exponent)` for a base within 0 and 1 and a positive exponent; relative error below 3e-6.
#[inline(always)]
pub(crate) fn pow_unit(base: f32, exponent: f32) -> f32 {
    let power = exp2(exponent * log2(base));
    if base > 0.0 { power } else { 0.0 }
}

/// Logarithm to base 2 of a positive normal number.
#[inline(always)]
pub(crate) fn log2(x: f32) -> f32 {
    const HALF_SQRT: u32 = 0x3f35_04f3; // the bits of sqrt(1/2): mantissas run from it to sqrt(2)
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(HALF_SQRT) as i32) >> 23;
    let mantissa = f32::from_bits(bits.wrapping_sub((exponent as u32) << 23));
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let s = t * t;
    // 2 / ln 2 times the series of atanh; the next term is below 1e-9.
    let series = ((0.320_598_9 * s + 0.412_198_58) * s + 0.577_078) * s + 0.961_796_7;
    exponent as f32 + t * (series * s + 2.885_39)
}

/// Two to the power `x`, for `x` within -126 and 127; smaller ones give zero.
#[inline(always)]
pub(crate) fn exp2(x: f32) -> f32 {
    let rounded = x + ROUND;
    let f = x - (rounded - ROUND);
    // The Taylor series of 2^f on [-1/2, 1/2]; the next term is below 1e-8.
    let p = ((((0.000_154_035_3 * f + 0.001_333_355_8) * f + 0.009_618_129) * f + 0.055_504_11)
        * f
        + 0.240_226_5)
        * f
        + core::f32::consts::LN_2;
    // The low bits of the rounded number are the whole part: they become the exponent.
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23));
    let value = (p * f + 1.0) * power;
    if x > -126.0 { value } else { 0.0 }
}

/// `e` to the power `x`; infinite above 88.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let power = x * core::f32::consts::LOG2_E;
    let value = exp2(if power < 127.0 { power } else { 127.0 });
    if power < 127.0 {
        value
    } else {
        power * f32::MAX
    }
}

/// `ln(1 + e^x)`; absolute error below 2e-7.
#[inline(always)]
pub(crate) fn softplus(x: f32) -> f32 {
    let raised = if x > 0.0 { x } else { 0.0 };
<<<<<<< HEAD
    raised + ln(1.0 + exp2(-x.abs() * core::f32::consts::LOG2_E))
=======
    raised + ln(1.0 + exp(-x.abs()))
>>>>>>> w6
}

/// Natural logarithm of a positive normal number.
#[inline(always)]
fn ln(x: f32) -> f32 {
    log2(x) * core::f32::consts::LN_2
}

/// Sine and cosine of `turns` whole turns, for |turns| below 2^19; absolute error below 3e-7.
#[inline(always)]
fn sin_cos_turns(turns: f32) -> (f32, f32) {
    let quarters = turns * 4.0;
    let rounded = quarters + ROUND;
    let quadrant = rounded.to_bits() & 3;
    let x = (quarters - (rounded - ROUND)) * FRAC_PI_2;
    let s = x * x;
    let sin = x * (((-0.000_198_412_7 * s + 0.008_333_334) * s - 0.166_666_67) * s + 1.0);
    let cos = (((0.000_024_801_587 * s - 0.001_388_888_9) * s + 0.041_666_668) * s - 0.5) * s + 1.0;
    let (a, b) = if quadrant & 1 == 0 {
        (sin, cos)
    } else {
        (cos, sin)
    };
    // The sine is negative in the last two quadrants, the cosine in the middle two.
    let sin = f32::from_bits(a.to_bits() ^ ((quadrant & 2) << 30));
    let cos = f32::from_bits(b.to_bits() ^ (((quadrant + 1) & 2) << 30));
    (sin, cos)
}

/// Adds normal noise of standard deviation `sigma` (Box-Muller on 32-bit draws; up to 5.7 sigma).
pub(crate) fn add_normals(voxels: &mut [f32], sigma: f32, random: &mut Random) {
    const PAIRS: usize = 256;
    const UNIT: f32 = 1.0 / (1 << 24) as f32;
    let mut bits = [[0_u32; PAIRS]; 2];
    let mut normals = [[0.0_f32; PAIRS]; 2];
    for block in voxels.chunks_mut(2 * PAIRS) {
        for row in &mut bits {
            row.iter_mut().for_each(|b| *b = random.next_u32());
        }
        let [first, second] = &mut normals;
        for i in 0..PAIRS {
            let radius = (-2.0 * ln(((bits[0][i] >> 8) as i32 + 1) as f32 * UNIT)).sqrt() * sigma;
            let (sin, cos) = sin_cos_turns((bits[1][i] >> 8) as i32 as f32 * UNIT);
            first[i] = radius * cos;
            second[i] = radius * sin;
        }
        for (voxel, normal) in block.iter_mut().zip(normals.as_flattened()) {
            *voxel += normal;
        }
    }
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::*;

    #[test]
    fn powers_agree_with_double_precision() {
        for exponent in [0.5_f32, 0.7, 1.0, 1.37, 2.5] {
            for i in 0..=20_000 {
                let base = i as f32 / 20_000.0;
                let want = f64::from(base).powf(f64::from(exponent));
                let got = f64::from(pow_unit(base, exponent));
                assert!(
                    (got - want).abs() <= 3e-6 * want,
                    "{base}^{exponent}: {got} {want}"
                );
            }
        }
        assert_eq!(pow_unit(0.0, 0.7), 0.0);
        assert_eq!(pow_unit(1.0, 0.7), 1.0);
    }

    #[test]
    fn exponentials_and_softplus_agree_with_double_precision() {
        for i in -4_000..4_000 {
            let x = i as f32 / 200.0;
            let want = f64::from(x).exp();
            assert!((f64::from(exp(x)) - want).abs() <= 3e-6 * want, "{x}");
            let want = f64::from(x).exp().ln_1p();
            assert!(
                (f64::from(softplus(x)) - want).abs() <= 2e-7 * want.max(1.0),
                "{x}"
            );
        }
        assert_eq!((exp(-200.0), exp(200.0)), (0.0, f32::INFINITY));
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn sines_agree_with_double_precision() {
        for i in -4_000..8_000 {
            let turns = i as f32 / 4_000.0;
            let angle = f64::from(turns) * std::f64::consts::TAU;
            let (sin, cos) = sin_cos_turns(turns);
            assert!((f64::from(sin) - angle.sin()).abs() < 4e-7, "{turns}");
            assert!((f64::from(cos) - angle.cos()).abs() < 4e-7, "{turns}");
        }
    }

    #[test]
    fn added_noise_is_normal_in_every_place_of_a_block() {
        let mut voxels = vec![0.0_f32; 400_003];
        add_normals(&mut voxels, 2.0, &mut Key::new(1).stream("noise"));
        let n = voxels.len() as f64;
        let moment = |p: i32| {
            voxels
                .iter()
                .map(|&v| f64::from(v / 2.0).powi(p))
                .sum::<f64>()
                / n
        };
        assert!(moment(1).abs() < 0.005, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.01, "{}", moment(2));
        assert!(moment(3).abs() < 0.03, "{}", moment(3));
        assert!((moment(4) - 3.0).abs() < 0.06, "{}", moment(4));
        let beyond_two = voxels.iter().filter(|v| v.abs() > 4.0).count() as f64 / n;
        assert!((beyond_two - 0.0455).abs() < 0.002, "{beyond_two}");
        let neighbours: f64 = voxels
            .windows(2)
            .map(|w| f64::from(w[0] * w[1]) / 4.0)
            .sum::<f64>()
            / n;
        assert!(neighbours.abs() < 0.01, "{neighbours}");
    }
}
