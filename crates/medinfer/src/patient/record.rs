//! A network over what is known of patients.

use medmodels::fusion::TABLE;
use medmodels::fusion::table::{Record, TableEncoder};
use mednn::candle_core::Device;
use mednn::model::{Inputs, Model};

use super::RecordConfig;
use crate::classify::{Classification, Panel};
use crate::error::Result;
use crate::outlier::FeatureReference;

/// A trained classifier of patient data without an image, with everything around it: what is said where there is no image,
/// and the baseline beside which a [`FusedClassifier`](crate::FusedClassifier) is measured.
///
/// ```
/// use medinfer::{AnswerConfig, ClassLabel, RecordClassifier, RecordConfig};
/// use medmodels::fusion::table::{CategoricalColumn, NumericColumn, Record, TableConfig};
/// use medmodels::fusion::{self, TableNetworkConfig};
/// use mednn::params::Params;
///
/// let table = TableConfig::new()
///     .with(NumericColumn::new("age", 58.0, 12.0).with_unit("years").with_range(0.0, 120.0))
///     .with(CategoricalColumn::new("sex", ["f", "m"]).optional());
/// let answer = AnswerConfig::new(["no", "yes"].map(ClassLabel::new));
/// let config = RecordConfig::new(TableNetworkConfig::new(table, 2), answer);
/// let network = fusion::create_table(&config.model, &Params::new(1))?;
/// let classifier = RecordClassifier::new(config, network)?;
/// let found = classifier.classify(&Record::new().with("age", 61.0))?;
/// assert!((found.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RecordClassifier<'m> {
    config: RecordConfig,
    encoder: TableEncoder,
    panel: Panel<'m>,
}

impl std::fmt::Debug for RecordClassifier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordClassifier")
            .field("config", &self.config)
            .field("networks", &self.networks().len())
            .finish_non_exhaustive()
    }
}

impl<'m> RecordClassifier<'m> {
    /// Puts a network of the described architecture to use: an own one, or `Box::new(&network)` while it learns.
    ///
    /// # Errors
    /// Refuses a description whose parts do not fit each other.
    pub fn new(config: RecordConfig, network: Box<dyn Model + 'm>) -> Result<Self> {
        config.check()?;
        let encoder = TableEncoder::new(config.model.table.clone());
        Ok(Self {
            encoder: encoder.map_err(medmodels::Error::from)?,
            panel: Panel::new(network),
            config,
        })
    }

    /// Averages the logits with those of further networks of the same architecture (the folds of a cross-validation).
    #[must_use]
    pub fn with_ensemble(mut self, others: Vec<Box<dyn Model + 'm>>) -> Self {
        self.panel.set_others(others);
        self
    }

    /// Sets what the features of training cases look like, for distances from them.
    #[must_use]
    pub fn with_reference(mut self, reference: FeatureReference) -> Self {
        self.panel.reference = Some(reference);
        self
    }

    /// The description.
    #[must_use]
    pub fn config(&self) -> &RecordConfig {
        &self.config
    }

    /// What makes rows of records.
    #[must_use]
    pub fn encoder(&self) -> &TableEncoder {
        &self.encoder
    }

    /// The networks, at least one.
    #[must_use]
    pub fn networks(&self) -> &[Box<dyn Model + 'm>] {
        &self.panel.networks
    }

    /// What the features of training cases look like, if it is known.
    #[must_use]
    pub fn reference(&self) -> Option<&FeatureReference> {
        self.panel.reference.as_ref()
    }

    /// What a record says.
    ///
    /// # Errors
    /// Refuses a record that the table does not take, by column and value; passes with dropout of a network that has none;
    /// and when the network fails or gives numbers that are not finite.
    pub fn classify(&self, record: &Record) -> Result<Classification> {
        let mut found = self.classify_all(std::slice::from_ref(record))?;
        Ok(found.remove(0))
    }

    /// What each record says.
    ///
    /// # Errors
    /// As [`RecordClassifier::classify`].
    pub fn classify_all(&self, records: &[Record]) -> Result<Vec<Classification>> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let rules = self.config.answer.rules();
        let inputs = self.inputs(records)?;
        self.panel
            .classify(&rules, &inputs, &mut std::iter::empty())
    }

    /// Records as the network reads them, for Shapley values of columns ([`explain`](crate::explain)).
    ///
    /// # Errors
    /// As [`RecordClassifier::classify`]; refuses no records.
    pub fn inputs(&self, records: &[Record]) -> Result<Inputs> {
        let rows = self.encoder.rows(records, &Device::Cpu)?;
        Ok(Inputs::default().with(TABLE, rows))
    }

    /// The features of this name of records, as the first network gives them; `table` is what the head gets.
    ///
    /// # Errors
    /// As [`RecordClassifier::classify`], and when the network has no such feature.
    pub fn features(&self, records: &[Record], name: &str) -> Result<Vec<Vec<f32>>> {
        self.panel.features(&self.inputs(records)?, name)
    }
}
