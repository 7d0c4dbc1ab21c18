//! Moments.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since the beginning of 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// The present one by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let since = since.unwrap_or(Duration::ZERO).as_millis();
        Self(u64::try_from(since).unwrap_or(u64::MAX))
    }

    /// Seconds since the beginning of 1970.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The moment so many seconds later; the same one for what is no number of seconds.
    pub(crate) fn after_seconds(self, seconds: f64) -> Self {
        // A conversion of floating point numbers that saturates, and makes 0 of NaN.
        Self(self.0.saturating_add((seconds * 1000.0).round() as u64))
    }

    /// As text, `2026-03-01T12:00:00Z` say (RFC 3339), whole seconds.
    ///
    /// The day is found as in Howard Hinnant, "chrono-compatible low-level date algorithms".
    ///
    /// ```
    /// assert_eq!(medtrain::provenance::Time(1_772_366_400_999).rfc3339(), "2026-03-01T12:00:00Z");
    /// ```
    #[must_use]
    pub fn rfc3339(self) -> String {
        let seconds = self.0 / 1000;
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        // Years that begin in March, in eras of 400 years, from the year 0 on.
        let day = days + 719_468;
        let (era, day) = (day / 146_097, day % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year + u64::from(month <= 2);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Time(1000 * seconds).rfc3339(), text);
        }
    }

    #[test]
    fn what_is_no_time_adds_nothing() {
        for seconds in [f64::NAN, -1.0, 0.0] {
            assert_eq!(Time(5).after_seconds(seconds), Time(5));
        }
        assert_eq!(Time(5).after_seconds(1.5), Time(1505));
    }
}
