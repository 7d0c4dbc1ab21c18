//! Decisions, scores and probabilities against the truth.
//!
//! * [`ConfusionMatrix`], [`MultiLabelCounts`] and [`BinaryCounts`] count decisions; a [`BinaryMeasure`]
//!   names what four counts say, an [`AveragingRule`] how several classes become one number.

mod average;
mod confusion;
mod counts;
mod matthews;
mod measure;
mod multilabel;

pub use average::{AbsentClasses, Average, AveragingRule, ZeroDivision};
pub use confusion::{Chance, ConfusionMatrix};
pub use counts::{BinaryCounts, Threshold};
pub use matthews::MatthewsRule;
pub use measure::BinaryMeasure;
pub use multilabel::MultiLabelCounts;
