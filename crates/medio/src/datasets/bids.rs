//! The Brain Imaging Data Structure: `sub-<id>/[ses-<id>/]<datatype>/<entities>_<suffix>.<extension>`.
//!
//! Names are taken apart into entities; JSON files beside and above a file say more of it, the nearer ones
//! having the last word (the inheritance principle). Standard: <https://bids-specification.readthedocs.io>.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::description::Description;
use crate::error::{Error, Result};

/// Larger tables are refused.
const MAX_TABLE_BYTES: u64 = 64 << 20;

/// A dataset by BIDS: its description, its participants and its files.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BidsDataset {
    /// The folder.
    pub folder: PathBuf,
    /// `Name` of `dataset_description.json`.
    pub name: String,
    /// All keys of `dataset_description.json`.
    pub description: Map<String, Value>,
    /// Rows of `participants.tsv`, in its order; empty without one.
    pub participants: Vec<Participant>,
    /// Files of all subjects, JSON files apart, in the order of their paths.
    pub files: Vec<BidsFile>,
    /// Files in the folders of subjects whose names are not by the standard.
    pub unrecognised: Vec<PathBuf>,
    /// JSON files of the root, of subjects, sessions and data types.
    side_files: Vec<BidsFile>,
}

/// A row of `participants.tsv`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Participant {
    /// `participant_id` without `sub-`.
    pub id: String,
    /// The other columns; those that say `n/a` are left out.
    pub values: BTreeMap<String, String>,
}

/// A file, by the parts of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BidsFile {
    /// Where it is.
    pub path: PathBuf,
    /// `sub-<subject>`.
    pub subject: String,
    /// `ses-<session>`.
    pub session: Option<String>,
    /// `anat`, `func`, `dwi` ...; empty for a file that stands above them.
    pub datatype: String,
    /// All entities of the name, `sub` and `ses` among them, in its order.
    pub entities: Vec<(String, String)>,
    /// `T1w`, `bold` ...
    pub suffix: String,
    /// With its first dot: `.nii.gz`.
    pub extension: String,
}

impl BidsFile {
    /// The value of an entity.
    #[must_use]
    pub fn entity(&self, key: &str) -> Option<&str> {
        let found = self.entities.iter().find(|(k, _)| k == key)?;
        Some(&found.1)
    }

    /// Whether what a side file says holds for `file`: the same suffix, and no entity that `file` has not.
    fn is_about(&self, file: &Self) -> bool {
        let beside = self.path.parent().zip(file.path.parent());
        beside.is_some_and(|(here, there)| there.starts_with(here))
            && self.suffix == file.suffix
            && self
                .entities
                .iter()
                .all(|entity| file.entities.contains(entity))
    }
}

impl BidsDataset {
    /// Lists a dataset, without opening images; `sourcedata`, `derivatives` and `code` are not looked into (a
    /// derivative is a dataset of its own).
    ///
    /// ```
    /// use medio::datasets::BidsDataset;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// # let put = |name: &str, text: &str| {
    /// #     std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
    /// #     std::fs::write(folder.join(name), text).unwrap();
    /// # };
    /// put("dataset_description.json", r#"{"Name": "heads", "BIDSVersion": "1.10.0"}"#);
    /// put("T1w.json", r#"{"EchoTime": 0.003, "FlipAngle": 9}"#);
    /// put("sub-01/anat/sub-01_run-2_T1w.json", r#"{"FlipAngle": 12}"#);
    /// put("sub-01/anat/sub-01_run-2_T1w.nii.gz", "");
    ///
    /// let dataset = BidsDataset::open(folder)?;
    /// let scan = &dataset.files[0];
    /// assert_eq!((scan.suffix.as_str(), scan.entity("run")), ("T1w", Some("2")));
    /// let known = dataset.metadata(scan)?;
    /// assert_eq!((&known["EchoTime"], &known["FlipAngle"]), (&0.003.into(), &12.into()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownLayout`] for a folder without `dataset_description.json`; [`Error::InvalidDescription`]
    /// for a description, table or name that contradicts itself; passes on what the system says.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let described = folder.join("dataset_description.json");
        if !described.is_file() {
            return Err(Error::UnknownLayout {
                path: folder.to_owned(),
                expected: "dataset_description.json (BIDS)",
            });
        }
        let description = Description::read(&described)?;
        description.get("BIDSVersion")?;
        let name = description.text("Name");
        let name = name
            .ok_or_else(|| description.invalid("Name", "must be text"))?
            .to_owned();
        let mut found = Self {
            folder: folder.to_owned(),
            name,
            description: description.into_fields(),
            participants: participants(&folder.join("participants.tsv"))?,
            files: Vec::new(),
            unrecognised: Vec::new(),
            side_files: Vec::new(),
        };
        let root = Place {
            subject: "",
            session: None,
            datatype: "",
        };
        let (files, folders) = listed(folder)?;
        let side_files = files.into_iter().filter(|name| name.ends_with(".json"));
        for name in side_files.filter(|name| name != "dataset_description.json") {
            // Other JSON files of the root (participants.json ...) are about no image.
            if let Some(file) = parse(folder, &name, &root)? {
                found.side_files.push(file);
            }
        }
        for below in folders {
            if let Some(subject) = label(&below, "sub-") {
                found.subject(&folder.join(&below), subject)?;
            }
        }
        Ok(found)
    }

    /// Labels of the subjects that have files, in order.
    #[must_use]
    pub fn subjects(&self) -> Vec<&str> {
        let subjects: BTreeSet<&str> = self
            .files
            .iter()
            .map(|file| file.subject.as_str())
            .collect();
        subjects.into_iter().collect()
    }

    /// What JSON files say of a file: those above it first, so that the nearer ones have the last word.
    ///
    /// # Errors
    /// Returns [`Error::InvalidDescription`] for JSON that is no object, and for two files of one folder that
    /// are both about the file and disagree on a key; passes on what the system says.
    pub fn metadata(&self, file: &BidsFile) -> Result<Map<String, Value>> {
        let mut about: Vec<&BidsFile> = self
            .side_files
            .iter()
            .filter(|side| side.is_about(file))
            .collect();
        // Paths of one line of folders: the shorter is the further away.
        about.sort_by_key(|side| side.path.components().count());
        let mut values = Map::new();
        let same_folder = |a: &&BidsFile, b: &&BidsFile| a.path.parent() == b.path.parent();
        for level in about.chunk_by(same_folder) {
            let mut here: Map<String, Value> = Map::new();
            for side in level {
                let description = Description::read(&side.path)?;
                let path = description.path.clone();
                for (key, value) in description.into_fields() {
                    if here.get(&key).is_some_and(|other| *other != value) {
                        return Err(Error::InvalidDescription {
                            path,
                            field: key,
                            problem: "is said in another way by a file beside it".to_owned(),
                        });
                    }
                    here.insert(key, value);
                }
            }
            values.extend(here);
        }
        Ok(values)
    }

    fn subject(&mut self, folder: &Path, subject: &str) -> Result<()> {
        let place = Place {
            subject,
            session: None,
            datatype: "",
        };
        let (_, folders) = self.level(folder, &place)?;
        for below in folders {
            let path = folder.join(&below);
            match label(&below, "ses-") {
                Some(session) => {
                    let place = Place {
                        session: Some(session),
                        ..place
                    };
                    let (_, folders) = self.level(&path, &place)?;
                    for datatype in folders {
                        self.level(
                            &path.join(&datatype),
                            &Place {
                                datatype: &datatype,
                                ..place
                            },
                        )?;
                    }
                }
                None => drop(self.level(
                    &path,
                    &Place {
                        datatype: &below,
                        ..place
                    },
                )?),
            }
        }
        Ok(())
    }

    /// Takes in the files of one folder, and gives what is in it.
    fn level(&mut self, folder: &Path, place: &Place<'_>) -> Result<(Vec<String>, Vec<String>)> {
        let (files, folders) = listed(folder)?;
        for name in &files {
            match parse(folder, name, place)? {
                Some(file) if file.extension == ".json" => self.side_files.push(file),
                Some(file) => self.files.push(file),
                None => self.unrecognised.push(folder.join(name)),
            }
        }
        Ok((files, folders))
    }
}

/// Where in the tree a file is.
#[derive(Clone, Copy)]
struct Place<'a> {
    subject: &'a str,
    session: Option<&'a str>,
    datatype: &'a str,
}

/// Visible files and folders, each in order.
fn listed(folder: &Path) -> Result<(Vec<String>, Vec<String>)> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let entry = entry.map_err(Error::io("list", folder))?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        match entry.path().is_dir() {
            true => folders.push(name),
            false => files.push(name),
        }
    }
    files.sort();
    folders.sort();
    Ok((files, folders))
}

/// The label of a folder `sub-<label>` or `ses-<label>`.
fn label<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    name.strip_prefix(prefix).filter(|label| !label.is_empty())
}

/// A name by its parts; `None` for one that has not the form `key-value_..._suffix.extension`.
fn parse(folder: &Path, name: &str, place: &Place<'_>) -> Result<Option<BidsFile>> {
    let (stem, extension) = name.split_at(name.find('.').unwrap_or(name.len()));
    let mut parts: Vec<&str> = stem.split('_').collect();
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let Some(suffix) = parts.pop().filter(|suffix| plain(suffix)) else {
        return Ok(None);
    };
    let mut entities: Vec<(String, String)> = Vec::new();
    let invalid = |problem: String| Error::InvalidDescription {
        path: folder.join(name),
        field: "(file name)".to_owned(),
        problem,
    };
    for part in parts {
        let Some((key, value)) = part
            .split_once('-')
            .filter(|(k, v)| plain(k) && !v.is_empty())
        else {
            return Ok(None);
        };
        if entities.iter().any(|(other, _)| other == key) {
            return Err(invalid(format!("has the entity {key} twice")));
        }
        entities.push((key.to_owned(), value.to_owned()));
    }
    let of = |key: &str| {
        entities
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, value)| value.as_str())
    };
    if !place.subject.is_empty() {
        // A name that speaks of someone else has come into the wrong folder.
        if of("sub") != Some(place.subject) {
            return match of("sub") {
                None => Ok(None),
                Some(other) => Err(invalid(format!(
                    "is of sub-{other}, in the folder of sub-{}",
                    place.subject
                ))),
            };
        }
        if place.session.is_some() && of("ses") != place.session {
            let session = place.session.unwrap_or_default();
            return Err(invalid(format!("must be of ses-{session}, as its folder")));
        }
    }
    Ok(Some(BidsFile {
        path: folder.join(name),
        subject: place.subject.to_owned(),
        session: place.session.map(str::to_owned),
        datatype: place.datatype.to_owned(),
        suffix: suffix.to_owned(),
        extension: extension.to_owned(),
        entities,
    }))
}

fn participants(path: &Path) -> Result<Vec<Participant>> {
    let invalid = |line: usize, problem: String| Error::InvalidDescription {
        path: path.to_owned(),
        field: format!("line {line}"),
        problem,
    };
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let size = path.metadata().map_err(Error::io("read", path))?.len();
    if size > MAX_TABLE_BYTES {
        return Err(invalid(
            1,
            format!("the table is larger than {MAX_TABLE_BYTES} bytes"),
        ));
    }
    let text = fs::read_to_string(path).map_err(Error::io("read", path))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let header: Vec<&str> = lines
        .next()
        .map_or(Vec::new(), |(_, line)| line.split('\t').collect());
    if header.first() != Some(&"participant_id") {
        return Err(invalid(
            1,
            "the first column must be participant_id".to_owned(),
        ));
    }
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for (number, line) in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        if cells.len() != header.len() {
            let problem = format!(
                "has {} columns, the first line {}",
                cells.len(),
                header.len()
            );
            return Err(invalid(number + 1, problem));
        }
        let id = label(cells[0], "sub-");
        let id = id.ok_or_else(|| {
            invalid(
                number + 1,
                format!("must begin with sub-, got {:?}", cells[0]),
            )
        })?;
        if !seen.insert(id) {
            return Err(invalid(number + 1, format!("has sub-{id} a second time")));
        }
        let values = header
            .iter()
            .zip(&cells)
            .skip(1)
            .filter(|(_, cell)| **cell != "n/a");
        rows.push(Participant {
            id: id.to_owned(),
            values: values
                .map(|(key, cell)| ((*key).to_owned(), (*cell).to_owned()))
                .collect(),
        });
    }
    Ok(rows)
}
