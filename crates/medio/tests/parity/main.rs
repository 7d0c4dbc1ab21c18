//! The same files through other readers: committed fixtures made by nibabel, and the `nifti` crate.
//!
//! A fixture holds whole files as bytes beside the voxels and affines that nibabel read from them.
#![allow(clippy::unwrap_used, reason = "a failing helper fails its test")]

mod annotations;
mod datatypes;
mod deidentify;
mod derived;
mod dicom;
mod dicom_headers;
mod dicom_htj2k;
mod dicom_streams;
mod exported;
mod mosaic;
mod oracle;
mod pairs;
mod segmentations;
mod suv;
mod volumes;
mod written;
mod xforms;

use std::path::Path;

use medio::dicom::{Dataset, Element, Tag, Value, Vr};
use medio::nifti::{self, ReadOptions};
use safetensors::{Dtype, SafeTensors};

/// A case of a fixture: the file, and what nibabel made of it.
struct Case {
    name: String,
    file: Vec<u8>,
    /// `[channels, depth, height, width]`.
    shape: Vec<usize>,
    voxels: Vec<f64>,
    /// (i, j, k, 1) to RAS, row-major.
    affine: Vec<f64>,
}

fn fixture(stem: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let bytes = std::fs::read(folder.join(format!("{stem}.safetensors"))).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: String| {
        let view = tensors.tensor(&name).unwrap();
        assert_eq!(view.dtype(), Dtype::F64);
        let numbers = view.data().as_chunks::<8>().0.iter();
        (
            view.shape().to_vec(),
            numbers.map(|b| f64::from_le_bytes(*b)).collect(),
        )
    };
    let mut names: Vec<_> = tensors.names().into_iter().map(str::to_owned).collect();
    names.sort();
    let cases = names.iter().filter_map(|n| n.strip_suffix(".file"));
    cases
        .map(|name| {
            let (shape, voxels) = floats(format!("{name}.voxels"));
            Case {
                name: name.to_owned(),
                file: tensors
                    .tensor(&format!("{name}.file"))
                    .unwrap()
                    .data()
                    .to_vec(),
                shape,
                voxels,
                affine: floats(format!("{name}.affine")).1,
            }
        })
        .collect()
}

/// Reads a case from disk as `f64` and holds it against nibabel: voxels to the bit, places to a nanometre.
fn check(case: &Case) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.nii");
    std::fs::write(&path, &case.file).unwrap();
    let loaded = nifti::read_image_with::<f64, 3>(&path, &ReadOptions::new()).unwrap();
    let [depth, height, width] = loaded.value.shape();
    let shape = [loaded.value.channels(), depth, height, width];
    assert_eq!(shape[..], case.shape, "{}", case.name);
    let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    let mut pairs = loaded.value.as_slice().iter().zip(&case.voxels);
    assert!(pairs.all(same), "{}: voxels differ", case.name);
    for corner in 0..8_usize {
        let index = [2, 1, 0].map(|bit| (corner >> bit) & 1);
        let [d, h, w] = [0, 1, 2].map(|a| (index[a] * ([depth, height, width][a] - 1)) as f64);
        let place = loaded.value.geometry().index_to_world([d, h, w]).to_ras();
        for (row, got) in place.coordinates().into_iter().enumerate() {
            let m = &case.affine[4 * row..4 * row + 4];
            let want = m[0] * w + m[1] * h + m[2] * d + m[3];
            // nibabel turns quaternions to matrices in single precision.
            assert!(
                (got - want).abs() < 1e-4,
                "{}: {got} is not {want}",
                case.name
            );
        }
    }
}

/// Slice `k` of 3 x 4 pixels `100 k + 0 ... 11`, 5 mm behind the one before.
fn dicom_slice(k: usize) -> Dataset {
    let mut d = Dataset::new();
    for (tag, text) in [
        (Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.4"),
        (Tag::SOP_INSTANCE_UID, &format!("1.2.5.{k}")),
        (Tag::STUDY_INSTANCE_UID, "1.2.3"),
        (Tag::SERIES_INSTANCE_UID, "1.2.3.4"),
        (Tag::MODALITY, "MR"),
        (Tag::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2"),
    ] {
        d.set_text(tag, text).unwrap();
    }
    for (tag, value) in [
        (Tag::SAMPLES_PER_PIXEL, 1),
        (Tag::ROWS, 3),
        (Tag::COLUMNS, 4),
        (Tag::BITS_ALLOCATED, 16),
        (Tag::BITS_STORED, 16),
        (Tag::HIGH_BIT, 15),
        (Tag::PIXEL_REPRESENTATION, 0),
    ] {
        d.set_integers(tag, &[value]).unwrap();
    }
    let position = [0.0, 0.0, 5.0 * k as f64];
    let cosines = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    d.set_floats(Tag::IMAGE_POSITION_PATIENT, &position)
        .unwrap();
    d.set_floats(Tag::IMAGE_ORIENTATION_PATIENT, &cosines)
        .unwrap();
    d.set_floats(Tag::PIXEL_SPACING, &[1.0, 1.0]).unwrap();
    let pixels = (0..12).map(|i| u16::try_from(100 * k + i).unwrap());
    let bytes: Vec<u8> = pixels.flat_map(u16::to_le_bytes).collect();
    let value = Value::Bytes(bytes.into());
    d.insert(Element::new(Tag::PIXEL_DATA, Vr::OW, value));
    d
}
