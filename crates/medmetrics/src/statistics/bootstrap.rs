//! Intervals by drawing the observed units again, with replacement.
//!
//! A unit is what is independent of the others: a patient with all their lesions, a scan with all its
//! marks. Units that are drawn together keep correlated values together (the cluster bootstrap).

use medcore::random::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::clusters::Clusters;
use crate::statistics::percentile::percentile;
use crate::statistics::replicates::{BootstrapMethod, Replicates};
use crate::statistics::units::Units;

/// How to bootstrap: how often, from which seed, and how replicates become an interval.
///
/// The statistic is a function of how often each unit was drawn, so that a presorted or preaggregated
/// sample needs no copy; `None` where a replicate does not define it (a sample without positives).
/// Results depend on the seed, never on the number of threads. Two methods on the same cases are compared by
/// the difference of their statistics under the same draws (the paired bootstrap): write a statistic that
/// returns the difference.
///
/// ```
/// use medmetrics::statistics::Bootstrap;
///
/// let dice = [0.91, 0.85, 0.88, 0.93, 0.47, 0.90];
/// let mean = |times: &[u32]| {
///     let sum: f64 = times.iter().zip(dice).map(|(&n, v)| f64::from(n) * v).sum();
///     Some(sum / f64::from(times.iter().sum::<u32>()))
/// };
/// let estimate = Bootstrap::default().estimate(dice.len(), "mean Dice", mean)?;
/// let interval = estimate.interval.expect("an interval");
/// assert!(interval.low < 0.8 && interval.high < 0.93);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bootstrap {
    /// Number of replicates, 2000 by default.
    pub replicates: u32,
    /// Seed of the draws.
    pub seed: u64,
    /// How replicates become an interval.
    pub method: BootstrapMethod,
    /// How often the interval is to hold the true value.
    pub confidence: Confidence,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            replicates: 2000,
            seed: 0,
            method: BootstrapMethod::default(),
            confidence: Confidence::default(),
        }
    }
}

impl Bootstrap {
    /// The statistic with its interval; `undefined` counts replicates without a value.
    ///
    /// # Errors
    /// Refuses fewer than two units and fewer than 100 replicates.
    pub fn estimate(
        &self,
        units: impl Into<Units>,
        convention: impl Into<String>,
        statistic: impl Fn(&[u32]) -> Option<f64> + Sync,
    ) -> Result<Estimate> {
        let statistics = |times: &[u32]| [statistic(times)];
        let [estimate] = self.estimates(units, [convention.into()], statistics)?;
        Ok(estimate)
    }

    /// Several statistics with their intervals from the same draws, where they share most of their work; each
    /// is as [`Bootstrap::estimate`] has it.
    ///
    /// ```
    /// use medmetrics::statistics::Bootstrap;
    ///
    /// let (dice, iou) = ([0.91, 0.85, 0.47, 0.9], [0.83, 0.74, 0.31, 0.82]);
    /// let mean = |times: &[u32], of: &[f64]| {
    ///     let sum: f64 = times.iter().zip(of).map(|(&n, v)| f64::from(n) * v).sum();
    ///     Some(sum / f64::from(times.iter().sum::<u32>()))
    /// };
    /// let names = ["mean Dice", "mean IoU"].map(str::to_owned);
    /// let both = |times: &[u32]| [mean(times, &dice), mean(times, &iou)];
    /// let [of_dice, _] = Bootstrap::default().estimates(4, names, both)?;
    /// let alone = Bootstrap::default().estimate(4, "mean Dice", |times| mean(times, &dice))?;
    /// assert_eq!(of_dice, alone);
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses fewer than two units and fewer than 100 replicates.
    pub fn estimates<const N: usize>(
        &self,
        units: impl Into<Units>,
        conventions: [String; N],
        statistics: impl Fn(&[u32]) -> [Option<f64>; N] + Sync,
    ) -> Result<[Estimate; N]> {
        let units = units.into();
        let drawn = self.draws(&units, &statistics)?;
        let sample = statistics(&vec![1; units.count()]);
        let left_out = match self.method {
            BootstrapMethod::Bca => units.each_left_out(&statistics),
            _ => Vec::new(),
        };
        let n = units.count() as u64;
        let mut number = 0..;
        Ok(conventions.map(|convention| {
            let i = number.next().unwrap_or_default();
            let Some(value) = sample[i].filter(|v| !v.is_nan()) else {
                return Estimate::undefined(n, convention);
            };
            let defined = |values: &[Option<f64>; N]| values[i].filter(|v| !v.is_nan());
            let strata = left_out.iter();
            let replicates = Replicates {
                value,
                drawn: drawn.iter().filter_map(defined).collect(),
                left_out: strata
                    .map(|stratum| stratum.iter().map(defined).collect())
                    .collect::<Option<_>>()
                    .unwrap_or_default(),
            };
            let undefined = (drawn.len() - replicates.drawn.len()) as u64;
            Estimate::new(value, n, convention)
                .with_undefined(undefined)
                .with_interval(replicates.interval(self.method, self.confidence))
        }))
    }

    /// The statistic of rows that come in clusters, with its interval: whole clusters are drawn, and the
    /// statistic is a function of how often each row was drawn. `n` counts clusters.
    ///
    /// ```
    /// use medmetrics::statistics::{Bootstrap, Clusters};
    ///
    /// // Lesions of four patients, found or missed.
    /// let patients = Clusters::new(&[1, 1, 1, 2, 3, 3, 4, 4]);
    /// let found = [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0];
    /// let sensitivity = Bootstrap::default().estimate_clustered(&patients, "sensitivity", |times| {
    ///     let hits: f64 = times.iter().zip(found).map(|(&n, hit)| f64::from(n) * hit).sum();
    ///     Some(hits / f64::from(times.iter().sum::<u32>()))
    /// })?;
    /// assert_eq!((sensitivity.value, sensitivity.n), (Some(0.625), 4));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses fewer than two clusters and fewer than 100 replicates.
    pub fn estimate_clustered(
        &self,
        clusters: &Clusters,
        convention: impl Into<String>,
        statistic: impl Fn(&[u32]) -> Option<f64> + Sync,
    ) -> Result<Estimate> {
        self.estimate(clusters.units(), convention, |times: &[u32]| {
            let mut weights = vec![0; clusters.rows()];
            clusters.spread(times, &mut weights);
            statistic(&weights)
        })
    }

    /// The studentised interval (bootstrap-t) of a statistic that knows its own standard error: covers
    /// close to the stated confidence for means, also skewed ones (94 % where [`BootstrapMethod`] tells the
    /// others); erratic where standard errors come near 0. The `method` of the settings is not asked.
    ///
    /// # Errors
    /// Refuses fewer than two units and fewer than 100 replicates.
    pub fn estimate_studentised(
        &self,
        units: impl Into<Units>,
        convention: impl Into<String>,
        statistic: impl Fn(&[u32]) -> Option<ValueWithError> + Sync,
    ) -> Result<Estimate> {
        let units = units.into();
        let n = units.count() as u64;
        let sample = statistic(&vec![1; units.count()]).filter(|s| !s.value.is_nan());
        let deviation = |times: &[u32]| {
            let ValueWithError { value, error } = statistic(times)?;
            (error > 0.0).then_some((value - sample?.value) / error)
        };
        let drawn = self.replicates(units, deviation)?;
        let Some(ValueWithError { value, error }) = sample else {
            return Ok(Estimate::undefined(n, convention));
        };
        let mut sorted: Vec<f64> = drawn.iter().flatten().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let undefined = (drawn.len() - sorted.len()) as u64;
        let end = |share| Some(value - error * percentile(&sorted, share)?);
        let tail = self.confidence.tail();
        let ends = end(1.0 - tail).zip(end(tail)).filter(|_| error >= 0.0);
        let interval = ends.map(|(low, high)| Interval {
            low,
            high,
            confidence: self.confidence,
            method: IntervalMethod::BootstrapStudentised,
        });
        Ok(Estimate::new(value, n, convention)
            .with_undefined(undefined)
            .with_interval(interval))
    }

    /// The statistic of every replicate, in the order of the replicates; NaN is no value.
    ///
    /// # Errors
    /// Refuses fewer than two units and fewer than 100 replicates.
    pub fn replicates(
        &self,
        units: impl Into<Units>,
        statistic: impl Fn(&[u32]) -> Option<f64> + Sync,
    ) -> Result<Vec<Option<f64>>> {
        let defined = |times: &[u32]| statistic(times).filter(|value| !value.is_nan());
        self.draws(&units.into(), defined)
    }

    /// What each replicate gives, in the order of the replicates.
    fn draws<T: Send>(
        &self,
        units: &Units,
        statistic: impl Fn(&[u32]) -> T + Sync,
    ) -> Result<Vec<T>> {
        for (of, least, got) in [
            ("units", 2, units.count()),
            ("replicates", 100, self.replicates as usize),
        ] {
            if got < least {
                let what = "a bootstrap interval";
                return Err(Error::TooFew {
                    what,
                    of,
                    least,
                    got,
                });
            }
        }
        units.check()?;
        let key = Key::new(self.seed);
        Ok((0..self.replicates)
            .into_par_iter()
            .map_init(
                || vec![0; units.count()],
                |times, replicate| {
                    units.draw(&mut key.sample(replicate).stream("bootstrap"), times);
                    statistic(times)
                },
            )
            .collect())
    }
}

/// A statistic with its standard error in the same unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueWithError {
    /// The statistic.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}
