//! Cases that may have several labels, or none.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use super::average::{AveragingRule, ZeroDivision};
use super::counts::{BinaryCounts, check_lengths};
use super::measure::{BinaryMeasure, ratio};
use crate::accumulator::Accumulator;
use crate::error::{Error, Result, check_table_sizes};
use crate::estimate::Estimate;

/// Counts of decisions about several labels of each case.
///
/// Besides the counts of each label it keeps how many cases had how many hits, false and missed labels, so
/// that averages over cases ("samples" of scikit-learn) are exact and parts merge.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::classification::{BinaryMeasure, MultiLabelCounts, ZeroDivision};
///
/// let mut counts = MultiLabelCounts::new(3)?;
/// counts.push((&[true, false, true], &[true, false, false]))?;
/// counts.push((&[false, true, false], &[false, true, false]))?;
/// assert_eq!(counts.exact_match().value, Some(0.5));
/// let recall = counts.average_over_cases(BinaryMeasure::Sensitivity, ZeroDivision::Undefined);
/// assert_eq!(recall.value, Some(0.75));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct MultiLabelCounts {
    labels: Vec<BinaryCounts>,
    /// Cases by their hits, false alarms and misses.
    #[serde(serialize_with = "pairs")]
    cases: BTreeMap<[u32; 3], u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    labels: Vec<BinaryCounts>,
    cases: Vec<([u32; 3], u64)>,
}

impl TryFrom<Saved> for MultiLabelCounts {
    type Error = Error;

    /// # Errors
    /// As [`MultiLabelCounts::new`]; refuses cases of more labels than there are, and cases told twice.
    fn try_from(saved: Saved) -> Result<Self> {
        let mut counts = Self::new(saved.labels.len())?;
        for (index, (case, cases)) in saved.cases.into_iter().enumerate() {
            let decided = case.iter().map(|&n| u64::from(n)).sum::<u64>();
            if decided > saved.labels.len() as u64 || counts.cases.insert(case, cases).is_some() {
                return Err(Error::InvalidValue {
                    what: "kinds of cases",
                    rule: "of no more labels than declared, each once",
                    index,
                    value: decided as f64,
                });
            }
        }
        counts.labels = saved.labels;
        Ok(counts)
    }
}

impl MultiLabelCounts {
    /// No cases yet.
    ///
    /// # Errors
    /// Refuses no labels at all.
    pub fn new(labels: usize) -> Result<Self> {
        if labels == 0 || labels > 1 << 20 {
            return Err(Error::InvalidParameter {
                parameter: "labels",
                rule: "from 1 to 2^20",
                value: labels as f64,
            });
        }
        Ok(Self {
            labels: vec![BinaryCounts::default(); labels],
            cases: BTreeMap::new(),
        })
    }

    /// The counts of each label.
    #[must_use]
    pub fn labels(&self) -> &[BinaryCounts] {
        &self.labels
    }

    /// Number of cases.
    #[must_use]
    pub fn cases(&self) -> u64 {
        self.cases
            .values()
            .fold(0, |sum, &cases| sum.saturating_add(cases))
    }

    /// The average of a measure over the labels; `n` counts labels.
    #[must_use]
    pub fn average(&self, measure: BinaryMeasure, rule: &AveragingRule) -> Estimate {
        rule.of(measure, &self.labels)
    }

    /// The mean of a measure over the cases (`average="samples"` of scikit-learn).
    #[must_use]
    pub fn average_over_cases(&self, measure: BinaryMeasure, zero: ZeroDivision) -> Estimate {
        let (mut sum, mut defined, mut undefined) = (0.0, 0, 0);
        for (&[hits, false_alarms, misses], &cases) in &self.cases {
            let decided = [hits, false_alarms, misses].map(u64::from);
            let counts = BinaryCounts {
                true_positive: decided[0],
                false_positive: decided[1],
                false_negative: decided[2],
                true_negative: (self.labels.len() as u64).saturating_sub(decided.iter().sum()),
            };
            match zero.resolve(counts.measure(measure)) {
                Some(value) => {
                    sum += cases as f64 * value;
                    defined = cases.saturating_add(defined);
                }
                None => undefined = cases.saturating_add(undefined),
            }
        }
        let convention = format!("{}:samples", measure.name());
        match ratio(sum, defined as f64) {
            Some(value) => Estimate::new(value, defined, convention),
            None => Estimate::undefined(defined, convention),
        }
        .with_undefined(undefined)
    }

    /// Share of cases whose labels are all right (subset accuracy).
    #[must_use]
    pub fn exact_match(&self) -> Estimate {
        let right = self
            .cases
            .iter()
            .filter(|([_, f, m], _)| *f == 0 && *m == 0);
        let right = right.fold(0, |sum: u64, (_, &cases)| sum.saturating_add(cases));
        self.share(right, 1, "exact-match")
    }

    /// Share of wrong decisions among all labels of all cases.
    #[must_use]
    pub fn hamming_loss(&self) -> Estimate {
        let wrong = self
            .cases
            .iter()
            .map(|(&[_, false_alarms, misses], &cases)| {
                (u64::from(false_alarms) + u64::from(misses)).saturating_mul(cases)
            });
        let wrong = wrong.fold(0, u64::saturating_add);
        self.share(wrong, self.labels.len() as u64, "hamming-loss")
    }

    fn share(&self, part: u64, each: u64, convention: &str) -> Estimate {
        let cases = self.cases();
        match ratio(part as f64, cases as f64 * each as f64) {
            Some(value) => Estimate::new(value, cases, convention),
            None => Estimate::undefined(cases, convention),
        }
    }
}

impl Accumulator for MultiLabelCounts {
    /// For each label whether it is true, and whether it was decided for.
    type Item<'a> = (&'a [bool], &'a [bool]);
    type Output = Self;

    fn push(&mut self, (truth, decisions): (&[bool], &[bool])) -> Result<()> {
        check_lengths("decisions", decisions.len(), truth.len())?;
        if truth.len() != self.labels.len() {
            return Err(Error::Length {
                what: "truth",
                got: truth.len(),
                against: "the labels declared",
                expected: self.labels.len(),
            });
        }
        let mut case = [0; 3];
        for ((label, &truth), &decision) in self.labels.iter_mut().zip(truth).zip(decisions) {
            *label += BinaryCounts::one(truth, decision);
            case[0] += u32::from(truth && decision);
            case[1] += u32::from(!truth && decision);
            case[2] += u32::from(truth && !decision);
        }
        let cases = self.cases.entry(case).or_default();
        *cases = cases.saturating_add(1);
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_table_sizes(self.labels.len(), other.labels.len())?;
        for (label, more) in self.labels.iter_mut().zip(&other.labels) {
            *label += *more;
        }
        for (&case, &more) in &other.cases {
            let cases = self.cases.entry(case).or_default();
            *cases = cases.saturating_add(more);
        }
        Ok(())
    }

    fn finish(&self) -> Result<Self> {
        Ok(self.clone())
    }
}

/// Pairs instead of a map, because keys of JSON are text.
fn pairs<S: Serializer>(
    cases: &BTreeMap<[u32; 3], u64>,
    to: S,
) -> std::result::Result<S::Ok, S::Error> {
    to.collect_seq(cases)
}
