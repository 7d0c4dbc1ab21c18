//! Wilson's score interval of an observed share.

use crate::estimate::{Confidence, Interval, IntervalMethod};
use crate::statistics::distribution::normal_quantile;

/// The interval; `None` of nothing.
pub(crate) fn interval(positives: u64, count: u64, confidence: Confidence) -> Option<Interval> {
    if count == 0 {
        return None;
    }
    let (n, share) = (count as f64, positives as f64 / count as f64);
    let z = normal_quantile(1.0 - confidence.tail());
    let denominator = 1.0 + z * z / n;
    let centre = (share + z * z / (2.0 * n)) / denominator;
    let half = z / denominator * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let clamped = |end: f64| end.clamp(0.0, 1.0);
    Some(Interval {
        low: if positives == 0 {
            0.0
        } else {
            clamped(centre - half)
        },
        high: if positives == count {
            1.0
        } else {
            clamped(centre + half)
        },
        confidence,
        method: IntervalMethod::Wilson,
    })
}
