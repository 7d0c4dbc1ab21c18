//! An image and what is known of its patient.

use medcore::Image;
use medmodels::fusion::table::Record;

/// An image and what is known of its patient, as a case that a bundle tries itself on.
#[derive(Debug, Clone, PartialEq)]
pub struct Examination<const D: usize> {
    /// The image, unprepared.
    pub image: Image<f32, D>,
    /// What is known of the patient.
    pub record: Record,
}

impl<const D: usize> Examination<D> {
    /// Both.
    #[must_use]
    pub fn new(image: Image<f32, D>, record: Record) -> Self {
        Self { image, record }
    }
}
