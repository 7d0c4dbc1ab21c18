//! Files that are either whole and new or untouched.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Writes a file through a temporary one beside it: fill, flush to disk, rename, flush the folder.
///
/// If `fill` or any step fails (a full disk, say), the temporary file is removed and whatever stood at
/// `path` is still there, whole. Readers see the old contents or the new, never a mixture.
///
/// # Errors
/// Passes on the error of `fill` and of the system, with the path.
pub fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let at = |operation| {
        move |source| Error::Io {
            operation,
            path: path.to_owned(),
            source,
        }
    };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(".tmp-");
    let mut temporary = tempfile::Builder::new()
        .prefix(&prefix)
        .tempfile_in(folder)
        .map_err(at("create"))?;
    let mut buffered = BufWriter::with_capacity(1 << 20, temporary.as_file_mut());
    fill(&mut buffered)
        .and_then(|()| buffered.flush())
        .map_err(at("write"))?;
    drop(buffered);
    set_default_permissions(temporary.as_file()).map_err(at("set permissions of"))?;
    temporary.as_file().sync_all().map_err(at("flush"))?;
    temporary.persist(path).map_err(|e| at("rename")(e.error))?;
    sync_folder(folder).map_err(at("flush the folder of"))
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
}
