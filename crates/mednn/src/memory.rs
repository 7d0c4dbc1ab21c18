//! How much memory a piece of work (a training step, say) takes at most, as the operating system counts it.
//!
//! On Linux the high-water mark of resident memory is reset through `/proc/self/clear_refs` and read from
//! `/proc/self/status` (proc(5)); where that is not permitted, and on other systems, there is no figure.

use std::fs;

/// Resident memory of the whole process around a piece of work, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeakMemory {
    /// When the work began: the program, the weights, and what the allocator holds back for reuse.
    pub before: u64,
    /// The most at any time until the work was done.
    pub peak: u64,
}

impl PeakMemory {
    /// What the work added at its peak.
    ///
    /// Memory that the allocator held back before and hands out again is not seen: measure the first step of a run, or a later
    /// one by its [`PeakMemory::peak`].
    #[must_use]
    pub fn growth(&self) -> u64 {
        self.peak.saturating_sub(self.before)
    }
}

/// Does some work and says how much memory the process had at most meanwhile; `None` where the system does not tell.
///
/// Everything the process does counts, on whatever thread. Two measurements at a time disturb each other.
///
/// ```
/// use mednn::memory::measure_peak;
///
/// let (sum, peak) = measure_peak(|| vec![1_u64; 4 << 20].iter().sum::<u64>());
/// assert_eq!(sum, 4 << 20);
/// if let Some(peak) = peak {
///     assert!(peak.peak >= peak.before);
/// }
/// ```
pub fn measure_peak<R>(work: impl FnOnce() -> R) -> (R, Option<PeakMemory>) {
    let before = reset_peak();
    let result = work();
    let measured = before.zip(status_bytes("VmHWM"));
    let measured = measured.map(|(before, peak)| PeakMemory { before, peak });
    (result, measured)
}

/// Makes the high-water mark the present size, which it returns.
fn reset_peak() -> Option<u64> {
    /// The kernel counts pages by thread and adds them up now and then.
    const INEXACT: u64 = 4 << 20;
    fs::write("/proc/self/clear_refs", "5").ok()?;
    let (mark, now) = (status_bytes("VmHWM")?, status_bytes("VmRSS")?);
    // A kernel of a sandbox may take the request without acting on it.
    (mark <= now + INEXACT).then_some(mark)
}

/// A field of `/proc/self/status`, which gives kibibytes.
fn status_bytes(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes = line.strip_prefix(':')?.trim().strip_suffix("kB")?;
    kibibytes.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_given_back_before_the_end_counts() {
        let touched = 256 << 20;
        let (last, peak) = measure_peak(|| {
            let values: Vec<u8> = (0..touched).map(|i| (i >> 12) as u8).collect();
            std::hint::black_box(&values).last().copied()
        });
        assert_eq!(last, Some(0xff));
        let Some(peak) = peak else {
            eprintln!("the system does not tell the peak: passed over");
            return;
        };
        // Other tests run beside this one.
        assert!(peak.growth() >= touched / 2, "{peak:?}");
    }

    #[test]
    fn fields_that_do_not_exist_are_none() {
        assert_eq!(status_bytes("VmNothing"), None);
        assert_eq!(status_bytes("Vm"), None);
    }
}
