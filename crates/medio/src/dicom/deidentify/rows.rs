//! Every row of the table, under the basic profile and under each option, on an attribute with a value.

use super::super::dataset::{Dataset, Element, Value};
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::profile::Dates;
use super::table::{Column, Row, Rule, rows};
use super::{Deidentifier, Key, Profile};

const KEY: Key = Key::new([9; 32]);

/// A tag that the row covers.
fn tag_of(row: &Row) -> Tag {
    row.tag.replace('x', "0").parse().unwrap()
}

/// A value with a secret in it.
fn secret(vr: Vr) -> Value {
    let bytes: &[u8] = match vr {
        Vr::SQ => {
            let mut item = Dataset::new();
            item.set_text(Tag::PATIENT_NAME, "Quixote").unwrap();
            item.set_text(Tag::new(0x0008, 0x1155), "1.2.826.4711")
                .unwrap();
            return Value::Items(vec![item]);
        }
        Vr::UI => b"1.2.826.4711",
        Vr::AS => b"047Y",
        Vr::DA => b"20471101",
        Vr::DT => b"20471101120000",
        Vr::TM => b"114711",
        Vr::DS | Vr::IS => b"4711",
        Vr::UR => b"urn:Quixote",
        vr if vr.is_text() => b"Quixote 4711",
        _ => b"Quixote 4711abcd",
    };
    Value::Bytes(bytes.into())
}

fn dataset(row: &Row) -> Dataset {
    let tag = tag_of(row);
    let vr = tag.vr().unwrap_or(Vr::LO);
    let mut dataset = Dataset::new();
    dataset.insert(Element::new(tag, vr, secret(vr)));
    dataset
}

/// What is left of the row's attribute, and whether the secret is still in it.
fn left(row: &Row, profile: &Profile) -> (Option<Element>, bool) {
    let done = Deidentifier::new(KEY)
        .profile(profile.clone())
        .dataset(&dataset(row));
    let left = done.unwrap().0.get(tag_of(row)).cloned();
    let shown = format!("{left:?}");
    let told = left
        .as_ref()
        .and_then(Element::bytes)
        .map(String::from_utf8_lossy);
    let told = told.unwrap_or_default();
    let secret = ["Quixote", "4711", "047Y", "2047"].iter().any(|s| told.contains(s))
        // Of items the bytes are shown as numbers.
        || shown.contains("81, 117, 105, 120") || shown.contains("52, 55, 49, 49");
    (left, secret)
}

/// Groups that are treated as a whole, before the table is asked.
fn is_special(tag: Tag) -> bool {
    matches!(tag.group(), 0x0000 | 0x0002 | 0x5000..=0x50ff | 0x6000..=0x60ff)
}

#[test]
fn every_row_is_acted_on_in_the_basic_profile() {
    let mut seen = 0;
    for row in rows() {
        let tag = tag_of(row);
        let (left, secret) = left(row, &Profile::basic());
        assert!(!secret, "{} {left:?}", row.keyword);
        if matches!(tag, Tag::PATIENT_ID | Tag::PATIENT_NAME) {
            assert!(KEY.gave_pseudonym(&left.unwrap().text(Default::default())));
        } else if row.basic == Rule::Remove || is_special(tag) {
            assert_eq!(left, None, "{}", row.keyword);
        } else {
            let left = left.unwrap();
            assert_eq!(left.is_empty(), row.basic == Rule::Empty, "{}", row.keyword);
            if row.basic == Rule::Uid && left.vr() == Vr::UI {
                assert!(
                    KEY.gave_uid(&left.text(Default::default())),
                    "{}",
                    row.keyword
                );
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 655);
}

fn with(column: Column) -> Profile {
    let mut profile = Profile::basic();
    match column {
        Column::Uids => profile.uids = true,
        Column::Device => profile.device = true,
        Column::Institution => profile.institution = true,
        Column::Patient => profile.patient = true,
        Column::FullDates => profile.dates = Dates::Full,
        Column::ModifiedDates => profile.dates = Dates::Modified,
        Column::Descriptors => profile.descriptors = true,
        Column::Structured => profile.structured = true,
        Column::Graphics => profile.graphics = true,
    }
    profile
}

#[test]
fn every_option_keeps_or_cleans_its_rows_and_no_others() {
    for row in rows().filter(|row| !is_special(tag_of(row))) {
        let basic = left(row, &Profile::basic()).0;
        for column in [
            Column::Uids,
            Column::Device,
            Column::Institution,
            Column::Patient,
            Column::FullDates,
            Column::ModifiedDates,
            Column::Descriptors,
            Column::Structured,
            Column::Graphics,
        ] {
            let asked = row
                .options
                .iter()
                .find(|(c, _)| *c == column)
                .map(|(_, rule)| *rule);
            let (left, secret) = left(row, &with(column));
            let what = format!("{} {column:?} {asked:?} {left:?}", row.keyword);
            let sequence = tag_of(row).vr() == Some(Vr::SQ);
            match asked {
                // Inside of a sequence every attribute has a rule of its own.
                Some(Rule::Keep) if sequence => {
                    assert!(left.is_some_and(|l| !l.is_empty()), "{what}")
                }
                Some(Rule::Keep) => {
                    let before = dataset(row).get(tag_of(row)).cloned();
                    assert_eq!(left, before, "{what}");
                }
                Some(_) => {
                    // Times of day are as they were when days move.
                    let time = matches!(left.as_ref().map(Element::vr), Some(Vr::TM));
                    let zone = tag_of(row) == Tag::new(0x0008, 0x0201);
                    let kept = column == Column::ModifiedDates && (time || zone);
                    assert!(kept || !secret, "{what}");
                }
                // Unique identifiers inside of a sequence stay under their option.
                None if sequence => assert_eq!(left.is_some(), basic.is_some(), "{what}"),
                None => assert_eq!(left, basic, "{what}"),
            }
        }
    }
}
