//! What the files of a dataset were: their sizes and SHA-256, written, read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use medcore::atomic;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::relative::{files_below, inside};

/// Larger manifests are refused; a million files need a sixth of it.
const MAX_BYTES: u64 = 1 << 30;
const CHUNK: usize = 1 << 20;

/// The files of a dataset with their hashes, in the order of their paths.
///
/// ```
/// use medio::datasets::Manifest;
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// std::fs::write(folder.join("a.txt"), "abc")?;
/// let manifest = Manifest::of_folder(folder)?;
/// assert!(manifest.files()[0].sha256.starts_with("ba7816bf"));
/// manifest.write(folder.join("manifest.json"))?;
///
/// std::fs::write(folder.join("a.txt"), "abd")?;
/// let found = Manifest::read(folder.join("manifest.json"))?.verify(folder)?;
/// assert_eq!(found.changed, ["a.txt"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    files: Vec<FileRecord>,
}

/// One file of a [`Manifest`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Its path below the dataset's folder, with `/`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, 64 small hexadecimal digits.
    pub sha256: String,
}

/// How files differ from a [`Manifest`]; paths in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// Files that are not there.
    pub missing: Vec<String>,
    /// Files of another size or with other contents.
    pub changed: Vec<String>,
    /// Visible files that the manifest does not know.
    pub unexpected: Vec<String>,
}

impl Verification {
    /// Whether every file is there and unchanged, and no other.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.changed.is_empty() && self.unexpected.is_empty()
    }
}

/// The file that a manifest is written to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    algorithm: String,
    files: Vec<FileRecord>,
}

impl Manifest {
    /// Hashes all visible files below a folder, on all threads of the caller's pool.
    ///
    /// # Errors
    /// Passes on what the system says; refuses links to folders and names that are not UTF-8.
    pub fn of_folder(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        Self::of_files(folder, &files_below(folder)?)
    }

    /// Hashes files by their paths below `folder`.
    ///
    /// # Errors
    /// Returns [`Error::PathEscapes`] for a path that leaves the folder, and passes on what the system says.
    pub fn of_files(folder: impl AsRef<Path>, paths: &[impl AsRef<str> + Sync]) -> Result<Self> {
        let folder = folder.as_ref();
        let record = |path: &str| {
            let file = inside(folder, path).ok_or_else(|| escapes(folder, path))?;
            let (bytes, sha256) = hash(&file)?;
            Ok(FileRecord {
                path: path.to_owned(),
                bytes,
                sha256,
            })
        };
        let unique: BTreeSet<&str> = paths.iter().map(AsRef::as_ref).collect();
        let unique: Vec<&str> = unique.into_iter().collect();
        let files: Result<Vec<_>> = unique.par_iter().map(|path| record(path)).collect();
        Ok(Self { files: files? })
    }

    /// The files, in the order of their paths.
    #[must_use]
    pub fn files(&self) -> &[FileRecord] {
        &self.files
    }

    /// Writes the manifest, one file a line; the same files give the same bytes.
    ///
    /// # Errors
    /// Passes on what the system says.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let line =
            |record| serde_json::to_string(record).map_err(|e| Error::io("write", path)(e.into()));
        let lines: Vec<String> = self.files.iter().map(line).collect::<Result<_>>()?;
        let files = match lines.is_empty() {
            true => String::new(),
            false => format!("\n{}\n", lines.join(",\n")),
        };
        let text = format!("{{\"algorithm\":\"sha256\",\"files\":[{files}]}}\n");
        atomic::write_bytes(path, text.as_bytes()).map_err(Error::not_written(path))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// Returns [`Error::InvalidDescription`] for a file that is no manifest, has a path twice or a hash that is
    /// none, and [`Error::PathEscapes`] for a path that leaves the folder.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let invalid = |field: String, problem: String| Error::InvalidDescription {
            path: path.to_owned(),
            field,
            problem,
        };
        let mut text = String::new();
        File::open(path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text))
            .map_err(Error::io("read", path))?;
        let whole = "(whole file)".to_owned();
        if text.len() as u64 > MAX_BYTES {
            return Err(invalid(whole, format!("is larger than {MAX_BYTES} bytes")));
        }
        let stored: Stored = serde_json::from_str(&text)
            .map_err(|e| invalid(whole, format!("is no manifest: {e}")))?;
        if stored.algorithm != "sha256" {
            let problem = format!("must be sha256, got {:?}", stored.algorithm);
            return Err(invalid("algorithm".to_owned(), problem));
        }
        let mut files = stored.files;
        for (i, record) in files.iter().enumerate() {
            if inside(Path::new(""), &record.path).is_none() {
                return Err(escapes(path, &record.path));
            }
            let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if record.sha256.len() != 64 || !record.sha256.bytes().all(hex) {
                let problem = "must be 64 small hexadecimal digits".to_owned();
                return Err(invalid(format!("files[{i}].sha256"), problem));
            }
        }
        files.sort();
        if let Some(pair) = files.windows(2).find(|pair| pair[0].path == pair[1].path) {
            let problem = format!("has {:?} twice", pair[0].path);
            return Err(invalid("files".to_owned(), problem));
        }
        Ok(Self { files })
    }

    /// Says how the files below a folder differ from the manifest; `manifest.json` beside them is not unexpected.
    ///
    /// Files of another size are not hashed.
    ///
    /// # Errors
    /// Passes on what the system says; that a file is not there is no error.
    pub fn verify(&self, folder: impl AsRef<Path>) -> Result<Verification> {
        let folder = folder.as_ref();
        let there: BTreeSet<String> = files_below(folder)?.into_iter().collect();
        let same = |record: &FileRecord| {
            let file = inside(folder, &record.path).ok_or_else(|| escapes(folder, &record.path))?;
            if !file.is_file() {
                return Ok(None);
            }
            let size = file.metadata().map_err(Error::io("read", &file))?.len();
            Ok(Some(
                size == record.bytes && hash(&file)?.1 == record.sha256,
            ))
        };
        let compared: Result<Vec<_>> = self.files.par_iter().map(same).collect();
        let mut found = Verification::default();
        for (record, same) in self.files.iter().zip(compared?) {
            match same {
                None => found.missing.push(record.path.clone()),
                Some(false) => found.changed.push(record.path.clone()),
                Some(true) => {}
            }
        }
        let known: BTreeMap<&str, ()> = self
            .files
            .iter()
            .map(|record| (record.path.as_str(), ()))
            .collect();
        let unknown = there
            .into_iter()
            .filter(|path| !known.contains_key(path.as_str()));
        found.unexpected = unknown.filter(|path| path != "manifest.json").collect();
        Ok(found)
    }
}

fn escapes(path: &Path, value: &str) -> Error {
    Error::PathEscapes {
        path: path.to_owned(),
        field: "files".to_owned(),
        value: value.to_owned(),
    }
}

/// Size and hash of a file, a mebibyte at a time.
fn hash(path: &Path) -> Result<(u64, String)> {
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let (mut hasher, mut bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk).map_err(Error::io("read", path))? {
            0 => break,
            n => {
                hasher.update(&chunk[..n]);
                bytes += n as u64;
            }
        }
    }
    let digits = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok((bytes, digits))
}
