//! Whether probabilities mean what they say, and how to make them.
//!
//! A [`CalibrationTable`] counts scores bin by bin, for the data of a reliability diagram and the family of
//! [`CalibrationError`]s; [`MulticlassCalibration`] does so for many classes.

mod binning;
mod brier;
mod check;
mod error;
mod goodness;
mod log_loss;
mod logistic;
mod multiclass;
mod score;
mod table;
mod tally;
mod wilson;

pub use binning::{BinEdges, BinRule, Binning};
pub use brier::{BrierDecomposition, BrierScale, BrierScore, BrierTable, MulticlassBrier};
pub use error::{CalibrationError, bootstrap_error};
pub use goodness::{CalibrationTest, Recalibration, ScoredBy, hosmer_lemeshow, spiegelhalter};
pub use log_loss::{LogLoss, LogLossRule};
pub use multiclass::{ClassLayout, ClassProbabilities, MulticlassCalibration};
pub use score::Score;
pub use table::{CalibrationBin, CalibrationTable};
