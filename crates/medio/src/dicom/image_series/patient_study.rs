//! Patient and study for volumes that do not come from DICOM (PS3.3 sections C.7.1.1 and C.7.2.1).

use super::super::dataset::{Dataset, Date, Time};
use super::super::fault::Fault;
use super::super::tag::Tag;

/// Whose examination something is of.
///
/// ```
/// use medio::dicom::{PatientStudy, Tag, Uids};
///
/// let study = PatientStudy::new("P7", "Phantom^Seven", Uids::from_seed(b"study 7").next_uid());
/// assert_eq!(study.to_header()?.string(Tag::PATIENT_ID).as_deref(), Some("P7"));
/// # Ok::<(), medio::dicom::Fault>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientStudy {
    /// `PatientID`
    pub patient_id: String,
    /// `PatientName`, its parts divided by `^`
    pub patient_name: String,
    /// `PatientBirthDate`
    pub birth_date: Option<Date>,
    /// `PatientSex`: `F`, `M` or `O`
    pub sex: Option<String>,
    /// `StudyInstanceUID`: the same for all series of the study
    pub study_uid: String,
    /// `StudyID`
    pub study_id: String,
    /// `StudyDate`
    pub date: Option<Date>,
    /// `StudyTime`
    pub time: Option<Time>,
    /// `StudyDescription`
    pub description: String,
    /// `AccessionNumber`
    pub accession_number: String,
    /// `ReferringPhysicianName`, its parts divided by `^`
    pub referring_physician: String,
}

impl PatientStudy {
    /// A study of a patient; what else is known can be set.
    #[must_use]
    pub fn new(
        patient_id: impl Into<String>,
        patient_name: impl Into<String>,
        study_uid: impl Into<String>,
    ) -> Self {
        Self {
            patient_id: patient_id.into(),
            patient_name: patient_name.into(),
            birth_date: None,
            sex: None,
            study_uid: study_uid.into(),
            study_id: String::new(),
            date: None,
            time: None,
            description: String::new(),
            accession_number: String::new(),
            referring_physician: String::new(),
        }
    }

    /// The attributes of patient and study.
    ///
    /// # Errors
    /// Refuses text that its attribute cannot hold.
    pub fn to_header(&self) -> Result<Dataset, Fault> {
        let mut header = Dataset::new();
        let date = |date: Option<Date>| date.map_or(String::new(), |date| date.to_string());
        let time = self.time.map_or(String::new(), |time| time.to_string());
        let sex = self.sex.as_deref().unwrap_or("");
        for (tag, text) in [
            (Tag::PATIENT_ID, self.patient_id.as_str()),
            (Tag::PATIENT_NAME, &self.patient_name),
            (Tag::PATIENT_BIRTH_DATE, &date(self.birth_date)),
            (Tag::PATIENT_SEX, sex),
            (Tag::STUDY_INSTANCE_UID, &self.study_uid),
            (Tag::STUDY_ID, &self.study_id),
            (Tag::STUDY_DATE, &date(self.date)),
            (Tag::STUDY_TIME, &time),
            (Tag::ACCESSION_NUMBER, &self.accession_number),
            (Tag::REFERRING_PHYSICIAN_NAME, &self.referring_physician),
        ] {
            header.set_text(tag, text)?;
        }
        if !self.description.is_empty() {
            header.set_text(Tag::STUDY_DESCRIPTION, &self.description)?;
        }
        Ok(header)
    }
}
