//! What a server keeps: studies, the series in them, the instances in those (PS3.18 section 10.1).

use std::fmt;

use crate::dicom::{Dataset, Tag};

use super::fault::Fault;
use super::uid::Uid;

/// A study, a series or an instance, by its UIDs.
///
/// ```
/// use medio::dicomweb::Resource;
///
/// let series = Resource::series("1.2.3", "1.2.3.4")?;
/// assert_eq!(series.to_string(), "studies/1.2.3/series/1.2.3.4");
/// # Ok::<(), medio::dicomweb::Fault>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource {
    study: Uid,
    series: Option<Uid>,
    instance: Option<Uid>,
}

/// Attributes that name a resource, from the study down.
pub(super) const LEVELS: [Tag; 3] = [
    Tag::STUDY_INSTANCE_UID,
    Tag::SERIES_INSTANCE_UID,
    Tag::SOP_INSTANCE_UID,
];

impl Resource {
    /// A study.
    ///
    /// # Errors
    /// Refuses what is no UID.
    pub fn study(study: &str) -> Result<Self, Fault> {
        Ok(Self {
            study: study.parse()?,
            series: None,
            instance: None,
        })
    }

    /// A series of a study.
    ///
    /// # Errors
    /// Refuses what is no UID.
    pub fn series(study: &str, series: &str) -> Result<Self, Fault> {
        let series = Some(series.parse()?);
        Ok(Self {
            series,
            ..Self::study(study)?
        })
    }

    /// An instance of a series.
    ///
    /// # Errors
    /// Refuses what is no UID.
    pub fn instance(study: &str, series: &str, instance: &str) -> Result<Self, Fault> {
        let instance = Some(instance.parse()?);
        Ok(Self {
            instance,
            ..Self::series(study, series)?
        })
    }

    /// The lowest resource that a dataset names: of the match of a search for series, the series.
    ///
    /// # Errors
    /// Refuses datasets without study, with an instance but no series, and what is no UID.
    pub fn of(dataset: &Dataset) -> Result<Self, Fault> {
        let uid = |tag| -> Result<Option<Uid>, Fault> {
            let text = dataset.string(tag);
            text.map(|text| text.parse()).transpose()
        };
        let [study, series, instance] = LEVELS.map(uid);
        let missing = |tag| crate::dicom::Fault::MissingAttribute { tag };
        let (series, instance) = (series?, instance?);
        if instance.is_some() && series.is_none() {
            return Err(missing(Tag::SERIES_INSTANCE_UID).into());
        }
        Ok(Self {
            study: study?.ok_or_else(|| missing(Tag::STUDY_INSTANCE_UID))?,
            series,
            instance,
        })
    }

    /// The instance of this series, or of this study's series.
    pub(super) fn with_instance(&self, series: Uid, instance: Uid) -> Self {
        Self {
            study: self.study.clone(),
            series: Some(series),
            instance: Some(instance),
        }
    }

    /// Study instance UID.
    #[must_use]
    pub fn study_uid(&self) -> &Uid {
        &self.study
    }

    /// Series instance UID of a series or an instance.
    #[must_use]
    pub fn series_uid(&self) -> Option<&Uid> {
        self.series.as_ref()
    }

    /// SOP instance UID of an instance.
    #[must_use]
    pub fn instance_uid(&self) -> Option<&Uid> {
        self.instance.as_ref()
    }

    /// Refuses datasets that are not of this resource.
    pub(super) fn check(&self, dataset: &Dataset) -> Result<(), Fault> {
        let asked = [
            Some(&self.study),
            self.series.as_ref(),
            self.instance.as_ref(),
        ];
        for (tag, asked) in LEVELS.into_iter().zip(asked) {
            let Some(asked) = asked else { continue };
            let got = dataset.string(tag).unwrap_or_default();
            if got != asked.as_str() {
                return Err(Fault::Mismatch {
                    tag,
                    asked: asked.to_string(),
                    got: got.chars().take(80).collect(),
                });
            }
        }
        Ok(())
    }
}

/// The path below the service's URL.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "studies/{}", self.study)?;
        if let Some(series) = &self.series {
            write!(f, "/series/{series}")?;
        }
        if let Some(instance) = &self.instance {
            write!(f, "/instances/{instance}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_names_its_resource() {
        let mut dataset = Dataset::new();
        assert!(Resource::of(&dataset).is_err());
        dataset.set_text(Tag::STUDY_INSTANCE_UID, "1.2").unwrap();
        assert_eq!(Resource::of(&dataset).unwrap().to_string(), "studies/1.2");
        dataset.set_text(Tag::SOP_INSTANCE_UID, "1.2.4").unwrap();
        assert!(Resource::of(&dataset).is_err());
        dataset.set_text(Tag::SERIES_INSTANCE_UID, "1.2.3").unwrap();
        let instance = Resource::of(&dataset).unwrap();
        assert_eq!(
            instance,
            Resource::instance("1.2", "1.2.3", "1.2.4").unwrap()
        );
        instance.check(&dataset).unwrap();
        let other = Resource::series("1.2", "1.2.5").unwrap();
        assert!(matches!(other.check(&dataset), Err(Fault::Mismatch { .. })));
    }
}
