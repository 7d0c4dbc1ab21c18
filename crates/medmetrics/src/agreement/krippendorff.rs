//! Krippendorff's alpha: any number of raters, any level of measurement, missing ratings.
//!
//! K. Krippendorff, "Content Analysis", chapter 12. The usual table of coincidences is never built: on
//! every level but the ratio's the disagreements are sums of squares, of values or of their ranks, so that
//! the cost is a sort.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::accumulator::Accumulator;
use crate::agreement::paired::finite;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::statistics::Bootstrap;

/// How alpha is measured.
///
/// ```
/// use medmetrics::agreement::{Krippendorff, Level, RatedUnits};
///
/// let mut units = RatedUnits::default();
/// // Raters who did not rate a unit are left out.
/// for ratings in [&[1.0, 1.0][..], &[2.0, 2.0, 3.0], &[3.0, 3.0, 3.0], &[4.0]] {
///     units.push(ratings)?;
/// }
/// let alpha = Krippendorff::new(Level::Nominal).of(&units)?;
/// assert!((alpha.value.expect("values differ") - 0.65).abs() < 1e-12);
/// assert_eq!((alpha.n, alpha.undefined), (3, 1));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Krippendorff {
    /// How far two ratings are apart.
    pub level: Level,
    /// Whether and how units are drawn again for an interval.
    pub bootstrap: Option<Bootstrap>,
}

/// The level of measurement: how far two ratings are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Equal or not.
    #[default]
    Nominal,
    /// By how many ratings lie between them.
    Ordinal,
    /// By their difference.
    Interval,
    /// By their difference over their sum; for ratings of at least 0. Takes time with the square of the
    /// number of different ratings.
    Ratio,
}

/// Ratings of units; how many raters rated a unit may differ.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<f64>>", into = "Vec<Vec<f64>>")]
pub struct RatedUnits {
    units: Vec<Vec<f64>>,
}

impl TryFrom<Vec<Vec<f64>>> for RatedUnits {
    type Error = Error;

    /// # Errors
    /// As [`RatedUnits::push`].
    fn try_from(units: Vec<Vec<f64>>) -> Result<Self> {
        for ratings in &units {
            finite("a unit's ratings", ratings)?;
        }
        Ok(Self { units })
    }
}

impl From<RatedUnits> for Vec<Vec<f64>> {
    fn from(rated: RatedUnits) -> Self {
        rated.units
    }
}

impl RatedUnits {
    /// Units of a table with one row per unit and one column per rater.
    ///
    /// # Errors
    /// Refuses a table whose rows are not full, no raters, and ratings that are not finite.
    pub fn from_table(ratings: &[Option<f64>], raters: usize) -> Result<Self> {
        if raters == 0 || !ratings.len().is_multiple_of(raters) {
            return Err(Error::InvalidParameter {
                parameter: "raters",
                rule: "a divisor of the number of ratings",
                value: raters as f64,
            });
        }
        for (index, rating) in ratings.iter().enumerate() {
            if let Some(value) = rating.filter(|rating| !rating.is_finite()) {
                return Err(Error::InvalidValue {
                    what: "a unit's ratings",
                    rule: "finite",
                    index,
                    value,
                });
            }
        }
        let rows = ratings.chunks(raters);
        Ok(Self {
            units: rows
                .map(|row| row.iter().flatten().copied().collect())
                .collect(),
        })
    }

    /// Adds a unit: the ratings of those who rated it.
    ///
    /// # Errors
    /// Refuses ratings that are not finite.
    pub fn push(&mut self, ratings: &[f64]) -> Result<()> {
        finite("a unit's ratings", ratings)?;
        self.units.push(ratings.to_vec());
        Ok(())
    }

    /// Number of units.
    #[must_use]
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether there is no unit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }
}

impl Krippendorff {
    /// Alpha on a level, without an interval.
    #[must_use]
    pub fn new(level: Level) -> Self {
        Self {
            level,
            bootstrap: None,
        }
    }

    /// The same with an interval.
    #[must_use]
    pub fn with_bootstrap(self, bootstrap: Bootstrap) -> Self {
        Self {
            bootstrap: Some(bootstrap),
            ..self
        }
    }

    /// Alpha of the units; undefined if their ratings are all the same, or none can be compared.
    ///
    /// `n` counts the units with two ratings or more, `undefined` the others. The interval comes of drawing
    /// units again, and is too narrow for fewer than about 20 of them.
    ///
    /// # Errors
    /// Refuses negative ratings on the ratio level, and what [`Bootstrap::estimate`] refuses.
    pub fn of(&self, units: &RatedUnits) -> Result<Estimate> {
        if self.level == Level::Ratio
            && let Some((index, value)) = negative(units)
        {
            return Err(Error::InvalidValue {
                what: "the units' ratings",
                rule: "at least 0 on the ratio level",
                index,
                value,
            });
        }
        let sample = Sample::of(units, self.level);
        let left_out = (units.len() - sample.units.len()) as u64;
        let n = sample.units.len() as u64;
        let all = vec![1; sample.units.len()];
        let estimate = match (&self.bootstrap, sample.alpha(&all)) {
            (_, None) => Estimate::undefined(n, self.to_string()),
            (None, Some(alpha)) => Estimate::new(alpha, n, self.to_string()),
            (Some(bootstrap), Some(alpha)) => {
                let drawn = bootstrap.estimate(sample.units.len(), self.to_string(), |times| {
                    sample.alpha(times)
                })?;
                Estimate::new(alpha, n, self.to_string()).with_interval(drawn.interval)
            }
        };
        Ok(estimate.with_undefined(left_out))
    }
}

fn negative(units: &RatedUnits) -> Option<(usize, f64)> {
    let ratings = units.units.iter().flatten().copied();
    ratings.enumerate().find(|&(_, rating)| rating < 0.0)
}

/// Such as `alpha:krippendorff/ordinal`.
impl fmt::Display for Krippendorff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Nominal => "alpha:krippendorff/nominal",
            Level::Ordinal => "alpha:krippendorff/ordinal",
            Level::Interval => "alpha:krippendorff/interval",
            Level::Ratio => "alpha:krippendorff/ratio",
        })
    }
}

/// Units of two ratings or more, in an order that does not depend on how they came.
struct Sample {
    level: Level,
    /// The different ratings in ascending order.
    values: Vec<f64>,
    /// For each unit, which values it has and how often each.
    units: Vec<Vec<(usize, f64)>>,
    /// For each unit, the sum of disagreements over ordered pairs; not for ordinal ratings, whose distance
    /// depends on all the others.
    within: Vec<f64>,
}

impl Sample {
    fn of(units: &RatedUnits, level: Level) -> Self {
        let mut units: Vec<Vec<f64>> = (units.units.iter())
            .filter(|ratings| ratings.len() >= 2)
            // -0 and 0 are one rating.
            .map(|ratings| ratings.iter().map(|rating| rating + 0.0).collect())
            .collect();
        for ratings in &mut units {
            ratings.sort_unstable_by(f64::total_cmp);
        }
        let ratings = |unit: &[f64]| unit.iter().map(|r| r.to_bits()).collect::<Vec<_>>();
        units.sort_by_cached_key(|unit| ratings(unit));
        let mut values = units.concat();
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        let units: Vec<Vec<(usize, f64)>> = (units.iter())
            .map(|unit| {
                let runs = unit.chunk_by(|a, b| a == b);
                runs.map(|run| {
                    let value = values.partition_point(|&value| value < run[0]);
                    (value, run.len() as f64)
                })
                .collect()
            })
            .collect();
        let mut sample = Self {
            level,
            values,
            units,
            within: Vec::new(),
        };
        if level != Level::Ordinal {
            let distances = |unit: &Vec<(usize, f64)>| sample.disagreement(unit, &sample.values);
            sample.within = sample.units.iter().map(distances).collect();
        }
        sample
    }

    /// Alpha of a sample in which each unit was drawn so many times.
    fn alpha(&self, times: &[u32]) -> Option<f64> {
        let mut margins = vec![0.0; self.values.len()];
        for (unit, &times) in self.units.iter().zip(times) {
            for &(value, count) in unit {
                margins[value] += f64::from(times) * count;
            }
        }
        if margins.iter().filter(|&&count| count > 0.0).count() < 2 {
            return None;
        }
        let total: f64 = margins.iter().sum();
        let ranks = (self.level == Level::Ordinal).then(|| ranks(&margins));
        let values = ranks.as_ref().unwrap_or(&self.values);
        let observed: f64 = (self.units.iter().enumerate().zip(times))
            .filter(|&(_, &times)| times > 0)
            .map(|((i, unit), &times)| {
                let within = match self.within.get(i) {
                    Some(&within) => within,
                    None => self.disagreement(unit, values),
                };
                let ratings: f64 = unit.iter().map(|&(_, count)| count).sum();
                f64::from(times) * within / (ratings - 1.0)
            })
            .sum();
        let all: Vec<(usize, f64)> = margins.into_iter().enumerate().collect();
        let expected = self.disagreement(&all, values);
        let alpha = 1.0 - (total - 1.0) * observed / expected;
        // Squares of huge ratings overflow.
        (expected > 0.0 && alpha.is_finite()).then_some(alpha)
    }

    /// The sum over ordered pairs of ratings, given which values there are and how often each.
    fn disagreement(&self, counts: &[(usize, f64)], values: &[f64]) -> f64 {
        let total: f64 = counts.iter().map(|&(_, count)| count).sum();
        match self.level {
            Level::Nominal => {
                total * total - counts.iter().map(|&(_, count)| count * count).sum::<f64>()
            }
            Level::Ordinal | Level::Interval => {
                // About the first value, so that the mean of large numbers keeps its digits.
                let origin = counts.first().map_or(0.0, |&(value, _)| values[value]);
                let shifted = |value: usize| values[value] - origin;
                let sum: f64 = counts.iter().map(|&(v, count)| count * shifted(v)).sum();
                let mean = sum / total;
                let square = |&(value, count): &(usize, f64)| {
                    let apart = shifted(value) - mean;
                    count * apart * apart
                };
                2.0 * total * counts.iter().map(square).sum::<f64>()
            }
            Level::Ratio => {
                let mut sum = 0.0;
                for (i, &(one, count)) in counts.iter().enumerate() {
                    for &(other, also) in &counts[..i] {
                        let share = (values[one] - values[other]) / (values[one] + values[other]);
                        sum += 2.0 * count * also * share * share;
                    }
                }
                sum
            }
        }
    }
}

/// Twice the middle rank of each value: the squared difference of middle ranks is the ordinal distance.
fn ranks(margins: &[f64]) -> Vec<f64> {
    let mut below = 0.0;
    let ranks = margins.iter().map(|count| {
        let rank = 2.0 * below + count;
        below += count;
        rank
    });
    ranks.collect()
}

/// Alpha of units that come one by one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KrippendorffAlpha {
    settings: Krippendorff,
    units: RatedUnits,
}

impl KrippendorffAlpha {
    /// No units yet.
    #[must_use]
    pub fn new(settings: Krippendorff) -> Self {
        Self {
            settings,
            units: RatedUnits::default(),
        }
    }
}

impl Accumulator for KrippendorffAlpha {
    /// The ratings of those who rated one unit.
    type Item<'a> = &'a [f64];
    type Output = Estimate;

    fn push(&mut self, ratings: &[f64]) -> Result<()> {
        self.units.push(ratings)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.settings != other.settings {
            return Err(Error::Incompatible {
                setting: "alpha",
                left: format!("{:?}", self.settings),
                right: format!("{:?}", other.settings),
            });
        }
        self.units.units.extend_from_slice(&other.units.units);
        Ok(())
    }

    fn finish(&self) -> Result<Estimate> {
        self.settings.of(&self.units)
    }
}
