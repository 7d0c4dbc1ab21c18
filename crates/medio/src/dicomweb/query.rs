//! What to search for (QIDO-RS, PS3.18 section 10.6).

use crate::dicom::{Date, Tag};

use super::fault::Fault;
use super::resource::Resource;
use super::url::escape;

/// What the matches of a search are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Level {
    Study,
    Series,
    Instance,
}

/// A search for studies, series or instances.
///
/// Several keys must all match. Text may hold the wildcards `*` and `?`.
///
/// ```
/// use medio::dicom::{Date, Tag};
/// use medio::dicomweb::Query;
///
/// let day = Date { year: 2026, month: 11, day: 22 };
/// let query = Query::series()
///     .patient_id("P-7")
///     .modality("CT")
///     .study_dates(Some(day), None)
///     .with(Tag::BODY_PART_EXAMINED, "CHEST")
///     .include(Tag::SERIES_DESCRIPTION)
///     .limit(20);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    level: Level,
    within: Option<Resource>,
    /// Name and value, not escaped.
    keys: Vec<(String, String)>,
    include: Vec<String>,
    fuzzy: bool,
    limit: Option<u64>,
    offset: u64,
    page: u64,
}

/// Matches asked for at a time.
const PAGE: u64 = 500;

fn name(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

impl Query {
    fn new(level: Level) -> Self {
        Self {
            level,
            within: None,
            keys: Vec::new(),
            include: Vec::new(),
            fuzzy: false,
            limit: None,
            offset: 0,
            page: PAGE,
        }
    }

    /// All studies.
    #[must_use]
    pub fn studies() -> Self {
        Self::new(Level::Study)
    }

    /// All series, of all studies if [`Self::within`] names none.
    #[must_use]
    pub fn series() -> Self {
        Self::new(Level::Series)
    }

    /// All instances, of all studies and series if [`Self::within`] names none.
    #[must_use]
    pub fn instances() -> Self {
        Self::new(Level::Instance)
    }

    /// Looks only into this study or series.
    #[must_use]
    pub fn within(mut self, resource: &Resource) -> Self {
        self.within = Some(resource.clone());
        self
    }

    /// Matches `PatientID`.
    #[must_use]
    pub fn patient_id(self, id: &str) -> Self {
        self.with(Tag::PATIENT_ID, id)
    }

    /// Matches `PatientName`, for instance `Doe^J*`.
    #[must_use]
    pub fn patient_name(self, name: &str) -> Self {
        self.with(Tag::PATIENT_NAME, name)
    }

    /// Matches `StudyDate` from the first to the last day, both included; an open end is not bounded.
    #[must_use]
    pub fn study_dates(self, first: Option<Date>, last: Option<Date>) -> Self {
        let text = |date: Option<Date>| {
            date.map(|Date { year, month, day }| format!("{year:04}{month:02}{day:02}"))
                .unwrap_or_default()
        };
        let (first, last) = (text(first), text(last));
        match (first.is_empty(), last.is_empty()) {
            (true, true) => self,
            _ if first == last => self.with(Tag::STUDY_DATE, &first),
            _ => self.with(Tag::STUDY_DATE, &format!("{first}-{last}")),
        }
    }

    /// Matches `Modality` of series and instances, `ModalitiesInStudy` of studies.
    #[must_use]
    pub fn modality(self, modality: &str) -> Self {
        let tag = match self.level {
            Level::Study => Tag::new(0x0008, 0x0061),
            Level::Series | Level::Instance => Tag::MODALITY,
        };
        self.with(tag, modality)
    }

    /// Matches `AccessionNumber`.
    #[must_use]
    pub fn accession_number(self, number: &str) -> Self {
        self.with(Tag::new(0x0008, 0x0050), number)
    }

    /// Matches `StudyInstanceUID`.
    #[must_use]
    pub fn study_uid(self, uid: &str) -> Self {
        self.with(Tag::STUDY_INSTANCE_UID, uid)
    }

    /// Matches `SeriesInstanceUID`.
    #[must_use]
    pub fn series_uid(self, uid: &str) -> Self {
        self.with(Tag::SERIES_INSTANCE_UID, uid)
    }

    /// Matches any attribute.
    #[must_use]
    pub fn with(self, tag: Tag, value: &str) -> Self {
        self.with_path(&[tag], value)
    }

    /// Matches an attribute inside sequences, given from the outermost sequence to the attribute.
    #[must_use]
    pub fn with_path(mut self, path: &[Tag], value: &str) -> Self {
        let names: Vec<String> = path.iter().copied().map(name).collect();
        self.keys.push((names.join("."), value.to_owned()));
        self
    }

    /// Asks for an attribute beyond those that the server gives anyway.
    #[must_use]
    pub fn include(mut self, tag: Tag) -> Self {
        self.include.push(name(tag));
        self
    }

    /// Asks for every attribute that the server can give.
    #[must_use]
    pub fn include_all(mut self) -> Self {
        self.include = vec!["all".to_owned()];
        self
    }

    /// Matches names by sound or spelling, where the server knows how.
    #[must_use]
    pub fn fuzzy(mut self) -> Self {
        self.fuzzy = true;
        self
    }

    /// Gives so many matches at most; all without it.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Leaves out so many matches at the beginning.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// Asks for so many matches at a time (500 unless told otherwise).
    #[must_use]
    pub fn page(mut self, matches: u64) -> Self {
        self.page = matches.max(1);
        self
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn most(&self) -> Option<u64> {
        self.limit
    }

    pub(super) fn first(&self) -> u64 {
        self.offset
    }

    pub(super) fn page_size(&self) -> u64 {
        self.page
    }

    /// The path below the service's URL.
    pub(super) fn path(&self) -> Result<String, Fault> {
        let name = match self.level {
            Level::Study => "studies",
            Level::Series => "series",
            Level::Instance => "instances",
        };
        let Some(within) = &self.within else {
            return Ok(name.to_owned());
        };
        let fits = match self.level {
            Level::Study => false,
            Level::Series => within.series_uid().is_none(),
            Level::Instance => within.instance_uid().is_none(),
        };
        let rule = "a study for series, a study or a series for instances";
        let outside = || Fault::setting("what a search looks into", rule);
        fits.then(|| format!("{within}/{name}")).ok_or_else(outside)
    }

    /// The query for `limit` matches from `offset` on.
    pub(super) fn text(&self, limit: u64, offset: u64) -> String {
        let mut text = String::new();
        for (key, value) in &self.keys {
            text.push_str(&format!("{key}={}&", escape(value)));
        }
        for tag in &self.include {
            text.push_str(&format!("includefield={tag}&"));
        }
        if self.fuzzy {
            text.push_str("fuzzymatching=true&");
        }
        text.push_str(&format!("limit={limit}"));
        if offset > 0 {
            text.push_str(&format!("&offset={offset}"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_tags_and_values_are_escaped() {
        let day = |day| {
            Some(Date {
                year: 2026,
                month: 1,
                day,
            })
        };
        let query = Query::studies()
            .patient_name("Doe^J*&limit=1")
            .study_dates(day(2), day(3))
            .modality("CT")
            .with_path(&[Tag::new(0x0040, 0x0275), Tag::new(0x0040, 0x0009)], "a b")
            .include(Tag::STUDY_DESCRIPTION)
            .fuzzy();
        assert_eq!(
            query.text(10, 20),
            "00100010=Doe%5EJ*%26limit%3D1&00080020=20260102-20260103&00080061=CT&\
             00400275.00400009=a%20b&includefield=00081030&fuzzymatching=true&limit=10&offset=20"
        );
        let dates = |first, last| Query::studies().study_dates(first, last).text(1, 0);
        assert_eq!(dates(day(2), None), "00080020=20260102-&limit=1");
        assert_eq!(dates(None, day(2)), "00080020=-20260102&limit=1");
        assert_eq!(dates(day(2), day(2)), "00080020=20260102&limit=1");
        assert_eq!(dates(None, None), "limit=1");
    }

    #[test]
    fn a_search_looks_into_what_can_hold_its_matches() {
        let study = Resource::study("1").unwrap();
        let series = Resource::series("1", "2").unwrap();
        let path = |query: Query| query.path().ok();
        assert_eq!(path(Query::series()).unwrap(), "series");
        assert_eq!(
            path(Query::series().within(&study)).unwrap(),
            "studies/1/series"
        );
        assert_eq!(
            path(Query::instances().within(&series)).unwrap(),
            "studies/1/series/2/instances"
        );
        assert_eq!(path(Query::studies().within(&study)), None);
        assert_eq!(path(Query::series().within(&series)), None);
    }
}
