//! Which threshold to use.

use serde::{Deserialize, Serialize};

use super::counts::BinaryCounts;
use super::measure::BinaryMeasure;
use super::ranking::Ranking;
use crate::error::{Error, Result};
use crate::score::Score;

/// A threshold with the decisions it makes: scores of at least `threshold` are called positive.
///
/// Measures at a threshold that was chosen on the same cases are too good; take them from other cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// The lowest score that is called positive; infinite if none is.
    #[serde(with = "threshold")]
    pub threshold: f64,
    /// The decisions.
    pub counts: BinaryCounts,
}

/// How a threshold is chosen.
///
/// Among equals the point is taken that nothing else betters, and of those the strictest.
///
/// ```
/// use medmetrics::classification::{BinaryMeasure, Ranking, Selection};
///
/// let truth = [true, true, false, true, false, false];
/// let ranking = Ranking::of(&truth, &[0.9, 0.8, 0.7, 0.6, 0.5, 0.1])?;
/// let point = ranking.operating_point(&Selection::Sensitivity { least: 0.9 })?.expect("a threshold");
/// assert_eq!(point.threshold, 0.6);
/// assert_eq!(point.counts.measure(BinaryMeasure::Specificity), Some(2.0 / 3.0));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Selection {
    /// Greatest sensitivity + specificity - 1 (W. Youden, Cancer 3, 1950).
    Youden,
    /// Least distance from sensitivity 1 and specificity 1.
    ClosestToCorner,
    /// Least expected cost of a case.
    Cost(DecisionCosts),
    /// Greatest specificity among points of at least this sensitivity.
    Sensitivity {
        /// The least sensitivity.
        least: f64,
    },
    /// Greatest sensitivity among points of at least this specificity.
    Specificity {
        /// The least specificity.
        least: f64,
    },
    /// Greatest recall among points of at least this precision.
    Precision {
        /// The least precision.
        least: f64,
    },
    /// Greatest precision among points of at least this recall.
    Recall {
        /// The least recall.
        least: f64,
    },
    /// Greatest F-measure with this `beta`.
    FBeta {
        /// How much more recall counts than precision.
        beta: f64,
    },
}

/// What wrong decisions cost, in any one unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionCosts {
    /// Cost of a negative called positive.
    pub false_positive: f64,
    /// Cost of a positive called negative.
    pub false_negative: f64,
    /// Share of positives where the decisions will be made; `None` for that of the cases at hand.
    pub prevalence: Option<f64>,
}

impl Default for DecisionCosts {
    fn default() -> Self {
        Self {
            false_positive: 1.0,
            false_negative: 1.0,
            prevalence: None,
        }
    }
}

impl DecisionCosts {
    /// Expected cost of a case; `None` unless there are cases of both kinds.
    #[must_use]
    pub fn expected(&self, counts: &BinaryCounts) -> Option<f64> {
        let rate = |measure| counts.measure(measure);
        let prevalence = self.prevalence.or(rate(BinaryMeasure::Prevalence))?;
        let missed = self.false_negative * prevalence * rate(BinaryMeasure::MissRate)?;
        Some(missed + self.false_positive * (1.0 - prevalence) * rate(BinaryMeasure::FallOut)?)
    }
}

impl Selection {
    /// How good a point is, second by second; `None` where it does not qualify or is not defined.
    fn merit(&self, counts: &BinaryCounts) -> Option<[f64; 2]> {
        use BinaryMeasure as M;
        let of = |measure| counts.measure(measure);
        let qualified = |measure, least: f64, best, then| {
            let qualifies = of(measure)? >= least;
            qualifies.then(|| Some([of(best)?, of(then)?])).flatten()
        };
        match *self {
            Self::Youden => Some([of(M::Informedness)?, 0.0]),
            Self::ClosestToCorner => {
                let (missed, alarms) = (of(M::MissRate)?, of(M::FallOut)?);
                Some([-(missed * missed + alarms * alarms), 0.0])
            }
            Self::Cost(costs) => Some([-costs.expected(counts)?, 0.0]),
            Self::Sensitivity { least } => {
                qualified(M::Sensitivity, least, M::Specificity, M::Sensitivity)
            }
            Self::Specificity { least } => {
                qualified(M::Specificity, least, M::Sensitivity, M::Specificity)
            }
            Self::Precision { least } => qualified(
                M::PositivePredictiveValue,
                least,
                M::Sensitivity,
                M::PositivePredictiveValue,
            ),
            Self::Recall { least } => qualified(
                M::Sensitivity,
                least,
                M::PositivePredictiveValue,
                M::Sensitivity,
            ),
            Self::FBeta { beta } => Some([of(M::FBeta(beta))?, 0.0]),
        }
    }

    fn check(&self) -> Result<()> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let cost = |value: f64| value >= 0.0 && value.is_finite();
        let (parameter, rule, value, valid) = match *self {
            Self::Youden | Self::ClosestToCorner => return Ok(()),
            Self::Cost(costs) => {
                let prevalence = costs.prevalence.unwrap_or(0.5);
                if !share(prevalence) {
                    ("prevalence", "from 0 to 1", prevalence, false)
                } else if !cost(costs.false_positive) {
                    (
                        "cost",
                        "a finite number from 0 on",
                        costs.false_positive,
                        false,
                    )
                } else {
                    let cost_of_miss = costs.false_negative;
                    (
                        "cost",
                        "a finite number from 0 on",
                        cost_of_miss,
                        cost(cost_of_miss),
                    )
                }
            }
            Self::Sensitivity { least } => {
                ("least sensitivity", "from 0 to 1", least, share(least))
            }
            Self::Specificity { least } => {
                ("least specificity", "from 0 to 1", least, share(least))
            }
            Self::Precision { least } => ("least precision", "from 0 to 1", least, share(least)),
            Self::Recall { least } => ("least recall", "from 0 to 1", least, share(least)),
            Self::FBeta { beta } => ("beta", "a finite number from 0 on", beta, cost(beta)),
        };
        match valid {
            true => Ok(()),
            false => Err(Error::InvalidParameter {
                parameter,
                rule,
                value,
            }),
        }
    }
}

impl<S: Score> Ranking<S> {
    /// The decisions at a threshold: scores of at least this much are called positive, all if it is NaN.
    #[must_use]
    pub fn at(&self, threshold: f64) -> OperatingPoint {
        let (found, alarms) = self.reaching(threshold);
        self.point(threshold, found, alarms)
    }

    /// The threshold that is chosen by a rule; `None` where no point qualifies or the cases do not define it.
    ///
    /// # Errors
    /// Refuses shares outside 0 to 1 and costs that are negative or not finite.
    pub fn operating_point(&self, selection: &Selection) -> Result<Option<OperatingPoint>> {
        selection.check()?;
        let nothing = self.point(f64::INFINITY, 0, 0);
        let points = self.steps().map(|step| {
            self.point(
                step.threshold.as_f64(),
                step.true_positives,
                step.false_positives,
            )
        });
        let mut best: Option<([f64; 2], OperatingPoint)> = None;
        for point in std::iter::once(nothing).chain(points) {
            if let Some(merit) = selection.merit(&point.counts)
                && best.is_none_or(|(most, _)| merit > most)
            {
                best = Some((merit, point));
            }
        }
        Ok(best.map(|(_, point)| point))
    }

    fn point(&self, threshold: f64, found: u64, alarms: u64) -> OperatingPoint {
        OperatingPoint {
            threshold,
            counts: BinaryCounts {
                true_positive: found,
                false_positive: alarms,
                false_negative: self.positives() - found,
                true_negative: self.negatives() - alarms,
            },
        }
    }
}

/// A threshold that may be infinite.
mod threshold {
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        crate::number::serialize(&Some(*value), to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        let missing = || serde::de::Error::custom("a threshold is missing");
        crate::number::deserialize(from)?.ok_or_else(missing)
    }
}
