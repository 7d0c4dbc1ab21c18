//! Prepared cases in the files of a folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use medaug::Sample;
use medcore::atomic;
use sha2::{Digest, Sha256};

use super::entry;
use crate::digest;
use crate::error::{Error, Result};

/// How the names of entries end.
const ENDING: &str = ".case";

/// How old the remains of an interrupted write must be to be removed: younger ones may still be written to.
const ABANDONED: Duration = Duration::from_secs(3600);

#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    budget: u64,
    /// What beside its name and the contents of its files decides what a case looks like.
    recipe: String,
    /// One thread at a time makes room and writes.
    writing: Mutex<()>,
}

pub(super) enum Found<const D: usize> {
    Sample(Box<Sample<D>>),
    Nothing,
    Damaged(String),
}

/// SHA-256 of the contents of some files and their lengths.
pub(super) fn content(files: &[PathBuf]) -> Result<[u8; 32]> {
    let mut hash = Sha256::new();
    for path in files {
        let length = digest::update(&mut hash, path)?;
        hash.update(length.to_le_bytes());
    }
    Ok(hash.finalize().into())
}

impl Disk {
    pub(super) fn open(folder: PathBuf, budget: u64, recipe: String) -> Result<Self> {
        let io = |operation| {
            let path = folder.clone();
            move |source| Error::Io {
                operation,
                path,
                source,
            }
        };
        fs::create_dir_all(&folder).map_err(io("create"))?;
        for file in fs::read_dir(&folder).map_err(io("list"))?.flatten() {
            let name = file.file_name();
            let remains = name.to_string_lossy().contains(&format!("{ENDING}.tmp-"));
            let old = file.metadata().and_then(|m| m.modified()).is_ok_and(|at| {
                SystemTime::now()
                    .duration_since(at)
                    .is_ok_and(|age| age > ABANDONED)
            });
            if remains && old {
                // Another process may have removed it just now.
                let _ = fs::remove_file(file.path());
            }
        }
        Ok(Self {
            folder,
            budget,
            recipe: format!("medtrain {}, {recipe}", env!("CARGO_PKG_VERSION")),
            writing: Mutex::new(()),
        })
    }

    /// The file of a case of this name whose files contain this.
    pub(super) fn path(&self, name: &str, content: [u8; 32]) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(content);
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update(self.recipe.as_bytes());
        let name = digest::hex(&hash.finalize());
        self.folder.join(name + ENDING)
    }

    pub(super) fn read<const D: usize>(&self, path: &Path) -> Found<D> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Found::Nothing,
            Err(e) => return Found::Damaged(e.to_string()),
        };
        let mut bytes = vec![];
        let expected = file.metadata().map_or(0, |m| m.len());
        let room = usize::try_from(expected).map_err(|e| e.to_string());
        let read = room.and_then(|room| {
            bytes.try_reserve_exact(room).map_err(|e| e.to_string())?;
            file.read_to_end(&mut bytes).map_err(|e| e.to_string())
        });
        match read.and_then(|_| entry::read(&bytes)) {
            Ok(sample) => {
                // That it was used is only needed to choose what is removed; a folder that cannot be written to may be read.
                let _ = file.set_modified(SystemTime::now());
                Found::Sample(Box::new(sample))
            }
            Err(reason) => Found::Damaged(reason),
        }
    }

    /// Writes an entry after others made room for it; refuses one that exceeds the budget alone.
    pub(super) fn write<const D: usize>(
        &self,
        path: &Path,
        sample: &Sample<D>,
    ) -> std::result::Result<(), String> {
        let size = entry::size(sample).map_err(|e| e.to_string())?;
        if size > self.budget {
            return Err(format!(
                "it takes up {size} bytes of the {} allowed",
                self.budget
            ));
        }
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.make_room(self.budget - size, path)
            .map_err(|e| e.to_string())?;
        atomic::write(path, |out| entry::write(sample, out)).map_err(|e| e.to_string())
    }

    /// Removes entries, those not used for longest first, until the rest takes up at most `allowed` bytes; `path` will be
    /// overwritten and does not count.
    fn make_room(&self, allowed: u64, path: &Path) -> io::Result<()> {
        let mut entries = vec![];
        for file in fs::read_dir(&self.folder)?.flatten() {
            let other = file.path();
            if other == path || !file.file_name().to_string_lossy().ends_with(ENDING) {
                continue;
            }
            // Another process may have removed it just now.
            if let Ok(metadata) = file.metadata() {
                entries.push((metadata.modified()?, other, metadata.len()));
            }
        }
        let mut total: u64 = entries.iter().map(|(_, _, length)| length).sum();
        entries.sort();
        for (_, path, length) in entries {
            if total <= allowed {
                break;
            }
            match fs::remove_file(path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => total -= length,
            }
        }
        Ok(())
    }
}
