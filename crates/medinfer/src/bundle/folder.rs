//! A folder that somebody else may have written: what lies in it, and files read up to the size they should have.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path};

use super::{FileDigest, MANIFEST_FILE, MOST_FILE_BYTES, MOST_FILES, SIGNATURE_FILE, seal};
use crate::error::{Error, Result};

/// Folders inside folders deeper than this are none of a bundle.
const MOST_DEPTH: usize = 4;

/// That something is wrong with a file of a bundle.
pub(super) fn wrong(path: &Path, problem: impl Into<String>) -> Error {
    Error::Bundle {
        path: path.to_owned(),
        problem: problem.into(),
    }
}

pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io { path, source }
}

/// Refuses a name that leads outside, or is that of the description.
pub(super) fn check_name(folder: &Path, name: &str) -> Result<()> {
    let is_normal = |part: Component<'_>| matches!(part, Component::Normal(_));
    let is_inside = !name.is_empty() && Path::new(name).components().all(is_normal);
    // One spelling for each file: neither doubled nor trailing slashes, nor a dot in between.
    let is_plain = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !is_inside || !is_plain || name.contains(['\\', '\0', ':']) {
        return Err(wrong(
            folder,
            format!("the name {name:?} is none of a file inside the folder"),
        ));
    }
    if name == MANIFEST_FILE || name == SIGNATURE_FILE {
        return Err(wrong(folder, format!("{name:?} cannot vouch for itself")));
    }
    Ok(())
}

/// The files below a folder by name, with their sizes; refuses links and what is neither file nor folder.
pub(super) fn list(folder: &Path) -> Result<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    list_into(folder, "", 0, &mut found)?;
    Ok(found)
}

fn list_into(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut BTreeMap<String, u64>,
) -> Result<()> {
    let mut is_empty = true;
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        let path = entry.map_err(io(folder))?.path();
        is_empty = false;
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(wrong(&path, "its name is not Unicode"));
        };
        let name = format!("{prefix}{name}");
        // Of the link, should it be one, and not of what it leads to.
        let about = fs::symlink_metadata(&path).map_err(io(&path))?;
        if about.is_dir() {
            if depth == MOST_DEPTH {
                return Err(wrong(&path, "it lies too deep"));
            }
            list_into(&path, &format!("{name}/"), depth + 1, found)?;
        } else if about.is_file() {
            found.insert(name, about.len());
        } else {
            return Err(wrong(&path, "it is neither a file nor a folder"));
        }
        if found.len() > MOST_FILES {
            return Err(wrong(
                &path,
                format!("the bundle has more than {MOST_FILES} files"),
            ));
        }
    }
    if is_empty && depth > 0 {
        return Err(wrong(folder, "it is empty, and not part of the bundle"));
    }
    Ok(())
}

/// Refuses files that are missing, unexpected or of another size than listed.
pub(super) fn check_files(
    folder: &Path,
    found: &BTreeMap<String, u64>,
    listed: &BTreeMap<String, FileDigest>,
) -> Result<()> {
    for (name, FileDigest { sha256, size }) in listed {
        check_name(folder, name)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if sha256.len() != 64 || !sha256.bytes().all(is_digit) || *size > MOST_FILE_BYTES {
            return Err(wrong(
                &folder.join(MANIFEST_FILE),
                format!("the entry of {name:?} is none"),
            ));
        }
        match found.get(name) {
            None => return Err(wrong(&folder.join(name), "it is missing")),
            Some(got) if got != size => {
                let problem = format!("it has {got} bytes, {size} are expected");
                return Err(wrong(&folder.join(name), problem));
            }
            Some(_) => {}
        }
    }
    let own = [MANIFEST_FILE, SIGNATURE_FILE];
    let unexpected = |name: &&String| !listed.contains_key(*name) && !own.contains(&name.as_str());
    match found.keys().find(unexpected) {
        Some(name) => Err(wrong(&folder.join(name), "it is not part of the bundle")),
        None => Ok(()),
    }
}

/// The bytes of a file of at most `most` bytes.
pub(super) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut file = File::open(path).map_err(io(path))?;
    let length = file.metadata().map_err(io(path))?.len();
    let too_long = || wrong(path, format!("it has more than {most} bytes"));
    if length > most {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    bytes
        .try_reserve_exact(size)
        .map_err(|e| wrong(path, e.to_string()))?;
    let mut bounded = (&mut file).take(most + 1);
    bounded.read_to_end(&mut bytes).map_err(io(path))?;
    // It may have grown since.
    if bytes.len() as u64 > most {
        return Err(too_long());
    }
    Ok(bytes)
}

/// The bytes of a file of the bundle, which must be those that its entry describes.
pub(super) fn read_listed(folder: &Path, name: &str, about: &FileDigest) -> Result<Vec<u8>> {
    let place = folder.join(name);
    let bytes = read(&place, about.size)?;
    match seal::sha256(&bytes) == about.sha256 {
        true => Ok(bytes),
        false => Err(wrong(&place, "it has been altered")),
    }
}

/// A folder that is filled beside its place, and takes its name when that went well.
pub(super) fn write_whole<T>(folder: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    if fs::symlink_metadata(folder).is_ok() {
        return Err(wrong(
            folder,
            "it is there already, and a bundle is never changed",
        ));
    }
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(io(parent))?;
    let aside = tempfile::Builder::new()
        .prefix(".bundle-")
        .tempdir_in(parent)
        .map_err(io(parent))?;
    let filled = fill(aside.path())?;
    make_readable(aside.path())?;
    // What has its name is no longer removed.
    fs::rename(aside.path(), folder).map_err(io(folder))?;
    let _ = aside.keep();
    sync(parent)?;
    Ok(filled)
}

/// Temporary folders are private to their owner; a result is an ordinary folder.
#[cfg(unix)]
fn make_readable(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(io(folder))
}

#[cfg(not(unix))]
fn make_readable(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(io(folder))
}

#[cfg(not(unix))]
fn sync(_: &Path) -> Result<()> {
    Ok(())
}
