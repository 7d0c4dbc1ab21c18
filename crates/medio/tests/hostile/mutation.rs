//! Valid files changed at random, thousands of them, the same on every run.
//!
//! What `fuzz/` looks for with a coverage-guided search on a nightly compiler, this looks for on any compiler
//! in seconds. Where a change leads to a panic or a broken promise, the message names its number: the case is
//! made again from that number alone.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use medio::datasets::SegmentationDataset;
use medio::medcore::random::{Key, Random};
use medio::medcore::{Budget, Image};
use medio::nifti::{self, AnyImage, ReadOptions, Voxel};

use super::allocator::peak_of;
use super::builder::{Nifti1, Nifti2, gzip};

/// Valid files of many kinds, by name; the seeds of the fuzz targets too.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let small = |f: &mut Nifti1| {
        f.dim = [3, 3, 5, 2, 1, 1, 1, 1];
        f.data.truncate(60);
    };
    let plain = Nifti1::with(small);
    let extended = Nifti1::with(|f| {
        small(f);
        f.vox_offset = 384.0;
        f.behind = vec![1, 0, 0, 0];
        f.behind.extend([32_i32, 6].map(i32::to_le_bytes).concat());
        f.behind.extend([b'a'; 24]);
    });
    let labels = Nifti1::with(|f| {
        small(f);
        (f.datatype, f.bitpix) = (2, 8);
        f.data = (0..30).map(|v| v % 3).collect();
    });
    vec![
        ("int16.nii", plain.clone()),
        ("int16.nii.gz", gzip(&plain)),
        (
            "members.nii.gz",
            [gzip(&plain[..200]), gzip(&plain[200..])].concat(),
        ),
        ("extension.nii", extended.clone()),
        ("extension.nii.gz", gzip(&extended)),
        (
            "big_endian_scaled.nii",
            Nifti1::with(|f| {
                small(f);
                (f.big_endian, f.scaling) = (true, [0.5, -3.0]);
            }),
        ),
        (
            "qform_only.nii",
            Nifti1::with(|f| {
                small(f);
                (f.codes, f.quaternion[2]) = ([1, 0], 0.25);
                f.pixdim = [-1.0, 0.5, 0.75, 2.5, 0.0, 0.0, 0.0, 0.0];
            }),
        ),
        (
            "colour.nii",
            Nifti1::with(|f| {
                (f.datatype, f.bitpix) = (128, 24);
                f.dim = [3, 2, 3, 4, 1, 1, 1, 1];
                f.data.truncate(72);
            }),
        ),
        (
            "series_float64.nii",
            Nifti1::with(|f| {
                (f.datatype, f.bitpix) = (64, 64);
                f.dim = [4, 2, 3, 1, 5, 1, 1, 1];
                f.data.truncate(240);
            }),
        ),
        ("labels.nii", labels.clone()),
        ("labels.nii.gz", gzip(&labels)),
        ("nifti2.nii", Nifti2::with(|_| {})),
    ]
}

/// Where fields of either version lie, two to eight bytes each: what is most worth changing.
const FIELDS: [usize; 34] = [
    0, 4, 12, 14, 16, 24, 40, 42, 44, 46, 48, 50, 70, 72, 76, 80, 104, 108, 112, 116, 123, 168,
    176, 252, 254, 256, 268, 280, 296, 344, 348, 352, 400, 500,
];

const NUMBERS: [[u8; 8]; 10] = [
    [0; 8],
    [0xff; 8],
    [0, 0, 0, 0, 0, 0, 0, 0x80],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    [0xff, 0x7f, 0xff, 0x7f, 0xff, 0x7f, 0xff, 0x7f],
    [0, 0, 0xc0, 0x7f, 0, 0, 0xf8, 0x7f],
    [0, 0, 0x80, 0x7f, 0, 0, 0xf0, 0x7f],
    [1, 0, 0, 0, 0, 0, 0, 0],
    [0x5c, 1, 0x1c, 2, 0, 0, 0, 0],
    [0, 0x80, 0, 0x80, 0, 0x80, 0, 0x80],
];

/// One change: a bit, a byte, a field, an end, a piece of another file, a piece twice, a piece less.
pub(super) fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    if bytes.is_empty() {
        bytes.extend_from_slice(other);
        return;
    }
    // Headers are small beside voxels, and decide everything.
    let near = |random: &mut Random, len: usize| match random.below(3) {
        0 => random.below(len),
        _ => random.below(len.min(560)),
    };
    let at = near(random, bytes.len());
    match random.below(8) {
        0 | 1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes[at] = random.below(256) as u8,
        3 | 4 => {
            let number = NUMBERS[random.below(NUMBERS.len())];
            let (from, wide) = (
                FIELDS[random.below(FIELDS.len())],
                [2, 4, 8][random.below(3)],
            );
            for (byte, new) in bytes.iter_mut().skip(from).zip(&number[..wide]) {
                *byte = *new;
            }
        }
        5 => bytes.truncate(at),
        6 => {
            let piece = piece(other, random).to_vec();
            match random.chance(0.5) {
                true => drop(bytes.splice(at..at, piece)),
                false => {
                    let end = bytes.len().min(at + piece.len());
                    drop(bytes.splice(at..end, piece));
                }
            }
        }
        _ => {
            let end = bytes.len().min(at + 1 + random.below(64));
            match random.chance(0.5) {
                true => drop(bytes.drain(at..end)),
                false => {
                    let twice = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, twice));
                }
            }
        }
    }
}

fn piece<'a>(of: &'a [u8], random: &mut Random) -> &'a [u8] {
    let from = random.below(of.len());
    &of[from..of.len().min(from + 1 + random.below(128))]
}

/// The mutant of a number: a seed with one to six changes, compressed ones also below their compression.
fn mutant(number: u32, seeds: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut random = Key::new(20_261_122).sample(number).stream("mutation");
    let mut pick = || &seeds[random.below(seeds.len())].1;
    let (mut bytes, other) = (pick().clone(), pick().clone());
    let inside = bytes.starts_with(&[0x1f, 0x8b]) && random.chance(0.6);
    if inside {
        bytes = inflated(&bytes);
    }
    for _ in 0..1 + random.below(6) {
        change(&mut bytes, &other, &mut random);
    }
    if inside { gzip(&bytes) } else { bytes }
}

/// What gzip data holds up to its end or the first damage, as another decoder sees it.
fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(bytes).take(1 << 24);
    let _ = decoder.read_to_end(&mut plain);
    plain
}

fn bytes_of(image: &AnyImage) -> usize {
    image.geometry().len() * image.channels() * image.datatype().voxel_bytes()
}

fn values<T: Voxel>(image: &Image<T, 3>, to: impl Fn(T) -> f64) -> Vec<f64> {
    image.as_slice().iter().map(|&value| to(value)).collect()
}

#[test]
fn thousands_of_damaged_files_end_in_an_error_or_in_voxels_that_are_there() {
    const SLACK: u64 = 16 << 20;
    let seeds = seeds();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mutant.nii");
    let (mut read, mut refused) = (0, 0);
    for number in 0..8000 {
        let bytes = mutant(number, &seeds);
        let size = bytes.len() as u64;
        let options = || {
            let budget = Arc::new(Budget::new(256 << 20));
            ReadOptions::new()
                .budget(budget)
                .extensions(number % 2 == 0)
        };
        let (result, peak) = peak_of(|| nifti::decode(&bytes, &options()));
        let bound = match &result {
            Err(_) => 16 * size + SLACK,
            Ok(loaded) => 3 * bytes_of(&loaded.value) as u64 + size + SLACK,
        };
        assert!(
            peak <= bound,
            "mutant {number}: {peak} bytes, {bound} are allowed"
        );
        std::fs::write(&path, &bytes).unwrap();
        let header = nifti::read_header_with(&path, &options());
        let (labels, peak) = peak_of(|| nifti::read_labels_with::<u8, 3>(&path, &options()));
        assert!(
            labels.is_ok() || peak <= 16 * size + SLACK,
            "mutant {number}: {peak} bytes"
        );
        let Ok(loaded) = result else {
            refused += 1;
            assert!(labels.is_err(), "mutant {number} has labels but no image");
            continue;
        };
        read += 1;
        let image = &loaded.value;
        let header = header.unwrap_or_else(|e| panic!("mutant {number} has no header: {e}"));
        assert_eq!(&header.geometry, image.geometry(), "mutant {number}");
        // Every voxel was in the file.
        let samples = image.geometry().len() * image.channels();
        let stored =
            samples / loaded.header.datatype.samples() * loaded.header.datatype.voxel_bytes();
        let plain = match bytes.starts_with(&[0x1f, 0x8b]) {
            true => inflated(&bytes).len(),
            false => bytes.len(),
        };
        assert!(
            stored + 348 <= plain,
            "mutant {number}: {stored} bytes of voxels from {plain}"
        );
        // Labels are the image's values, and only whole numbers.
        let wide = nifti::read_image_with::<f64, 3>(&path, &options());
        let wide = wide
            .unwrap_or_else(|e| panic!("mutant {number} is no f64: {e}"))
            .value;
        assert_eq!(wide.as_slice().len(), samples, "mutant {number}");
        if let Ok(labels) = labels {
            let labels: Vec<f64> = labels.value.as_slice().iter().map(|&v| v.into()).collect();
            assert_eq!(labels, wide.as_slice(), "mutant {number}");
        }
        if let AnyImage::I16(image) = image {
            assert_eq!(values(image, f64::from), wide.as_slice(), "mutant {number}");
        }
    }
    // Both ends are reached often: the changes are neither too coarse nor too fine.
    assert!(
        read > 800 && refused > 2000,
        "{read} read, {refused} refused"
    );
}

const DESCRIPTIONS: [&str; 3] = [
    r#"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1, "spleen": 2},
        "numTraining": 1, "file_ending": ".nii.gz"}"#,
    r#"{"channel_names": {"0": "MR"}, "labels": {"background": 0, "whole": [1, 2], "core": 2, "ignore": 3},
        "regions_class_order": [1, 2], "numTraining": 1, "file_ending": ".nii.gz"}"#,
    r#"{"name": "x", "modality": {"0": "CT"}, "labels": {"0": "background", "1": "liver"},
        "training": [{"image": "./imagesTr/a_0000.nii.gz", "label": "./labelsTr/a.nii.gz"}],
        "test": ["./imagesTr/a_0000.nii.gz"]}"#,
];

#[test]
fn thousands_of_damaged_descriptions_end_in_an_error_or_in_files_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"").unwrap();
    }
    let described = folder.path().join("dataset.json");
    let mut opened = 0;
    for number in 0..4000 {
        let mut random = Key::new(7).sample(number).stream("description");
        let mut pick = || DESCRIPTIONS[random.below(DESCRIPTIONS.len())].as_bytes();
        let (mut text, other) = (pick().to_vec(), pick());
        for _ in 0..random.below(4) {
            change(&mut text, other, &mut random);
        }
        std::fs::write(&described, &text).unwrap();
        let Ok(dataset) = SegmentationDataset::open(folder.path()) else {
            continue;
        };
        opened += 1;
        let inside = |path: &Path| match path.canonicalize() {
            Ok(path) => path.starts_with(folder.path().canonicalize().unwrap()),
            // A test image that is not there: by its name it would be in the folder.
            Err(_) => {
                let up = std::path::Component::ParentDir;
                path.starts_with(folder.path()) && !path.components().any(|part| part == up)
            }
        };
        for case in dataset.cases.iter().chain(&dataset.test_cases) {
            let mut files = case.images.iter().chain(&case.label);
            assert!(
                files.all(|path| inside(path) && (path.is_file() || case.label.is_none())),
                "description {number}: {case:?}"
            );
        }
    }
    assert!(opened > 400, "{opened}");
}

/// Run by hand before fuzzing: `MED_FUZZ_SEEDS=$PWD/fuzz/corpus`.
#[test]
fn every_seed_is_a_valid_file_and_is_written_for_the_fuzzers_on_request() {
    let scratch = tempfile::tempdir().unwrap();
    let chosen = std::env::var_os("MED_FUZZ_SEEDS").map(std::path::PathBuf::from);
    let folder = chosen.as_deref().unwrap_or(scratch.path());
    let put = |target: &str, name: &str, bytes: &[u8]| {
        let folder = folder.join(target);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    };
    for (name, bytes) in seeds() {
        let loaded = nifti::decode(&bytes, &ReadOptions::new().extensions(true)).unwrap();
        assert!(loaded.report.is_clean(), "{name}: {:?}", loaded.report);
        put("nifti_read", name, &bytes);
    }
    for (i, text) in DESCRIPTIONS.iter().enumerate() {
        put("dataset_json", &format!("{i}.json"), text.as_bytes());
    }
}
