//! De-identification of pydicom's own test files: nothing of what was taken out is left in the bytes, pixels stay
//! what they are, and attributes fare as with dicom-anonymizer (`deidentify.py`, `deidentify.json`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use medio::dicom::deidentify::{
    Deidentifier, Key, PixelCondition, PixelRegion, PixelRule, Profile, Rectangle, SafePrivate,
    Vocabulary,
};
use medio::dicom::{self, CharacterSet, Dataset, DicomFile, ReadOptions, Tag, Value, Vr};

use super::dicom::files;

const KEY: Key = Key::new([17; 32]);

fn all() -> Option<Vec<PathBuf>> {
    let Some(folders) = std::env::var_os("MED_DICOM_DATA") else {
        println!("passed over: MED_DICOM_DATA is not set");
        return None;
    };
    let mut found = Vec::new();
    for folder in std::env::split_paths(&folders) {
        files(&folder, &mut found);
    }
    Some(found)
}

fn open(path: &PathBuf) -> Option<DicomFile> {
    let file = dicom::open_with(path, &ReadOptions::new().lenient()).ok()?;
    let directory = file.dataset().get(Tag::new(0x0004, 0x1220)).is_some();
    let object = file.dataset().has_value(Tag::SOP_INSTANCE_UID);
    (object && !directory && file.transfer_syntax().is_some()).then_some(file)
}

/// Names, numbers, dates and identifiers of objects, whatever a table says of them.
fn secrets(dataset: &Dataset, found: &mut BTreeSet<String>) {
    let numbers = [
        "PatientID",
        "AccessionNumber",
        "OtherPatientIDs",
        "PatientAddress",
        "InstitutionName",
        "InstitutionAddress",
        "StationName",
        "DeviceSerialNumber",
        "StudyDescription",
        "PatientComments",
    ];
    for element in dataset.elements() {
        if let Value::Items(items) = element.value() {
            items.iter().for_each(|item| secrets(item, found));
        }
        let keyword = element.tag().keyword().unwrap_or("");
        let class = keyword.contains("Class") || keyword.contains("CodingScheme");
        let wanted = match element.vr() {
            Vr::PN | Vr::DA | Vr::DT => true,
            Vr::UI => {
                !class && !keyword.contains("TransferSyntax") && !keyword.contains("CreatorUID")
            }
            _ => numbers.contains(&keyword),
        };
        if wanted {
            let texts = element.strings(CharacterSet::default());
            let long = texts
                .into_iter()
                .filter(|text| text.len() >= 6 && !text.starts_with("1.2.840.10008."));
            found.extend(long);
        }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

fn same_pixels(a: &DicomFile, b: &DicomFile) -> bool {
    match (a.stored::<f64>(), b.stored::<f64>()) {
        (Ok(a), Ok(b)) => a == b,
        (Err(_), Err(_)) => true,
        _ => false,
    }
}

#[test]
fn nothing_that_was_taken_out_is_left_anywhere_in_the_bytes() {
    let Some(found) = all() else {
        return;
    };
    let everything = Profile::basic()
        .retain_modified_dates()
        .retain_patient_characteristics()
        .retain_safe_private(SafePrivate::standard())
        .clean_descriptors(Vocabulary::radiology())
        .clean_structured_content()
        .clean_graphics();
    let (mut done, mut wrong) = (0, Vec::new());
    for (path, profile) in
        { found.iter() }.flat_map(|path| [(path, Profile::basic()), (path, everything.clone())])
    {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(file) = open(path) else {
            continue;
        };
        let deidentifier = Deidentifier::new(KEY).profile(profile.trust_pixels());
        let clean = deidentifier.file(&file).and_then(|clean| clean.encode());
        let bytes = match clean {
            Ok(bytes) => bytes,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let mut secret = BTreeSet::new();
        secrets(file.dataset(), &mut secret);
        for text in secret.iter().filter(|text| holds(&bytes, text)) {
            wrong.push(format!("{name}: {text}"));
        }
        let again = dicom::decode(bytes.clone(), &ReadOptions::new().lenient()).unwrap();
        if !same_pixels(&file, &again) {
            wrong.push(format!("{name}: pixels"));
        }
        let twice = deidentifier.file(&again).and_then(|clean| clean.encode());
        if twice.unwrap() != bytes {
            wrong.push(format!("{name}: the second time differs"));
        }
        done += 1;
    }
    assert_eq!(wrong, Vec::<String>::new());
    println!("{done} times");
    assert!(done >= 200, "{done}");
}

#[test]
fn compressed_pixels_are_blanked_and_stay_elsewhere() {
    let Some(found) = all() else {
        return;
    };
    let region = PixelRegion::Blank(vec![Rectangle {
        top: 1,
        left: 0,
        bottom: 3,
        right: 4,
    }]);
    let when = PixelCondition::default();
    let profile = Profile::basic().clean_pixel_data([PixelRule { when, region }]);
    let (mut done, mut wrong) = (0, Vec::new());
    for path in &found {
        let Some(file) = open(path) else {
            continue;
        };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (Ok(image), Ok(before)) = (file.image(), file.values::<f64>()) else {
            continue;
        };
        // Values of a palette are its colours; what is blanked is an index.
        if image.samples == 1 && before.shape()[1] == 3 {
            continue;
        }
        let clean = Deidentifier::new(KEY).profile(profile.clone()).file(&file);
        let clean = clean
            .and_then(|clean| clean.encode())
            .map(|bytes| dicom::decode(bytes, &ReadOptions::new().lenient()).unwrap());
        let after = match clean.and_then(|clean| clean.values::<f64>()) {
            Ok(after) => after,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let [_, _, rows, columns] = before.shape();
        let pairs = before.as_slice().iter().zip(after.as_slice());
        let kept = pairs.enumerate().all(|(at, (before, after))| {
            let (row, column) = (at / columns % rows, at % columns);
            let near = (1..3).contains(&row) && column < 5;
            near || before == after
        });
        if !kept || before.shape() != after.shape() {
            wrong.push(format!("{name}: other pixels"));
        }
        let first = after.as_slice()[columns];
        let inside = (0..4.min(columns)).all(|c| after.as_slice()[columns + c] == first);
        if !inside {
            wrong.push(format!("{name}: not blanked"));
        }
        done += 1;
    }
    assert_eq!(wrong, Vec::<String>::new());
    println!("{done} files");
    assert!(done >= 100, "{done}");
}

/// Where the standard leaves no choice, both tools do the same.
#[test]
fn attributes_fare_as_with_dicom_anonymizer() {
    let Some(found) = all() else {
        return;
    };
    let oracle: serde_json::Value = serde_json::from_str(include_str!("deidentify.json")).unwrap();
    let known: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_value(oracle["files"].clone()).unwrap();
    // What the object says of its own treatment, the pseudonym in the place of an empty name, and identifiers
    // that only their kind gives away: both are ours.
    let ours = [
        "00100010", "00100020", "00120062", "00120063", "00120064", "00280303",
    ];
    let (mut compared, mut wrong) = (0, Vec::new());
    for path in &found {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (Some(became), Some(file)) = (known.get(&name), open(path)) else {
            continue;
        };
        let profile = Profile::basic().trust_pixels();
        let clean = Deidentifier::new(KEY).profile(profile).file(&file).unwrap();
        for (digits, theirs) in became
            .iter()
            .filter(|(tag, _)| !ours.contains(&tag.as_str()))
        {
            let tag: Tag = digits.parse().unwrap();
            let Some(before) = file.dataset().get(tag) else {
                continue;
            };
            let here = match clean.dataset().get(tag) {
                None => "X",
                Some(after) if after == before => "K",
                Some(after) if after.is_empty() => "Z",
                Some(_) => "D",
            };
            compared += 1;
            if here != theirs {
                wrong.push(format!("{name} {tag}: here {here}, there {theirs}"));
            }
        }
    }
    println!("{compared} attributes");
    assert_eq!(wrong, Vec::<String>::new());
    assert!(compared > 300, "{compared}");
}
