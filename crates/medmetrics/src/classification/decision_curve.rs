//! Whether acting on a probability does more good than acting on everybody or nobody.

use serde::{Deserialize, Serialize};

use super::counts::BinaryCounts;
use super::measure::BinaryMeasure;
use super::ranking::Ranking;
use crate::error::{Error, Result};
use crate::score::Score;

/// Net benefit over the probability from which on one would act (A. Vickers and E. Elkin, Med. Decis. Making
/// 26, 2006); the net benefit of acting on nobody is 0.
///
/// Scores have to be probabilities: the threshold is at the same time the exchange rate between harms of
/// false alarms and of missed cases.
///
/// ```
/// use medmetrics::classification::{DecisionCurve, Ranking};
///
/// let ranking = Ranking::of(&[true, true, false, false], &[0.9, 0.4, 0.3, 0.1])?;
/// let curve = DecisionCurve::of(&ranking, &[0.2, 0.5], None)?;
/// assert_eq!(curve.points[0].net_benefit, 0.5 - 0.25 * 0.25);
/// assert_eq!(curve.points[1].net_benefit, 0.25);
/// assert_eq!(curve.points[1].treat_all, 0.0);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionCurve {
    /// Share of positives that net benefits are reckoned with.
    pub prevalence: f64,
    /// Number of cases.
    pub n: u64,
    /// One for each threshold, in the order given.
    pub points: Vec<NetBenefit>,
}

/// What acting from a probability on brings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NetBenefit {
    /// The least probability that is acted on.
    pub threshold: f64,
    /// The decisions.
    pub counts: BinaryCounts,
    /// True positives a case, less false positives weighted by the odds of the threshold.
    pub net_benefit: f64,
    /// The same if everybody is acted on.
    pub treat_all: f64,
    /// Net benefit by prevalence, 1 at best (K. Kerr et al., J. Clin. Oncol. 34, 2016); `None` without
    /// positives.
    pub standardised: Option<f64>,
    /// Actions on negatives that are avoided, a case, at equal benefit; `None` for a threshold of 0.
    pub interventions_avoided: Option<f64>,
}

impl DecisionCurve {
    /// The curve at probabilities from 0 to below 1, with the cases' own prevalence or with a stated one, as
    /// after sampling by outcome.
    ///
    /// # Errors
    /// Refuses scores and prevalences outside 0 to 1, thresholds outside 0 to below 1, no cases, and a stated
    /// prevalence without cases of both kinds.
    pub fn of<S: Score>(
        ranking: &Ranking<S>,
        thresholds: &[f64],
        prevalence: Option<f64>,
    ) -> Result<Self> {
        let refused = |what, rule, index, value| {
            Err(Error::InvalidValue {
                what,
                rule,
                index,
                value,
            })
        };
        if let Some(index) = thresholds.iter().position(|t| !(0.0..1.0).contains(t)) {
            return refused("thresholds", "from 0 to below 1", index, thresholds[index]);
        }
        if let Some(value) = ranking
            .extremes()
            .into_iter()
            .flatten()
            .find(|v| !(0.0..=1.0).contains(v))
        {
            let (parameter, rule) = ("each score", "a probability");
            return Err(Error::InvalidParameter {
                parameter,
                rule,
                value,
            });
        }
        let (positives, negatives) = (ranking.positives(), ranking.negatives());
        let few = |of, got: u64| {
            let (what, least, got) = ("a decision curve", 1, got as usize);
            Err(Error::TooFew {
                what,
                of,
                least,
                got,
            })
        };
        let own = match ranking.total() {
            0 => return few("cases", 0),
            total => positives as f64 / total as f64,
        };
        let (prevalence, sides) = match prevalence {
            None => (own, [own, 1.0 - own]),
            Some(_) if positives == 0 => return few("positive cases", 0),
            Some(_) if negatives == 0 => return few("negative cases", 0),
            Some(stated) if (0.0..=1.0).contains(&stated) => (stated, [stated, 1.0 - stated]),
            Some(value) => {
                let (parameter, rule) = ("prevalence", "from 0 to 1");
                return Err(Error::InvalidParameter {
                    parameter,
                    rule,
                    value,
                });
            }
        };
        let point = |&threshold: &f64| {
            let counts = ranking.at(threshold).counts;
            let rate = |measure| counts.measure(measure).unwrap_or(0.0);
            let odds = threshold / (1.0 - threshold);
            let hits = sides[0] * rate(BinaryMeasure::Sensitivity);
            let alarms = sides[1] * rate(BinaryMeasure::FallOut);
            let net_benefit = hits - odds * alarms;
            let treat_all = sides[0] - odds * sides[1];
            NetBenefit {
                threshold,
                counts,
                net_benefit,
                treat_all,
                standardised: (prevalence > 0.0).then(|| net_benefit / prevalence),
                interventions_avoided: (odds > 0.0).then(|| (net_benefit - treat_all) / odds),
            }
        };
        Ok(Self {
            prevalence,
            n: ranking.total(),
            points: thresholds.iter().map(point).collect(),
        })
    }
}
