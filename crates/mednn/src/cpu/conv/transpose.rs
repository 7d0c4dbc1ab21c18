//! Transposes a few rows of channels into pixels and back, in registers.
#![expect(
    unsafe_code,
    reason = "vector shuffles over raw pointers, called by `Kernels` alone"
)]

use crate::cpu::real::Real;

/// `to[column][row] = from[row][column]` for a block of rows and columns.
#[derive(Debug, Clone, Copy)]
pub(in crate::cpu) struct Transpose {
    pub(in crate::cpu) rows: usize,
    pub(in crate::cpu) columns: usize,
    /// Elements between the rows of the source.
    pub(in crate::cpu) from_pitch: usize,
    /// Elements between the columns in the destination.
    pub(in crate::cpu) to_pitch: usize,
    /// Elements written for each column, at least `rows`; those beyond are zero.
    pub(in crate::cpu) fill: usize,
}

/// A transpose of one instruction set, without checks.
pub(in crate::cpu) type TransposeFn<T> = unsafe fn(*const T, *mut T, &Transpose);

impl Transpose {
    /// Asserts that slices of these lengths are long enough.
    pub(in crate::cpu) fn check(&self, from: usize, to: usize) {
        self.check_source(from);
        if self.columns > 0 {
            assert!(
                (self.columns - 1) * self.to_pitch + self.fill <= to,
                "the destination holds the columns"
            );
        }
    }

    /// Asserts that a source of this length is long enough.
    pub(in crate::cpu) fn check_source(&self, from: usize) {
        assert!(self.rows <= self.fill, "every row is written");
        if self.rows > 0 && self.columns > 0 {
            assert!(
                (self.rows - 1) * self.from_pitch + self.columns <= from,
                "the source holds the rows"
            );
        }
    }
}

pub(in crate::cpu) unsafe fn portable<T: Real>(from: *const T, to: *mut T, shape: &Transpose) {
    for column in 0..shape.columns {
        for row in 0..shape.fill {
            // SAFETY: the caller has checked that `from` holds `rows` of `columns` and `to` holds `columns` of `fill`.
            unsafe {
                *to.add(column * shape.to_pitch + row) = if row < shape.rows {
                    *from.add(row * shape.from_pitch + column)
                } else {
                    T::ZERO
                };
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
pub(in crate::cpu) unsafe fn avx2(from: *const f32, to: *mut f32, shape: &Transpose) {
    // SAFETY: the caller's promise; the loop is plain Rust compiled for this instruction set.
    unsafe { portable(from, to, shape) };
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
pub(in crate::cpu) unsafe fn avx512(from: *const f32, to: *mut f32, shape: &Transpose) {
    use std::arch::x86_64::{
        __m512, _mm512_castpd_ps, _mm512_castps_pd, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps,
        _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_unpackhi_pd, _mm512_unpackhi_ps,
        _mm512_unpacklo_pd, _mm512_unpacklo_ps,
    };
    const SIDE: usize = 16;
    let mask = |count: usize| -> u16 {
        if count >= SIDE {
            u16::MAX
        } else {
            (1 << count) - 1
        }
    };

    for row in (0..shape.fill).step_by(SIDE) {
        let rows = shape.rows.saturating_sub(row).min(SIDE);
        let store = mask(shape.fill - row);
        for column in (0..shape.columns).step_by(SIDE) {
            let columns = (shape.columns - column).min(SIDE);
            let load = mask(columns);
            let mut r = [_mm512_setzero_ps(); SIDE];
            // SAFETY: row + i < rows and the mask ends at the last column, which the caller has checked to be in the source.
            unsafe {
                let start = from.wrapping_add(row * shape.from_pitch + column);
                for (i, vector) in r.iter_mut().enumerate() {
                    if i < rows {
                        *vector = _mm512_maskz_loadu_ps(load, start.add(i * shape.from_pitch));
                    }
                }
            }
            // Pairs of rows, then fours: u[4 g + c] holds columns c, c + 4, c + 8, c + 12 of rows 4 g .. 4 g + 4.
            let mut u = [_mm512_setzero_ps(); SIDE];
            for g in 0..4 {
                let low01 = _mm512_castps_pd(_mm512_unpacklo_ps(r[4 * g], r[4 * g + 1]));
                let high01 = _mm512_castps_pd(_mm512_unpackhi_ps(r[4 * g], r[4 * g + 1]));
                let low23 = _mm512_castps_pd(_mm512_unpacklo_ps(r[4 * g + 2], r[4 * g + 3]));
                let high23 = _mm512_castps_pd(_mm512_unpackhi_ps(r[4 * g + 2], r[4 * g + 3]));
                u[4 * g] = _mm512_castpd_ps(_mm512_unpacklo_pd(low01, low23));
                u[4 * g + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low01, low23));
                u[4 * g + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high01, high23));
                u[4 * g + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high01, high23));
            }
            let mut out: [__m512; SIDE] = [_mm512_setzero_ps(); SIDE];
            for c in 0..4 {
                let even01 = _mm512_shuffle_f32x4::<0x88>(u[c], u[4 + c]);
                let odd01 = _mm512_shuffle_f32x4::<0xdd>(u[c], u[4 + c]);
                let even23 = _mm512_shuffle_f32x4::<0x88>(u[8 + c], u[12 + c]);
                let odd23 = _mm512_shuffle_f32x4::<0xdd>(u[8 + c], u[12 + c]);
                out[c] = _mm512_shuffle_f32x4::<0x88>(even01, even23);
                out[4 + c] = _mm512_shuffle_f32x4::<0x88>(odd01, odd23);
                out[8 + c] = _mm512_shuffle_f32x4::<0xdd>(even01, even23);
                out[12 + c] = _mm512_shuffle_f32x4::<0xdd>(odd01, odd23);
            }
            // SAFETY: column + i < columns and the mask ends at `fill`, which the caller has checked or promised.
            unsafe {
                let start = to.add(column * shape.to_pitch + row);
                for (i, vector) in out.iter().enumerate() {
                    if i < columns {
                        _mm512_mask_storeu_ps(start.add(i * shape.to_pitch), store, *vector);
                    }
                }
            }
        }
    }
}
