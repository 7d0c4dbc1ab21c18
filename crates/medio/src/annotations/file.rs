//! Whole files in and out, inside a budget.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use medcore::{Budget, atomic};

use super::fault::{Fault, Problem};
use super::model::{AnnotatedImage, repeated};
use super::number::wide;
use crate::error::{Error, Result};
use crate::relative::{ends_in, files_below, inside};

/// The bytes of a file, no more of them than the budget has.
///
/// The claim is made by whoever decodes them.
pub(super) fn read(path: &Path, budget: &Budget) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = budget.bytes_left();
    let file = File::open(path).map_err(Error::io("open", path))?;
    let size = file.metadata().map_err(Error::io("read", path))?.len();
    let too_large = |needed| {
        Error::annotations(path)(Fault::new(
            "(whole file)",
            medcore::Error::BudgetExceeded {
                what: "an annotation file",
                unit: "bytes",
                needed,
                available: limit,
            }
            .into(),
        ))
    };
    if size > limit {
        return Err(too_large(size));
    }
    let mut file = file.take(limit.saturating_add(1));
    file.read_to_end(&mut bytes)
        .map_err(Error::io("read", path))?;
    match wide(bytes.len()) {
        got if got > limit => Err(too_large(got)),
        _ => Ok(bytes),
    }
}

/// What `decode` makes of a file.
pub(super) fn decoded<T>(
    path: &Path,
    budget: &Budget,
    decode: impl FnOnce(&[u8], &Budget) -> std::result::Result<T, Fault>,
) -> Result<T> {
    let bytes = read(path, budget)?;
    decode(&bytes, budget).map_err(Error::annotations(path))
}

/// Writes a whole text or nothing.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    atomic::write_bytes(path, text.as_bytes()).map_err(Error::not_written(path))
}

/// As [`write`], making the folder first.
pub(super) fn write_below(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    write(path, text)
}

/// Where the annotations of each image go: its name below `folder`, with another ending.
pub(super) fn targets(
    folder: &Path,
    images: &[AnnotatedImage],
    ending: &str,
) -> Result<Vec<PathBuf>> {
    let target = |image: &AnnotatedImage| {
        let path = inside(folder, &image.name).ok_or_else(|| Error::PathEscapes {
            path: folder.to_owned(),
            field: "image".to_owned(),
            value: image.name.clone(),
        })?;
        Ok(path.with_extension(ending))
    };
    let targets: Vec<PathBuf> = images.iter().map(target).collect::<Result<_>>()?;
    match repeated(targets.iter()) {
        None => Ok(targets),
        Some(path) => {
            let value = path.display().to_string();
            let what = "file of annotations";
            let fault = Fault::new("images", Problem::Duplicate { what, value });
            Err(Error::annotations(folder)(fault))
        }
    }
}

/// Paths below `folder`, with `/`, of the visible files that end in one of `endings`, in order.
pub(super) fn below(folder: &Path, endings: &[&str]) -> Result<Vec<String>> {
    let mut names = files_below(folder)?;
    names.retain(|name| ends_in(name, endings));
    Ok(names)
}
