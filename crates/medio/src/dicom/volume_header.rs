//! What a volume that was read from DICOM files says beyond its voxels.

use super::dataset::Dataset;
use super::diffusion::Diffusion;
use super::instance::{Axis, AxisValue};
use super::scan::{Series, Study};
use super::series::PlaneSource;
use super::tag::Tag;

/// What a volume that was read from DICOM files says beyond its voxels; more is in the files of its planes.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct VolumeHeader {
    /// `PatientID`
    pub patient_id: Option<String>,
    /// Study instance UID.
    pub study_uid: Option<String>,
    /// Series instance UID.
    pub series_uid: Option<String>,
    /// `Modality`, for instance `CT`
    pub modality: Option<String>,
    /// `SeriesDescription`
    pub description: Option<String>,
    /// Where each plane comes from, in the order of depth; none for a plane that repairs a gap.
    pub planes: Vec<Option<PlaneSource>>,
    /// The frame of reference, if the files name one.
    pub frame_of_reference: Option<String>,
    /// What tells this volume from others of its stack.
    pub axis: Option<(Axis, AxisValue)>,
    /// How diffusion was weighted, if all slices agree.
    pub diffusion: Option<Diffusion>,
    /// The unit of the values, if the first file says it: `HU`, `BQML`, `GY`, or a code of UCUM.
    pub unit: Option<String>,
}

impl VolumeHeader {
    pub(super) fn of_series(study: &Study, series: &Series) -> Self {
        Self {
            patient_id: study.patient_id.clone(),
            study_uid: Some(study.uid.clone()),
            series_uid: Some(series.uid.clone()),
            modality: series.modality.clone(),
            description: series.description.clone(),
            ..Self::default()
        }
    }

    pub(super) fn of_file(dataset: &Dataset) -> Self {
        Self {
            patient_id: dataset.string(Tag::PATIENT_ID),
            study_uid: dataset.string(Tag::STUDY_INSTANCE_UID),
            series_uid: dataset.string(Tag::SERIES_INSTANCE_UID),
            modality: dataset.string(Tag::MODALITY),
            description: dataset.text(Tag::SERIES_DESCRIPTION),
            frame_of_reference: dataset.string(Tag::FRAME_OF_REFERENCE_UID),
            ..Self::default()
        }
    }
}
