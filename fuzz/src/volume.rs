//! What must hold of any bytes, whatever format they are taken for.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use medio::medcore::Budget;
use medio::{Format, ReadOptions};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));

fn options() -> ReadOptions {
    ReadOptions::new().budget(Arc::new(Budget::new(64 << 20)))
}

fn put(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, bytes).expect("room in the temporary folder");
    path
}

/// Reads bytes from memory and from disk, as an image, as a header and as labels; `data` lies beside them for
/// headers that name it.
pub fn check(bytes: &[u8], formats: &[Format]) {
    if !Format::of_bytes(bytes).is_some_and(|format| formats.contains(&format)) {
        return;
    }
    put("data.raw", &bytes[bytes.len() / 2..]);
    let path = put("file", bytes);
    let decoded = medio::decode(bytes, &options());
    let image = medio::read_any(&path, &options());
    let header = medio::read_header_with(&path, &options());
    let labels = medio::read_labels_with::<u8, 3>(&path, &options());
    if let Ok(decoded) = &decoded {
        let image = image.as_ref().expect("what can be decoded can be read");
        assert_eq!(image.value.geometry(), decoded.value.geometry());
    }
    let Ok(image) = image else {
        return;
    };
    let header = header.expect("what can be read has a header");
    assert_eq!(&header.geometry, image.value.geometry());
    assert_eq!(header.channels, image.value.channels());
    // Wider numbers need more of the budget, so this may fail; what comes is the same.
    let wide = medio::read_with::<f64, 3>(&path, &options());
    if let (Ok(wide), Ok(labels)) = (&wide, &labels) {
        let same = labels.value.as_slice().iter().map(|&v| f64::from(v));
        assert!(same.eq(wide.value.as_slice().iter().copied()));
    }
}
