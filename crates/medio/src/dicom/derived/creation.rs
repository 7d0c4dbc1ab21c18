//! When, with what and as which series objects are made.

use std::time::{SystemTime, UNIX_EPOCH};

use super::super::dataset::{Dataset, Date, DateTime, Time};
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::fields::Field;
use super::uid::Uids;

/// What made an object (PS3.3 section C.7.5.1 and C.7.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equipment {
    /// `Manufacturer`
    pub manufacturer: String,
    /// `ManufacturerModelName`
    pub model: String,
    /// `DeviceSerialNumber`
    pub serial_number: String,
    /// `SoftwareVersions`
    pub software: String,
}

impl Default for Equipment {
    /// This crate and its version.
    fn default() -> Self {
        Self {
            manufacturer: "medio".into(),
            model: "medio".into(),
            serial_number: "1".into(),
            software: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

/// When, with what and as which series an object is made, and its unique identifiers.
///
/// It may serve for several objects: each gets identifiers and a series of its own.
///
/// ```
/// use medio::dicom::{Creation, Equipment};
///
/// let equipment = Equipment {
///     manufacturer: "Hospital".into(),
///     model: "organs".into(),
///     ..Equipment::default()
/// };
/// let creation = Creation::now()?.equipment(equipment).series_number(300);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Creation {
    pub(in super::super) date: Date,
    pub(in super::super) time: Time,
    pub(in super::super) uids: Uids,
    pub(in super::super) equipment: Equipment,
    series_number: i64,
    series_description: String,
}

impl Creation {
    /// Now in UTC, with identifiers that nobody else has, by this crate, as series 1000.
    ///
    /// # Errors
    /// Passes on that the system gives no random numbers.
    pub fn now() -> std::io::Result<Self> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.unwrap_or_default();
        let (seconds, microsecond) = (since.as_secs(), since.subsec_micros());
        let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let part = |every: u64, of: u64| {
            let value = of_day.div_euclid(every).rem_euclid(of);
            u8::try_from(value).unwrap_or(0)
        };
        let time = Time {
            hour: part(3600, 24),
            minute: Some(part(60, 60)),
            second: Some(part(1, 60)),
            microsecond,
        };
        let date = i64::try_from(days).ok().and_then(Date::of_days_since_epoch);
        let date =
            date.ok_or_else(|| std::io::Error::other("the clock is beyond the year 9999"))?;
        Ok(Self::on(date, time, Uids::random()?))
    }

    /// At a stated time, in the time zone of the study, with identifiers made from a seed: the same files each time.
    ///
    /// # Errors
    /// Refuses a moment without month, day or time.
    pub fn at(moment: DateTime, seed: &[u8]) -> Result<Self, Fault> {
        let whole = || Fault::attribute(Tag::CONTENT_DATE, "a whole date with a time", moment.year);
        let date = Date {
            year: moment.year,
            month: moment.month.ok_or_else(whole)?,
            day: moment.day.ok_or_else(whole)?,
        };
        let time = moment.time.ok_or_else(whole)?;
        Ok(Self::on(date, time, Uids::from_seed(seed)))
    }

    fn on(date: Date, time: Time, uids: Uids) -> Self {
        Self {
            date,
            time,
            uids,
            equipment: Equipment::default(),
            series_number: 1000,
            series_description: String::new(),
        }
    }

    /// Names what makes the object.
    #[must_use]
    pub fn equipment(mut self, equipment: Equipment) -> Self {
        self.equipment = equipment;
        self
    }

    /// Sets `SeriesNumber`.
    #[must_use]
    pub fn series_number(mut self, number: i64) -> Self {
        self.series_number = number;
        self
    }

    /// Sets `SeriesDescription`.
    #[must_use]
    pub fn series_description(mut self, description: impl Into<String>) -> Self {
        self.series_description = description.into();
        self
    }
}

/// A series that is being made: what all its instances share.
#[derive(Debug, Clone)]
pub(in super::super) struct NewSeries {
    /// Patient, study, series and equipment.
    shared: Dataset,
    pub(in super::super) creation: Creation,
    pub(in super::super) uid: String,
}

impl NewSeries {
    /// A series of a patient and study, from one header of that study.
    pub(in super::super) fn new(
        header: &Dataset,
        modality: &str,
        creation: &Creation,
    ) -> Result<Self, Fault> {
        let creation = creation.clone();
        let uid = creation.uids.next_uid();
        let mut shared = Dataset::new();
        for tag in PATIENT_AND_STUDY_REQUIRED {
            let text = header.text(tag).unwrap_or_default();
            shared.set_text(tag, &text)?;
        }
        for tag in PATIENT_AND_STUDY_OPTIONAL {
            match header.get(tag) {
                // Text is written anew: the source may use another character set.
                Some(element) if element.vr().is_text() => {
                    shared.set_text(tag, &element.text(header.character_set()))?;
                }
                Some(element) => shared.insert(element.clone()),
                None => {}
            }
        }
        if shared.string(Tag::STUDY_INSTANCE_UID).is_none() {
            let tag = Tag::STUDY_INSTANCE_UID;
            return Err(Fault::MissingAttribute { tag });
        }
        let made_by = &creation.equipment;
        shared.fill([
            (Tag::MODALITY, Field::Text(modality)),
            (Tag::SERIES_INSTANCE_UID, Field::Text(&uid)),
            (Tag::SERIES_NUMBER, Field::Integer(creation.series_number)),
            (Tag::MANUFACTURER, Field::Text(&made_by.manufacturer)),
            (Tag::MANUFACTURER_MODEL_NAME, Field::Text(&made_by.model)),
            (
                Tag::DEVICE_SERIAL_NUMBER,
                Field::Text(&made_by.serial_number),
            ),
            (Tag::SOFTWARE_VERSIONS, Field::Text(&made_by.software)),
        ])?;
        if !creation.series_description.is_empty() {
            shared.set_text(Tag::SERIES_DESCRIPTION, &creation.series_description)?;
        }
        Ok(Self {
            shared,
            creation,
            uid,
        })
    }

    /// The attributes that begin each instance, with an identifier of its own.
    pub(in super::super) fn instance(
        &mut self,
        class_uid: &str,
        number: i64,
    ) -> Result<Dataset, Fault> {
        let mut dataset = self.shared.clone();
        let (date, time) = (
            self.creation.date.to_string(),
            self.creation.time.to_string(),
        );
        dataset.fill([
            (Tag::SOP_CLASS_UID, Field::Text(class_uid)),
            (
                Tag::SOP_INSTANCE_UID,
                Field::Text(&self.creation.uids.next_uid()),
            ),
            (Tag::INSTANCE_NUMBER, Field::Integer(number)),
            (Tag::INSTANCE_CREATION_DATE, Field::Text(&date)),
            (Tag::INSTANCE_CREATION_TIME, Field::Text(&time)),
            (Tag::CONTENT_DATE, Field::Text(&date)),
            (Tag::CONTENT_TIME, Field::Text(&time)),
        ])?;
        Ok(dataset)
    }
}

/// Written even where the source has no value (types 1 and 2 of PS3.3 sections C.7.1.1 and C.7.2.1).
const PATIENT_AND_STUDY_REQUIRED: [Tag; 10] = [
    Tag::PATIENT_NAME,
    Tag::PATIENT_ID,
    Tag::PATIENT_BIRTH_DATE,
    Tag::PATIENT_SEX,
    Tag::STUDY_INSTANCE_UID,
    Tag::STUDY_DATE,
    Tag::STUDY_TIME,
    Tag::STUDY_ID,
    Tag::ACCESSION_NUMBER,
    Tag::REFERRING_PHYSICIAN_NAME,
];

const PATIENT_AND_STUDY_OPTIONAL: [Tag; 9] = [
    Tag::ISSUER_OF_PATIENT_ID,
    Tag::PATIENT_IDENTITY_REMOVED,
    Tag::DEIDENTIFICATION_METHOD,
    Tag::STUDY_DESCRIPTION,
    Tag::PATIENT_AGE,
    Tag::PATIENT_SIZE,
    Tag::PATIENT_WEIGHT,
    Tag::BODY_PART_EXAMINED,
    Tag::LATERALITY,
];
