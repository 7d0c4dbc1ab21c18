//! The objects that a report refers to (PS3.3 section C.17.2, table C.17-3).

use std::collections::BTreeMap;

use super::super::dataset::Dataset;
use super::super::derived::{Field, Source};
use super::super::fault::Fault;
use super::super::tag::Tag;

/// An object and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InstanceReference {
    /// Study instance UID.
    pub study_uid: String,
    /// Series instance UID.
    pub series_uid: String,
    /// SOP class UID.
    pub class_uid: String,
    /// SOP instance UID.
    pub instance_uid: String,
}

impl InstanceReference {
    /// The object of a dataset.
    ///
    /// # Errors
    /// Refuses datasets without study, series, SOP class or instance.
    pub fn of(dataset: &Dataset) -> Result<Self, Fault> {
        Ok(Self {
            study_uid: dataset.required_string(Tag::STUDY_INSTANCE_UID)?,
            series_uid: dataset.required_string(Tag::SERIES_INSTANCE_UID)?,
            class_uid: dataset.required_string(Tag::SOP_CLASS_UID)?,
            instance_uid: dataset.required_string(Tag::SOP_INSTANCE_UID)?,
        })
    }

    /// The images of a source.
    pub(super) fn of_source(source: &Source) -> Vec<Self> {
        let study = source.header().string(Tag::STUDY_INSTANCE_UID);
        let study_uid = study.unwrap_or_default();
        let images = source.instances().into_iter();
        images
            .map(|image| Self {
                study_uid: study_uid.clone(),
                series_uid: source.series_uid().to_owned(),
                class_uid: image.class_uid.clone(),
                instance_uid: image.instance_uid.clone(),
            })
            .collect()
    }
}

/// The evidence as items by study, series and object.
pub(super) fn encode<'a>(
    evidence: impl Iterator<Item = &'a InstanceReference>,
) -> Result<Vec<Dataset>, Fault> {
    let mut studies: BTreeMap<&str, BTreeMap<&str, Vec<Dataset>>> = BTreeMap::new();
    for object in evidence {
        let (class, instance) = (&object.class_uid, &object.instance_uid);
        let item = Dataset::of([
            (Tag::REFERENCED_SOP_CLASS_UID, Field::Text(class)),
            (Tag::REFERENCED_SOP_INSTANCE_UID, Field::Text(instance)),
        ])?;
        let series = studies.entry(&object.study_uid).or_default();
        series.entry(&object.series_uid).or_default().push(item);
    }
    let mut items = Vec::new();
    for (study_uid, series) in studies {
        let mut of_study = Vec::new();
        for (series_uid, objects) in series {
            of_study.push(Dataset::of([
                (Tag::SERIES_INSTANCE_UID, Field::Text(series_uid)),
                (Tag::REFERENCED_SOP_SEQUENCE, Field::Items(objects)),
            ])?);
        }
        items.push(Dataset::of([
            (Tag::STUDY_INSTANCE_UID, Field::Text(study_uid)),
            (Tag::REFERENCED_SERIES_SEQUENCE, Field::Items(of_study)),
        ])?);
    }
    Ok(items)
}

/// The evidence of a report: that of its own examination and other.
pub(super) fn decode(report: &Dataset) -> Result<Vec<InstanceReference>, Fault> {
    let own = report.items(Tag::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE);
    let other = report.items(Tag::PERTINENT_OTHER_EVIDENCE_SEQUENCE);
    let studies = || own.iter().chain(other);
    let series = studies().flat_map(|study| study.items(Tag::REFERENCED_SERIES_SEQUENCE));
    let objects = series.map(|series| series.items(Tag::REFERENCED_SOP_SEQUENCE).len());
    let mut found = Vec::with_capacity(objects.fold(0, usize::saturating_add));
    for study in studies() {
        let study_uid = study.required_string(Tag::STUDY_INSTANCE_UID)?;
        for series in study.items(Tag::REFERENCED_SERIES_SEQUENCE) {
            let series_uid = series.required_string(Tag::SERIES_INSTANCE_UID)?;
            for object in series.items(Tag::REFERENCED_SOP_SEQUENCE) {
                found.push(InstanceReference {
                    study_uid: study_uid.clone(),
                    series_uid: series_uid.clone(),
                    class_uid: object.required_string(Tag::REFERENCED_SOP_CLASS_UID)?,
                    instance_uid: object.required_string(Tag::REFERENCED_SOP_INSTANCE_UID)?,
                });
            }
        }
    }
    Ok(found)
}
