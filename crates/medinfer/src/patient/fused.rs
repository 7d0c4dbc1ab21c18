//! A network over images and what is known of their patients.

use medcore::Image;
use medcore::resample::Voxel;
use medmodels::fusion::TABLE;
use medmodels::fusion::table::{Record, TableEncoder};
use mednn::candle_core::Device;
use mednn::model::{Inputs, Model};

use super::{FusedConfig, Known};
use crate::classify::{Classification, Panel, refuse};
use crate::error::Result;
use crate::outlier::FeatureReference;

/// A trained classifier of images with patient data, with everything around it.
///
/// ```
/// use medcore::{Geometry, Image};
/// use medinfer::{AnswerConfig, ClassLabel, FusedClassifier, FusedConfig, LabelKind};
/// use medmodels::fusion::table::{NumericColumn, Record, TableConfig};
/// use medmodels::fusion::{self, FilmConfig, FusionConfig};
/// use medmodels::resnet::ResNetConfig;
/// use mednn::params::Params;
///
/// let hba1c = NumericColumn::new("hba1c", 7.4, 1.6).with_unit("%").with_range(3.0, 20.0).optional();
/// let backbone = ResNetConfig::resnet10(1).with_features([4, 4, 4, 4]);
/// let model = FusionConfig::new(backbone, TableConfig::new().with(hba1c), FilmConfig::new(), 3);
/// let grades = ["none", "mild", "worse"].map(ClassLabel::new);
/// let answer = AnswerConfig::new(grades).with_kind(LabelKind::Grades);
/// let config = FusedConfig::<2>::new(model, answer);
/// let network = fusion::create(&config.model, &Params::new(1))?;
/// let classifier = FusedClassifier::new(config, network)?;
///
/// let fundus = Image::<f32, 2>::zeros(3, Geometry::axis_aligned([64, 64], [1.0, 1.0])?)?;
/// let found = classifier.classify(&fundus, &Record::new().with("hba1c", 9.1))?;
/// assert!(found.grade.is_some_and(|grade| grade.expected <= 2.0));
/// // Nobody measured it; 76 is no percentage.
/// classifier.classify(&fundus, &Record::new())?;
/// assert!(classifier.classify(&fundus, &Record::new().with("hba1c", 76.0)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FusedClassifier<'m, const D: usize> {
    config: FusedConfig<D>,
    encoder: TableEncoder,
    panel: Panel<'m>,
}

impl<const D: usize> std::fmt::Debug for FusedClassifier<'_, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FusedClassifier")
            .field("config", &self.config)
            .field("networks", &self.networks().len())
            .finish_non_exhaustive()
    }
}

impl<'m, const D: usize> FusedClassifier<'m, D> {
    /// Puts a network of the described architecture to use: an own one, or `Box::new(&network)` while it learns.
    ///
    /// # Errors
    /// Refuses a description whose parts do not fit each other.
    pub fn new(config: FusedConfig<D>, network: Box<dyn Model + 'm>) -> Result<Self> {
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
    pub fn config(&self) -> &FusedConfig<D> {
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

    /// What an image shows of a patient of whom this is known: a record, or [`PatientData`](super::PatientData) where the
    /// network reads tokens.
    ///
    /// # Errors
    /// Refuses an image with other channels or, once prepared, other extents than described; a record that the table does
    /// not take, by column and value; tokens of another width, none where the description does not let them be missing, and
    /// any for a network that reads none; passes with dropout of a network that has none; and when preparation or the network
    /// fails or gives numbers that are not finite.
    pub fn classify<T: Voxel, K: Known>(
        &self,
        image: &Image<T, D>,
        patient: &K,
    ) -> Result<Classification> {
        let prepared = self.prepare(image)?;
        let mut found = self.classify_prepared(&[&prepared], std::slice::from_ref(patient))?;
        Ok(found.remove(0))
    }

    /// An image as the network reads it.
    ///
    /// # Errors
    /// As [`FusedClassifier::classify`].
    pub fn prepare<T: Voxel>(&self, image: &Image<T, D>) -> Result<Image<f32, D>> {
        self.config.sight().prepare(image)
    }

    /// What prepared images of one shape show, each with what is known of its patient.
    ///
    /// # Errors
    /// As [`FusedClassifier::classify`]; refuses images of several shapes, and another number of patients than images.
    pub fn classify_prepared<K: Known>(
        &self,
        images: &[&Image<f32, D>],
        patients: &[K],
    ) -> Result<Vec<Classification>> {
        if images.is_empty() && patients.is_empty() {
            return Ok(Vec::new());
        }
        let plain = self.inputs(images, patients)?;
        let sight = self.config.sight();
        let views = sight.views(images);
        let mut views = views.map(|seen| Ok(plain.clone().with(Inputs::IMAGE, seen?)));
        let rules = self.config.answer.rules();
        self.panel.classify(&rules, &plain, &mut views)
    }

    /// Prepared images and what is known of their patients as the network reads them, for [`explain`](crate::explain): maps of the image, and
    /// Shapley values of image and columns.
    ///
    /// # Errors
    /// As [`FusedClassifier::classify_prepared`].
    pub fn inputs<K: Known>(&self, images: &[&Image<f32, D>], patients: &[K]) -> Result<Inputs> {
        if images.len() != patients.len() {
            let value = format!("{} for {}", patients.len(), images.len());
            return refuse("records", "one for each image", value);
        }
        let seen = self.config.sight().stack(images)?;
        let records: Vec<Record> = patients
            .iter()
            .map(|known| known.record().clone())
            .collect();
        let rows = self.encoder.rows(&records, &Device::Cpu)?;
        let inputs = Inputs::new(seen).with(TABLE, rows);
        let width = self.config.model.fusion.token_width();
        match (width, &self.config.tokens) {
            (Some(width), Some(source)) => Ok(source.batch(patients, width)?.add_to(inputs)),
            _ => match patients.iter().position(|known| !known.tokens().is_empty()) {
                None => Ok(inputs),
                Some(number) => {
                    let rule = "none for a network that reads none";
                    refuse("tokens", rule, format!("some for patient {number}"))
                }
            },
        }
    }

    /// The features of this name of prepared images and their patients, as the first network gives them; see
    /// [`Classifier::features`](crate::Classifier::features). `fusion` is what the head gets.
    ///
    /// # Errors
    /// As [`FusedClassifier::classify_prepared`], and when the network has no such feature, or one whose places its
    /// operators do not tell.
    pub fn features<K: Known>(
        &self,
        images: &[&Image<f32, D>],
        patients: &[K],
        name: &str,
    ) -> Result<Vec<Vec<f32>>> {
        self.panel.features(&self.inputs(images, patients)?, name)
    }
}
