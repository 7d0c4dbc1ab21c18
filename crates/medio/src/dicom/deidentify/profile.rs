//! The basic profile and its options (PS3.15 sections E.2 and E.3).

use super::pixels::PixelRule;
use super::private::SafePrivate;
use super::table::{Column, Row, Rule};
use super::text::Vocabulary;

/// What happens to dates and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dates {
    /// They go, or become dummies.
    Removed,
    /// They move by the patient's number of days; times of day stay.
    Modified,
    /// They stay.
    Full,
}

/// The Basic Application Level Confidentiality Profile, and the options that were chosen.
///
/// Where the standard leaves the choice between actions to the type of an attribute in the object (`X/Z`,
/// `X/D`, `Z/D`, `X/Z/D`), the last is taken: an empty value instead of none, a dummy instead of an empty
/// value. The object stays valid whatever the type is, and the value is gone all the same.
///
/// What the standard does not list is treated by its kind: dates, names of persons and unique identifiers
/// as those that are listed; unknown attributes of even groups are removed as private ones are; free text
/// that repeats a name or an identifier that was removed elsewhere is replaced.
///
/// ```
/// use medio::dicom::deidentify::{Profile, Vocabulary};
///
/// let research = Profile::basic()
///     .retain_patient_characteristics()
///     .retain_modified_dates()
///     .clean_descriptors(Vocabulary::radiology());
/// ```
#[derive(Debug, Clone)]
pub struct Profile {
    pub(super) dates: Dates,
    pub(super) uids: bool,
    pub(super) device: bool,
    pub(super) institution: bool,
    pub(super) patient: bool,
    pub(super) ages: bool,
    pub(super) safe_private: Option<SafePrivate>,
    pub(super) descriptors: bool,
    pub(super) vocabulary: Vocabulary,
    pub(super) structured: bool,
    pub(super) graphics: bool,
    pub(super) pixels: Option<Vec<PixelRule>>,
    pub(super) pixels_trusted: bool,
}

impl Default for Profile {
    fn default() -> Self {
        Self::basic()
    }
}

impl Profile {
    /// The basic profile without options.
    #[must_use]
    pub fn basic() -> Self {
        Self {
            dates: Dates::Removed,
            uids: false,
            device: false,
            institution: false,
            patient: false,
            ages: false,
            safe_private: None,
            descriptors: false,
            vocabulary: Vocabulary::radiology(),
            structured: false,
            graphics: false,
            pixels: None,
            pixels_trusted: false,
        }
    }

    /// Keeps these private attributes (Retain Safe Private Option); unique identifiers, dates and names
    /// among them are treated as everywhere.
    #[must_use]
    pub fn retain_safe_private(mut self, safe: SafePrivate) -> Self {
        self.safe_private = Some(safe);
        self
    }

    /// Keeps all unique identifiers (Retain UIDs Option): whoever has the originals can find them again.
    #[must_use]
    pub fn retain_uids(mut self) -> Self {
        self.uids = true;
        self
    }

    /// Keeps serial numbers and other marks of devices (Retain Device Identity Option).
    #[must_use]
    pub fn retain_device_identity(mut self) -> Self {
        self.device = true;
        self
    }

    /// Keeps the institution's name and address (Retain Institution Identity Option).
    #[must_use]
    pub fn retain_institution_identity(mut self) -> Self {
        self.institution = true;
        self
    }

    /// Keeps age, sex, size, weight and the like (Retain Patient Characteristics Option); ages above 89
    /// years become 90 years, as the rules for data without identifiers in the USA ask (45 CFR 164.514).
    #[must_use]
    pub fn retain_patient_characteristics(mut self) -> Self {
        self.patient = true;
        self
    }

    /// Keeps ages above 89 years, where ages are kept.
    #[must_use]
    pub fn retain_high_ages(mut self) -> Self {
        self.ages = true;
        self
    }

    /// Keeps all dates and times (Retain Longitudinal Temporal Information with Full Dates Option).
    #[must_use]
    pub fn retain_full_dates(mut self) -> Self {
        self.dates = Dates::Full;
        self
    }

    /// Moves dates by a number of days of each patient, 1 to 3650 days back, and keeps times of day
    /// (Retain Longitudinal Temporal Information with Modified Dates Option).
    #[must_use]
    pub fn retain_modified_dates(mut self) -> Self {
        self.dates = Dates::Modified;
        self
    }

    /// Keeps the words of descriptions and comments that the vocabulary knows (Clean Descriptors Option).
    #[must_use]
    pub fn clean_descriptors(mut self, vocabulary: Vocabulary) -> Self {
        self.descriptors = true;
        self.vocabulary = vocabulary;
        self
    }

    /// Keeps codes, numbers and references of reports, and of their text what the vocabulary knows (Clean
    /// Structured Content Option).
    #[must_use]
    pub fn clean_structured_content(mut self) -> Self {
        self.structured = true;
        self
    }

    /// Keeps overlays that mark regions, and of annotations everything but unknown words (Clean Graphics
    /// Option). Overlays of graphics may be text, and are removed all the same.
    #[must_use]
    pub fn clean_graphics(mut self) -> Self {
        self.graphics = true;
        self
    }

    /// Blanks pixels by the rules that fit an image, ultrasound images outside of their regions in any case
    /// (Clean Pixel Data Option).
    #[must_use]
    pub fn clean_pixel_data(mut self, rules: impl IntoIterator<Item = PixelRule>) -> Self {
        self.pixels = Some(rules.into_iter().collect());
        self
    }

    /// Takes images as they are, also where text may be burned into them and no rule says where: somebody
    /// has looked.
    #[must_use]
    pub fn trust_pixels(mut self) -> Self {
        self.pixels_trusted = true;
        self
    }

    fn has(&self, column: Column) -> bool {
        match column {
            Column::Uids => self.uids,
            Column::Device => self.device,
            Column::Institution => self.institution,
            Column::Patient => self.patient,
            Column::FullDates => self.dates == Dates::Full,
            Column::ModifiedDates => self.dates == Dates::Modified,
            Column::Descriptors => self.descriptors,
            Column::Structured => self.structured,
            Column::Graphics => self.graphics,
        }
    }

    /// The rule for an attribute of the table: an option that keeps it, one that cleans it, the basic one.
    pub(super) fn rule(&self, row: &Row) -> Rule {
        let chosen = row.options.iter().filter(|(column, _)| self.has(*column));
        let rules: Vec<Rule> = chosen.map(|(_, rule)| *rule).collect();
        if rules.contains(&Rule::Keep) {
            return Rule::Keep;
        }
        rules.first().copied().unwrap_or(row.basic)
    }

    /// The codes of what was done (PS3.16 context group 7050), `blanked` if pixels were cleaned.
    pub(super) fn codes(&self, blanked: bool) -> Vec<(&'static str, &'static str)> {
        let chosen = [
            (true, "113100", "Basic Application Confidentiality Profile"),
            (blanked, "113101", "Clean Pixel Data Option"),
            (self.graphics, "113103", "Clean Graphics Option"),
            (self.structured, "113104", "Clean Structured Content Option"),
            (self.descriptors, "113105", "Clean Descriptors Option"),
            (
                self.dates == Dates::Full,
                "113106",
                "Retain Longitudinal Temporal Information Full Dates Option",
            ),
            (
                self.dates == Dates::Modified,
                "113107",
                "Retain Longitudinal Temporal Information Modified Dates Option",
            ),
            (
                self.patient,
                "113108",
                "Retain Patient Characteristics Option",
            ),
            (self.device, "113109", "Retain Device Identity Option"),
            (self.uids, "113110", "Retain UIDs Option"),
            (
                self.safe_private.is_some(),
                "113111",
                "Retain Safe Private Option",
            ),
            (
                self.institution,
                "113112",
                "Retain Institution Identity Option",
            ),
        ];
        let done = chosen.into_iter().filter(|(done, ..)| *done);
        done.map(|(_, code, meaning)| (code, meaning)).collect()
    }
}
