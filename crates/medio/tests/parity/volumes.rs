//! MetaImage and NRRD files against what SimpleITK reads from them, MGH and Analyze against nibabel.

use std::path::Path;

use medio::medcore::buffer::as_bytes;
use medio::{AnyImage, ReadOptions, decode};
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

/// Opens every case of a fixture and holds it against its oracle; the number of cases.
fn check(stem: &str, tolerance_mm: f64) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let bytes = std::fs::read(folder.join(format!("{stem}.safetensors"))).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: String| -> Vec<f64> {
        let view = tensors.tensor(&name).unwrap();
        let numbers = view.data().as_chunks::<8>().0.iter();
        numbers.map(|b| f64::from_le_bytes(*b)).collect()
    };
    let names = tensors.names();
    let mut cases: Vec<&str> = names
        .iter()
        .filter_map(|n| n.strip_suffix("/sha256"))
        .collect();
    cases.sort_unstable();
    for case in &cases {
        let folder = tempfile::tempdir().unwrap();
        let mut first = None;
        for name in &names {
            let Some((index, file)) = name
                .strip_prefix(&format!("{case}/"))
                .and_then(|rest| rest.split_once('/'))
            else {
                continue;
            };
            let path = folder.path().join(file);
            std::fs::write(&path, tensors.tensor(name).unwrap().data()).unwrap();
            if index == "0" {
                first = Some(path);
            }
        }
        let path = first.unwrap();
        let loaded = medio::read_with::<f64, 3>(&path, &ReadOptions::new());
        let image = loaded
            .unwrap_or_else(|e| panic!("{stem} {case}: {e}"))
            .value;
        let [depth, height, width] = image.shape();
        let shape = [image.channels(), depth, height, width].map(|n| n as f64);
        assert_eq!(shape[..], floats(format!("{case}/shape")), "{stem} {case}");
        let bytes: Vec<u8> = image
            .as_slice()
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let wanted = tensors.tensor(&format!("{case}/sha256")).unwrap();
        assert_eq!(
            Sha256::digest(&bytes)[..],
            *wanted.data(),
            "{stem} {case}: voxels differ"
        );
        let affine = floats(format!("{case}/affine"));
        for corner in 0..8_usize {
            let index = [2, 1, 0].map(|bit| (corner >> bit) & 1);
            let [d, h, w] = [0, 1, 2].map(|a| (index[a] * ([depth, height, width][a] - 1)) as f64);
            let place = image.geometry().index_to_world([d, h, w]).coordinates();
            for (row, got) in place.into_iter().enumerate() {
                let m = &affine[4 * row..4 * row + 4];
                let want = m[0] * w + m[1] * h + m[2] * d + m[3];
                assert!(
                    (got - want).abs() < tolerance_mm,
                    "{stem} {case}: {got} is not {want}"
                );
            }
        }
        // From memory too, and mapped, where the voxels are in the same file.
        let map = ReadOptions::new().map(true);
        let mapped = medio::read_with::<f64, 3>(&path, &map).unwrap().value;
        assert_eq!(
            Sha256::digest(as_bytes(mapped.as_slice()))[..],
            *wanted.data()
        );
        if std::fs::read_dir(folder.path()).unwrap().count() == 1 {
            let bytes = std::fs::read(&path).unwrap();
            let value = decode(&bytes, &ReadOptions::new()).unwrap().value;
            assert_eq!(value.geometry(), image.geometry(), "{stem} {case}");
        }
    }
    cases.len()
}

#[test]
fn metaimage_files_have_simpleitks_voxels_to_the_bit_and_its_places() {
    assert_eq!(check("metaimage", 1e-9), 41);
}

#[test]
fn nrrd_files_have_simpleitks_voxels_to_the_bit_and_its_places() {
    assert_eq!(check("nrrd", 1e-9), 49);
}

#[test]
fn mgh_and_analyze_files_have_nibabels_voxels_to_the_bit_and_its_places() {
    // nibabel multiplies in single precision.
    assert_eq!(check("mgh_analyze", 1e-4), 24);
}

#[test]
fn pictures_and_arrays_have_the_pixels_of_pillow_tifffile_and_numpy() {
    assert_eq!(check("pictures", 1e-9), 30);
}

#[test]
fn jpeg_pixels_are_pillows_but_for_the_rounding_of_the_transform() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let bytes = std::fs::read(folder.join("pictures.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    for name in ["grey", "colour"] {
        let file = tensors.tensor(&format!("jpeg {name}.file")).unwrap();
        let pixels = tensors.tensor(&format!("jpeg {name}.pixels")).unwrap();
        let AnyImage::U8(image) = decode(file.data(), &ReadOptions::new()).unwrap().value else {
            panic!("another type");
        };
        let [_, height, width] = image.shape();
        assert_eq!([image.channels(), height, width], pixels.shape());
        let apart = image.as_slice().iter().zip(pixels.data());
        let most = apart.map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(4), "{name}: {most:?}");
    }
}
