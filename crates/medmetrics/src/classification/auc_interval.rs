//! Intervals of the area under a ROC curve.

use super::ranking::Ranking;
use super::score::Score;
use crate::error::Result;
use crate::estimate::{Confidence, Estimate};
use crate::statistics::{AucScale, Bootstrap, DeLong};

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

    /// The area with a bootstrap interval over cases, drawn without regard to their class.
    ///
    /// Scores are sorted once; a replicate is one pass over the counts of draws in whole numbers. The result
    /// depends on the scores and the seed alone, not on the order of cases nor on threads.
    ///
    /// ```
    /// use medmetrics::classification::Ranking;
    /// use medmetrics::statistics::Bootstrap;
    ///
    /// let truth: Vec<bool> = (0..100).map(|i| i % 3 == 0).collect();
    /// let scores: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100 + 30 * i32::from(i % 3 == 0))).collect();
    /// let auc = Ranking::of(&truth, &scores)?.auc_bootstrap(&Bootstrap::default())?;
    /// let interval = auc.interval.expect("an interval");
    /// assert!(interval.low < auc.value.expect("both kinds") && interval.high < 0.9);
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses fewer than two cases, and what [`Bootstrap::estimate`] refuses.
    pub fn auc_bootstrap(&self, bootstrap: &Bootstrap) -> Result<Estimate> {
        let sample = Sample::of(self);
        let convention = self.auc().convention;
        bootstrap.estimate(sample.positive.len(), convention, |times| sample.auc(times))
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

/// Cases in ascending order of their scores, negatives first among equals.
struct Sample {
    /// All bits set for positives, none for negatives.
    positive: Vec<u32>,
    /// Where equal scores are of both kinds: first negative, first positive, end.
    mixed: Vec<[usize; 3]>,
}

impl Sample {
    fn of<S: Score>(ranking: &Ranking<S>) -> Self {
        let (scores, truth) = ranking.cases();
        let mut mixed = Vec::new();
        let mut start = 0;
        for group in scores.chunk_by(|a, b| a == b) {
            let end = start + group.len();
            let middle = start + truth[start..end].partition_point(|&positive| !positive);
            if start < middle && middle < end {
                mixed.push([start, middle, end]);
            }
            start = end;
        }
        let positive = truth
            .iter()
            .map(|&positive| if positive { u32::MAX } else { 0 });
        Self {
            positive: positive.collect(),
            mixed,
        }
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
