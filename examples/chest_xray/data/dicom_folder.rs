//! RSNA Pneumonia (Shih et al. 2019), or any folder of DICOM files with one table: a name and a target in each row, boxes
//! where there are some.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use medio::dicom::{self, Tag};
use medtrain::split::CaseRecord;

use super::table::{Table, cell};
use super::{Collection, Finding, OfficialValidation, Pixels, Radiograph};

const NAMES: &[&str] = &[
    "patientId",
    "image",
    "file",
    "filename",
    "path",
    "id",
    "SOPInstanceUID",
];
const TARGETS: &[&str] = &["Target", "label", "class", "finding", "diagnosis"];

/// What the rows of one image say.
#[derive(Debug, Default)]
struct Row {
    ill: bool,
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
    let rows = rows(path, finding)?;
    let mut files = BTreeMap::new();
    dicom_files(folder, 0, &mut files)?;
    let (mut radiographs, mut absent) = (Vec::new(), 0);
    for (name, row) in &rows {
        let stem = Path::new(name)
            .file_stem()
            .and_then(|s| s.to_str())
            .unwrap_or(name);
        let Some(file) = files.get(name).or_else(|| files.get(stem)) else {
            absent += 1;
            continue;
        };
        radiographs.push(radiograph(stem, file, row)?);
    }
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
        grouping: "equipment",
        radiographs,
        alike: false,
        notes,
        validation: OfficialValidation::Rebuilt,
        generated: None,
    })
}

fn rows(path: &Path, finding: &str) -> Result<BTreeMap<String, Row>> {
    let table = Table::read(path)?;
    let (name, target) = (table.needed(NAMES, path)?, table.needed(TARGETS, path)?);
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
        let sides = corners.map(|c| c.and_then(|c| cell(row, c).parse::<f64>().ok()));
        if let [Some(x), Some(y), Some(width), Some(height)] = sides {
            entry.boxes.push([x, y, width, height]);
        }
    }
    Ok(rows)
}

fn radiograph(name: &str, file: &Path, row: &Row) -> Result<Radiograph> {
    let opened = dicom::open(file)?;
    let dataset = opened.dataset();
    let text = |tag| dataset.string(tag).filter(|text| !text.is_empty());
    let patient = text(Tag::PATIENT_ID).unwrap_or_else(|| name.to_owned());
    let maker = [Tag::MANUFACTURER, Tag::MANUFACTURER_MODEL_NAME]
        .into_iter()
        .filter_map(text);
    let maker = maker.collect::<Vec<_>>().join(" ");
    // Where equipment is taken out of the files, the view is what is left.
    let view = || text(Tag::new(0x0018, 0x5101)).unwrap_or_else(|| "unknown".to_owned());
    let site = if maker.is_empty() { view() } else { maker };
    let image = opened.image()?;
    let (w, h) = (image.columns as f64, image.rows as f64);
    let share = |b: &[f64; 4]| [b[0] / w, b[1] / h, (b[0] + b[2]) / w, (b[1] + b[3]) / h];
    let mut record = CaseRecord::new(name, patient)
        .with_class(row.ill.into())
        .with_site(site)
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
    Ok(Radiograph {
        record,
        pixels: Pixels::Dicom(file.to_owned()),
        finding: match row.boxes.is_empty() {
            true => Finding::Unknown,
            false => Finding::Boxes(row.boxes.iter().map(share).collect()),
        },
        part: None,
    })
}

/// All DICOM files at most three folders down, by name with and without its ending.
fn dicom_files(folder: &Path, depth: u32, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && depth < 3 {
            dicom_files(&path, depth + 1, files)?;
        } else if let Some(name) = path.file_name().and_then(|n| n.to_str())
            && let Pixels::Dicom(_) = Pixels::of_file(path.clone())?
        {
            let stem = Path::new(name)
                .file_stem()
                .and_then(|s| s.to_str())
                .unwrap_or(name);
            files.insert(stem.to_owned(), path.clone());
            files.insert(name.to_owned(), path);
        }
    }
    Ok(())
}
