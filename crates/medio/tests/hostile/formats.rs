//! Valid files of every format but NIfTI changed at random, the same on every run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use medio::medcore::Budget;
use medio::medcore::random::Key;
use medio::{Format, ReadOptions, decode};
use safetensors::SafeTensors;

use super::allocator::peak_of;
use super::mutation::change;

/// The single files of the parity fixtures, by format.
fn seeds() -> BTreeMap<String, Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let mut seeds: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for stem in ["metaimage", "nrrd", "mgh_analyze", "pictures"] {
        let bytes = std::fs::read(folder.join(format!("{stem}.safetensors"))).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let mut names = tensors.names();
        names.sort_unstable();
        for name in names {
            let file = tensors.tensor(name).unwrap().data().to_vec();
            let is_file = name.contains("/0/") || name.ends_with(".file");
            if is_file && decode(&file, &ReadOptions::new()).is_ok() {
                let format = Format::of_bytes(&file).unwrap();
                seeds.entry(format.to_string()).or_default().push(file);
            }
        }
    }
    seeds
}

/// How many mutants of each format are tried; more on request, by hand.
fn rounds() -> u32 {
    let asked = std::env::var("MED_MUTANTS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(1000)
}

#[test]
fn damaged_files_of_every_format_end_in_an_error_or_in_voxels_that_are_there() {
    const SLACK: u64 = 16 << 20;
    let seeds = seeds();
    let formats: Vec<&str> = seeds.keys().map(String::as_str).collect();
    let all = [
        "BMP",
        "JPEG",
        "MGH",
        "MetaImage",
        "NRRD",
        "NumPy archive",
        "NumPy array",
        "PNG",
        "TIFF",
    ];
    assert_eq!(formats, all);
    for (format, files) in &seeds {
        let (mut read, mut refused) = (0, 0);
        for number in 0..rounds() {
            let mut random = Key::new(20_261_123).sample(number).stream(format);
            let mut pick = || &files[random.below(files.len())];
            let (mut bytes, other) = (pick().clone(), pick().clone());
            for _ in 0..1 + random.below(4) {
                change(&mut bytes, &other, &mut random);
            }
            let size = bytes.len() as u64;
            let budget = Arc::new(Budget::new(256 << 20));
            let options = ReadOptions::new().budget(budget);
            let start = Instant::now();
            let (result, peak) = peak_of(|| decode(&bytes, &options));
            let took = start.elapsed();
            assert!(
                took < Duration::from_secs(10),
                "{format} {number}: {took:?}"
            );
            let bound = match &result {
                Err(_) => 16 * size + SLACK,
                Ok(loaded) => {
                    let image = &loaded.value;
                    let voxels = image.geometry().len() * image.channels();
                    3 * (voxels * image.datatype().voxel_bytes()) as u64 + size + SLACK
                }
            };
            assert!(
                peak <= bound,
                "{format} {number}: {peak} bytes, {bound} are allowed"
            );
            match result {
                Ok(_) => read += 1,
                Err(_) => refused += 1,
            }
        }
        // Both ends are reached: the changes are neither too coarse nor too fine.
        let few = rounds() / 50;
        assert!(
            read > few && refused > few,
            "{format}: {read} read, {refused} refused"
        );
    }
}

#[test]
fn a_file_of_any_format_cut_anywhere_is_refused_or_loses_only_what_does_not_matter() {
    for (format, files) in seeds() {
        for file in files.iter().step_by(5) {
            let whole = decode(file, &ReadOptions::new()).unwrap().value;
            for end in (0..file.len()).step_by(1 + file.len() / 200) {
                // What follows the last voxel (checksums of PNG chunks, JPEG's end) may be missed by codecs.
                if let Ok(cut) = decode(&file[..end], &ReadOptions::new()) {
                    let is_late = file.len() - end <= 24;
                    let codec = ["PNG", "JPEG", "TIFF"].contains(&format.as_str());
                    assert!(is_late || codec, "{format} cut at {end} of {}", file.len());
                    assert_eq!(
                        cut.value.geometry(),
                        whole.geometry(),
                        "{format} cut at {end}"
                    );
                }
            }
        }
    }
}

/// Two pixels a row, two rows, with the longest header, which names a colour profile of so many bytes.
fn bitmap(profile: u32) -> Vec<u8> {
    let offset = 14 + 124_u32;
    let mut file = b"BM".to_vec();
    for word in [offset + 16, 0, offset, 124, 2, 2, 1 | 24 << 16, 0, 16] {
        file.extend(u32::to_le_bytes(word));
    }
    // Resolution, palette, masks, kind of colours, end points, gamma, intent, then the profile.
    file.resize(14 + 112, 0);
    file.extend(u32::to_le_bytes(124));
    file.extend(u32::to_le_bytes(profile));
    file.resize(14 + 124, 0);
    file.extend([1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0]);
    file
}

#[test]
fn a_bitmap_makes_no_room_for_a_profile_that_is_longer_than_the_file() {
    for profile in [0, 16] {
        let read = decode(&bitmap(profile), &ReadOptions::new()).unwrap();
        assert_eq!(read.value.geometry().shape(), [1, 2, 2]);
        assert_eq!(read.value.channels(), 3);
    }
    for profile in [155, 1 << 20, 20 << 20, 1 << 31, u32::MAX] {
        let (refused, peak) = peak_of(|| decode(&bitmap(profile), &ReadOptions::new()));
        let message = refused.unwrap_err().to_string();
        let needed = format!("the colour profile needs {profile} bytes, 154 are there");
        assert!(message.contains(&needed), "{message}");
        assert!(peak < 1 << 16, "{profile}: {peak} bytes");
    }
}

/// Run by hand before fuzzing, as the seeds of NIfTI are: `MED_FUZZ_SEEDS=$PWD/fuzz/corpus`.
#[test]
fn every_seed_of_a_volume_is_written_for_the_fuzzers_on_request() {
    let scratch = tempfile::tempdir().unwrap();
    let chosen = std::env::var_os("MED_FUZZ_SEEDS").map(std::path::PathBuf::from);
    let folder = chosen.as_deref().unwrap_or(scratch.path());
    for (format, files) in seeds() {
        let target = match format.as_str() {
            "MetaImage" => "metaimage_read",
            "NRRD" => "nrrd_read",
            "MGH" => "mgh_read",
            "NumPy array" | "NumPy archive" => "numpy_read",
            _ => "picture_read",
        };
        let folder = folder.join(target);
        std::fs::create_dir_all(&folder).unwrap();
        for (index, file) in files.iter().enumerate() {
            std::fs::write(folder.join(format!("{format}-{index}")), file).unwrap();
        }
    }
}
