//! Whose object it is: the pseudonym, the shift of dates, and the words that would give them away.

use std::collections::HashSet;

use super::super::dataset::{Dataset, Element, Value};
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::dummy;
use super::key::{Key, is_of_the_standard};
use super::profile::Profile;
use super::table::{self, Rule};
use super::text::words;

/// What is derived for one patient.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// None if the object names no patient.
    pub(super) pseudonym: Option<String>,
    pub(super) shift: Shift,
}

/// How dates move, where they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    /// By so many days.
    Days(i64),
    /// Not at all: this key has moved them already.
    Done,
    /// Nobody can say: neither a patient nor a study is named, so what belongs together is unknown.
    Unknown,
}

impl Identity {
    /// The patient is known by `PatientID`, without one by name and date of birth, and without those by the
    /// study.
    pub(super) fn of(dataset: &Dataset, key: &Key) -> Self {
        let text = |tag| dataset.text(tag).unwrap_or_default().trim().to_owned();
        let (id, name) = (text(Tag::PATIENT_ID), text(Tag::PATIENT_NAME));
        let patient = match (id.is_empty(), name.is_empty()) {
            (false, _) => Some(id),
            (true, false) if key.gave_pseudonym(&name) => Some(name),
            (true, false) => Some(format!("{name}\0{}", text(Tag::PATIENT_BIRTH_DATE))),
            (true, true) => None,
        };
        let study = dataset.string(Tag::STUDY_INSTANCE_UID).unwrap_or_default();
        let shift = match &patient {
            Some(patient) if key.gave_pseudonym(patient) => Shift::Done,
            Some(patient) => Shift::Days(key.shift_days(patient)),
            None if study.is_empty() || is_of_the_standard(&study) => Shift::Unknown,
            None if key.gave_uid(&study) => Shift::Done,
            None => Shift::Days(key.shift_days(&study)),
        };
        Self {
            pseudonym: patient.map(|patient| key.pseudonym(&patient)),
            shift,
        }
    }
}

/// Names and numbers that the profile takes out, to be found where they are repeated.
#[derive(Debug, Default)]
pub(super) struct Identifiers {
    words: HashSet<String>,
}

/// So many are enough for a person, and a bound for a file that lists millions.
const MOST: usize = 10_000;

impl Identifiers {
    pub(super) fn of(dataset: &Dataset, profile: &Profile, pseudonym: Option<&str>) -> Self {
        let mut found = Self::default();
        // Nesting is bounded by the reader, but a list of what is left to see needs no bound at all.
        let mut left = vec![dataset];
        while let Some(dataset) = left.pop() {
            for element in dataset.elements() {
                if let Value::Items(items) = element.value() {
                    left.extend(items);
                } else if found.words.len() < MOST {
                    found.add(dataset, element, profile);
                }
            }
        }
        // What stands in the place of names is none.
        for ours in pseudonym.into_iter().chain([dummy::TEXT]) {
            found.words.remove(&ours.to_lowercase());
        }
        found
    }

    fn add(&mut self, dataset: &Dataset, element: &Element, profile: &Profile) {
        let row = table::row(element.tag());
        let goes = row.is_some_and(|row| profile.rule(row) != Rule::Keep);
        let keyword = element.tag().keyword().unwrap_or("");
        let numbered = ["ID", "IDs", "Number", "Identifier"];
        let numbered = goes
            && matches!(element.vr(), Vr::LO | Vr::SH | Vr::UC)
            && numbered.iter().any(|end| keyword.ends_with(end));
        let text = element.text(dataset.character_set());
        if element.vr() == Vr::PN {
            let names = words(&text).filter(|word| word.chars().count() >= 3);
            self.words.extend(names.map(str::to_lowercase));
        } else if numbered {
            let numbers = tokens(&text).filter(|token| {
                token.len() >= 4 && token.bytes().any(|byte| byte.is_ascii_digit())
            });
            self.words.extend(numbers.map(str::to_lowercase));
        }
    }

    /// Whether a word is one of them.
    pub(super) fn knows(&self, word: &str) -> bool {
        !self.words.is_empty() && self.words.contains(&word.to_lowercase())
    }

    /// Whether a text repeats one of them.
    pub(super) fn occur_in(&self, text: &str) -> bool {
        !self.words.is_empty() && words(text).chain(tokens(text)).any(|word| self.knows(word))
    }
}

/// What stands between spaces and the marks between values and parts of names.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|c: char| c.is_whitespace() || "\\^=,;:()[]".contains(c));
    parts.filter(|part| !part.is_empty())
}
