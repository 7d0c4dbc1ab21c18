//! Decisions, scores and probabilities against the truth.
//!
//! * [`ConfusionMatrix`], [`MultiLabelCounts`] and [`BinaryCounts`] count decisions; a [`BinaryMeasure`]
//!   names what four counts say, an [`AveragingRule`] how several classes become one number.
//! * [`Scores`] gather scores and become a [`Ranking`]: AUC, partial AUC and average precision, all exact.
//!   [`Roc`] and [`PrecisionRecall`] are its curves, a [`Selection`] chooses an [`OperatingPoint`].
//! * [`ClassScores`] do the same for classes of which one is true, [`LabelScores`] for any number of labels;
//!   [`TopK`] measures rows of scores, [`LogLoss`](crate::calibration::LogLoss) of probabilities.
//! * [`DecisionIntervals`] give intervals, [`AtPrevalence`] predictive values elsewhere, a [`DecisionCurve`]
//!   says whether acting on a score does good; [`Stratified`] does any of this for each site or scanner.

mod area_interval;
mod average;
mod confusion;
mod convention;
mod cost;
mod counts;
mod curve;
mod decision_curve;
mod interval;
mod label_scores;
mod matthews;
mod measure;
mod multiclass;
mod multilabel;
mod operating;
mod prevalence;
mod probabilities;
mod radix;
mod ranking;
mod scores;
mod stratified;

pub use crate::score::Score;
pub use area_interval::Resampling;
pub use average::{AbsentClasses, Average, AveragingRule, ZeroDivision};
pub use confusion::{ChanceLevel, ConfusionMatrix};
pub use convention::RankingConvention;
pub use cost::CostMatrix;
pub use counts::{BinaryCounts, Threshold};
pub use curve::{PrecisionRecall, Roc};
pub use decision_curve::{DecisionCurve, NetBenefit};
pub use interval::DecisionIntervals;
pub use label_scores::{LabelRankings, LabelScores};
pub use matthews::MatthewsRule;
pub use measure::BinaryMeasure;
pub use multiclass::{ClassAreas, ClassScores};
pub use multilabel::MultiLabelCounts;
pub use operating::{DecisionCosts, OperatingPoint, Selection};
pub use prevalence::{AtPrevalence, PredictiveInterval, PredictiveValues, post_test_probability};
pub use probabilities::{TopK, TopTies};
pub use ranking::{AveragePrecisionRule, PartialAuc, PartialRange, Ranking, Step};
pub use scores::Scores;
pub use stratified::{Stratified, StratifiedResult};
