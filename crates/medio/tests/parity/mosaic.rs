//! Mosaics of Siemens scanners against what nibabel makes of them (`mosaic.py`).
//!
//! `mosaic.safetensors` holds files made by the script; `mosaic.json` describes nibabel's own test files,
//! which `MED_NIBABEL_DATA` names the folder of (`nibabel/nicom/tests/data`).

use std::path::Path;

use flate2::read::GzDecoder;
use medio::dicom::{self, ReadOptions, SeriesVolume};
use medio::medcore::buffer::as_bytes;

use super::dicom::sha;

fn volume(bytes: &[u8]) -> medio::Result<SeriesVolume<f64>> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mosaic.dcm"), bytes).unwrap();
    let mut scan = dicom::scan(folder.path())?;
    if let Some(refused) = scan.refused.pop() {
        return Err(refused.error);
    }
    scan.only()?.stack()?.volume(&ReadOptions::new())
}

/// Directions of six digits are made unit vectors here and are not there.
const PLACE_MM: f64 = 1e-3;

/// Holds voxels and places against nibabel's, whose slices may go the other way.
fn check(name: &str, volume: &SeriesVolume<f64>, voxels: &[f64], affine: &[f64]) {
    let [depth, height, width] = volume.image.shape();
    let mut at = 0;
    for slice in 0..depth {
        let place = |k: usize, row: usize, column: usize| {
            let index = [row, column, k].map(|n| n as f64);
            let [r, c, s] = index;
            [0, 1, 2].map(|a| {
                let m = &affine[4 * a..4 * a + 4];
                m[0] * r + m[1] * c + m[2] * s + m[3]
            })
        };
        // The plane that lies where nibabel's does.
        let near = |k: &usize| {
            let index = [*k, 0, 0].map(|n| n as f64);
            let ours = volume.image.geometry().index_to_world(index).coordinates();
            let theirs = place(slice, 0, 0);
            ours.iter()
                .zip(theirs)
                .all(|(a, b)| (a - b).abs() < PLACE_MM)
        };
        let plane = (0..depth).find(near);
        let plane = plane.unwrap_or_else(|| panic!("{name}: no plane where slice {slice} is"));
        let corner = [plane, height - 1, width - 1].map(|n| n as f64);
        let ours = volume.image.geometry().index_to_world(corner).coordinates();
        let theirs = place(slice, height - 1, width - 1);
        assert!(
            ours.iter()
                .zip(theirs)
                .all(|(a, b)| (a - b).abs() < PLACE_MM),
            "{name}"
        );
        let size = height * width;
        let ours = &volume.image.as_slice()[plane * size..][..size];
        assert_eq!(ours, &voxels[at..at + size], "{name}, slice {slice}");
        at += size;
    }
}

#[test]
fn mosaics_are_taken_apart_as_nibabel_does() {
    for case in super::fixture("mosaic") {
        let volume = volume(&case.file).unwrap();
        let [depth, height, width] = volume.image.shape();
        assert_eq!(case.shape, [1, depth, height, width], "{}", case.name);
        check(&case.name, &volume, &case.voxels, &case.affine);
        assert!(volume.warnings.is_empty(), "{:?}", volume.warnings);
        let diffusion = volume.diffusion.unwrap();
        assert_eq!(diffusion.b_value, 750.0);
        assert_eq!(diffusion.direction, Some([0.6, 0.0, -0.8]));
        assert!(volume.planes.iter().flatten().all(|plane| plane.frame == 0));
    }
}

#[test]
fn nibabel_s_own_mosaics_are_the_same() {
    let Ok(folder) = std::env::var("MED_NIBABEL_DATA") else {
        eprintln!("MED_NIBABEL_DATA is not set: nibabel's own mosaics are passed over");
        return;
    };
    let cases: serde_json::Value = serde_json::from_str(include_str!("mosaic.json")).unwrap();
    let folder = Path::new(&folder);
    for (name, want) in cases.as_object().unwrap() {
        let file = std::fs::File::open(folder.join(name)).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut GzDecoder::new(file), &mut bytes).unwrap();
        let volume = volume(&bytes).unwrap();
        assert_eq!(serde_json::json!(volume.image.shape()), want["shape"]);
        let floats = |value: &serde_json::Value| -> Vec<f64> {
            let list = value.as_array().into_iter().flatten();
            list.map(|v| v.as_f64().unwrap()).collect()
        };
        let rows = want["affine"].as_array().unwrap();
        let affine: Vec<f64> = rows.iter().flat_map(floats).collect();
        // Their slices go up as ours do.
        check(name, &volume, volume.image.as_slice(), &affine);
        assert_eq!(
            sha(as_bytes(volume.image.as_slice())),
            want["sha"],
            "{name}"
        );
        let diffusion = volume.diffusion.unwrap();
        assert_eq!(diffusion.b_value, want["b_value"].as_f64().unwrap());
        let direction = diffusion.direction.map(Vec::from).unwrap_or_default();
        assert_eq!(direction, floats(&want["gradient"]));
    }
    // These say that they are mosaics of 7 x 7 in 256 x 256 pixels.
    for name in ["0.dcm", "1.dcm"] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let error = volume(&bytes).unwrap_err().to_string();
        assert!(error.contains("48 tiles in 256 x 256"), "{error}");
    }
}
