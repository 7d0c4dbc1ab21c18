//! When and how often a request that failed in passing is sent again.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, SystemTime};

use medcore::random::Key;

/// How often to send a request again that failed in passing, and how long to wait before.
///
/// Passing are status 408, 429, 502, 503 and 504, connections that were refused or broke, and single reads that
/// took too long. All requests are sent again, storing too: the UID of an instance makes a second copy of it
/// the first one. The wait doubles from attempt to attempt, shortened by chance to between half and all of it
/// so that many clients do not come back together; a `Retry-After` of the server is kept to.
///
/// ```
/// use std::time::Duration;
/// use medio::dicomweb::Retry;
///
/// let patient = Retry::new(8).base(Duration::from_millis(500)).longest(Duration::from_secs(120));
/// ```
#[derive(Debug, Clone)]
pub struct Retry {
    retries: u32,
    base: Duration,
    longest: Duration,
    seed: Option<u64>,
}

/// Three retries, the first after a quarter of a second, none after more than 30.
impl Default for Retry {
    fn default() -> Self {
        Self::new(3)
    }
}

impl Retry {
    /// So many attempts after the first; waits start at a quarter of a second and end at 30.
    #[must_use]
    pub fn new(retries: u32) -> Self {
        Self {
            retries,
            base: Duration::from_millis(250),
            longest: Duration::from_secs(30),
            seed: None,
        }
    }

    /// One attempt only.
    #[must_use]
    pub fn none() -> Self {
        Self::new(0)
    }

    /// Waits so long before the first retry.
    #[must_use]
    pub fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Never waits longer than this; a server that asks for more is not asked again.
    #[must_use]
    pub fn longest(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Makes the waits the same in every run.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// With a seed of its own if it was given none.
    pub(super) fn seeded(mut self) -> Self {
        self.seed = self.seed.or_else(|| Some(RandomState::new().hash_one(0)));
        self
    }

    /// The wait before a retry; none if there is none. Attempts and requests count from 0.
    pub(super) fn wait(
        &self,
        attempt: u32,
        request: u64,
        asked: Option<Duration>,
    ) -> Option<Duration> {
        if attempt >= self.retries || asked.is_some_and(|asked| asked > self.longest) {
            return None;
        }
        let doubled = self
            .base
            .saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX));
        let key = Key::new(self.seed.unwrap_or(0)).fork("retry", request);
        let chance = key.fork("attempt", attempt.into()).stream("wait").uniform();
        let shortened = doubled.min(self.longest).mul_f64(0.5 + 0.5 * chance);
        Some(
            asked
                .unwrap_or(Duration::ZERO)
                .max(shortened)
                .min(self.longest),
        )
    }
}

/// Seconds or a date (RFC 9110 section 10.2.3); a date that has passed is no wait.
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_within_half_and_end() {
        let retry = Retry::new(40).base(Duration::from_secs(1)).seed(3);
        for attempt in 0..40 {
            let whole = Duration::from_secs(1 << attempt.min(5)).min(Duration::from_secs(30));
            let wait = retry.wait(attempt, 7, None).unwrap();
            assert!(wait >= whole / 2 && wait <= whole, "{attempt}: {wait:?}");
            assert_eq!(retry.wait(attempt, 7, None), Some(wait));
        }
        assert_ne!(retry.wait(0, 1, None), retry.wait(0, 2, None));
        assert_eq!(retry.wait(40, 7, None), None);
        assert_eq!(Retry::none().wait(0, 0, None), None);
    }

    #[test]
    fn what_the_server_asks_for_is_kept_to_or_given_up() {
        let retry = Retry::new(1).seed(3);
        let asked = |seconds| retry.wait(0, 0, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert_eq!(asked(31), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let read = |text| retry_after(text, now).map(|d| d.as_secs());
        assert_eq!(read(" 120 "), Some(120));
        assert_eq!(read("99999999999999999999999"), Some(u64::MAX));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:27 GMT"), Some(0));
        for text in ["", "-1", "1.5", "soon"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
