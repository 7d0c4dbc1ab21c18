//! What a network was trained and judged on: every case with its part, and every file with its hash.
//!
//! The hash of a manifest belongs into the configuration of a run, so that a checkpoint is not taken up with other data, and
//! into the bundle that the run ends in.

mod copies;
mod record;
mod verify;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use medcore::atomic;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use record::{DataCase, DataFile};
pub use verify::{Check, Difference};

use crate::digest;
use crate::error::{Error, Result};
use crate::split::{CaseRecord, PartName, Split};

/// Larger manifests are refused: a million cases need a quarter of it.
const MAX_BYTES: u64 = 1 << 30;

/// The version of the format.
const VERSION: u32 = 1;

/// The cases of a run with their parts and files.
///
/// ```
/// use medcore::random::Key;
/// use medtrain::manifest::{Check, DataManifest};
/// use medtrain::split::{CaseRecord, Shares};
/// use medtrain::Cohort;
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// for name in ["a.png", "b.png"] {
///     std::fs::write(folder.join(name), name)?;
/// }
/// let records = ["a", "b"].map(|n| CaseRecord::new(n, n).with_file(folder.join(format!("{n}.png"))));
/// let split = Cohort::of_records(records)?.hold_out(&Shares::new(0.0, 0.5), Key::new(1))?;
/// let manifest = DataManifest::of_split(folder, &split)?;
/// manifest.write(&folder.join("data.json"))?;
///
/// std::fs::write(folder.join("a.png"), "A.png")?;
/// let read = DataManifest::read(&folder.join("data.json"))?;
/// assert_eq!(read.sha256()?, manifest.sha256()?);
/// assert_eq!(read.differences(folder, Check::Full)?[0].path(), "a.png");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataManifest {
    version: u32,
    cases: Vec<DataCase>,
}

impl DataManifest {
    /// Hashes the files of all cases of a split, which lie below `folder`, on all threads of the caller's pool.
    ///
    /// # Errors
    /// Refuses a file that does not lie below the folder; [`Error::Leak`] with the first two cases of different parts of which
    /// one's files are copies of the other's; passes on what the system says.
    pub fn of_split<C>(folder: &Path, split: &Split<C>) -> Result<Self> {
        let records = split.records().map(|(part, record)| (Some(part), record));
        Self::of_records(folder, records)
    }

    /// Hashes the files of cases, those of no split without a part.
    ///
    /// # Errors
    /// As [`DataManifest::of_split`], and refuses two cases of one name.
    pub fn of_records<'a>(
        folder: &Path,
        records: impl IntoIterator<Item = (Option<PartName>, &'a CaseRecord)>,
    ) -> Result<Self> {
        let records: Vec<_> = records.into_iter().collect();
        let case = |&(part, record): &(_, &CaseRecord)| DataCase::of(folder, part, record);
        let mut cases: Vec<DataCase> = records.par_iter().map(case).collect::<Result<_>>()?;
        cases.sort_by(|a, b| a.id.cmp(&b.id));
        let manifest = Self {
            version: VERSION,
            cases,
        };
        if let Some(case) = manifest.twice() {
            return Err(Error::SameName { case });
        }
        match copies::copy(&manifest.cases) {
            Some(overlap) => Err(Error::Leak {
                overlap: Box::new(overlap),
            }),
            None => Ok(manifest),
        }
    }

    /// Sets the shape and the hash of the voxels of a case, once it has been read.
    ///
    /// # Errors
    /// Refuses a case that is not there.
    pub fn describe<const D: usize>(
        &mut self,
        case: &str,
        image: &medcore::Image<f32, D>,
    ) -> Result<()> {
        let place = self
            .cases
            .binary_search_by(|known| known.id.as_str().cmp(case));
        let place = place.map_err(|_| Error::UnknownCase {
            case: case.to_owned(),
        })?;
        self.cases[place].describe(image);
        Ok(())
    }

    /// The cases, in the order of their names.
    #[must_use]
    pub fn cases(&self) -> &[DataCase] {
        &self.cases
    }

    /// The cases of one part alone, whose hash says what that part was.
    #[must_use]
    pub fn part(&self, part: PartName) -> Self {
        let of_part = self.cases.iter().filter(|case| case.part == Some(part));
        Self {
            version: self.version,
            cases: of_part.cloned().collect(),
        }
    }

    /// The bytes that are written: one case a line, the same for the same cases in whatever order they came.
    fn text(&self) -> Result<String> {
        let line = |case| serde_json::to_string(case);
        let lines: std::result::Result<Vec<String>, _> = self.cases.iter().map(line).collect();
        let lines = lines.map_err(|source| Error::Io {
            operation: "describe",
            path: PathBuf::from("data manifest"),
            source: source.into(),
        })?;
        let cases = match lines.is_empty() {
            true => String::new(),
            false => format!("\n{}\n", lines.join(",\n")),
        };
        Ok(format!("{{\"version\":{VERSION},\"cases\":[{cases}]}}\n"))
    }

    /// The SHA-256 of the manifest as it is written, in small hexadecimal digits.
    ///
    /// # Errors
    /// Refuses what JSON cannot hold.
    pub fn sha256(&self) -> Result<String> {
        Ok(digest::hex(&Sha256::digest(self.text()?)))
    }

    /// Writes the manifest whole or not at all.
    ///
    /// # Errors
    /// Passes on what the system says.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(atomic::write_bytes(path, self.text()?.as_bytes())?)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`Error::BadManifest`] for a file that is none, of another version, with a case twice, or with a path that leaves the
    /// folder; passes on what the system says.
    pub fn read(path: &Path) -> Result<Self> {
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
            .map_err(|source| Error::Io {
                operation: "read",
                path: path.to_owned(),
                source,
            })?;
        let bad = |reason: String| Error::BadManifest {
            path: path.to_owned(),
            reason,
        };
        if text.len() as u64 > MAX_BYTES {
            return Err(bad(format!("it is larger than {MAX_BYTES} bytes")));
        }
        let mut manifest: Self = serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
        if manifest.version != VERSION {
            return Err(bad(format!("its version is {}", manifest.version)));
        }
        let files = manifest.cases.iter().flat_map(|case| &case.files);
        if let Some(file) = files.into_iter().find(|file| !file.is_inside()) {
            return Err(bad(format!("{:?} leaves the folder", file.path)));
        }
        manifest.cases.sort_by(|a, b| a.id.cmp(&b.id));
        match manifest.twice() {
            Some(case) => Err(bad(format!("case {case} is there twice"))),
            None => Ok(manifest),
        }
    }

    /// The first name that two cases have.
    fn twice(&self) -> Option<String> {
        let pair = self.cases.windows(2).find(|pair| pair[0].id == pair[1].id);
        pair.map(|pair| pair[0].id.clone())
    }
}
