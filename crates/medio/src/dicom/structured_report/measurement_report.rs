//! Reports of measurements (PS3.16, TID 1500).

use std::path::Path;

use super::super::dataset::Dataset;
use super::super::derived::{Code, Creation, Source, Uids, codes};
use super::super::fault::Fault;
use super::super::file::open_with;
use super::content::ContentItem;
use super::document::StructuredReport;
use super::evidence::InstanceReference;
use super::measurement_group::{Evaluation, MeasurementGroup};
use super::observer::Observer;
use super::report_codes::ENGLISH;
use super::{template_reader, template_writer};
use crate::options::ReadOptions;

/// A report of what was measured in images.
///
/// ```no_run
/// use medio::dicom::{
///     self, Creation, MeasurementGroup, MeasurementReport, Region, SegmentReference, Source, codes,
/// };
///
/// let volume = dicom::scan("ct")?.only()?.volume::<f32>()?;
/// let source = Source::of(&volume)?;
/// let segmentation = dicom::open("organs.dcm")?;
/// let liver = SegmentReference::of(segmentation.dataset(), 1)?;
/// let liver = MeasurementGroup::volume(Region::Segment(liver))
///     .finding(codes::LIVER)
///     .measure(codes::VOLUME, 1_512_345.0, codes::CUBIC_MILLIMETRE);
/// MeasurementReport::new(&source)
///     .procedure(codes::COMPUTED_TOMOGRAPHY)
///     .refers_to(segmentation.dataset())?
///     .group(liver)
///     .write("report.dcm", &Creation::now()?)?;
/// let again = MeasurementReport::read("report.dcm")?;
/// println!("{:?}", again.groups[0].measurement(&codes::VOLUME));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MeasurementReport {
    /// What kind of report.
    pub title: Code,
    /// In which language.
    pub language: Code,
    /// As spoken in which country.
    pub country: Option<Code>,
    /// Who measured; what makes the report if nobody is named.
    pub observers: Vec<Observer>,
    /// What was done with the patient.
    pub procedures: Vec<Code>,
    /// Measurements by finding.
    pub groups: Vec<MeasurementGroup>,
    /// Judgements of the whole.
    pub evaluations: Vec<Evaluation>,
    /// Items that are not modelled here, for instance an image library.
    pub other: Vec<ContentItem>,
    /// Whether everything that was to be said is said.
    pub complete: bool,
    /// The objects that the report refers to, and others that were looked at.
    pub evidence: Vec<InstanceReference>,
    pub(super) header: Dataset,
}

impl MeasurementReport {
    /// An empty report on the images of a source.
    #[must_use]
    pub fn new(source: &Source) -> Self {
        Self {
            evidence: InstanceReference::of_source(source),
            ..Self::empty(source.header().clone())
        }
    }

    pub(super) fn empty(header: Dataset) -> Self {
        Self {
            title: codes::IMAGING_MEASUREMENT_REPORT,
            language: ENGLISH.code(),
            country: None,
            observers: Vec::new(),
            procedures: Vec::new(),
            groups: Vec::new(),
            evaluations: Vec::new(),
            other: Vec::new(),
            complete: true,
            evidence: Vec::new(),
            header,
        }
    }

    /// Names who measured.
    #[must_use]
    pub fn observer(mut self, observer: Observer) -> Self {
        self.observers.push(observer);
        self
    }

    /// Names what was done with the patient.
    #[must_use]
    pub fn procedure(mut self, procedure: Code) -> Self {
        self.procedures.push(procedure);
        self
    }

    /// Lists an object that groups refer to, for instance a segmentation.
    ///
    /// # Errors
    /// Refuses datasets without study, series, SOP class or instance.
    pub fn refers_to(mut self, object: &Dataset) -> Result<Self, Fault> {
        let object = InstanceReference::of(object)?;
        if !self.evidence.contains(&object) {
            self.evidence.push(object);
        }
        Ok(self)
    }

    /// Adds measurements of a finding.
    #[must_use]
    pub fn group(mut self, group: MeasurementGroup) -> Self {
        self.groups.push(group);
        self
    }

    /// Patient, study, and for reports that were read all other attributes but the tree.
    #[must_use]
    pub fn header(&self) -> &Dataset {
        &self.header
    }

    /// Reads a report of measurements.
    ///
    /// # Errors
    /// Refuses what [`StructuredReport::read`] refuses, reports of another template, and groups that break
    /// theirs.
    pub fn read(path: impl AsRef<Path>) -> crate::Result<Self> {
        Self::read_with(path, &ReadOptions::new())
    }

    /// As [`Self::read`], with options.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> crate::Result<Self> {
        let file = open_with(path, options)?;
        let read = || Self::of(StructuredReport::of_file(&file)?);
        read().map_err(crate::Error::dicom(file.path()))
    }

    /// The measurements of a structured report.
    ///
    /// # Errors
    /// Refuses reports of another template, and groups that break theirs.
    pub fn of(report: StructuredReport) -> Result<Self, Fault> {
        template_reader::read(report)
    }

    /// The tree of the report, with identifiers for findings that have none.
    ///
    /// # Errors
    /// Refuses reports without groups, and groups whose regions do not suit their kind.
    pub fn to_document(&self, creation: &Creation) -> Result<StructuredReport, Fault> {
        // Not the identifiers that the object itself gets.
        let mut uids = Uids::from_seed(creation.uids.clone().next_uid().as_bytes());
        let unnamed = [Observer::equipment(&creation.equipment)];
        let observers: &[Observer] = match self.observers.is_empty() {
            true => &unnamed,
            false => &self.observers,
        };
        Ok(StructuredReport {
            complete: self.complete,
            evidence: self.evidence.clone(),
            ..StructuredReport::new(
                &self.header,
                template_writer::tree(self, observers, &mut uids)?,
            )
        })
    }

    /// Writes the report as a new object of a new series.
    ///
    /// # Errors
    /// Refuses what [`Self::to_document`] refuses, references to objects that are not listed, and passes on
    /// what the system says.
    pub fn write(&self, path: impl AsRef<Path>, creation: &Creation) -> crate::Result<()> {
        let path = path.as_ref();
        let document = self.to_document(creation);
        let document = document.map_err(crate::Error::dicom(path))?;
        document.write(path, creation)
    }
}
