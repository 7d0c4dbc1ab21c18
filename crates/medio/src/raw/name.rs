//! Names of compressed files.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A name with one more ending.
pub(crate) fn with_ending(path: &Path, ending: &OsStr) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// A name without its `.gz`, if it has one.
pub(crate) fn without_gzip(path: &Path) -> PathBuf {
    if is_gzip_name(path) {
        path.with_extension("")
    } else {
        path.to_owned()
    }
}

/// Whether a name ends in `.gz`.
pub(crate) fn is_gzip_name(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("gz"))
}
