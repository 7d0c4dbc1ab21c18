//! What uptake values need of a file's header.

use super::super::dataset::{Dataset, Date, DateTime, Time};
use super::super::fault::Fault;
use super::super::private::Private;
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::body::Body;

/// Seconds of a day.
pub(super) const DAY: f64 = 86_400.0;

const PHILIPS_SUV: Private = Private {
    creator: "Philips PET Private Group",
    group: 0x7053,
    element: 0x00,
    vr: Vr::DS,
};
const PHILIPS_ACTIVITY: Private = Private {
    element: 0x09,
    ..PHILIPS_SUV
};
/// `PET scan_datetime`
const GE_SCAN_START: Private = Private {
    creator: "GEMS_PETD_01",
    group: 0x0009,
    element: 0x0d,
    vr: Vr::DT,
};

/// When the radiopharmaceutical was given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Injection {
    /// Seconds since 1970.
    At(f64),
    /// Seconds since midnight of a day that is not named.
    TimeOfDay(f64),
}

/// What uptake values need of a file's header; times in seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Header {
    pub(super) body: Body,
    pub(super) units: Option<String>,
    pub(super) suv_type: Option<String>,
    pub(super) corrected: Vec<String>,
    pub(super) decay_correction: Option<String>,
    /// Becquerels.
    pub(super) dose: Option<f64>,
    /// Seconds.
    pub(super) half_life: Option<f64>,
    pub(super) injection: Option<Injection>,
    pub(super) series: Option<f64>,
    pub(super) acquisition: Option<f64>,
    pub(super) ge_scan_start: Option<f64>,
    /// Milliseconds.
    pub(super) frame_reference: Option<f64>,
    /// Milliseconds.
    pub(super) frame_duration: Option<f64>,
    pub(super) philips_suv: Option<f64>,
    pub(super) philips_activity: Option<f64>,
}

fn seconds(date: Date, time: Time) -> f64 {
    date.days_since_epoch() as f64 * DAY + time.seconds()
}

fn at(dataset: &Dataset, date: Tag, time: Tag) -> Result<Option<f64>, Fault> {
    let (date, time) = (dataset.date(date)?, dataset.time(time)?);
    Ok(date.zip(time).map(|(date, time)| seconds(date, time)))
}

/// A whole date and time, in the zone of the file's other times.
fn moment(moment: Option<DateTime>, zone_minutes: Option<i64>) -> Option<f64> {
    let moment = moment?;
    let date = Date {
        year: moment.year,
        month: moment.month?,
        day: moment.day?,
    };
    let shift = match (zone_minutes, moment.offset_minutes) {
        (Some(zone), Some(own)) => (zone - i64::from(own)) as f64 * 60.0,
        _ => 0.0,
    };
    Some(seconds(date, moment.time?) + shift)
}

/// `+HHMM` as minutes.
fn zone(dataset: &Dataset) -> Option<i64> {
    let number = dataset.string(Tag::TIMEZONE_OFFSET_FROM_UTC)?;
    let number: i64 = number.trim().parse().ok()?;
    Some((number / 100) * 60 + number % 100)
}

impl Header {
    pub(super) fn of(dataset: &Dataset) -> Result<Self, Fault> {
        let zone = zone(dataset);
        let drug = dataset.item(Tag::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE);
        let none = Dataset::new();
        let drug = drug.unwrap_or(&none);
        let given = drug.date_time(Tag::RADIOPHARMACEUTICAL_START_DATE_TIME)?;
        let injection = match moment(given, zone) {
            Some(at) => Some(Injection::At(at)),
            None => { drug.time(Tag::RADIOPHARMACEUTICAL_START_TIME)? }
                .map(|time| Injection::TimeOfDay(time.seconds())),
        };
        let whole = at(dataset, Tag::ACQUISITION_DATE, Tag::ACQUISITION_TIME)?;
        let acquisition = match whole {
            Some(at) => Some(at),
            None => moment(dataset.date_time(Tag::ACQUISITION_DATE_TIME)?, zone),
        };
        Ok(Self {
            body: Body {
                weight: dataset.float(Tag::PATIENT_WEIGHT)?.filter(|kg| *kg != 0.0),
                height: dataset.float(Tag::PATIENT_SIZE)?.filter(|m| *m != 0.0),
                sex: dataset.string(Tag::PATIENT_SEX),
            },
            units: dataset.string(Tag::UNITS),
            suv_type: dataset.string(Tag::SUV_TYPE),
            corrected: dataset.strings(Tag::CORRECTED_IMAGE),
            decay_correction: dataset.string(Tag::DECAY_CORRECTION),
            dose: drug.float(Tag::RADIONUCLIDE_TOTAL_DOSE)?,
            half_life: drug.float(Tag::RADIONUCLIDE_HALF_LIFE)?,
            injection,
            series: at(dataset, Tag::SERIES_DATE, Tag::SERIES_TIME)?,
            acquisition,
            ge_scan_start: moment(GE_SCAN_START.date_time(dataset), zone),
            frame_reference: dataset.float(Tag::FRAME_REFERENCE_TIME)?,
            frame_duration: dataset.float(Tag::ACTUAL_FRAME_DURATION)?,
            philips_suv: PHILIPS_SUV.float(dataset).filter(|factor| *factor > 0.0),
            philips_activity: PHILIPS_ACTIVITY
                .float(dataset)
                .filter(|factor| *factor > 0.0),
        })
    }
}
