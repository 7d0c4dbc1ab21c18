//! Dates moved by days: whole ones, and those of which only a year or a month was written.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "days of an era and below, after the checked steps"
)]

use super::super::dataset::{Date, DateTime};
use super::super::tag::Tag;
use super::super::vr::Vr;

/// The date so many days after 1970-01-01; none outside the years 0 to 9999.
fn date_of(days: i64) -> Option<Date> {
    // Years that begin in March put the leap day at their end; 400 of them have 146 097 days.
    let days = days.checked_add(719_468)?;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leaps = day / 1460 - day / 36_524 + day / 146_096;
    let year = (day - leaps) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era.checked_mul(400)?.checked_add(year)?.checked_add(next)?;
    Some(Date {
        year: u16::try_from(year).ok().filter(|year| *year <= 9999)?,
        month: u8::try_from(month).ok()?,
        day: u8::try_from(day).ok()?,
    })
}

fn moved(date: Date, days: i64) -> Option<Date> {
    date_of(date.days_since_epoch().checked_add(days)?)
}

/// A `DA` or `DT` value moved by days; none if it is none, or leaves the calendar. What was not written of
/// it counts as the first of its kind and is not written again.
pub(super) fn shifted(vr: Vr, text: &str, days: i64) -> Option<String> {
    let tag = Tag::STUDY_DATE;
    if vr == Vr::DA {
        let Date { year, month, day } = moved(Date::parse(tag, text).ok()?, days)?;
        return Some(format!("{year:04}{month:02}{day:02}"));
    }
    let written = DateTime::parse(tag, text).ok()?;
    let date = Date {
        year: written.year,
        month: written.month.unwrap_or(1),
        day: written.day.unwrap_or(1),
    };
    let Date { year, month, day } = moved(date, days)?;
    // Time of day and zone stay as they are: the shift is of whole days.
    let digits = match (written.month, written.day) {
        (Some(_), Some(_)) => format!("{year:04}{month:02}{day:02}"),
        (Some(_), None) => format!("{year:04}{month:02}"),
        _ => format!("{year:04}"),
    };
    let rest = text.get(digits.len()..)?;
    Some(digits + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_calendar_is_the_one_after_the_day_before() {
        let mut date = date_of(-719_528).unwrap();
        assert_eq!((date.year, date.month, date.day), (0, 1, 1));
        assert_eq!(date_of(-719_529), None);
        for days in -719_527.. {
            let Some(next) = date_of(days) else {
                assert_eq!((date.year, date.month, date.day), (9999, 12, 31));
                break;
            };
            assert!(next > date);
            assert_eq!(next.days_since_epoch(), days);
            date = next;
        }
    }

    #[test]
    fn dates_move_and_times_stay() {
        assert_eq!(shifted(Vr::DA, "20240301", -1).as_deref(), Some("20240229"));
        assert_eq!(
            shifted(Vr::DA, "1970.01.01", -1).as_deref(),
            Some("19691231")
        );
        let cases = [
            ("20240301121530.25+0100", "20240229121530.25+0100"),
            ("2024030112", "2024022912"),
            ("202403", "202402"),
            ("2024", "2023"),
            ("2024-0500", "2023-0500"),
        ];
        for (text, expected) in cases {
            assert_eq!(shifted(Vr::DT, text, -1).as_deref(), Some(expected));
        }
        for text in ["", "20230229", "0000", "yesterday"] {
            assert_eq!(shifted(Vr::DA, text, -1), None, "{text}");
        }
        assert_eq!(shifted(Vr::DT, "00000101", -1), None);
    }
}
