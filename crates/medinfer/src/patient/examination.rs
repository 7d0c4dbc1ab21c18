//! An image and what is known of its patient.

use medcore::Image;
use medmodels::fusion::table::Record;

use super::{Known, PatientData};

/// An image and what is known of its patient, as a case that a bundle tries itself on.
#[derive(Debug, Clone, PartialEq)]
pub struct Examination<const D: usize> {
    /// The image, unprepared.
    pub image: Image<f32, D>,
    /// What is known of the patient.
    pub patient: PatientData,
}

impl<const D: usize> Examination<D> {
    /// An image and a record.
    #[must_use]
    pub fn new(image: Image<f32, D>, record: Record) -> Self {
        let patient = PatientData::new(record);
        Self { image, patient }
    }

    /// Sets embeddings of texts or earlier findings, for a network that reads them.
    #[must_use]
    pub fn with_tokens(self, tokens: impl Into<Vec<Vec<f32>>>) -> Self {
        let patient = self.patient.with_tokens(tokens);
        Self { patient, ..self }
    }
}

impl<const D: usize> Known for Examination<D> {
    fn record(&self) -> &Record {
        self.patient.record()
    }

    fn tokens(&self) -> &[Vec<f32>] {
        self.patient.tokens()
    }
}
