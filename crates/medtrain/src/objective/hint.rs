//! What goes on inside a teacher, as something to learn from.

use mednn::Outputs;
use mednn::candle_core::Tensor;
use mednn::ops::{self, Reduced};
use serde::{Deserialize, Serialize};

use super::feature;
use crate::error::{Error, Result};

/// Added to squared norms, so that features that are all zero have a direction.
const TINY: f64 = 1e-24;

/// An intermediate feature of the student that is to become like one of the teacher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hint {
    pub(super) student: String,
    pub(super) teacher: String,
    likeness: Likeness,
    weight: f64,
}

/// What of two features is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Likeness {
    /// The values, by the mean of squared differences: features of one shape (Romero et al. 2015,
    /// <https://arxiv.org/abs/1412.6550>, without its regressor).
    Values,
    /// The places: the mean over channels of squared values, as a vector of length 1 for each sample, by the mean of squared
    /// differences. The number of channels may differ (Zagoruyko and Komodakis 2017, <https://arxiv.org/abs/1612.03928>).
    Attention,
}

impl Hint {
    /// A feature that has the same name in both networks.
    ///
    /// # Errors
    /// Refuses a weight that is negative or not finite.
    pub fn new(feature: impl Into<String>, likeness: Likeness, weight: f64) -> Result<Self> {
        let holds = weight >= 0.0 && weight.is_finite();
        Error::require(
            holds,
            "the weight of a hint",
            "finite and at least 0",
            weight,
        )?;
        let feature = feature.into();
        Ok(Self {
            student: feature.clone(),
            teacher: feature,
            likeness,
            weight,
        })
    }

    /// Sets the name that the teacher's feature has.
    #[must_use]
    pub fn of_teacher(mut self, feature: impl Into<String>) -> Self {
        self.teacher = feature.into();
        self
    }

    /// Weight times distance.
    pub(super) fn distance(&self, student: &Outputs, teacher: &Outputs) -> Result<Tensor> {
        let student = feature(student, &self.student)?;
        let teacher = feature(teacher, &self.teacher)?.detach();
        let (student, teacher) = match self.likeness {
            Likeness::Values => (student.clone(), teacher),
            Likeness::Attention => (places(student)?, places(&teacher)?),
        };
        if student.dims() != teacher.dims() {
            return Err(Error::OtherShape {
                feature: self.student.clone(),
                student: student.dims().to_vec(),
                teacher: teacher.dims().to_vec(),
            });
        }
        let distance = (student - teacher)?.sqr()?.mean_all()?;
        Ok((distance * self.weight)?)
    }
}

/// Where a feature is strong, `[batch, places]` of length 1.
fn places(feature: &Tensor) -> Result<Tensor> {
    let energy = ops::mean(&feature.sqr()?, &[1], Reduced::Dropped)?;
    let energy = ops::flatten_from(&energy, 1)?;
    let length = energy.sqr()?.sum_keepdim(1)?.affine(1.0, TINY)?.sqrt()?;
    Ok(energy.broadcast_div(&length)?)
}
