//! Thousands of damaged files of every transfer syntax: an error, or pixels that were there.

use std::path::Path;
use std::sync::Arc;

use medio::dicom::{self, ReadOptions};
use medio::medcore::Budget;
use medio::medcore::random::{Key, Random};
use safetensors::SafeTensors;

use super::super::allocator::peak_of;
use super::builder::*;

/// A file of every native and compressed kind.
pub(super) fn seeds() -> Vec<(String, Vec<u8>)> {
    let small = || {
        Image::with(|i| {
            (i.rows, i.columns) = (Some(8), Some(16));
            i.pixel_data = Some(element(0x7fe0, 0x10, "OW", &pixels()[..256]));
            let item_of = item(&element(0x20, 0x13, "IS", b"7"));
            i.middle = with_length(0x21, 0x1001, "SQ", &item_of, item_of.len() as u32);
        })
    };
    let bare = small().dataset();
    let mut seeds = vec![
        ("explicit".to_owned(), small().file()),
        ("implicit".to_owned(), file(&implicit(&bare), IMPLICIT)),
        ("deflated".to_owned(), file(&deflate(&bare), DEFLATED)),
        ("without preamble".to_owned(), bare),
    ];
    let mut frames = small();
    frames.frames = Some("2".to_owned());
    frames.bits = [1, 1, 0];
    frames.pixel_data = Some(element(0x7fe0, 0x10, "OB", &pixels()[..32]));
    seeds.push(("bits".to_owned(), frames.file()));
    seeds.push((
        "rle".to_owned(),
        Image::default().compressed(RLE, &[rle_frame(None, None)]),
    ));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let bytes = std::fs::read(folder.join("dicom_streams.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    for name in tensors.names() {
        let Some(name) = name.strip_suffix(".stream") else {
            continue;
        };
        let (syntax, what) = name.split_once('.').unwrap();
        let stream = tensors.tensor(&format!("{name}.stream")).unwrap();
        let shape = tensors.tensor(&format!("{name}.samples")).unwrap();
        let [rows, columns, samples] = *shape.shape() else {
            panic!("{name}");
        };
        let mut image = small();
        (image.rows, image.columns) = (Some(rows as u16), Some(columns as u16));
        image.samples = samples as u16;
        if samples == 3 {
            image.photometric = "YBR_FULL";
        }
        if !what.starts_with("1") && syntax != "51" && what != "signed" {
            image = image.narrow();
        }
        let syntax = format!("1.2.840.10008.1.2.4.{syntax}");
        seeds.push((
            name.to_owned(),
            image.compressed(&syntax, &[stream.data().to_vec()]),
        ));
    }
    for (name, [rows, columns, samples], stream) in super::high_throughput::streams() {
        let mut image = small();
        (image.rows, image.columns, image.samples) = (Some(rows), Some(columns), samples);
        if samples == 3 {
            image.photometric = "RGB";
        }
        if name.starts_with('8') {
            image = image.narrow();
        }
        seeds.push((format!("201.{name}"), image.compressed(HTJ2K, &[stream])));
    }
    seeds.sort();
    seeds
}

pub(super) fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    const EDGES: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
    let at = random.below(bytes.len().max(1));
    match random.below(8) {
        0 | 1 => bytes[at] ^= 1 << random.below(8),
        2 | 3 => bytes[at] = EDGES[random.below(6)],
        4 => bytes.truncate(at.max(1)),
        5 => {
            let end = (at + random.below(64)).min(bytes.len());
            bytes.drain(at..end);
            if bytes.is_empty() {
                bytes.push(0);
            }
        }
        6 => {
            let n = random.below(32).min(bytes.len() - at);
            let part = bytes[at..at + n].to_vec();
            bytes.splice(at..at, part);
        }
        _ => {
            let from = random.below(other.len());
            let part = &other[from..(from + random.below(64)).min(other.len())];
            for (place, byte) in bytes[at..].iter_mut().zip(part) {
                *place = *byte;
            }
        }
    }
}

#[test]
fn thousands_of_damaged_files_end_in_an_error_or_in_pixels_that_are_there() {
    let seeds = seeds();
    let (mut read, mut refused) = (0, 0);
    for (index, (name, seed)) in seeds.iter().enumerate() {
        let mut accepted = 0;
        for number in 0..500 {
            let key = Key::new(index as u64).sample(number);
            let mut random = key.stream("mutation");
            let mut bytes = seed.clone();
            // Mostly the pixels of small files, as those are nearest to the codecs.
            let other = &seeds[random.below(seeds.len())].1;
            if number > 0 {
                for _ in 0..=random.below(3) {
                    change(&mut bytes, other, &mut random);
                }
            }
            let budget = Arc::new(Budget::new(256 << 20));
            let options = ReadOptions::new().budget(budget);
            let options = if number % 3 == 1 {
                options.lenient()
            } else {
                options
            };
            let size = bytes.len() as u64;
            let (result, peak) = peak_of(|| -> Result<Vec<f32>, String> {
                let _ = medio::decode(&bytes, &options);
                let file = dicom::decode(&bytes[..], &options).map_err(|e| e.to_string())?;
                let say = |e: medio::Error| e.to_string();
                let _ = (
                    file.voi(0),
                    file.overlays(),
                    file.modality(0),
                    file.palette(),
                );
                if let Ok(json) = file.dataset().to_json() {
                    assert!(dicom::Dataset::from_json(&json).is_ok());
                }
                let stored = file.stored::<f32>().map_err(say)?;
                let values = file.values::<f32>().map_err(say)?;
                let [frames, _, rows, columns] = stored.shape();
                assert_eq!(
                    [frames, rows, columns],
                    [0, 2, 3].map(|i| values.shape()[i])
                );
                Ok(values.into_vec())
            });
            let decoded = result.as_ref().map_or(0, |values| 4 * values.len() as u64);
            let bound = 16 * size + 4 * decoded + (16 << 20);
            assert!(
                peak <= bound,
                "{name}, mutant {number}: {peak} bytes, {bound} are allowed"
            );
            if number == 0 {
                assert!(result.is_ok(), "{name}: {:?}", result.err());
            }
            match result {
                Ok(_) => accepted += 1,
                Err(_) => refused += 1,
            }
        }
        read += accepted;
    }
    // Both ends are reached often: the changes are neither too coarse nor too fine.
    assert!(
        read > 2000 && refused > 5000,
        "{read} read, {refused} refused"
    );
}

/// The dataset of a file as JSON, without its pixels.
fn json_of(bytes: &[u8]) -> String {
    let mut dataset = dicom::decode(bytes, &ReadOptions::new())
        .unwrap()
        .into_dataset();
    dataset.remove(dicom::Tag::PIXEL_DATA);
    dataset.to_json().unwrap().to_string()
}

/// What stands in DICOM JSON, to be put where something else was.
const PIECES: [&str; 16] = [
    "\"UN\"",
    "\"PN\"",
    "\"SQ\"",
    "\"US\"",
    "\"LT\"",
    "\"IS\"",
    "\"Value\"",
    "\"InlineBinary\"",
    "\"BulkDataURI\"",
    "\"00080005\"",
    "null",
    "\" \"",
    "\"é=\\\\\"",
    "1e300",
    "[{}]",
    "{\"Phonetic\":\"= \"}",
];

#[test]
fn thousands_of_damaged_documents_end_in_an_error_or_in_what_is_written_the_same_again() {
    let texts: Vec<String> = seeds().iter().step_by(5).map(|(_, b)| json_of(b)).collect();
    let (mut read, mut refused) = (0, 0);
    for number in 0..20_000 {
        let mut random = Key::new(5).sample(number).stream("json");
        let mut text = texts[random.below(texts.len())].clone();
        for _ in 0..=random.below(3) {
            // Something in quotes, or a number, becomes something else.
            let starts: Vec<usize> = text.match_indices(['"', ':', '[']).map(|m| m.0).collect();
            let start = starts[random.below(starts.len())];
            let end = text[start + 1..].find(['"', ',', ']', '}']);
            let end = end.map_or(text.len(), |at| start + 1 + at);
            let (from, to) = match &text[start..=start] {
                "\"" => (start, end + 1),
                _ => (start + 1, end),
            };
            let piece = PIECES[random.below(PIECES.len())];
            text.replace_range(from..to.min(text.len()), piece);
        }
        let Ok(json) = serde_json::from_str(&text) else {
            continue;
        };
        let Ok(dataset) = dicom::Dataset::from_json(&json) else {
            refused += 1;
            continue;
        };
        read += 1;
        let written = dataset.to_json();
        let written = written.unwrap_or_else(|e| panic!("{number} is not written: {e}\n{text}"));
        let again = dicom::Dataset::from_json(&written);
        let again = again.unwrap_or_else(|e| panic!("{number} is not read again: {e}\n{text}"));
        assert_eq!(again.to_json().unwrap(), written, "{number}: {text}");
    }
    assert!(
        read > 500 && refused > 1500,
        "{read} read, {refused} refused"
    );
}

/// Run by hand before fuzzing: `MED_FUZZ_SEEDS=$PWD/fuzz/corpus`.
#[test]
fn every_seed_is_a_valid_file_and_is_written_for_the_fuzzer_on_request() {
    let scratch = tempfile::tempdir().unwrap();
    let chosen = std::env::var_os("MED_FUZZ_SEEDS").map(std::path::PathBuf::from);
    let folder = chosen.as_deref().unwrap_or(scratch.path());
    let put = |target: &str, name: &str, bytes: &[u8]| {
        let folder = folder.join(target);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
        folder.join(name)
    };
    for (name, bytes) in seeds() {
        put("dicom_deidentify", &name, &bytes);
        let path = put("dicom_read", &name, &bytes);
        let file = dicom::open(&path).unwrap();
        assert!(file.values::<f32>().is_ok(), "{name}");
        put("dicom_json", &name, json_of(&bytes).as_bytes());
    }
}
