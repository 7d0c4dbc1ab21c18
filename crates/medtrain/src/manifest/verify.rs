//! Whether the files are what they were.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;

use medcore::random::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::DataManifest;
use super::record::{DataFile, hash};
use crate::error::{Error, Result};

/// How closely files are compared with a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Every file is read and hashed.
    Full,
    /// Every file is there and has its size.
    Size,
    /// As `Size`, and so many files, drawn by the seed, are hashed.
    Sample {
        /// How many; all, if there are fewer.
        files: usize,
        /// Another seed, other files.
        seed: u64,
    },
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Difference {
    /// It is not there.
    Missing {
        /// Its path below the folder.
        path: String,
    },
    /// It has another size.
    Size {
        /// Its path below the folder.
        path: String,
        /// Bytes that it had.
        expected: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// It has other contents.
    Contents {
        /// Its path below the folder.
        path: String,
        /// The SHA-256 that it had.
        expected: String,
        /// The SHA-256 that it has.
        found: String,
    },
}

impl Difference {
    /// The file, by its path below the folder.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Missing { path } | Self::Size { path, .. } | Self::Contents { path, .. } => path,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(f, "{path} is not there"),
            Self::Size {
                path,
                expected,
                found,
            } => write!(f, "{path} has {found} bytes, had {expected}"),
            Self::Contents {
                path,
                expected,
                found,
            } => write!(f, "{path} has SHA-256 {found}, had {expected}"),
        }
    }
}

impl DataManifest {
    /// How the files below a folder differ from what they were, in the order of their paths.
    ///
    /// # Errors
    /// Passes on what the system says; that a file is not there is no error.
    pub fn differences(&self, folder: &Path, check: Check) -> Result<Vec<Difference>> {
        // One file may hold several cases.
        let files = self.cases.iter().flat_map(|case| &case.files);
        let files: BTreeMap<&str, &DataFile> = files.map(|f| (f.path.as_str(), f)).collect();
        let mut files: Vec<(&DataFile, bool)> = files
            .into_values()
            .map(|file| (file, check == Check::Full))
            .collect();
        if let Check::Sample { files: count, seed } = check {
            let mut order: Vec<usize> = (0..files.len()).collect();
            Key::new(seed).stream("files to hash").shuffle(&mut order);
            for place in order.into_iter().take(count) {
                files[place].1 = true;
            }
        }
        let one = |&(file, contents): &(&DataFile, bool)| difference(folder, file, contents);
        let found: Vec<Option<Difference>> = files.par_iter().map(one).collect::<Result<_>>()?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Refuses files that are not what they were.
    ///
    /// # Errors
    /// [`Error::OtherData`] with the first file that differs; as [`DataManifest::differences`].
    pub fn verify(&self, folder: &Path, check: Check) -> Result<()> {
        let found = self.differences(folder, check)?;
        let others = found.len().saturating_sub(1);
        match found.into_iter().next() {
            None => Ok(()),
            Some(first) => Err(Error::OtherData {
                folder: folder.to_owned(),
                first: Box::new(first),
                others,
            }),
        }
    }
}

fn difference(folder: &Path, file: &DataFile, contents: bool) -> Result<Option<Difference>> {
    let path = folder.join(&file.path);
    let bytes = match path.metadata() {
        Ok(metadata) => metadata.len(),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            let path = file.path.clone();
            return Ok(Some(Difference::Missing { path }));
        }
        Err(source) => {
            return Err(Error::Io {
                operation: "examine",
                path,
                source,
            });
        }
    };
    if bytes != file.bytes {
        return Ok(Some(Difference::Size {
            path: file.path.clone(),
            expected: file.bytes,
            found: bytes,
        }));
    }
    if !contents {
        return Ok(None);
    }
    let (_, found) = hash(&path)?;
    Ok((found != file.sha256).then(|| Difference::Contents {
        path: file.path.clone(),
        expected: file.sha256.clone(),
        found,
    }))
}
