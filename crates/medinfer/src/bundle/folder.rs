//! A folder that somebody else may have written: what lies in it, and files read up to the size they should have.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path};

use super::{FileDigest, MANIFEST_FILE, MOST_FILE_BYTES, MOST_FILES, SIGNATURE_FILE};
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
