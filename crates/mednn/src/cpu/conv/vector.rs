//! A few elements that are added, subtracted and multiplied together: arrays of a vector's length, which the compiler keeps in registers.

use crate::cpu::real::Real;

/// Elements of a vector register.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pack<T, const N: usize>([T; N]);

impl<T: Real, const N: usize> Pack<T, N> {
    /// The first elements of a slice.
    #[inline(always)]
    pub(super) fn load(from: &[T]) -> Self {
        let mut values = [T::ZERO; N];
        values.copy_from_slice(&from[..N]);
        Self(values)
    }

    /// Of the first `2 N` elements those at even and those at odd places.
    #[inline(always)]
    pub(super) fn load_pairs(from: &[T]) -> (Self, Self) {
        let from = &from[..2 * N];
        let (mut even, mut odd) = ([T::ZERO; N], [T::ZERO; N]);
        for i in 0..N {
            even[i] = from[2 * i];
            odd[i] = from[2 * i + 1];
        }
        (Self(even), Self(odd))
    }

    /// Writes to the beginning of a slice.
    #[inline(always)]
    pub(super) fn store(self, to: &mut [T]) {
        to[..N].copy_from_slice(&self.0);
    }

    #[inline(always)]
    pub(super) fn zero() -> Self {
        Self([T::ZERO; N])
    }

    #[inline(always)]
    pub(super) fn times(self, other: Self) -> Self {
        let mut product = self.0;
        for (a, b) in product.iter_mut().zip(other.0) {
            *a = *a * b;
        }
        Self(product)
    }

    #[inline(always)]
    pub(super) fn plus(self, other: Self) -> Self {
        let mut sum = self.0;
        for (a, b) in sum.iter_mut().zip(other.0) {
            *a += b;
        }
        Self(sum)
    }

    #[inline(always)]
    pub(super) fn minus(self, other: Self) -> Self {
        let mut difference = self.0;
        for (a, b) in difference.iter_mut().zip(other.0) {
            *a = *a - b;
        }
        Self(difference)
    }

    /// Half of every element.
    #[inline(always)]
    pub(super) fn half(self) -> Self {
        let half = T::from_f64(0.5);
        let mut halves = self.0;
        for a in &mut halves {
            *a = *a * half;
        }
        Self(halves)
    }
}
