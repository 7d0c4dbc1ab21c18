//! Whether probabilities mean what they say, and how to make them.
//!
//! A [`CalibrationTable`] counts scores bin by bin, for the data of a reliability diagram and the family of
//! [`CalibrationError`]s; [`MulticlassCalibration`] does so for many classes. [`BrierTable`] and [`LogLoss`]
//! score probabilities as such, [`Recalibration`] says which way they are off, and a [`Calibrator`] makes
//! better ones of them.

mod binning;
mod brier;
mod calibrator;
mod check;
mod class_scores;
mod error;
mod goodness;
mod log_loss;
mod logistic;
mod multiclass;
mod table;
mod tally;

pub use crate::score::Score;
pub use binning::{BinEdges, BinRule, Binning};
pub use brier::{BrierDecomposition, BrierScale, BrierScore, BrierTable, MulticlassBrier};
pub use calibrator::{
    Calibrator, CalibratorInput, IsotonicRegression, MatrixPenalty, MatrixScaling, PlattScaling,
    PlattTargets, TemperatureScaling, VectorScaling,
};
pub use class_scores::{ClassLayout, ClassLogits, ClassProbabilities};
pub use error::{CalibrationError, bootstrap_error};
pub use goodness::{Recalibration, ScoredBy, hosmer_lemeshow, spiegelhalter};
pub use log_loss::{LogLoss, LogLossRule};
pub use multiclass::MulticlassCalibration;
pub use table::{CalibrationBin, CalibrationTable};
