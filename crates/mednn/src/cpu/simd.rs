//! Runs a loop with the widest vector instructions of the machine it finds itself on.
//!
//! A kernel is an ordinary loop in a closure; the compiler vectorises one copy of it for each instruction set and
//! [`vectorize`] chooses at run time.
//! Rust never contracts `a * b + c` on its own, so all copies give the same bits.
//! Closures must be marked `#[inline(always)]`, and so must every function they call in the loop.
#![expect(
    unsafe_code,
    reason = "a function compiled for an instruction set may only be called where it exists"
)]

/// A set of vector instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// What every machine of the target has (SSE2 on x86-64, NEON on AArch64).
    Baseline,
    /// AVX2, 256 bits.
    Avx2,
    /// AVX-512 F, BW, DQ and VL, 512 bits.
    Avx512,
}

impl Level {
    /// The widest set this machine has.
    #[inline]
    #[must_use]
    pub fn native() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }
}

/// Runs `kernel` compiled for the widest instruction set of this machine.
///
/// ```
/// use mednn::cpu::simd::vectorize;
///
/// let mut values = [1.0_f32, -2.0, 3.0];
/// vectorize(#[inline(always)] || {
///     for value in &mut values {
///         *value = value.max(0.0);
///     }
/// });
/// assert_eq!(values, [1.0, 0.0, 3.0]);
/// ```
#[inline]
pub fn vectorize<R>(kernel: impl FnOnce() -> R) -> R {
    vectorize_at(Level::native(), kernel)
}

/// As [`vectorize`], with at most the instructions of `level`.
#[inline]
pub fn vectorize_at<R>(level: Level, kernel: impl FnOnce() -> R) -> R {
    match level.min(Level::native()) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level is at most the one detected on this machine.
        Level::Avx512 => unsafe { avx512(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level is at most the one detected on this machine.
        Level::Avx2 => unsafe { avx2(kernel) },
        _ => kernel(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn avx512<R>(kernel: impl FnOnce() -> R) -> R {
    kernel()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2<R>(kernel: impl FnOnce() -> R) -> R {
    kernel()
}
