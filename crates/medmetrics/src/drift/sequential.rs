//! Detectors that watch one number after the other: a mean probability a day, a Dice score a case.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which way a watched number went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It grew.
    Up,
    /// It fell.
    Down,
}

/// Tabular CUSUM (E. Page 1954; D. Montgomery, Statistical Quality Control): sums of what exceeds the mean
/// by more than an allowance.
///
/// With an allowance of 0.5 and a limit of 5 deviations a stable series of independent normal numbers is
/// alarmed about once in 465, and a shift by one deviation is seen after about 10.
///
/// ```
/// use medmetrics::drift::{Change, Cusum};
///
/// let mut watch = Cusum::new(0.88, 0.04)?;
/// for dice in [0.9, 0.87, 0.81, 0.8, 0.79] {
///     assert_eq!(watch.push(dice)?, None);
/// }
/// assert_eq!(watch.push(0.8)?, Some(Change::Down));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedCusum")]
pub struct Cusum {
    mean: f64,
    deviation: f64,
    /// What is tolerated of each value, in deviations; 0.5 by default.
    pub allowance: f64,
    /// Where an alarm is given, in deviations; 5 by default.
    pub limit: f64,
    up: f64,
    down: f64,
}

#[derive(Deserialize)]
struct SavedCusum {
    mean: f64,
    deviation: f64,
    allowance: f64,
    limit: f64,
    up: f64,
    down: f64,
}

impl TryFrom<SavedCusum> for Cusum {
    type Error = Error;
    fn try_from(saved: SavedCusum) -> Result<Self> {
        for sum in [saved.allowance, saved.limit, saved.up, saved.down] {
            positive_or_zero("a state of the sums", sum)?;
        }
        Ok(Self {
            allowance: saved.allowance,
            limit: saved.limit,
            up: saved.up,
            down: saved.down,
            ..Self::new(saved.mean, saved.deviation)?
        })
    }
}

impl Cusum {
    /// Watches numbers that have had this mean and standard deviation.
    ///
    /// # Errors
    /// Refuses a mean that is not finite and a deviation that is not positive and finite.
    pub fn new(mean: f64, deviation: f64) -> Result<Self> {
        known(mean, deviation)?;
        Ok(Self {
            mean,
            deviation,
            allowance: 0.5,
            limit: 5.0,
            up: 0.0,
            down: 0.0,
        })
    }

    /// Takes in the next number; says whether a sum is beyond the limit.
    ///
    /// # Errors
    /// Refuses infinities and NaN; the sums are then as they were before.
    pub fn push(&mut self, value: f64) -> Result<Option<Change>> {
        let z = (finite(value)? - self.mean) / self.deviation;
        self.up = (self.up + z - self.allowance).max(0.0);
        self.down = (self.down - z - self.allowance).max(0.0);
        Ok(beyond(self.up - self.limit, self.down - self.limit))
    }

    /// The sums of what was above and of what was below, in deviations.
    #[must_use]
    pub fn sums(&self) -> [f64; 2] {
        [self.up, self.down]
    }
}

/// Exponentially weighted moving average with exact control limits (S. Roberts 1959; Lucas and Saccucci
/// 1990).
///
/// With weight 0.2 and limits of 3 deviations a stable series of independent normal numbers is alarmed about
/// once in 560, and a shift by one deviation is seen after about 10.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedEwma")]
pub struct Ewma {
    mean: f64,
    deviation: f64,
    /// The weight of the newest number, above 0 and at most 1; 0.2 by default.
    pub weight: f64,
    /// Where an alarm is given, in deviations of the average; 3 by default.
    pub limit: f64,
    average: f64,
    count: u32,
}

#[derive(Deserialize)]
struct SavedEwma {
    mean: f64,
    deviation: f64,
    weight: f64,
    limit: f64,
    average: f64,
    count: u32,
}

impl TryFrom<SavedEwma> for Ewma {
    type Error = Error;
    fn try_from(saved: SavedEwma) -> Result<Self> {
        positive_or_zero("limit", saved.limit)?;
        Ok(Self {
            weight: saved.weight,
            limit: saved.limit,
            average: finite(saved.average)?,
            count: saved.count,
            ..Self::new(saved.mean, saved.deviation)?
        })
    }
}

impl Ewma {
    /// Watches numbers that have had this mean and standard deviation.
    ///
    /// # Errors
    /// Refuses a mean that is not finite and a deviation that is not positive and finite.
    pub fn new(mean: f64, deviation: f64) -> Result<Self> {
        known(mean, deviation)?;
        Ok(Self {
            mean,
            deviation,
            weight: 0.2,
            limit: 3.0,
            average: mean,
            count: 0,
        })
    }

    /// Takes in the next number; says whether the average is beyond its limits.
    ///
    /// # Errors
    /// Refuses infinities and NaN, and a weight outside its range; the average is then as it was before.
    pub fn push(&mut self, value: f64) -> Result<Option<Change>> {
        if !(self.weight > 0.0 && self.weight <= 1.0) {
            return Err(Error::InvalidParameter {
                parameter: "weight",
                rule: "above 0 and at most 1",
                value: self.weight,
            });
        }
        self.average = self.weight * finite(value)? + (1.0 - self.weight) * self.average;
        self.count = self.count.saturating_add(1);
        let off = self.average - self.mean;
        let limit = self.limit * self.average_deviation();
        Ok(beyond(off - limit, -off - limit))
    }

    /// The average so far.
    #[must_use]
    pub fn average(&self) -> f64 {
        self.average
    }

    /// Its standard deviation if the numbers have not changed.
    fn average_deviation(&self) -> f64 {
        let forgotten = libm::pow(1.0 - self.weight, 2.0 * f64::from(self.count));
        self.deviation * (self.weight / (2.0 - self.weight) * (1.0 - forgotten)).sqrt()
    }
}

/// Page and Hinkley's test against the running mean, for a number without a known one.
///
/// Small changes below `tolerance` go unseen; a larger `limit` gives later and fewer alarms. Both are in the
/// unit of the numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedPageHinkley")]
pub struct PageHinkley {
    /// What a number may be off the mean.
    pub tolerance: f64,
    /// Where an alarm is given.
    pub limit: f64,
    count: u64,
    mean: f64,
    /// Sums of what is above and of what is below the mean, with their least values.
    up: [f64; 2],
    down: [f64; 2],
}

#[derive(Deserialize)]
struct SavedPageHinkley {
    tolerance: f64,
    limit: f64,
    count: u64,
    mean: f64,
    up: [f64; 2],
    down: [f64; 2],
}

impl TryFrom<SavedPageHinkley> for PageHinkley {
    type Error = Error;
    fn try_from(saved: SavedPageHinkley) -> Result<Self> {
        let [up, down] = [saved.up, saved.down];
        for value in [saved.mean].into_iter().chain(up).chain(down) {
            finite(value)?;
        }
        Ok(Self {
            count: saved.count,
            mean: saved.mean,
            up,
            down,
            ..Self::new(saved.tolerance, saved.limit)?
        })
    }
}

impl PageHinkley {
    /// Watches numbers whose mean is learnt on the way.
    ///
    /// # Errors
    /// Refuses a tolerance that is negative and a limit that is not positive.
    pub fn new(tolerance: f64, limit: f64) -> Result<Self> {
        for (parameter, rule, value, fine) in [
            (
                "tolerance",
                "finite and not negative",
                tolerance,
                tolerance >= 0.0,
            ),
            ("limit", "finite and positive", limit, limit > 0.0),
        ] {
            if !fine || !value.is_finite() {
                return Err(Error::InvalidParameter {
                    parameter,
                    rule,
                    value,
                });
            }
        }
        Ok(Self {
            tolerance,
            limit,
            count: 0,
            mean: 0.0,
            up: [0.0; 2],
            down: [0.0; 2],
        })
    }

    /// Takes in the next number; says whether a sum has risen from its least value by more than the limit.
    ///
    /// # Errors
    /// Refuses infinities and NaN; the sums are then as they were before.
    pub fn push(&mut self, value: f64) -> Result<Option<Change>> {
        let value = finite(value)?;
        self.count = self.count.saturating_add(1);
        self.mean += (value - self.mean) / self.count as f64;
        for (sums, off) in [
            (&mut self.up, value - self.mean),
            (&mut self.down, self.mean - value),
        ] {
            sums[0] += off - self.tolerance;
            sums[1] = sums[1].min(sums[0]);
        }
        let risen = |sums: [f64; 2]| sums[0] - sums[1] - self.limit;
        Ok(beyond(risen(self.up), risen(self.down)))
    }
}

/// The larger of two excesses, if one is positive.
fn beyond(up: f64, down: f64) -> Option<Change> {
    if up.max(down) <= 0.0 {
        return None;
    }
    Some(if up >= down { Change::Up } else { Change::Down })
}

fn finite(value: f64) -> Result<f64> {
    if value.is_finite() {
        return Ok(value);
    }
    Err(Error::InvalidValue {
        what: "watched numbers",
        rule: "a finite number",
        index: 0,
        value,
    })
}

fn positive_or_zero(parameter: &'static str, value: f64) -> Result<()> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        parameter,
        rule: "finite and not negative",
        value,
    })
}

fn known(mean: f64, deviation: f64) -> Result<()> {
    for (parameter, rule, value, fine) in [
        ("mean", "finite", mean, true),
        (
            "deviation",
            "finite and positive",
            deviation,
            deviation > 0.0,
        ),
    ] {
        if !fine || !value.is_finite() {
            return Err(Error::InvalidParameter {
                parameter,
                rule,
                value,
            });
        }
    }
    Ok(())
}
