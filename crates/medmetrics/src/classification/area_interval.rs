//! Intervals of areas under ROC and precision-recall curves.

use serde::{Deserialize, Serialize};

use super::ranking::{AveragePrecisionRule, Ranking};
use crate::error::Result;
use crate::estimate::{Confidence, Estimate};
use crate::score::Score;
use crate::statistics::{AucScale, Bootstrap, DeLong, Units};

impl<S: Score> Ranking<S> {
    /// The area with DeLong's interval, for independent cases.
    ///
    /// ```
    /// use medmetrics::Confidence;
    /// use medmetrics::classification::Ranking;
    /// use medmetrics::statistics::AucScale;
    ///
    /// let truth = [false, false, true, true, true, false];
    /// let ranking = Ranking::of(&truth, &[0.1, 0.4, 0.35, 0.8, 0.7, 0.3])?;
    /// let auc = ranking.auc_delong(AucScale::Logit, Confidence::default())?;
    /// assert_eq!(auc.to_string(), "0.8889 (95 % CI 0.2614 to 0.9945, DeLong on logits), n = 6");
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses nothing that a ranking can hold.
    pub fn auc_delong(&self, scale: AucScale, confidence: Confidence) -> Result<Estimate> {
        let (scores, truth) = self.cases();
        let estimate = DeLong::new(&scores, &truth)?.estimate(scale, confidence);
        Ok(Estimate {
            convention: self.auc().convention,
            ..estimate
        })
    }

    /// The area with a bootstrap interval over independent cases.
    ///
    /// Scores are sorted once; a replicate is one pass over the counts of draws in whole numbers. The result
    /// depends on the scores and the seed alone, not on the order of cases nor on threads.
    ///
    /// ```
    /// use medmetrics::classification::{Ranking, Resampling};
    /// use medmetrics::statistics::Bootstrap;
    ///
    /// let truth: Vec<bool> = (0..100).map(|i| i % 3 == 0).collect();
    /// let score = |i: i32| f64::from(i * 37 % 100 + 30 * i32::from(i % 3 == 0));
    /// let scores: Vec<f64> = (0..100).map(score).collect();
    /// let ranking = Ranking::of(&truth, &scores)?;
    /// let auc = ranking.auc_bootstrap(&Bootstrap::default(), Resampling::Cases)?;
    /// let interval = auc.interval.expect("an interval");
    /// assert!(interval.low < auc.value.expect("both kinds") && interval.high < 0.9);
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses fewer than two cases, and what [`Bootstrap::estimate`] refuses.
    pub fn auc_bootstrap(&self, bootstrap: &Bootstrap, resampling: Resampling) -> Result<Estimate> {
        let (sample, units) = self.sample(resampling);
        let convention = self.auc().convention;
        bootstrap.estimate(units, convention, |times| sample.auc(times))
    }

    /// The average precision (the sum over steps) with a bootstrap interval over independent cases.
    ///
    /// # Errors
    /// As for [`Ranking::auc_bootstrap`].
    pub fn average_precision_bootstrap(
        &self,
        bootstrap: &Bootstrap,
        resampling: Resampling,
    ) -> Result<Estimate> {
        let (sample, units) = self.sample(resampling);
        let convention = self
            .average_precision(AveragePrecisionRule::Step)
            .convention;
        bootstrap.estimate(units, convention, |times| sample.average_precision(times))
    }

    fn sample(&self, resampling: Resampling) -> (Sample, Units) {
        let sample = Sample::of(self);
        let units = match resampling {
            Resampling::Cases => Units::from(sample.positive.len()),
            Resampling::WithinClasses => Units::stratified(&sample.positive),
        };
        (sample, units)
    }

    /// Scores in ascending order, negatives first among equals, with their truth.
    fn cases(&self) -> (Vec<f64>, Vec<bool>) {
        let (mut scores, mut truth) = (Vec::new(), Vec::new());
        for (score, positive) in self.ascending() {
            scores.push(score.as_f64());
            truth.push(positive);
        }
        (scores, truth)
    }
}

/// Which samples a bootstrap draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resampling {
    /// Any cases: the number of positives varies, as it does among patients who happen to come.
    #[default]
    Cases,
    /// As many positives and negatives as there are: for studies that fix both numbers, and for so few
    /// positives that samples without any would be drawn.
    WithinClasses,
}

/// Cases in ascending order of their scores, negatives first among equals.
struct Sample {
    /// All bits set for positives, none for negatives.
    positive: Vec<u32>,
    /// Where each distinct score begins.
    starts: Vec<usize>,
    /// Where equal scores are of both kinds: first negative, first positive, end.
    mixed: Vec<[usize; 3]>,
}

impl Sample {
    fn of<S: Score>(ranking: &Ranking<S>) -> Self {
        let (scores, truth) = ranking.cases();
        let (mut mixed, mut starts) = (Vec::new(), Vec::new());
        let mut start = 0;
        for group in scores.chunk_by(|a, b| a == b) {
            let end = start + group.len();
            let middle = start + truth[start..end].partition_point(|&positive| !positive);
            if start < middle && middle < end {
                mixed.push([start, middle, end]);
            }
            starts.push(start);
            start = end;
        }
        let positive = truth
            .iter()
            .map(|&positive| if positive { u32::MAX } else { 0 });
        Self {
            positive: positive.collect(),
            starts,
            mixed,
        }
    }

    /// The average precision of a sample in which each case occurs so many times.
    fn average_precision(&self, times: &[u32]) -> Option<f64> {
        let (mut found, mut called, mut area) = (0u64, 0u64, 0.0);
        let mut end = times.len();
        for &start in self.starts.iter().rev() {
            let (mut more, mut more_found) = (0, 0);
            for (&times, &mask) in times[start..end].iter().zip(&self.positive[start..end]) {
                more += u64::from(times);
                more_found += u64::from(times & mask);
            }
            found += more_found;
            called += more;
            if more_found > 0 {
                area += more_found as f64 * (found as f64 / called as f64);
            }
            end = start;
        }
        (found > 0).then(|| area / found as f64)
    }

    /// The area of a sample in which each case occurs so many times.
    fn auc(&self, times: &[u32]) -> Option<f64> {
        let (mut positives, mut negatives, mut wins) = (0u64, 0u64, 0u64);
        for (&times, &mask) in times.iter().zip(&self.positive) {
            let positive = times & mask;
            negatives += u64::from(times - positive);
            positives += u64::from(positive);
            wins += u64::from(positive) * negatives;
        }
        let sum = |times: &[u32]| times.iter().map(|&n| u64::from(n)).sum::<u64>();
        // Ties came before the positives they are equal to, and count half.
        let ties = self
            .mixed
            .iter()
            .map(|&[start, middle, end]| sum(&times[start..middle]) * sum(&times[middle..end]));
        let doubled = 2 * wins - ties.sum::<u64>();
        let pairs = positives * negatives;
        (pairs > 0).then(|| doubled as f64 / (2 * pairs) as f64)
    }
}
