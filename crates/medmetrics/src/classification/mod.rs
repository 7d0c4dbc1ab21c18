//! Decisions, scores and probabilities against the truth.
//!
//! * [`ConfusionMatrix`], [`MultiLabelCounts`] and [`BinaryCounts`] count decisions; a [`BinaryMeasure`]
//!   names what four counts say, an [`AveragingRule`] how several classes become one number.
//! * [`Scores`] gather scores and become a [`Ranking`]: AUC, partial AUC and average precision, all exact.
//!   [`Roc`] and [`PrecisionRecall`] are its curves, a [`Selection`] chooses an [`OperatingPoint`].
//! * [`ClassScores`] do the same for classes of which one is true, [`LabelScores`] for any number of labels;
//!   [`LogLoss`] and [`TopK`] measure rows of probabilities.

mod average;
mod confusion;
mod convention;
mod counts;
mod curve;
mod label_scores;
mod matthews;
mod measure;
mod multiclass;
mod multilabel;
mod operating;
mod probabilities;
mod radix;
mod ranking;
mod score;
mod scores;

pub use average::{AbsentClasses, Average, AveragingRule, ZeroDivision};
pub use confusion::{Chance, ConfusionMatrix};
pub use convention::RankingConvention;
pub use counts::{BinaryCounts, Threshold};
pub use curve::{PrecisionRecall, Roc};
pub use label_scores::{LabelRankings, LabelScores};
pub use matthews::MatthewsRule;
pub use measure::BinaryMeasure;
pub use multiclass::{ClassAreas, ClassScores};
pub use multilabel::MultiLabelCounts;
pub use operating::{DecisionCosts, OperatingPoint, Selection};
pub use probabilities::{LogLoss, TopK, TopTies};
pub use ranking::{AveragePrecisionRule, PartialAuc, PartialRange, Ranking, Step};
pub use score::Score;
pub use scores::Scores;
