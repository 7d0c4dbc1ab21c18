//! Dates moved by days: whole ones, and those of which only a year or a month was written.
use super::super::dataset::{Date, DateTime};
use super::super::tag::Tag;
use super::super::vr::Vr;

fn moved(date: Date, days: i64) -> Option<Date> {
    Date::of_days_since_epoch(date.days_since_epoch().checked_add(days)?)
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
        let mut date = Date::of_days_since_epoch(-719_528).unwrap();
        assert_eq!((date.year, date.month, date.day), (0, 1, 1));
        assert_eq!(Date::of_days_since_epoch(-719_529), None);
        for days in -719_527.. {
            let Some(next) = Date::of_days_since_epoch(days) else {
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
