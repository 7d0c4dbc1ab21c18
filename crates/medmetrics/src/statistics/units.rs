//! What is drawn again: units, all together or within strata.

use std::collections::HashMap;
use std::hash::Hash;

use medcore::random::Random;
use rayon::prelude::*;

use crate::error::{Error, Result};

/// The units of a sample, from which resampling draws.
///
/// A number of units converts into them. Strata keep their sizes in every replicate: with the label as the
/// stratum, as many positive cases are drawn as there are.
///
/// ```
/// use medmetrics::statistics::{Bootstrap, Units};
///
/// let scores = [0.9, 0.3, 0.8, 0.2, 0.6];
/// let labels = [true, false, true, false, true];
/// let mean_of_positives = |times: &[u32]| {
///     let positive = || (0..5).filter(|&i| labels[i]);
///     let sum: f64 = positive().map(|i| f64::from(times[i]) * scores[i]).sum();
///     Some(sum / f64::from(positive().map(|i| times[i]).sum::<u32>()))
/// };
/// let bootstrap = Bootstrap::default();
/// let estimate = bootstrap.estimate(Units::stratified(&labels), "mean", mean_of_positives)?;
/// assert_eq!(estimate.undefined, 0, "no replicate is without positives");
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    count: usize,
    /// The members of each stratum; none for one stratum of all.
    strata: Vec<Vec<usize>>,
}

impl From<usize> for Units {
    fn from(count: usize) -> Self {
        Self {
            count,
            strata: Vec::new(),
        }
    }
}

impl Units {
    /// Units drawn within strata, by the stratum of each unit.
    #[must_use]
    pub fn stratified<T: Eq + Hash>(stratum_of_units: &[T]) -> Self {
        let mut numbers = HashMap::new();
        let mut strata: Vec<Vec<usize>> = Vec::new();
        for (unit, stratum) in stratum_of_units.iter().enumerate() {
            let number = *numbers.entry(stratum).or_insert(strata.len());
            if number == strata.len() {
                strata.push(Vec::new());
            }
            strata[number].push(unit);
        }
        Self {
            count: stratum_of_units.len(),
            strata,
        }
    }

    /// Number of units.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The statistic with each unit left out in turn, a list for each stratum of at least two units; `None`
    /// if one of them is undefined.
    pub fn left_out(
        &self,
        statistic: impl Fn(&[u32]) -> Option<f64> + Sync,
    ) -> Option<Vec<Vec<f64>>> {
        let strata = self.each_left_out(statistic).into_iter();
        strata
            .map(|values| {
                let defined = values.into_iter().map(|v| v.filter(|v| !v.is_nan()));
                defined.collect()
            })
            .collect()
    }

    /// What a function of the draws gives with each unit left out in turn, a list for each stratum of at
    /// least two units.
    pub(super) fn each_left_out<T: Send>(
        &self,
        statistic: impl Fn(&[u32]) -> T + Sync,
    ) -> Vec<Vec<T>> {
        let without = |times: &mut Vec<u32>, unit: usize| {
            times[unit] = 0;
            let value = statistic(times);
            times[unit] = 1;
            value
        };
        let ones = || vec![1; self.count];
        if self.strata.is_empty() {
            let units = (0..self.count).into_par_iter();
            return vec![units.map_init(ones, without).collect()];
        }
        let large = self.strata.iter().filter(|stratum| stratum.len() > 1);
        large
            .map(|stratum| {
                let units = stratum.par_iter().copied();
                units.map_init(ones, without).collect()
            })
            .collect()
    }

    /// Refuses what 32 bits cannot draw from.
    pub(super) fn check(&self) -> Result<()> {
        if u32::try_from(self.count).is_ok() {
            return Ok(());
        }
        Err(Error::InvalidParameter {
            parameter: "the number of units",
            rule: "below 2^32",
            value: self.count as f64,
        })
    }

    /// Draws as many units as there are, with replacement, and counts how often each was drawn.
    pub(super) fn draw(&self, random: &mut Random, times: &mut [u32]) {
        times.fill(0);
        if self.strata.is_empty() {
            draw_below(random, self.count as u32, |unit| times[unit] += 1);
        }
        for stratum in &self.strata {
            draw_below(random, stratum.len() as u32, |member| {
                times[stratum[member]] += 1;
            });
        }
    }
}

/// Draws `count` whole numbers below `count` without bias (D. Lemire, "Fast random integer generation in an
/// interval", ACM Transactions on Modeling and Computer Simulation 29, 2019).
fn draw_below(random: &mut Random, count: u32, mut take: impl FnMut(usize)) {
    if count == 0 {
        return;
    }
    let threshold = count.wrapping_neg() % count;
    let mut bits = [0; 512];
    let mut left = count as usize;
    while left > 0 {
        let batch = &mut bits[..left.min(512)];
        random.fill_u32(batch);
        for &bits in batch.iter() {
            let wide = u64::from(bits) * u64::from(count);
            if wide as u32 >= threshold {
                take((wide >> 32) as usize);
                left -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::*;

    #[test]
    fn draws_are_even_and_strata_keep_their_size() {
        let strata: Vec<u32> = (0..40).map(|unit| unit % 3).collect();
        for units in [Units::from(40), Units::stratified(&strata)] {
            let mut sums = [0u32; 40];
            let mut squares = 0;
            for replicate in 0..5000 {
                let mut times = vec![7; 40];
                let mut random = Key::new(1).sample(replicate).stream("draws");
                units.draw(&mut random, &mut times);
                assert_eq!(times.iter().sum::<u32>(), 40);
                if units != Units::from(40) {
                    let first: u32 = times.iter().step_by(3).sum();
                    assert_eq!(first, 14);
                }
                for (sum, &n) in sums.iter_mut().zip(&times) {
                    *sum += n;
                    squares += n * n;
                }
            }
            // Each is drawn once on average; a multinomial count of size m has variance 1 - 1 / m.
            assert!(
                sums.iter().all(|sum| (4700..5300).contains(sum)),
                "{sums:?}"
            );
            let variance = f64::from(squares) / 200_000.0 - 1.0;
            assert!((0.9..1.0).contains(&variance), "{variance}");
        }
    }
}
