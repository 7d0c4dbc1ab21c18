//! ChestX-ray14 (Wang et al., CVPR 2017): `Data_Entry_2017*.csv`, `train_val_list.txt`, `test_list.txt` and images in any
//! folders below.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use medtrain::split::{CaseRecord, PartName};

use super::files::Files;
use super::table::{Table, cell};
use super::{Collection, Finding, OfficialValidation, Pixels, Radiograph};

pub(crate) fn table(folder: &Path) -> Result<Option<PathBuf>> {
    let wanted = |name: &str| name.starts_with("Data_Entry_2017") && name.ends_with(".csv");
    super::only_file(folder, "Data_Entry_2017*.csv", wanted)
}

pub(crate) fn open(folder: &Path, path: &Path, finding: &str) -> Result<Collection> {
    let table = Table::read(path)?;
    let column = |names: &[&str]| table.needed(names, path);
    let (image, findings) = (column(&["Image Index"])?, column(&["Finding Labels"])?);
    let (patient, view) = (column(&["Patient ID"])?, column(&["View Position"])?);
    let files = Files::below(folder, &|path| {
        Ok(path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("png")))
    })?;
    let lists = [
        ("train_val_list.txt", PartName::Training),
        ("test_list.txt", PartName::Test),
    ];
    let lists: Vec<_> = lists
        .into_iter()
        .filter(|(name, _)| folder.join(name).is_file())
        .collect();
    ensure!(
        lists.len() != 1,
        "{} has one of the two official lists only",
        folder.display()
    );
    let mut parts = BTreeMap::new();
    for (name, part) in lists {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        parts.extend(text.lines().map(|line| (line.trim().to_owned(), part)));
    }
    let (mut radiographs, mut absent, mut known) = (Vec::new(), 0, HashSet::new());
    for row in table.rows() {
        let name = cell(row, image);
        let labels: Vec<&str> = cell(row, findings).split('|').collect();
        known.extend(labels.iter().map(|l| l.to_string()));
        let Some(file) = files.find(name)? else {
            absent += 1;
            continue;
        };
        let ill = labels
            .iter()
            .any(|label| label.eq_ignore_ascii_case(finding));
        let record = CaseRecord::new(name, cell(row, patient)).with_class(ill.into());
        radiographs.push(Radiograph {
            record: record.with_site(cell(row, view)).with_file(file),
            pixels: Pixels::Picture(file.to_owned()),
            finding: Finding::Unknown,
            part: parts.get(name).copied(),
        });
    }
    ensure!(
        known
            .iter()
            .any(|label| label.eq_ignore_ascii_case(finding)),
        "no image has the finding {finding:?}; there are {known:?}"
    );
    let mut notes = vec![
        "Labels were read from reports by a program; about one in ten is wrong.".to_owned(),
        match parts.is_empty() {
            true => {
                "The official lists are not there: patients were held out by chance.".to_owned()
            }
            false => {
                "Training and test are the official lists; validation is of patients of training."
                    .to_owned()
            }
        },
    ];
    let unlisted = radiographs.iter().filter(|r| r.part.is_none()).count();
    if unlisted > 0 && !parts.is_empty() {
        notes.push(format!(
            "{unlisted} images are in neither of the official lists and were left out."
        ));
    }
    if absent > 0 {
        notes.push(format!(
            "{absent} images of the table are not in the folder and were left out."
        ));
    }
    Ok(Collection {
        source: format!("ChestX-ray14 in {}", folder.display()),
        classes: [
            format!("no {}", finding.to_lowercase()),
            finding.to_lowercase(),
        ],
        grouping: "view",
        radiographs,
        alike: false,
        notes,
        validation: OfficialValidation::Rebuilt,
        generated: None,
    })
}
