//! RSNA Pneumonia (Shih et al. 2019), or any folder of DICOM files with one table: a name and a target in each row, boxes
//! where there are some.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use medio::dicom::{self, Tag};
use medtrain::split::CaseRecord;
use rayon::prelude::*;

use super::files::{Files, without_ending};
use super::table::{Table, cell};
use super::{Collection, Finding, OfficialValidation, Pixels, Radiograph};

/// Columns that say which image; the patient's is that of RSNA, whose files are named after it.
const NAMES: &[&str] = &[
    "image",
    "image_id",
    "file",
    "filename",
    "file_name",
    "path",
    UID,
    "id",
    "patientId",
];
/// The column that names images by what is in them.
const UID: &str = "SOPInstanceUID";
/// Columns that say whose image, beside one that says which.
const PATIENTS: &[&str] = &["patient", "patient_id", "patientId", "subject_id"];
const TARGETS: &[&str] = &["Target", "label", "class", "finding", "diagnosis"];

/// What the rows of one image say.
#[derive(Debug, Default)]
struct Row {
    ill: bool,
    /// Whose image, where the table says so.
    patient: Option<String>,
    /// Left, top, width, height in pixels.
    boxes: Vec<[f64; 4]>,
}

/// The table with a target; RSNA's second one, of detailed classes, has none.
pub(crate) fn table(folder: &Path) -> Result<Option<PathBuf>> {
    let with_target = |name: &str| {
        name.ends_with(".csv")
            && !name.contains("detailed_class")
            && !name.contains("sample_submission")
            && Table::read(&folder.join(name))
                .is_ok_and(|t| t.column(TARGETS).is_some() && t.column(NAMES).is_some())
    };
    super::only_file(folder, "a name and a target in each row", with_target)
}

pub(crate) fn open(folder: &Path, path: &Path, finding: &str) -> Result<Collection> {
    let table = Table::read(path)?;
    let rows = rows(&table, path, finding)?;
    let files = Files::below(folder, &|path| {
        Ok(matches!(
            Pixels::of_file(path.to_owned())?,
            Pixels::Dicom(_)
        ))
    })?;
    let by_uid = match table.column(NAMES) == table.column(&[UID]) {
        true => by_uid(&files)?,
        false => BTreeMap::new(),
    };
    let mut found = Vec::new();
    for (name, row) in &rows {
        let file = match by_uid.get(name) {
            Some(file) => Some(file.as_path()),
            None => files.find(name)?,
        };
        found.extend(file.map(|file| (without_ending(name), file, row)));
    }
    let absent = rows.len() - found.len();
    let radiograph = |&(name, file, row): &(&str, &Path, &Row)| radiograph(name, file, row);
    let opened: Vec<Opened> = found.par_iter().map(radiograph).collect::<Result<_>>()?;
    let (grouping, radiographs) = grouped(opened);
    ensure!(
        !radiographs.is_empty(),
        "no image of {} is in {}",
        path.display(),
        folder.display()
    );
    let mut notes = Vec::new();
    if absent > 0 {
        notes.push(format!(
            "{absent} images of the table are not in the folder and were left out."
        ));
    }
    Ok(Collection {
        source: format!("DICOM files in {}", folder.display()),
        classes: [
            format!("no {}", finding.to_lowercase()),
            finding.to_lowercase(),
        ],
        grouping,
        radiographs,
        alike: false,
        notes,
        validation: OfficialValidation::Rebuilt,
        generated: None,
    })
}

fn rows(table: &Table, path: &Path, finding: &str) -> Result<BTreeMap<String, Row>> {
    let (name, target) = (table.needed(NAMES, path)?, table.needed(TARGETS, path)?);
    let patient = table.column(PATIENTS).filter(|patient| *patient != name);
    let corners = ["x", "y", "width", "height"].map(|side| table.column(&[side]));
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for row in table.rows() {
        let said = cell(row, target);
        let ill = match said.to_lowercase().as_str() {
            "1" | "1.0" | "true" | "yes" | "positive" => true,
            "0" | "0.0" | "false" | "no" | "negative" | "normal" => false,
            other if other == finding.to_lowercase() => true,
            other => bail!(
                "{}: {other:?} of {} is no target",
                path.display(),
                cell(row, name)
            ),
        };
        let entry = rows.entry(cell(row, name).to_owned()).or_default();
        entry.ill |= ill;
        let whose = patient.map(|patient| cell(row, patient));
        entry.patient = whose.filter(|whose| !whose.is_empty()).map(str::to_owned);
        let sides = corners.map(|c| c.and_then(|c| cell(row, c).parse::<f64>().ok()));
        if let [Some(x), Some(y), Some(width), Some(height)] = sides {
            entry.boxes.push([x, y, width, height]);
        }
    }
    Ok(rows)
}

/// A radiograph and what may divide it from others.
pub(super) struct Opened {
    pub(super) radiograph: Radiograph,
    pub(super) maker: Option<String>,
    pub(super) view: Option<String>,
}

/// By maker and model; by view where equipment was taken out of all files.
pub(super) fn grouped(opened: Vec<Opened>) -> (&'static str, Vec<Radiograph>) {
    let is_made = opened.iter().any(|opened| opened.maker.is_some());
    let with_site = |opened: Opened| {
        let group = if is_made { opened.maker } else { opened.view };
        let mut radiograph = opened.radiograph;
        radiograph.record.site = Some(group.unwrap_or_else(|| "unknown".to_owned()));
        radiograph
    };
    let grouping = if is_made { "equipment" } else { "view" };
    (grouping, opened.into_iter().map(with_site).collect())
}

/// Files by their SOP Instance UID, for tables that know no other name.
fn by_uid(files: &Files) -> Result<BTreeMap<String, PathBuf>> {
    let all: Vec<&Path> = files.all().collect();
    let uid = |path: &&Path| -> Result<_> {
        let uid = dicom::open(path)?.dataset().string(Tag::SOP_INSTANCE_UID);
        Ok(uid.map(|uid| (uid, path.to_path_buf())))
    };
    let uids: Vec<Option<_>> = all.par_iter().map(uid).collect::<Result<_>>()?;
    Ok(uids.into_iter().flatten().collect())
}

fn radiograph(name: &str, file: &Path, row: &Row) -> Result<Opened> {
    let opened = dicom::open(file)?;
    let dataset = opened.dataset();
    let text = |tag| dataset.string(tag).filter(|text| !text.is_empty());
    // A table that tells patients does so because the files no longer do.
    let patient = { row.patient.clone() }.or_else(|| text(Tag::PATIENT_ID));
    let patient = patient.unwrap_or_else(|| name.to_owned());
    let maker = [Tag::MANUFACTURER, Tag::MANUFACTURER_MODEL_NAME]
        .into_iter()
        .filter_map(text);
    let maker = maker.collect::<Vec<_>>().join(" ");
    let view = text(Tag::new(0x0018, 0x5101));
    let image = opened.image()?;
    let (w, h) = (image.columns as f64, image.rows as f64);
    let share = |b: &[f64; 4]| [b[0] / w, b[1] / h, (b[0] + b[2]) / w, (b[1] + b[3]) / h];
    let mut record = CaseRecord::new(name, patient)
        .with_class(row.ill.into())
        .with_file(file);
    for (tag, kind) in [
        (Tag::STUDY_INSTANCE_UID, 0),
        (Tag::SERIES_INSTANCE_UID, 1),
        (Tag::SOP_INSTANCE_UID, 2),
    ] {
        if let Some(uid) = text(tag) {
            record = match kind {
                0 => record.with_study(uid),
                1 => record.with_series(uid),
                _ => record.with_instance(uid),
            };
        }
    }
    let radiograph = Radiograph {
        record,
        pixels: Pixels::Dicom(file.to_owned()),
        finding: match row.boxes.is_empty() {
            true => Finding::Unknown,
            false => Finding::Boxes(row.boxes.iter().map(share).collect()),
        },
        part: None,
    };
    Ok(Opened {
        radiograph,
        maker: (!maker.is_empty()).then_some(maker),
        view,
    })
}
