//! Who judges a network between epochs.

use std::result::Result;

use mednn::Model;

use crate::error::BoxError;
use crate::log::Validation;

/// Judges a network between epochs; the application wires it to a predictor, in a type of its own or a closure.
pub trait Validator {
    /// Scores the network as it stands after `epoch` (counted from zero).
    ///
    /// # Errors
    /// Whatever goes wrong ends the run; the checkpoint of the epoch before stays.
    fn validate(&mut self, model: &dyn Model, epoch: u32) -> Result<Validation, BoxError>;

    /// Tries a network that has not learnt anything, before hours are spent on it; unless written, by a whole validation
    /// whose result is dropped. One case is enough to see whether it works.
    ///
    /// # Errors
    /// Whatever goes wrong: the run does not start.
    fn check(&mut self, model: &dyn Model) -> Result<(), BoxError> {
        self.validate(model, 0).map(drop)
    }
}

impl<F> Validator for F
where
    F: FnMut(&dyn Model, u32) -> Result<Validation, BoxError>,
{
    fn validate(&mut self, model: &dyn Model, epoch: u32) -> Result<Validation, BoxError> {
        self(model, epoch)
    }
}
