//! Whether probabilities mean what they say, and how to make them.
//!
//! A [`CalibrationTable`] counts scores bin by bin, for the data of a reliability diagram and the family of
//! [`CalibrationError`]s; [`MulticlassCalibration`] does so for many classes.

mod binning;
mod check;
mod error;
mod multiclass;
mod score;
mod table;
mod tally;
mod wilson;

pub use binning::{BinEdges, BinRule, Binning};
pub use error::{CalibrationError, bootstrap_error};
pub use multiclass::{ClassLayout, ClassProbabilities, MulticlassCalibration};
pub use score::Score;
pub use table::{CalibrationBin, CalibrationTable};
