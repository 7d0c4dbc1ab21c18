//! Kaggle's chest_xray (Kermany et al., Cell 2018): children, `train|val|test/NORMAL|PNEUMONIA/*.jpeg`.
//!
//! File names tell the patient of most images. The validation set of 16 images is too small to choose by: it joins
//! training, of which patients are held out anew.

use std::path::Path;

use anyhow::Result;
use medio::datasets::ClassificationDataset;
use medtrain::split::{CaseRecord, PartName};

use super::{Collection, Finding, OfficialValidation, Pixels, Radiograph};

pub(crate) fn is_here(folder: &Path) -> bool {
    ["train/NORMAL", "train/PNEUMONIA"]
        .iter()
        .all(|part| folder.join(part).is_dir())
}

pub(crate) fn open(folder: &Path) -> Result<Collection> {
    let dataset = ClassificationDataset::open(folder)?;
    let mut radiographs = Vec::new();
    let mut unknown = 0;
    for split in &dataset.splits {
        let part = match split.name.as_str() {
            "test" => PartName::Test,
            "val" => PartName::Validation,
            _ => PartName::Training,
        };
        for image in &split.images {
            let class = u32::from(dataset.classes[image.class] == "PNEUMONIA");
            let stem = image
                .path
                .file_stem()
                .and_then(|s| s.to_str())
                .unwrap_or_default();
            let id = format!("{}/{stem}", split.name);
            let patient = patient(stem);
            unknown += usize::from(patient.is_none());
            // The numbers of the parts are counted anew: person1 of the test is not person1 of training.
            let scope = if part == PartName::Test {
                "test"
            } else {
                "train"
            };
            let patient = patient.map_or_else(|| id.clone(), |p| format!("{scope} {p}"));
            let record = CaseRecord::new(id, patient)
                .with_class(class)
                .with_file(&image.path);
            radiographs.push(Radiograph {
                record: record.with_site(group(stem)),
                pixels: Pixels::Picture(image.path.clone()),
                finding: Finding::Unknown,
                part: Some(part),
            });
        }
    }
    let mut notes = vec![
        "The archive's validation part of a few images joined training; patients were held out anew.".to_owned(),
        "Patients are told by file names. The names of the test part are taken to count anew, which the archive does not \
         say: person1 there is another than person1 of training."
            .to_owned(),
    ];
    if unknown > 0 {
        notes.push(format!(
            "{unknown} file names tell no patient: each such image counts as a patient of its own."
        ));
    }
    Ok(Collection {
        source: format!("Kaggle chest_xray in {}", folder.display()),
        classes: ["normal", "pneumonia"].map(str::to_owned),
        grouping: "file name",
        radiographs,
        alike: false,
        notes,
        validation: OfficialValidation::Rebuilt,
        generated: None,
    })
}

/// `person1000_bacteria_2931` is of person1000; `NORMAL2-IM-1427-0001` and `IM-0115-0001` are of the number after `IM`.
fn patient(stem: &str) -> Option<String> {
    let digits = |text: &str| {
        text.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    };
    if let Some(rest) = stem.strip_prefix("person") {
        let number = digits(rest);
        return (!number.is_empty()).then(|| format!("person {number}"));
    }
    let (series, rest) = stem.split_once("IM-")?;
    let number = digits(rest);
    (!number.is_empty()).then(|| format!("{series}IM {number}"))
}

/// What the names tell apart.
fn group(stem: &str) -> &'static str {
    match stem {
        s if s.contains("_bacteria") => "bacteria",
        s if s.contains("_virus") => "virus",
        s if s.starts_with("NORMAL2") => "normal, second series",
        _ => "normal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_tell_the_patient() {
        let told = |stem| patient(stem);
        assert_eq!(
            told("person1000_bacteria_2931").as_deref(),
            Some("person 1000")
        );
        assert_eq!(
            told("person1000_virus_1681"),
            told("person1000_bacteria_2931")
        );
        assert_eq!(told("IM-0115-0001"), told("IM-0115-0002-0001"));
        assert_ne!(told("IM-0115-0001"), told("NORMAL2-IM-0115-0001"));
        assert_eq!(told("BACTERIA-1008087-0001"), None);
    }
}
