//! Any bytes as a NIfTI file: from memory; and from disk, as a header, as labels and as a pair, what could be read from
//! memory or as a pair, and an eighth of the rest.
#![no_main]

use libfuzzer_sys::fuzz_target;
use med_fuzz::{bounded, budget, is_chosen, put};
use medio::nifti::{self, ReadOptions};

fn options() -> ReadOptions {
    ReadOptions::new().budget(budget()).extensions(true)
}

fuzz_target!(|bytes: &[u8]| {
    let decoded = bounded(bytes, |bytes| nifti::decode(bytes, &options()));
    let is_chosen = is_chosen(bytes);
    if is_chosen || bytes.get(344..348) == Some(b"ni1\0") {
        // The same bytes cut in two, as a pair.
        let (head, voxels) =
            bytes.split_at(bytes.len().min(if bytes.len() > 600 { 540 } else { 348 }));
        put("pair.img", voxels);
        let pair = put("pair.hdr", head);
        let _ = bounded(bytes, |_| nifti::read(&pair, &options()));
    }
    if decoded.is_err() && !is_chosen {
        return;
    }
    let path = put("scan.nii", bytes);
    let header = bounded(bytes, |_| nifti::read_header_with(&path, &options()));
    let image = bounded(bytes, |_| {
        nifti::read_image_with::<f64, 3>(&path, &options())
    });
    let labels = bounded(bytes, |_| {
        nifti::read_labels_with::<u8, 3>(&path, &options())
    });
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
});
