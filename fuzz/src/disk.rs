//! Files for the readers that need them.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a temporary folder"));

/// The target's own folder.
pub fn folder() -> &'static Path {
    FOLDER.path()
}

/// Writes a file into the target's folder.
pub fn put(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, bytes).expect("room in the temporary folder");
    path
}
