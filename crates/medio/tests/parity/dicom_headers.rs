//! Headers of pydicom's own test files, against what pydicom reads (`dicom_headers.py`, `.json`): every
//! element with its nesting and representation, and names of patients in all character sets.

use std::collections::HashMap;

use medio::dicom::{self, Dataset, ReadOptions, Tag, Value};

use super::dicom::{files, sha};

fn walk(dataset: &Dataset, depth: usize, lines: &mut Vec<String>) {
    for element in dataset.elements() {
        let tag = element.tag();
        if tag.element() == 0 {
            continue;
        }
        let (group, number) = (tag.group(), tag.element());
        let items = matches!(element.value(), Value::Items(_));
        let vr = match tag.is_private() && !tag.is_private_creator() && !items {
            true => "--",
            false => element.vr().code(),
        };
        lines.push(format!("{depth} {group:04X}{number:04X} {vr}"));
        if let Value::Items(items) = element.value() {
            items.iter().for_each(|item| walk(item, depth + 1, lines));
        }
    }
}

#[test]
fn headers_are_those_that_pydicom_reads() {
    let Some(folders) = std::env::var_os("MED_DICOM_DATA") else {
        println!("passed over: MED_DICOM_DATA is not set");
        return;
    };
    let text = include_str!("dicom_headers.json");
    let known: HashMap<String, (String, usize, String, String)> =
        serde_json::from_str(text).unwrap();
    let mut found = Vec::new();
    for folder in std::env::split_paths(&folders) {
        files(&folder, &mut found);
    }
    let (mut equal, mut wrong) = (0, Vec::new());
    for path in found {
        let contents = std::fs::read(&path).unwrap();
        let Some((name, count, hash, patient)) = known.get(&sha(&contents)[..16]) else {
            continue;
        };
        let file = match dicom::open_with(&path, &ReadOptions::new().lenient()) {
            Ok(file) => file,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let mut lines = Vec::new();
        walk(file.dataset(), 0, &mut lines);
        let got = file.dataset().text(Tag::PATIENT_NAME).unwrap_or_default();
        let got = got.trim_end_matches('=');
        if lines.len() != *count {
            wrong.push(format!("{name}: {} elements, not {count}", lines.len()));
        } else if sha(lines.join("\n").as_bytes())[..16] != *hash {
            wrong.push(format!("{name}: other tags or representations"));
        } else if got != patient.as_str() {
            wrong.push(format!("{name}: {got:?}, not {patient:?}"));
        } else {
            equal += 1;
        }
    }
    assert!(
        wrong.is_empty(),
        "{equal} equal, {} not:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(equal > 0, "none of the known files are in {folders:?}");
    println!("{equal} headers equal");
}
