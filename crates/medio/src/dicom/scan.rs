//! What is in a folder: studies and series.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use medcore::Budget;
use rayon::prelude::*;

use super::Fault;
use super::dataset::Date;
use super::file::open_with;
use super::instance::{Instance, Slice, slices};
use super::stack::{Stack, stacks};
use super::tag::Tag;
use crate::options::ReadOptions;

/// The DICOM files below a folder.
#[derive(Debug)]
#[non_exhaustive]
pub struct Scan {
    /// Studies, by patient and date.
    pub studies: Vec<Study>,
    /// Files that are DICOM but were refused, and why.
    pub refused: Vec<RefusedFile>,
    /// Files that are something else.
    pub others: Vec<PathBuf>,
}

/// A file that is DICOM but was refused.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefusedFile {
    /// Why.
    pub error: crate::Error,
    /// The series it belongs to, if that could be read.
    pub series_uid: Option<String>,
}

impl RefusedFile {
    /// Whether it may be a file of a series.
    #[must_use]
    pub fn may_be_of(&self, series_uid: &str) -> bool {
        self.series_uid
            .as_deref()
            .is_none_or(|uid| uid == series_uid)
    }
}

/// One examination of one patient.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Study {
    /// Study instance UID.
    pub uid: String,
    /// `PatientID`
    pub patient_id: Option<String>,
    /// `PatientName`
    pub patient_name: Option<String>,
    /// `StudyDate`
    pub date: Option<Date>,
    /// `StudyDescription`
    pub description: Option<String>,
    /// Its series, by their numbers.
    pub series: Vec<Series>,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Series {
    /// Series instance UID.
    pub uid: String,
    /// `Modality`, for instance `CT`
    pub modality: Option<String>,
    /// `SeriesNumber`
    pub number: Option<i64>,
    /// `SeriesDescription`
    pub description: Option<String>,
    /// `BodyPartExamined`
    pub body_part: Option<String>,
    /// Its files, each SOP instance once, by their numbers.
    pub instances: Vec<Instance>,
    /// Files that repeat an instance.
    pub repeated: Vec<PathBuf>,
    /// Its images, parted by raster, orientation and role; the largest first.
    pub stacks: Vec<Stack>,
}

/// One scanned file.
struct Found {
    study: Study,
    series: Series,
    slices: Vec<Slice>,
}

/// The files of a series so far.
struct Gathered {
    series: Series,
    slices: Vec<Slice>,
    /// UIDs of its instances.
    known: HashSet<String>,
}

enum Outcome {
    Found(Box<Found>),
    Refused(RefusedFile),
    Other(PathBuf),
}

/// Lists the files below a folder; links to folders are not followed, so that there is an end.
pub(super) fn walk(folder: &Path) -> crate::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let list = std::fs::read_dir(&folder).map_err(crate::Error::io("list", &folder))?;
        for entry in list {
            let entry = entry.map_err(crate::Error::io("list", &folder))?;
            let kind = entry
                .file_type()
                .map_err(crate::Error::io("list", &folder))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() || entry.path().is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

fn examine(path: PathBuf, options: &ReadOptions) -> Outcome {
    // Headers are small: one that is not is no reason to hold the folder's memory.
    let budget = Arc::new(Budget::new(256 << 20));
    let opened = open_with(&path, &options.clone().budget(budget));
    let file = match opened {
        Ok(file) => file,
        Err(crate::Error::Dicom { fault, .. }) if matches!(*fault, Fault::NotDicom { .. }) => {
            return Outcome::Other(path);
        }
        // A few bytes are no damaged DICOM file.
        Err(crate::Error::Dicom { fault, .. })
            if matches!(&*fault, Fault::Truncated { offset: 0, .. }) =>
        {
            return Outcome::Other(path);
        }
        Err(error) => {
            return Outcome::Refused(RefusedFile {
                error,
                series_uid: None,
            });
        }
    };
    let dataset = file.dataset();
    // A directory lists files and is none of a series.
    let class = file.meta().string(Tag::MEDIA_STORAGE_SOP_CLASS_UID);
    if class.as_deref() == Some("1.2.840.10008.1.3.10") {
        return Outcome::Other(path);
    }
    let read = || -> Result<Found, Fault> {
        let instance = Instance::of(&file)?;
        let slices = slices(&file, &instance)?;
        Ok(Found {
            study: Study {
                uid: dataset.required_string(Tag::STUDY_INSTANCE_UID)?,
                patient_id: dataset.string(Tag::PATIENT_ID),
                patient_name: dataset.string(Tag::PATIENT_NAME),
                date: dataset.date(Tag::STUDY_DATE).ok().flatten(),
                description: dataset.text(Tag::STUDY_DESCRIPTION),
                series: Vec::new(),
            },
            series: Series {
                uid: dataset.required_string(Tag::SERIES_INSTANCE_UID)?,
                modality: dataset.string(Tag::MODALITY),
                number: dataset.integer(Tag::SERIES_NUMBER).ok().flatten(),
                description: dataset.text(Tag::SERIES_DESCRIPTION),
                body_part: dataset.string(Tag::BODY_PART_EXAMINED),
                instances: vec![instance],
                repeated: Vec::new(),
                stacks: Vec::new(),
            },
            slices,
        })
    };
    match read() {
        Ok(found) => Outcome::Found(Box::new(found)),
        Err(fault) => Outcome::Refused(RefusedFile {
            error: crate::Error::dicom(&path)(fault),
            series_uid: dataset.string(Tag::SERIES_INSTANCE_UID),
        }),
    }
}

/// Reads the headers of all files below a folder, many at a time.
///
/// ```no_run
/// let scan = medio::dicom::scan("study")?;
/// for series in scan.series() {
///     println!("{:?} {:?}: {} stacks", series.modality, series.description, series.stacks.len());
/// }
/// # Ok::<(), medio::Error>(())
/// ```
///
/// # Errors
/// Refuses folders that cannot be listed. Files that cannot be read are in [`Scan::refused`].
pub fn scan(folder: impl AsRef<Path>) -> crate::Result<Scan> {
    scan_with(folder, &ReadOptions::new())
}

/// As [`scan`], with options: how lenient it is with damaged files.
///
/// # Errors
/// As [`scan`].
pub fn scan_with(folder: impl AsRef<Path>, options: &ReadOptions) -> crate::Result<Scan> {
    let outcomes: Vec<Outcome> = { walk(folder.as_ref())?.into_par_iter() }
        .map(|path| examine(path, options))
        .collect();
    let mut result = Scan {
        studies: Vec::new(),
        refused: Vec::new(),
        others: Vec::new(),
    };
    let mut studies: BTreeMap<String, (Study, BTreeMap<String, Gathered>)> = BTreeMap::new();
    for outcome in outcomes {
        let found = match outcome {
            Outcome::Found(found) => *found,
            Outcome::Refused(file) => {
                result.refused.push(file);
                continue;
            }
            Outcome::Other(path) => {
                result.others.push(path);
                continue;
            }
        };
        let study = studies.entry(found.study.uid.clone());
        let (_, all) = study.or_insert_with(|| (found.study, BTreeMap::new()));
        let gathered = all.entry(found.series.uid.clone());
        let gathered = gathered.or_insert_with(|| Gathered {
            series: Series {
                instances: Vec::new(),
                ..found.series.clone()
            },
            slices: Vec::new(),
            known: HashSet::new(),
        });
        for instance in found.series.instances {
            if gathered.known.insert(instance.uid.clone()) {
                gathered.series.instances.push(instance);
                gathered.slices.extend(found.slices.iter().cloned());
            } else {
                gathered.series.repeated.push(instance.path.to_path_buf());
            }
        }
    }
    for (mut study, all) in studies.into_values() {
        for gathered in all.into_values() {
            let (mut series, slices) = (gathered.series, gathered.slices);
            series.instances.sort_by_key(|instance| instance.number);
            series.stacks = stacks(&series.uid, slices);
            study.series.push(series);
        }
        study.series.sort_by_key(|series| series.number);
        result.studies.push(study);
    }
    let key = |study: &Study| (study.patient_id.clone(), study.date);
    result.studies.sort_by_key(key);
    Ok(result)
}

impl Scan {
    /// All series of all studies.
    pub fn series(&self) -> impl Iterator<Item = &Series> {
        self.studies.iter().flat_map(|study| &study.series)
    }

    /// The only series with images.
    ///
    /// # Errors
    /// Refuses folders with none or several, naming them.
    pub fn only(&self) -> crate::Result<&Series> {
        let mut all = self.series().filter(|series| !series.stacks.is_empty());
        match (all.next(), all.next()) {
            (Some(series), None) => Ok(series),
            _ => Err(crate::Error::Series {
                uid: String::new(),
                fault: Box::new(super::SeriesFault::SeveralSeries {
                    uids: { self.series() }
                        .filter(|series| !series.stacks.is_empty())
                        .map(|series| series.uid.clone())
                        .collect(),
                }),
            }),
        }
    }
}

impl Scan {
    /// Makes sure that no file of a series was refused: at the end of a volume nothing else would tell.
    ///
    /// # Errors
    /// Names the files that belong to the series, or may belong to it, and could not be read.
    pub fn check_complete(&self, series: &Series) -> crate::Result<()> {
        let files = self
            .refused
            .iter()
            .filter(|file| file.may_be_of(&series.uid));
        let files: Vec<String> = files.map(|file| file.error.to_string()).collect();
        if files.is_empty() {
            return Ok(());
        }
        Err(crate::Error::Series {
            uid: series.uid.clone(),
            fault: Box::new(super::SeriesFault::Refused { files }),
        })
    }
}

impl Series {
    /// The only stack of the series.
    ///
    /// # Errors
    /// Refuses series of none or several, describing each.
    pub fn stack(&self) -> crate::Result<&Stack> {
        match self.stacks.as_slice() {
            [only] => Ok(only),
            stacks => Err(crate::Error::Series {
                uid: self.uid.clone(),
                fault: Box::new(super::SeriesFault::SeveralStacks {
                    stacks: stacks.iter().map(Stack::describe).collect(),
                }),
            }),
        }
    }
}
