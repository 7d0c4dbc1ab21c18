//! A measure over cases: its average, its spread and its worst case.

use serde::{Deserialize, Serialize};

use super::empty::Measured;
use crate::statistics::ExactSum;

/// The average of a measure, and what went into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Mean of the defined values; `None` without any. Infinite if one is.
    #[serde(with = "crate::number")]
    pub mean: Option<f64>,
    /// Median of the defined values, the mean of the middle two for an even number.
    #[serde(with = "crate::number")]
    pub median: Option<f64>,
    /// Standard deviation of the sample; `None` for fewer than two values.
    pub standard_deviation: Option<f64>,
    /// Number of defined values.
    pub n: usize,
    /// Number of results without a value: absent structures, or what the policy leaves out.
    pub n_undefined: usize,
    /// The case with the worst value; the first of equals.
    pub worst_case: Option<String>,
}

impl Summary {
    /// Sums up values by case; larger is better if `is_score`.
    pub fn of<'a>(values: impl IntoIterator<Item = (&'a str, Measured)>, is_score: bool) -> Self {
        let mut defined = Vec::new();
        let mut n_undefined = 0;
        let mut worst: Option<(&str, f64)> = None;
        for (case, measured) in values {
            let Some(value) = measured.value else {
                n_undefined += 1;
                continue;
            };
            let worse = |than: f64| if is_score { value < than } else { value > than };
            if worst.is_none_or(|(_, than)| worse(than)) {
                worst = Some((case, value));
            }
            defined.push(value);
        }
        let n = defined.len();
        let exact = |values: &mut dyn Iterator<Item = f64>| values.collect::<ExactSum>().value();
        let mean = (n > 0).then(|| exact(&mut defined.iter().copied()) / n as f64);
        let standard_deviation = mean.filter(|m| n > 1 && m.is_finite()).map(|mean| {
            let squares = exact(&mut defined.iter().map(|v| (v - mean) * (v - mean)));
            (squares / (n - 1) as f64).sqrt()
        });
        defined.sort_unstable_by(f64::total_cmp);
        let median = (n > 0).then(|| {
            let (low, high) = (defined[(n - 1) / 2], defined[n / 2]);
            if low == high { low } else { 0.5 * (low + high) }
        });
        let worst_case = worst.map(|(case, _)| case.to_owned());
        Self {
            mean,
            median,
            standard_deviation,
            n,
            n_undefined,
            worst_case,
        }
    }
}
