//! Areas under curves of several labels that do not exclude each other.

use serde::{Deserialize, Serialize};

use super::average::Average;
use super::convention::RankingConvention;
use super::counts::{check_lengths, nan_score};
use super::multiclass::{check_row, mean};
use super::ranking::{AveragePrecisionRule, Ranking};
use super::scores::Scores;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result, check_table_sizes};
use crate::estimate::Estimate;
use crate::score::Score;

/// A score for each of several labels of every case, any of which may be true.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::classification::{Average, LabelScores, RankingConvention};
///
/// let mut scores = LabelScores::new(2)?;
/// scores.push((&[true, false], &[0.9, 0.2]))?;
/// scores.push((&[false, true], &[0.4, 0.1]))?;
/// let labels = scores.finish()?;
/// let auc = labels.auc(Average::Macro, RankingConvention::Exact);
/// assert_eq!(auc.value, Some(0.5));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct LabelScores<S: Score> {
    labels: Vec<Scores<S>>,
}

impl<S: Score> LabelScores<S> {
    /// No scores yet.
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
            labels: vec![Scores::new(); labels],
        })
    }
}

impl<S: Score> Accumulator for LabelScores<S> {
    /// For each label whether it is true, and its score.
    type Item<'a> = (&'a [bool], &'a [S]);
    type Output = LabelRankings<S>;

    fn push(&mut self, (truth, scores): (&[bool], &[S])) -> Result<()> {
        check_lengths("scores", scores.len(), truth.len())?;
        check_row(0, truth.len(), self.labels.len())?;
        if let Some(index) = scores.iter().position(|score| score.is_undefined()) {
            return Err(nan_score(index));
        }
        for ((label, &positive), &score) in self.labels.iter_mut().zip(truth).zip(scores) {
            label.push((score, positive))?;
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_table_sizes(self.labels.len(), other.labels.len())?;
        for (label, more) in self.labels.iter_mut().zip(&other.labels) {
            label.merge(more)?;
        }
        Ok(())
    }

    fn finish(&self) -> Result<LabelRankings<S>> {
        let mut pooled = Scores::new();
        for label in &self.labels {
            pooled.merge(label)?;
        }
        Ok(LabelRankings {
            labels: self
                .labels
                .iter()
                .cloned()
                .map(Scores::into_ranking)
                .collect(),
            pooled: pooled.into_ranking(),
        })
    }
}

/// The ranking of every label, and of all scores together.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelRankings<S: Score> {
    /// One for each label.
    pub labels: Vec<Ranking<S>>,
    /// The scores of all labels as one question (micro average).
    pub pooled: Ranking<S>,
}

impl<S: Score> LabelRankings<S> {
    /// Average area under the ROC curves; `n` counts labels.
    #[must_use]
    pub fn auc(&self, average: Average, convention: RankingConvention) -> Estimate {
        self.average(average, convention, |ranking| ranking.auc_by(convention))
    }

    /// Average area under the precision-recall curves; `n` counts labels.
    #[must_use]
    pub fn average_precision(&self, average: Average, convention: RankingConvention) -> Estimate {
        let rule = AveragePrecisionRule::Step;
        self.average(average, convention, |ranking| {
            ranking.average_precision_by(rule, convention)
        })
    }

    fn average(
        &self,
        average: Average,
        convention: RankingConvention,
        area: impl Fn(&Ranking<S>) -> Estimate,
    ) -> Estimate {
        let pooled = area(&self.pooled);
        let kind = match average {
            Average::Micro => {
                let convention = format!("{}/micro", pooled.convention);
                return Estimate {
                    convention,
                    ..pooled
                };
            }
            Average::Macro => "macro",
            Average::Weighted => "weighted",
        };
        let values = self.labels.iter().map(|label| {
            let support = label.positives() as f64;
            (
                area(label).value,
                if average == Average::Weighted {
                    support
                } else {
                    1.0
                },
            )
        });
        mean(values, convention, format!("{}/{kind}", pooled.convention))
    }
}
