//! Intervals of the difference of two proportions, of separate groups and of the same cases.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::{bisect, normal_quantile};
use crate::statistics::proportion::{Proportion, wilson};

/// How the interval of a difference of two independent proportions is found.
///
/// The values are those of statsmodels' `confint_proportions_2indep`, but for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DifferenceInterval {
    /// Normal approximation with separate variances: covers too little for small groups.
    Wald,
    /// One success and one failure added to each group (A. Agresti and B. Caffo, The American Statistician
    /// 54, 2000).
    AgrestiCaffo,
    /// Wilson's intervals combined (R. Newcombe, Statistics in Medicine 17, 1998, method 10): close to the
    /// stated confidence, above it (99 % for 95 %) for small groups with shares near 0 or 1.
    #[default]
    Newcombe,
    /// The differences that a score test does not refuse (O. Miettinen and M. Nurminen, Statistics in
    /// Medicine 4, 1985): close to the stated confidence, above it for shares near 0 and 1. statsmodels 0.15
    /// gives other ends (0.0526 instead of 0.0528 for 56 of 70 against 48 of 80), because a coefficient of
    /// its equation holds a number of successes instead of a group's size.
    MiettinenNurminen,
}

impl DifferenceInterval {
    /// The first proportion minus the second one, with its interval; undefined if a group has no trials.
    ///
    /// ```
    /// use medmetrics::Confidence;
    /// use medmetrics::statistics::{DifferenceInterval, Proportion};
    ///
    /// let [with, without] = [Proportion::new(56, 70)?, Proportion::new(48, 80)?];
    /// let gain = DifferenceInterval::Newcombe.estimate(with, without, Confidence::default(), "gain");
    /// let interval = gain.interval.expect("an interval");
    /// assert!((interval.low - 0.0524).abs() < 1e-4 && (interval.high - 0.3339).abs() < 1e-4);
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    #[must_use]
    pub fn estimate(
        self,
        first: Proportion,
        second: Proportion,
        confidence: Confidence,
        convention: impl Into<String>,
    ) -> Estimate {
        let trials = first.trials().saturating_add(second.trials());
        let (Some(p1), Some(p2)) = (first.value(), second.value()) else {
            return Estimate::undefined(trials, convention);
        };
        let z = -normal_quantile(confidence.tail());
        let difference = p1 - p2;
        let [low, high] = match self {
            Self::Wald => {
                let variance =
                    variance(p1, first.trials() as f64) + variance(p2, second.trials() as f64);
                let half = z * variance.sqrt();
                [difference - half, difference + half]
            }
            Self::AgrestiCaffo => {
                let groups = [first, second].map(|group| {
                    let trials = group.trials() as f64 + 2.0;
                    ((group.successes() as f64 + 1.0) / trials, trials)
                });
                let [a, b] = groups;
                let half = z * (variance(a.0, a.1) + variance(b.0, b.1)).sqrt();
                [a.0 - b.0 - half, a.0 - b.0 + half]
            }
            Self::Newcombe => square_and_add([p1, p2], [wilson(first, z), wilson(second, z)], 0.0),
            Self::MiettinenNurminen => {
                let score = |difference| score_of_difference(first, second, difference);
                score_ends(score, difference, z)
            }
        };
        let interval = Interval {
            low: low.max(-1.0),
            high: high.min(1.0),
            confidence,
            method: match self {
                Self::Wald => IntervalMethod::Normal,
                Self::AgrestiCaffo => IntervalMethod::AgrestiCaffo,
                Self::Newcombe => IntervalMethod::Newcombe,
                Self::MiettinenNurminen => IntervalMethod::MiettinenNurminen,
            },
        };
        Estimate::new(difference, trials, convention).with_interval(interval)
    }
}

/// Two yes-or-no answers to the same cases, counted: two readers, a model before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairedCounts {
    /// Cases with success of both.
    pub both: u64,
    /// Cases with success of the first only.
    pub first_only: u64,
    /// Cases with success of the second only.
    pub second_only: u64,
    /// Cases with success of neither.
    pub neither: u64,
}

impl PairedCounts {
    /// Counts the outcomes of the same cases.
    ///
    /// # Errors
    /// Refuses lists of different lengths.
    pub fn of(first: &[bool], second: &[bool]) -> Result<Self> {
        if first.len() != second.len() {
            return Err(Error::Length {
                what: "the second list of outcomes",
                got: second.len(),
                against: "the first one",
                expected: first.len(),
            });
        }
        let mut counts = Self::default();
        for (&first, &second) in first.iter().zip(second) {
            *match (first, second) {
                (true, true) => &mut counts.both,
                (true, false) => &mut counts.first_only,
                (false, true) => &mut counts.second_only,
                (false, false) => &mut counts.neither,
            } += 1;
        }
        Ok(counts)
    }

    /// Number of cases.
    #[must_use]
    pub fn cases(&self) -> u64 {
        [self.first_only, self.second_only, self.neither]
            .into_iter()
            .fold(self.both, u64::saturating_add)
    }

    /// The first proportion minus the second one, with its interval; undefined without cases.
    ///
    /// ```
    /// use medmetrics::Confidence;
    /// use medmetrics::statistics::{PairedCounts, PairedDifferenceInterval};
    ///
    /// // Airway reactivity of 21 children before and after transplantation (Fagerland et al., 2014).
    /// let counts = PairedCounts { both: 1, first_only: 1, second_only: 7, neither: 12 };
    /// let tango = PairedDifferenceInterval::Tango;
    /// let interval = counts.difference(tango, Confidence::default(), "change").interval;
    /// let interval = interval.expect("an interval");
    /// assert!((interval.low + 0.517).abs() < 5e-4 && (interval.high + 0.026).abs() < 5e-4);
    /// ```
    #[must_use]
    pub fn difference(
        &self,
        method: PairedDifferenceInterval,
        confidence: Confidence,
        convention: impl Into<String>,
    ) -> Estimate {
        let cases = self.cases();
        if cases == 0 {
            return Estimate::undefined(0, convention);
        }
        let n = cases as f64;
        let [first, second] = [self.first_only as f64, self.second_only as f64];
        let difference = (first - second) / n;
        let z = -normal_quantile(confidence.tail());
        let [low, high] = match method {
            PairedDifferenceInterval::Wald => {
                let variance = (first + second) / n - difference * difference;
                let half = z * (variance.max(0.0) / n).sqrt();
                [difference - half, difference + half]
            }
            PairedDifferenceInterval::Newcombe => {
                let marginals = [self.first_only, self.second_only]
                    .map(|only| Proportion::of_counts(self.both.saturating_add(only), cases));
                let shares = marginals.map(|m| m.successes() as f64 / n);
                square_and_add(shares, marginals.map(|m| wilson(m, z)), self.correlation())
            }
            PairedDifferenceInterval::Tango => {
                score_ends(|difference| self.score(difference), difference, z)
            }
        };
        let interval = Interval {
            low: low.max(-1.0),
            high: high.min(1.0),
            confidence,
            method: match method {
                PairedDifferenceInterval::Wald => IntervalMethod::Normal,
                PairedDifferenceInterval::Newcombe => IntervalMethod::Newcombe,
                PairedDifferenceInterval::Tango => IntervalMethod::Tango,
            },
        };
        Estimate::new(difference, cases, convention).with_interval(interval)
    }

    /// Newcombe's correlation of the answers: corrected for continuity where positive, 0 where undefined.
    fn correlation(&self) -> f64 {
        let [a, b, c, d] =
            [self.both, self.first_only, self.second_only, self.neither].map(|count| count as f64);
        let marginals = (a + b) * (c + d) * (a + c) * (b + d);
        if marginals == 0.0 {
            return 0.0;
        }
        let product = a * d - b * c;
        let corrected = if product > 0.0 {
            (product - 0.5 * (a + b + c + d)).max(0.0)
        } else {
            product
        };
        corrected / marginals.sqrt()
    }

    /// Tango's score of a supposed difference; at 0 its square is McNemar's statistic.
    fn score(&self, difference: f64) -> f64 {
        let n = self.cases() as f64;
        let [first, second] = [self.first_only as f64, self.second_only as f64];
        let b = (2.0 * n - first + second) * difference - first - second;
        let c = -second * difference * (1.0 - difference);
        // The most likely probability of `second_only` if this is the difference.
        let root = (b * b - 8.0 * n * c).max(0.0).sqrt();
        let second_only = if b <= 0.0 {
            (root - b) / (4.0 * n)
        } else {
            -2.0 * c / (root + b)
        };
        let variance = n * (2.0 * second_only + difference * (1.0 - difference));
        standardised(first - second - n * difference, variance)
    }
}

/// How the interval of a difference of two proportions of the same cases is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PairedDifferenceInterval {
    /// Normal approximation: covers too little for few cases, a point without discordant cases.
    Wald,
    /// Wilson's intervals combined with the correlation of the answers (R. Newcombe, Statistics in Medicine
    /// 17, 1998, "Improved confidence intervals for the difference ... based on paired data", method 10).
    Newcombe,
    /// The differences that a score test does not refuse (T. Tango, Statistics in Medicine 17, 1998): agrees
    /// with McNemar's test without correction, and covers close to the stated confidence.
    #[default]
    Tango,
}

fn variance(share: f64, trials: f64) -> f64 {
    share * (1.0 - share) / trials
}

/// Distances of each proportion to the ends of its own interval, combined as if normal.
fn square_and_add([p1, p2]: [f64; 2], ends: [[f64; 2]; 2], correlation: f64) -> [f64; 2] {
    let [[low1, high1], [low2, high2]] = ends;
    let combined = |a: f64, b: f64| (a * a - 2.0 * correlation * a * b + b * b).max(0.0).sqrt();
    let difference = p1 - p2;
    [
        difference - combined(p1 - low1, high2 - p2),
        difference + combined(high1 - p1, p2 - low2),
    ]
}

/// Where a score that falls with the supposed difference crosses `z` and `-z`.
fn score_ends(score: impl Fn(f64) -> f64, difference: f64, z: f64) -> [f64; 2] {
    [
        bisect(|d| z - score(d), -1.0, difference),
        bisect(|d| -z - score(d), difference, 1.0),
    ]
}

fn standardised(deviation: f64, variance: f64) -> f64 {
    if deviation == 0.0 {
        0.0
    } else {
        // A deviation without variance is infinitely many standard deviations away.
        deviation / variance.max(0.0).sqrt()
    }
}

/// Miettinen and Nurminen's score of a supposed difference of independent proportions.
fn score_of_difference(first: Proportion, second: Proportion, difference: f64) -> f64 {
    let [n1, n2] = [first.trials() as f64, second.trials() as f64];
    let [x1, x2] = [first.successes() as f64, second.successes() as f64];
    let term = |count: f64, share: f64| if count == 0.0 { 0.0 } else { count / share };
    // The likelihood is concave in the second proportion: its derivative falls.
    let fall = |p2: f64| {
        let p1 = p2 + difference;
        term(n1 - x1, 1.0 - p1) + term(n2 - x2, 1.0 - p2) - term(x1, p1) - term(x2, p2)
    };
    let p2 = bisect(fall, (-difference).max(0.0), (1.0 - difference).min(1.0));
    let p1 = (p2 + difference).clamp(0.0, 1.0);
    let correction = (n1 + n2) / (n1 + n2 - 1.0).max(1.0);
    standardised(
        x1 / n1 - x2 / n2 - difference,
        (variance(p1, n1) + variance(p2, n2)) * correction,
    )
}
