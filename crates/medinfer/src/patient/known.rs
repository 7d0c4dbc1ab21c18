//! What is known of a patient beside the image.

use medmodels::fusion::table::Record;

/// What is known of a patient beside an image: a [`Record`] alone, or one with embeddings ([`PatientData`]).
///
/// An application may implement it for what it has of patients.
pub trait Known {
    /// The values of the table's columns.
    fn record(&self) -> &Record;

    /// Embeddings of texts or earlier findings, a set of tokens, each of the width that the network reads.
    fn tokens(&self) -> &[Vec<f32>] {
        &[]
    }
}

impl Known for Record {
    fn record(&self) -> &Record {
        self
    }
}

/// A record and embeddings of texts or earlier findings.
///
/// ```
/// use medinfer::{Known, PatientData};
/// use medmodels::fusion::table::Record;
///
/// // A referral of two sentences, as an encoder of texts gives them.
/// let referral = vec![vec![0.1, 0.2, 0.3], vec![0.4, 0.5, 0.6]];
/// let patient = PatientData::new(Record::new().with("age", 61.0)).with_tokens(referral);
/// assert_eq!(patient.tokens().len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PatientData {
    /// The values of the table's columns.
    pub record: Record,
    /// Embeddings, one a token.
    pub tokens: Vec<Vec<f32>>,
}

impl PatientData {
    /// A record without tokens.
    #[must_use]
    pub fn new(record: Record) -> Self {
        let tokens = Vec::new();
        Self { record, tokens }
    }

    /// Sets the tokens.
    #[must_use]
    pub fn with_tokens(self, tokens: impl Into<Vec<Vec<f32>>>) -> Self {
        Self {
            tokens: tokens.into(),
            ..self
        }
    }
}

impl Known for PatientData {
    fn record(&self) -> &Record {
        &self.record
    }

    fn tokens(&self) -> &[Vec<f32>] {
        &self.tokens
    }
}
