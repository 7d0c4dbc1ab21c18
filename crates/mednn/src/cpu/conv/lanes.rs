//! Vectors of one instruction set under one interface, so that a register tile is written once.
#![expect(
    unsafe_code,
    reason = "vector instructions and raw loads, called by the register tiles alone"
)]

use crate::cpu::real::Real;

/// One vector register's worth of elements.
///
/// # Safety
/// Every method may be called only on a machine that has the instruction set, with pointers to at least `LEN` elements
/// (one for `splat`), aligned as an element.
pub(super) unsafe trait Lanes: Copy {
    type Element: Real;
    type Vector: Copy;
    /// Elements in a vector.
    const LEN: usize;

    unsafe fn zero() -> Self::Vector;
    unsafe fn splat(from: *const Self::Element) -> Self::Vector;
    unsafe fn load(from: *const Self::Element) -> Self::Vector;
    unsafe fn store(to: *mut Self::Element, vector: Self::Vector);
    /// `a * b + c`.
    unsafe fn multiply_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
}

/// Four elements that the compiler keeps in whatever registers the target has.
#[derive(Clone, Copy)]
pub(super) struct Portable<T>(std::marker::PhantomData<T>);

// SAFETY: plain loads and stores of `LEN` elements, no instruction set needed.
unsafe impl<T: Real> Lanes for Portable<T> {
    type Element = T;
    type Vector = [T; 4];
    const LEN: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> [T; 4] {
        [T::ZERO; 4]
    }

    #[inline(always)]
    unsafe fn splat(from: *const T) -> [T; 4] {
        // SAFETY: the caller passes a pointer to an element.
        [unsafe { *from }; 4]
    }

    #[inline(always)]
    unsafe fn load(from: *const T) -> [T; 4] {
        // SAFETY: the caller passes a pointer to `LEN` elements.
        unsafe { from.cast::<[T; 4]>().read() }
    }

    #[inline(always)]
    unsafe fn store(to: *mut T, vector: [T; 4]) {
        // SAFETY: the caller passes a pointer to `LEN` elements.
        unsafe { to.cast::<[T; 4]>().write(vector) };
    }

    #[inline(always)]
    unsafe fn multiply_add(a: [T; 4], b: [T; 4], c: [T; 4]) -> [T; 4] {
        [
            a[0] * b[0] + c[0],
            a[1] * b[1] + c[1],
            a[2] * b[2] + c[2],
            a[3] * b[3] + c[3],
        ]
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
        _mm256_storeu_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
        _mm512_storeu_ps,
    };

    use super::Lanes;

    /// AVX2 with fused multiply-add, eight f32.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2;

    // SAFETY: unaligned loads and stores of `LEN` elements; the tiles that use it are compiled for avx2 and fma.
    unsafe impl Lanes for Avx2 {
        type Element = f32;
        type Vector = __m256;
        const LEN: usize = 8;

        #[inline(always)]
        unsafe fn zero() -> __m256 {
            // SAFETY: the caller has the instruction set.
            unsafe { _mm256_setzero_ps() }
        }

        #[inline(always)]
        unsafe fn splat(from: *const f32) -> __m256 {
            // SAFETY: as above, and a pointer to an element.
            unsafe { _mm256_broadcast_ss(&*from) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m256 {
            // SAFETY: as above, and a pointer to `LEN` elements.
            unsafe { _mm256_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store(to: *mut f32, vector: __m256) {
            // SAFETY: as above, and a pointer to `LEN` elements.
            unsafe { _mm256_storeu_ps(to, vector) };
        }

        #[inline(always)]
        unsafe fn multiply_add(a: __m256, b: __m256, c: __m256) -> __m256 {
            // SAFETY: the caller has the instruction set.
            unsafe { _mm256_fmadd_ps(a, b, c) }
        }
    }

    /// AVX-512, sixteen f32.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512;

    // SAFETY: unaligned loads and stores of `LEN` elements; the tiles that use it are compiled for avx512f.
    unsafe impl Lanes for Avx512 {
        type Element = f32;
        type Vector = __m512;
        const LEN: usize = 16;

        #[inline(always)]
        unsafe fn zero() -> __m512 {
            // SAFETY: the caller has the instruction set.
            unsafe { _mm512_setzero_ps() }
        }

        #[inline(always)]
        unsafe fn splat(from: *const f32) -> __m512 {
            // SAFETY: as above, and a pointer to an element.
            unsafe { _mm512_set1_ps(*from) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m512 {
            // SAFETY: as above, and a pointer to `LEN` elements.
            unsafe { _mm512_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store(to: *mut f32, vector: __m512) {
            // SAFETY: as above, and a pointer to `LEN` elements.
            unsafe { _mm512_storeu_ps(to, vector) };
        }

        #[inline(always)]
        unsafe fn multiply_add(a: __m512, b: __m512, c: __m512) -> __m512 {
            // SAFETY: the caller has the instruction set.
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};
