//! A whole folder of files, each under its new identifiers.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::prelude::*;

use super::super::fault::Fault;
use super::super::file::open_with;
use super::super::scan::walk;
use super::super::tag::Tag;
use super::Deidentifier;
use crate::options::ReadOptions;

/// What became of the files of a folder.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Folder {
    /// The files that were written, beside those they were made from.
    pub written: Vec<(PathBuf, PathBuf)>,
    /// Files that are DICOM but were not de-identified, and why: nothing was written for them.
    pub refused: Vec<crate::Error>,
    /// Files that are something else, and directories of media.
    pub others: Vec<PathBuf>,
}

enum Outcome {
    Written(PathBuf, PathBuf),
    Refused(crate::Error),
    Other(PathBuf),
}

/// `STUDY/SERIES/INSTANCE.dcm` by unique identifiers; those that are none would be paths of somebody's choice.
fn name(dataset: &super::super::Dataset) -> Result<PathBuf, Fault> {
    let part = |tag| {
        let uid = dataset.required_string(tag)?;
        let digits = |b: u8| b.is_ascii_digit() || b == b'.';
        let valid = uid.len() <= 64
            && uid.bytes().all(digits)
            && uid.starts_with(|c: char| c.is_ascii_digit());
        match valid {
            true => Ok(uid),
            false => Err(Fault::attribute(tag, "a unique identifier", "another text")),
        }
    };
    let study = part(Tag::STUDY_INSTANCE_UID)?;
    let series = part(Tag::SERIES_INSTANCE_UID)?;
    let instance = part(Tag::SOP_INSTANCE_UID)?;
    Ok(Path::new(&study).join(series).join(instance + ".dcm"))
}

impl Deidentifier {
    /// De-identifies all DICOM files below a folder into another, as `STUDY/SERIES/INSTANCE.dcm`.
    ///
    /// Names of files and folders often identify a patient, so none of them is kept. A file that is refused
    /// leaves nothing behind; an instance that is there twice is written once and refused once.
    ///
    /// # Errors
    /// Refuses folders that cannot be listed. Files that cannot be de-identified are in [`Folder::refused`].
    pub fn folder(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> crate::Result<Folder> {
        let to = to.as_ref();
        let taken = Mutex::new(HashSet::new());
        let one = |path: PathBuf| match self.one(&path, to, &taken) {
            Ok(Some(written)) => Outcome::Written(path, written),
            Ok(None) => Outcome::Other(path),
            Err(error) => Outcome::Refused(error),
        };
        let outcomes: Vec<Outcome> = walk(from.as_ref())?.into_par_iter().map(one).collect();
        let mut folder = Folder::default();
        for outcome in outcomes {
            match outcome {
                Outcome::Written(from, to) => folder.written.push((from, to)),
                Outcome::Refused(error) => folder.refused.push(error),
                Outcome::Other(path) => folder.others.push(path),
            }
        }
        Ok(folder)
    }

    fn one(
        &self,
        path: &Path,
        to: &Path,
        taken: &Mutex<HashSet<PathBuf>>,
    ) -> crate::Result<Option<PathBuf>> {
        let file = match open_with(path, &ReadOptions::new()) {
            Ok(file) => file,
            Err(crate::Error::Dicom { fault, .. }) if matches!(*fault, Fault::NotDicom { .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if file.dataset().get(Tag::new(0x0004, 0x1220)).is_some() {
            return Ok(None);
        }
        let done = self.file(&file)?;
        let target = to.join(name(done.dataset()).map_err(crate::Error::dicom(path))?);
        let new = taken
            .lock()
            .is_ok_and(|mut taken| taken.insert(target.clone()));
        if !new {
            let twice = Fault::attribute(Tag::SOP_INSTANCE_UID, "of one file", "of two");
            return Err(crate::Error::dicom(path)(twice));
        }
        let folder = target.parent().unwrap_or(to);
        std::fs::create_dir_all(folder).map_err(crate::Error::io("create", folder))?;
        done.write(&target)?;
        Ok(Some(target))
    }
}
