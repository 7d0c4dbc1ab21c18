//! The inverse transform in integers (Loeffler, Ligtenberg, Moschytz 1989; 13 bits of fraction).
//!
//! The order of operations and the rounding are those of the reference implementation's accurate method,
//! so that samples agree with its to the bit.

use super::dct::Sample;

const BITS: u32 = 13;

/// Square roots and cosines, times 2^13.
const F_0_298: i32 = 2446;
const F_0_390: i32 = 3196;
const F_0_541: i32 = 4433;
const F_0_765: i32 = 6270;
const F_0_899: i32 = 7373;
const F_1_175: i32 = 9633;
const F_1_501: i32 = 12299;
const F_1_847: i32 = 15137;
const F_1_961: i32 = 16069;
const F_2_053: i32 = 16819;
const F_2_562: i32 = 20995;
const F_3_072: i32 = 25172;

#[inline]
fn mul(a: i32, b: i32) -> i32 {
    a.wrapping_mul(b)
}

#[inline]
fn add(a: i32, b: i32) -> i32 {
    a.wrapping_add(b)
}

#[inline]
fn sub(a: i32, b: i32) -> i32 {
    a.wrapping_sub(b)
}

/// Eight coefficients to eight samples, scaled by 2^13 and shifted down by `shift` with rounding.
#[inline]
fn inverse8([x0, x1, x2, x3, x4, x5, x6, x7]: [i32; 8], shift: u32) -> [i32; 8] {
    // Even part.
    let z1 = mul(add(x2, x6), F_0_541);
    let t2 = sub(z1, mul(x6, F_1_847));
    let t3 = add(z1, mul(x2, F_0_765));
    let t0 = add(x0, x4).wrapping_shl(BITS);
    let t1 = sub(x0, x4).wrapping_shl(BITS);
    let (e0, e3) = (add(t0, t3), sub(t0, t3));
    let (e1, e2) = (add(t1, t2), sub(t1, t2));
    // Odd part.
    let z5 = mul(add(add(x7, x3), add(x5, x1)), F_1_175);
    let z1 = mul(add(x7, x1), -F_0_899);
    let z2 = mul(add(x5, x3), -F_2_562);
    let z3 = add(mul(add(x7, x3), -F_1_961), z5);
    let z4 = add(mul(add(x5, x1), -F_0_390), z5);
    let o0 = add(mul(x7, F_0_298), add(z1, z3));
    let o1 = add(mul(x5, F_2_053), add(z2, z4));
    let o2 = add(mul(x3, F_3_072), add(z2, z3));
    let o3 = add(mul(x1, F_1_501), add(z1, z4));
    let round = 1 << (shift - 1);
    let down = |v: i32| add(v, round) >> shift;
    [
        down(add(e0, o3)),
        down(add(e1, o2)),
        down(add(e2, o1)),
        down(add(e3, o0)),
        down(sub(e3, o0)),
        down(sub(e2, o1)),
        down(sub(e1, o2)),
        down(sub(e0, o3)),
    ]
}

#[inline]
fn transpose(block: &[[i32; 8]; 8]) -> [[i32; 8]; 8] {
    let mut out = [[0; 8]; 8];
    for (r, row) in block.iter().enumerate() {
        for (place, value) in out.iter_mut().zip(row) {
            if let Some(place) = place.get_mut(r) {
                *place = *value;
            }
        }
    }
    out
}

/// Writes the samples of a block into a plane of the given row length.
#[inline]
pub(super) fn inverse<S: Sample>(
    block: &mut [i32; 64],
    flat: bool,
    plane: &mut [S],
    stride: usize,
) {
    let rows = plane
        .chunks_mut(stride)
        .filter_map(|row| row.first_chunk_mut::<8>());
    if flat {
        let [mean, ..] = *block;
        // What both passes make of a lone mean.
        let once = mean.wrapping_shl(S::PASS_BITS);
        let shift = S::PASS_BITS + 3;
        let value = S::raise(add(once, 1 << (shift - 1)) >> shift);
        rows.take(8).for_each(|row| row.fill(value));
        return;
    }
    let (chunks, _) = block.as_chunks::<8>();
    let mut matrix = [[0; 8]; 8];
    for (place, chunk) in matrix.iter_mut().zip(chunks) {
        *place = *chunk;
    }
    let mut columns = transpose(&matrix);
    for column in &mut columns {
        *column = inverse8(*column, BITS - S::PASS_BITS);
    }
    let half = transpose(&columns);
    for (row, place) in half.into_iter().zip(rows) {
        let values = inverse8(row, BITS + S::PASS_BITS + 3);
        *place = values.map(S::raise);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition (T.81 section A.3.3).
    fn definition(block: &[i32; 64]) -> [f64; 64] {
        use std::f64::consts::PI;
        let norm = |k: usize| if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
        std::array::from_fn(|place| {
            let (y, x) = (place / 8, place % 8);
            let mut sum = 0.0;
            for (at, &value) in block.iter().enumerate() {
                let (v, u) = (at / 8, at % 8);
                let wave = |k: usize, p: usize| ((2 * p + 1) as f64 * k as f64 * PI / 16.0).cos();
                sum += norm(u) * norm(v) * f64::from(value) * wave(u, x) * wave(v, y) / 4.0;
            }
            sum
        })
    }

    #[test]
    fn blocks_are_within_one_of_the_definition() {
        let mut state = 7_u32;
        for round in 0..50 {
            let mut block = [0_i32; 64];
            for (at, place) in block.iter_mut().enumerate() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if at == 0 || state.is_multiple_of(4) && round > 0 {
                    *place = (state >> 16) as i32 % 200 - 100;
                }
            }
            let want = definition(&block);
            let (mut narrow, mut wide) = ([0_u8; 64], [0_u16; 64]);
            inverse::<u8>(&mut block.clone(), round == 0, &mut narrow, 8);
            inverse::<u16>(&mut block, round == 0, &mut wide, 8);
            for ((n, w), want) in narrow.iter().zip(&wide).zip(want) {
                let clamped = (want + 128.0).clamp(0.0, 255.0);
                assert!((f64::from(*n) - clamped).abs() < 1.0, "{n} {want}");
                assert!((f64::from(*w) - 2048.0 - want).abs() < 1.0, "{w} {want}");
            }
        }
    }
}
