//! Dates, times and names of persons (PS3.5 section 6.2 and 6.2.1).

use std::fmt;

use super::super::fault::Fault;
use super::super::tag::Tag;

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year, 0 to 9999.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
}

/// A time of day, as exact as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Hour, 0 to 23.
    pub hour: u8,
    /// Minute, if it was given.
    pub minute: Option<u8>,
    /// Second, 0 to 60, if it was given.
    pub second: Option<u8>,
    /// Millionths of a second, 0 if none were given.
    pub microsecond: u32,
}

/// A date and a time of day, as exact as they were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    /// Year, 0 to 9999.
    pub year: u16,
    /// Month, if it was given.
    pub month: Option<u8>,
    /// Day, if it was given.
    pub day: Option<u8>,
    /// Time, if it was given.
    pub time: Option<Time>,
    /// Minutes east of UTC, if they were given.
    pub offset_minutes: Option<i16>,
}

/// Reads digits from the front of a text.
struct Digits<'a>(&'a str);

impl Digits<'_> {
    /// So many digits; none at the end of the text, an error if there are others.
    fn number(&mut self, digits: usize) -> Result<Option<u32>, ()> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (head, rest) = self.0.split_at_checked(digits).ok_or(())?;
        if !head.bytes().all(|b| b.is_ascii_digit()) {
            return Err(());
        }
        self.0 = rest;
        head.parse().map(Some).map_err(|_| ())
    }

    fn within(&mut self, digits: usize, low: u8, high: u8) -> Result<Option<u8>, ()> {
        let Some(number) = self.number(digits)? else {
            return Ok(None);
        };
        let number = u8::try_from(number).map_err(|_| ())?;
        (low..=high)
            .contains(&number)
            .then_some(Some(number))
            .ok_or(())
    }
}

fn days(year: u16, month: u8) -> u8 {
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

impl Date {
    /// Reads `YYYYMMDD`, or `YYYY.MM.DD` of before DICOM 3.0.
    pub(in super::super) fn parse(tag: Tag, text: &str) -> Result<Self, Fault> {
        let plain: String = match text.len() {
            10 => text.chars().filter(|&c| c != '.').collect(),
            _ => text.to_owned(),
        };
        let mut digits = Digits(&plain);
        let read = || -> Result<Option<Self>, ()> {
            let year = digits.number(4)?.ok_or(())?;
            let year = u16::try_from(year).map_err(|_| ())?;
            let month = digits.within(2, 1, 12)?.ok_or(())?;
            let day = digits.within(2, 1, days(year, month))?.ok_or(())?;
            Ok(digits.0.is_empty().then_some(Self { year, month, day }))
        }();
        read.ok()
            .flatten()
            .ok_or_else(|| Fault::attribute(tag, "a date YYYYMMDD", text))
    }

    /// Days since 1970-01-01, negative before.
    #[must_use]
    pub fn days_since_epoch(self) -> i64 {
        // Years that begin in March put the leap day at their end.
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let (year, month) = match month {
            1 | 2 => (year.saturating_sub(1), month.saturating_add(9)),
            _ => (year, month.saturating_sub(3)),
        };
        let leaps = year
            .div_euclid(4)
            .saturating_sub(year.div_euclid(100))
            .saturating_add(year.div_euclid(400));
        let months = month.saturating_mul(153).saturating_add(2).div_euclid(5);
        year.saturating_mul(365)
            .saturating_add(leaps)
            .saturating_add(months)
            .saturating_add(i64::from(self.day))
            .saturating_sub(719_469)
    }

    /// The day so many days after 1970-01-01, or the nearest one of the years 0 to 9999.
    #[must_use]
    pub fn of_days_since_epoch(days: i64) -> Self {
        // Eras of 400 years, which begin in March of a year divisible by 400.
        let days = days.clamp(-719_528, 2_932_896).saturating_add(719_468);
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let leaps = of_era
            .saturating_sub(of_era.div_euclid(1460))
            .saturating_add(of_era.div_euclid(36_524))
            .saturating_sub(of_era.div_euclid(146_096));
        let of_century = leaps.div_euclid(365);
        let before = of_century
            .saturating_mul(365)
            .saturating_add(of_century.div_euclid(4))
            .saturating_sub(of_century.div_euclid(100));
        let of_year = of_era.saturating_sub(before);
        let march = of_year.saturating_mul(5).saturating_add(2).div_euclid(153);
        let first = march.saturating_mul(153).saturating_add(2).div_euclid(5);
        let day = of_year.saturating_sub(first).saturating_add(1);
        let (month, later) = match march {
            0..=9 => (march.saturating_add(3), 0),
            _ => (march.saturating_sub(9), 1),
        };
        let year = era
            .saturating_mul(400)
            .saturating_add(of_century)
            .saturating_add(later);
        Self {
            year: u16::try_from(year).unwrap_or(0),
            month: u8::try_from(month).unwrap_or(1),
            day: u8::try_from(day).unwrap_or(1),
        }
    }
}

/// `YYYYMMDD`, as in files.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}{:02}{:02}", self.year, self.month, self.day)
    }
}

/// `HHMMSS.FFFFFF`, as exact as it was read, as in files.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.hour)?;
        let (Some(minute), second) = (self.minute, self.second) else {
            return Ok(());
        };
        write!(f, "{minute:02}")?;
        match second {
            None => Ok(()),
            Some(second) if self.microsecond == 0 => write!(f, "{second:02}"),
            Some(second) => write!(f, "{second:02}.{:06}", self.microsecond),
        }
    }
}

impl Time {
    fn from_digits(text: &str) -> Result<Self, ()> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let mut digits = Digits(whole);
        let hour = digits.within(2, 0, 23)?.ok_or(())?;
        let minute = digits.within(2, 0, 59)?;
        let second = digits.within(2, 0, 60)?;
        let microsecond = match fraction {
            None => 0,
            Some(f)
                if second.is_some()
                    && (1..=6).contains(&f.len())
                    && f.bytes().all(|b| b.is_ascii_digit()) =>
            {
                format!("{f:0<6}").parse().map_err(|_| ())?
            }
            Some(_) => return Err(()),
        };
        if !digits.0.is_empty() {
            return Err(());
        }
        Ok(Self {
            hour,
            minute,
            second,
            microsecond,
        })
    }

    /// Reads `HHMMSS.FFFFFF`, shortened anywhere, or `HH:MM:SS` of before DICOM 3.0.
    pub(super) fn parse(tag: Tag, text: &str) -> Result<Self, Fault> {
        let plain: String = text.chars().filter(|&c| c != ':').collect();
        Self::from_digits(&plain).map_err(|()| Fault::attribute(tag, "a time HHMMSS.FFFFFF", text))
    }

    /// Seconds since midnight; what was not written counts as 0.
    #[must_use]
    pub fn seconds(self) -> f64 {
        let part = |v: Option<u8>| f64::from(v.unwrap_or(0));
        let minutes = f64::from(self.hour) * 60.0 + part(self.minute);
        minutes * 60.0 + part(self.second) + f64::from(self.microsecond) * 1e-6
    }
}

impl DateTime {
    /// Reads `YYYYMMDDHHMMSS.FFFFFF&ZZXX`, shortened anywhere.
    pub(in super::super) fn parse(tag: Tag, text: &str) -> Result<Self, Fault> {
        let read = || -> Result<Self, ()> {
            let (body, offset_minutes) = match text.rfind(['+', '-']) {
                None => (text, None),
                Some(at) => {
                    let (body, zone) = text.split_at_checked(at).ok_or(())?;
                    let mut digits = Digits(zone.get(1..).ok_or(())?);
                    let hours = i16::from(digits.within(2, 0, 14)?.ok_or(())?);
                    let minutes = i16::from(digits.within(2, 0, 59)?.ok_or(())?);
                    let size = hours.saturating_mul(60).saturating_add(minutes);
                    let sign = if zone.starts_with('-') { -1 } else { 1 };
                    (body, Some(size.saturating_mul(sign)))
                }
            };
            let mut digits = Digits(body);
            let year = u16::try_from(digits.number(4)?.ok_or(())?).map_err(|_| ())?;
            let month = digits.within(2, 1, 12)?;
            let day = digits.within(2, 1, days(year, month.unwrap_or(1)))?;
            let rest = digits.0;
            let time = (!rest.is_empty()).then(|| Time::from_digits(rest));
            Ok(Self {
                year,
                month,
                day,
                time: time.transpose()?,
                offset_minutes,
            })
        }();
        read.map_err(|()| Fault::attribute(tag, "a date and time YYYYMMDDHHMMSS.FFFFFF&ZZXX", text))
    }
}

/// The name of a person in up to three scripts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PersonName {
    groups: [String; 3],
}

impl PersonName {
    pub(super) fn parse(text: &str) -> Self {
        let mut groups = text.splitn(3, '=').map(|group| group.trim_end().to_owned());
        let mut next = || groups.next().unwrap_or_default();
        Self {
            groups: [next(), next(), next()],
        }
    }

    /// The name in letters of a single-byte alphabet, its parts divided by `^`.
    #[must_use]
    pub fn alphabetic(&self) -> &str {
        let [alphabetic, _, _] = &self.groups;
        alphabetic
    }

    /// The name in ideographs, for instance Kanji; empty if it was not given.
    #[must_use]
    pub fn ideographic(&self) -> &str {
        let [_, ideographic, _] = &self.groups;
        ideographic
    }

    /// The name as it is pronounced, for instance in Hiragana; empty if it was not given.
    #[must_use]
    pub fn phonetic(&self) -> &str {
        let [_, _, phonetic] = &self.groups;
        phonetic
    }

    fn part(&self, index: usize) -> &str {
        let parts = self.alphabetic().split('^');
        { parts }.nth(index).unwrap_or("").trim()
    }

    /// Family name.
    #[must_use]
    pub fn family(&self) -> &str {
        self.part(0)
    }

    /// Given name.
    #[must_use]
    pub fn given(&self) -> &str {
        self.part(1)
    }

    /// Middle name.
    #[must_use]
    pub fn middle(&self) -> &str {
        self.part(2)
    }

    /// What stands before the name, for instance a title.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.part(3)
    }

    /// What stands behind the name.
    #[must_use]
    pub fn suffix(&self) -> &str {
        self.part(4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: Tag = Tag::STUDY_DATE;

    #[test]
    fn dates_and_times_are_read_as_exactly_as_they_were_written() {
        let date = Date::parse(TAG, "20240229").unwrap();
        assert_eq!((date.year, date.month, date.day), (2024, 2, 29));
        assert_eq!(date.days_since_epoch(), 19_782);
        assert_eq!(
            Date::parse(TAG, "1970.01.01").unwrap().days_since_epoch(),
            0
        );
        let time = Time::parse(TAG, "235960.25").unwrap();
        assert_eq!((time.second, time.microsecond), (Some(60), 250_000));
        assert_eq!(Time::parse(TAG, "07").unwrap().minute, None);
        assert_eq!(Time::parse(TAG, "01:02:03").unwrap().seconds(), 3723.0);
        let moment = DateTime::parse(TAG, "20200131120000.5-0530").unwrap();
        assert_eq!(moment.offset_minutes, Some(-330));
        assert_eq!(moment.time.unwrap().seconds(), 43200.5);
        assert_eq!(DateTime::parse(TAG, "2020").unwrap().month, None);
    }

    #[test]
    fn days_are_counted_there_and_back() {
        for days in (-719_528..2_932_896)
            .step_by(97)
            .chain([-1, 0, 58, 59, 60, 19_782])
        {
            let date = Date::of_days_since_epoch(days);
            assert_eq!(date.days_since_epoch(), days, "{date}");
            assert_eq!(Date::parse(TAG, &date.to_string()).unwrap(), date);
        }
        assert_eq!(Date::of_days_since_epoch(i64::MAX).to_string(), "99991231");
        assert_eq!(Date::of_days_since_epoch(i64::MIN).to_string(), "00000101");
    }

    #[test]
    fn times_are_written_as_they_were_read() {
        for text in ["07", "0708", "070809", "070809.000010"] {
            assert_eq!(Time::parse(TAG, text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_date_or_time_is_refused() {
        for text in [
            "", "2023", "20230229", "20231301", "2023010", "abcdefgh", "éééé",
        ] {
            assert!(Date::parse(TAG, text).is_err(), "{text}");
        }
        for text in [
            "",
            "24",
            "1",
            "1260",
            "12.5",
            "120000.",
            "120000.1234567",
            "1200é",
        ] {
            assert!(Time::parse(TAG, text).is_err(), "{text}");
        }
        for text in ["", "20", "2020-", "2020+2500", "202002301"] {
            assert!(DateTime::parse(TAG, text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_has_parts_and_scripts() {
        let name = PersonName::parse("Yamada^Tarou=山田^太郎=やまだ^たろう");
        assert_eq!((name.family(), name.given()), ("Yamada", "Tarou"));
        assert_eq!(name.ideographic(), "山田^太郎");
        assert_eq!((name.middle(), name.phonetic()), ("", "やまだ^たろう"));
    }
}
