//! Files that are either whole and new or untouched.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// Writes a file through a temporary one beside it: fill, flush to disk, rename, flush the folder.
///
/// If `fill` or any step fails (a full disk, say), the temporary file is removed and whatever stood at
/// `path` is still there, whole. Readers see the old contents or the new, never a mixture.
///
/// # Errors
/// Passes on the error of `fill` and of the system, with the path.
pub fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    Pending::fill(path, fill)?.commit()
}

/// A whole new file that does not have its name yet; dropping it removes it.
///
/// Files that belong together are all filled before the first one takes its name: a full disk is met
/// while every old file is still in place.
///
/// ```
/// use medcore::atomic::Pending;
///
/// let folder = tempfile::tempdir()?;
/// let (data, index) = (folder.path().join("data"), folder.path().join("index"));
/// let data = Pending::fill(&data, |out| out.write_all(b"voxels"))?;
/// let index = Pending::fill(&index, |out| out.write_all(b"6 bytes"))?;
/// data.commit_with(index)?;
/// assert_eq!(std::fs::read(folder.path().join("data"))?, b"voxels");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Pending {
    temporary: NamedTempFile,
    path: PathBuf,
    flushed: bool,
}

impl Pending {
    /// Makes the file beside `path` and flushes it to disk.
    ///
    /// # Errors
    /// Passes on the error of `fill` and of the system, with the path; nothing is left behind.
    pub fn fill(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<Self> {
        let mut filled = Self::fill_unflushed(path, fill)?;
        let file = filled.temporary.as_file();
        file.sync_all().map_err(at("flush", path))?;
        filled.flushed = true;
        Ok(filled)
    }

    /// As [`Self::fill`], without waiting for the disk then or when the file gets its name: for many files that
    /// can be had again should the power fail in between.
    ///
    /// # Errors
    /// As [`Self::fill`].
    pub fn fill_unflushed(
        path: &Path,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<Self> {
        let at = |operation| at(operation, path);
        let mut prefix = path.file_name().unwrap_or_default().to_owned();
        prefix.push(".tmp-");
        let mut temporary = tempfile::Builder::new()
            .prefix(&prefix)
            .tempfile_in(folder_of(path))
            .map_err(at("create"))?;
        let mut buffered = BufWriter::with_capacity(1 << 20, temporary.as_file_mut());
        fill(&mut buffered)
            .and_then(|()| buffered.flush())
            .map_err(at("write"))?;
        drop(buffered);
        set_default_permissions(temporary.as_file()).map_err(at("set permissions of"))?;
        Ok(Self {
            temporary,
            path: path.to_owned(),
            flushed: false,
        })
    }

    /// Where the contents lie until then, for who wants to look at them first.
    #[must_use]
    pub fn contents(&self) -> &Path {
        self.temporary.path()
    }

    /// The same contents under another name in the same folder, for a name that follows from them.
    #[must_use]
    pub fn renamed(mut self, name: impl AsRef<std::ffi::OsStr>) -> Self {
        self.path.set_file_name(name);
        self
    }

    /// Gives the file its name, in place of an older one.
    ///
    /// # Errors
    /// Passes on what the system says; an older file then stays as it was.
    pub fn commit(self) -> Result<()> {
        let Self {
            temporary,
            path,
            flushed,
        } = self;
        let persisted = temporary.persist(&path);
        persisted.map_err(|e| at("rename", &path)(e.error))?;
        if !flushed {
            return Ok(());
        }
        sync_folder(folder_of(&path)).map_err(at("flush the folder of", &path))
    }

    /// Gives this file and `other`, which mean nothing without each other, their names.
    ///
    /// The old files step aside first, under names that end in `.old-` and six letters, so that at no moment
    /// an old file stands beside a new one: who reads in between, or after the machine stopped there, finds
    /// one of the two missing. They are removed at the end.
    ///
    /// # Errors
    /// Passes on what the system says, when the old files have their names again; should even that fail, the
    /// error says under which name one is.
    pub fn commit_with(self, other: Self) -> Result<()> {
        let mut aside: Vec<(PathBuf, PathBuf)> = Vec::new();
        let mut placed: Vec<PathBuf> = Vec::new();
        let done = set_aside(&self.path, &mut aside)
            .and_then(|()| set_aside(&other.path, &mut aside))
            .and_then(|()| {
                placed.push(self.path.clone());
                self.commit()
            })
            .and_then(|()| {
                placed.push(other.path.clone());
                other.commit()
            });
        if let Err(error) = done {
            for path in placed {
                // It may not be there: the one that failed never came.
                let _ = fs::remove_file(path);
            }
            aside.retain(|(path, kept)| fs::rename(kept, path).is_err());
            return Err(match aside.pop() {
                None => error,
                Some((path, kept)) => Error::SetAside {
                    path,
                    kept,
                    source: Box::new(error),
                },
            });
        }
        for (_, kept) in aside {
            // The new files are complete; an old one that cannot be removed is no reason to doubt them.
            let _ = fs::remove_file(kept);
        }
        Ok(())
    }
}

/// Renames what stands at `path`, if anything does, and notes both names.
fn set_aside(path: &Path, aside: &mut Vec<(PathBuf, PathBuf)>) -> Result<()> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(".old-");
    // An empty file holds a free name, which the rename takes over.
    let (_, kept) = tempfile::Builder::new()
        .prefix(&prefix)
        .tempfile_in(folder_of(path))
        .and_then(|name| name.keep().map_err(|e| e.error))
        .map_err(at("set aside", path))?;
    if let Err(error) = fs::rename(path, &kept) {
        let _ = fs::remove_file(&kept);
        return Err(at("set aside", path)(error));
    }
    aside.push((path.to_owned(), kept));
    Ok(())
}

fn at(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io {
        operation,
        path,
        source,
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// As [`write()`], for bytes that are already there.
///
/// # Errors
/// As [`write()`].
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, |out| out.write_all(bytes))
}

/// Temporary files are private to their owner; a result is an ordinary file (0644 here, as the usual umask gives).
#[cfg(unix)]
fn set_default_permissions(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_default_permissions(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        write_bytes(&path, b"old").unwrap();
        let failed = write(&path, |out| {
            out.write_all(&[1; 5000])?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert!(matches!(
            failed,
            Err(Error::Io {
                operation: "write",
                ..
            })
        ));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_replaces_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        write_bytes(&path, b"old").unwrap();
        write_bytes(&path, b"newer").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = write_bytes(Path::new("no/such/folder/file"), b"x").unwrap_err();
        assert!(error.to_string().contains("no/such/folder/file"), "{error}");
    }

    fn pending(folder: &Path, name: &str, text: &str) -> Pending {
        Pending::fill(&folder.join(name), |out| out.write_all(text.as_bytes())).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn two_files_take_their_names_together() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for text in ["first", "second"] {
            let (head, body) = (pending(folder, "head", text), pending(folder, "body", text));
            body.commit_with(head).unwrap();
            assert_eq!(fs::read_to_string(folder.join("head")).unwrap(), text);
            assert_eq!(fs::read_to_string(folder.join("body")).unwrap(), text);
            assert_eq!(names(folder), ["body", "head"]);
        }
    }

    #[test]
    fn where_one_of_two_files_cannot_take_its_name_the_old_two_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write_bytes(&folder.join("head"), b"old head").unwrap();
        write_bytes(&folder.join("body"), b"old body").unwrap();
        for (first, second) in [("body", "head"), ("head", "body")] {
            let (first, second) = (
                pending(folder, first, "new"),
                pending(folder, second, "new"),
            );
            // The second one's temporary file is gone, so its rename fails after the first one succeeded.
            fs::remove_file(second.temporary.path()).unwrap();
            let failed = first.commit_with(second);
            assert!(
                matches!(
                    failed,
                    Err(Error::Io {
                        operation: "rename",
                        ..
                    })
                ),
                "{failed:?}"
            );
            assert_eq!(fs::read(folder.join("head")).unwrap(), b"old head");
            assert_eq!(fs::read(folder.join("body")).unwrap(), b"old body");
            assert_eq!(names(folder), ["body", "head"]);
        }
    }

    #[test]
    fn a_pending_file_can_be_named_after_its_contents() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("unnamed");
        for (fill, text) in [
            (Pending::fill(&path, |out| out.write_all(b"first")), "first"),
            (
                Pending::fill_unflushed(&path, |out| out.write_all(b"second")),
                "second",
            ),
        ] {
            let file = fill.unwrap();
            let name = fs::read_to_string(file.contents()).unwrap();
            file.renamed(&name).commit().unwrap();
            assert_eq!(name, text);
            assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), text);
        }
        assert_eq!(names(folder.path()), ["first", "second"]);
    }

    #[test]
    fn a_pending_file_that_is_dropped_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(pending(folder.path(), "weights", "new"));
        assert!(names(folder.path()).is_empty());
    }
}
