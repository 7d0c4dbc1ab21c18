//! Code for the processor at hand.
#![allow(
    unsafe_code,
    reason = "calls a function for which the processor was asked"
)]

/// Runs a closure compiled for the bit instructions of x86-64-v3 (BMI1 and BMI2) where the processor has them.
///
/// The closure, and what it calls, has to be inlined to be compiled so.
///
/// ```
/// let bits = medcore::cpu::with_bit_instructions(|| 0b1011_u64.count_ones());
/// assert_eq!(bits, 3);
/// ```
#[inline]
pub fn with_bit_instructions<R>(run: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "bmi1,bmi2,lzcnt,popcnt")]
        fn inner<R>(run: impl FnOnce() -> R) -> R {
            run()
        }
        let has_all = std::arch::is_x86_feature_detected!("bmi1")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("lzcnt")
            && std::arch::is_x86_feature_detected!("popcnt");
        if has_all {
            // SAFETY: the processor has all of these instructions.
            return unsafe { inner(run) };
        }
    }
    run()
}

/// Work that [`with_wide_vectors`] compiles twice.
pub trait Work {
    /// What comes of it.
    type Output;

    /// Does it; has to be marked `#[inline(always)]`, which a closure cannot be.
    fn run(self) -> Self::Output;
}

/// Does work compiled for the 256-bit vectors of AVX2 where the processor has them; no sum or
/// product is fused, so that the result is the same without.
#[inline]
pub fn with_wide_vectors<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn inner<W: Work>(work: W) -> W::Output {
            work.run()
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has these instructions.
            return unsafe { inner(work) };
        }
    }
    work.run()
}
