//! Any bytes as a NIfTI file: from memory, from disk, as a header, as labels, as half of a pair.
#![no_main]

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use medio::medcore::Budget;
use medio::nifti::{self, ReadOptions};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));

fn put(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, bytes).expect("room in the temporary folder");
    path
}

fn options() -> ReadOptions {
    let budget = Arc::new(Budget::new(64 << 20));
    ReadOptions::new().budget(budget).extensions(true)
}

fuzz_target!(|bytes: &[u8]| {
    let decoded = nifti::decode(bytes, &options());
    let path = put("scan.nii", bytes);
    let header = nifti::read_header_with(&path, &options());
    let image = nifti::read_image_with::<f64, 3>(&path, &options());
    let labels = nifti::read_labels_with::<u8, 3>(&path, &options());
    if let Ok(decoded) = &decoded {
        let header = header.expect("what can be decoded has a header");
        assert_eq!(&header.geometry, decoded.value.geometry());
        // No voxel that was not there; deflate makes at most 1032 bytes of one.
        let samples = decoded.value.geometry().len() * decoded.value.channels();
        let stored = samples / decoded.header.datatype.samples();
        let most = match bytes.starts_with(&[0x1f, 0x8b]) {
            true => bytes.len().saturating_mul(1032),
            false => bytes.len(),
        };
        assert!(stored.saturating_mul(decoded.header.datatype.voxel_bytes()) <= most);
        // Wider numbers need more of the budget, so this may fail; what comes is of one size.
        if let Ok(image) = &image {
            assert_eq!(image.value.as_slice().len(), samples);
        }
    } else {
        assert!(labels.is_err() && image.is_err());
    }
    if let (Ok(image), Ok(labels)) = (&image, &labels) {
        let same = labels.value.as_slice().iter().map(|&v| f64::from(v));
        assert!(same.eq(image.value.as_slice().iter().copied()));
    }
    // The same bytes cut in two, as a pair.
    let (head, voxels) = bytes.split_at(bytes.len().min(if bytes.len() > 600 { 540 } else { 348 }));
    put("pair.img", voxels);
    let _ = nifti::read(put("pair.hdr", head), &options());
});
