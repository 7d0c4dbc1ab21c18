//! How often a request that failed in passing is sent again.

use std::time::Duration;

/// How often to send a request again that failed in passing, and how long to wait before.
///
/// Passing are status 408, 429 and 500 to 504, connections that were refused or broke, and silence. What would be done twice if it
/// is said twice (beginning a run, a version of a model) is sent again only if it was not heard at all. The wait doubles from
/// attempt to attempt; what the server asks for by `Retry-After` is kept to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retry {
    /// Attempts after the first; 4 unless set.
    pub attempts: u32,
    /// The first wait; half a second unless set.
    pub wait: Duration,
    /// The longest; a server that asks for a longer one is given up. 20 seconds unless set.
    pub longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 4,
            wait: Duration::from_millis(500),
            longest: Duration::from_secs(20),
        }
    }
}

impl Retry {
    /// One attempt only.
    #[must_use]
    pub fn none() -> Self {
        Self::default().with_attempts(0)
    }

    /// Sets the attempts after the first.
    #[must_use]
    pub fn with_attempts(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// Sets the first and the longest wait.
    #[must_use]
    pub fn with_waits(self, wait: Duration, longest: Duration) -> Self {
        Self {
            wait,
            longest,
            ..self
        }
    }

    /// How long to wait after an attempt, counted from zero; `None` to give up.
    pub(super) fn after(&self, attempt: u32, asked: Option<Duration>) -> Option<Duration> {
        if attempt >= self.attempts || asked.is_some_and(|asked| asked > self.longest) {
            return None;
        }
        let doubled = self
            .wait
            .saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX));
        Some(asked.unwrap_or_default().max(doubled.min(self.longest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end() {
        let retry = Retry::default();
        let waits: Vec<_> = (0..5)
            .map(|n| retry.after(n, None).map(|w| w.as_millis()))
            .collect();
        assert_eq!(waits, [Some(500), Some(1000), Some(2000), Some(4000), None]);
        let asked = |seconds| retry.after(0, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert_eq!(asked(21), None);
        assert_eq!(Retry::none().after(0, None), None);
        let long = Retry::default().with_attempts(80);
        assert_eq!(long.after(70, None), Some(long.longest));
    }
}
