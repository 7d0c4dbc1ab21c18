//! What must hold of any bytes, whatever format they are taken for.

use medio::{Format, ReadOptions};

use super::{bounded, budget, is_chosen, put};

/// What headers may name for their voxels.
const DATA: &str = "data.raw";

fn options() -> ReadOptions {
    ReadOptions::new().budget(budget())
}

/// Reads bytes from memory; and from disk, as an image, as a header and as labels, what could be read from memory, what
/// names the file beside it, and an eighth of the rest.
pub fn check_volume(bytes: &[u8], formats: &[Format]) {
    if !Format::of_bytes(bytes).is_some_and(|format| formats.contains(&format)) {
        return;
    }
    let decoded = bounded(bytes, |bytes| medio::decode(bytes, &options()));
    let names_data = bytes
        .windows(DATA.len())
        .any(|part| part == DATA.as_bytes());
    if decoded.is_err() && !names_data && !is_chosen(bytes) {
        return;
    }
    if names_data {
        put(DATA, &bytes[bytes.len() / 2..]);
    }
    let path = put("file", bytes);
    let image = bounded(bytes, |_| medio::read_any(&path, &options()));
    let header = bounded(bytes, |_| medio::read_header_with(&path, &options()));
    let labels = bounded(bytes, |_| {
        medio::read_labels_with::<u8, 3>(&path, &options())
    });
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
