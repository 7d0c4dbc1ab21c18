//! Paths below a folder: those that a file names, and those that are there.

use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};

/// `folder` and the relative path `text` below it, or `None` for one that leaves the folder or is no path.
pub(crate) fn inside(folder: &Path, text: &str) -> Option<PathBuf> {
    // A backslash is a separator on some systems and part of a name on others: refused on all.
    if text.is_empty() || text.contains(['\\', '\0']) {
        return None;
    }
    let mut path = folder.to_owned();
    for component in Path::new(text).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(path)
}

/// Paths below `folder`, with `/`, of all visible files, in order.
///
/// Links to files are followed; a link to a folder, which may lead around in circles, is an error.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(Error::io("list", &folder))? {
            let entry = entry.map_err(Error::io("list", &folder))?;
            let (path, name) = (entry.path(), entry.file_name());
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let problem = |problem: &str| Error::InvalidDescription {
                path: path.clone(),
                field: "(file name)".to_owned(),
                problem: problem.to_owned(),
            };
            let name = name.to_str().ok_or_else(|| problem("is not UTF-8"))?;
            let kind = entry.file_type().map_err(Error::io("list", &path))?;
            if kind.is_dir() {
                folders.push((path, format!("{prefix}{name}/")));
            } else if path.is_dir() {
                return Err(problem("is a link to a folder, which is not followed"));
            } else if path.is_file() {
                names.push(format!("{prefix}{name}"));
            }
        }
    }
    names.sort();
    Ok(names)
}

/// Whether a name ends in a dot and one of `endings`, in capitals or not.
pub(crate) fn ends_in(name: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| {
        let at = name.len().checked_sub(ending.len());
        let split = at.and_then(|at| name.split_at_checked(at));
        split.is_some_and(|(stem, end)| stem.ends_with('.') && end.eq_ignore_ascii_case(ending))
    })
}
