//! Pixels of pydicom's own test files, against what pydicom reads from them (`dicom.py`, `dicom.json`).
//!
//! The files are not stored here: `MED_DICOM_DATA` names folders that hold them, divided by `:`, for
//! instance those of the installed Python packages pydicom and pydicom-data.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use medio::Voxel;
use medio::dicom::{self, DicomFile, PixelArray, ReadOptions};
use medio::medcore::buffer::as_bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(super) fn sha(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    hex[..32].to_owned()
}

pub(super) fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// `[frames, channels, rows, columns]` as `[frames, rows, columns, channels]`.
fn channels_last<T: Voxel>(array: &PixelArray<T>) -> Vec<T> {
    let [frames, channels, rows, columns] = array.shape();
    let mut out = Vec::with_capacity(array.as_slice().len());
    for frame in 0..frames {
        let frame = array.frame(frame);
        for pixel in 0..rows * columns {
            out.extend((0..channels).map(|c| frame[c * rows * columns + pixel]));
        }
    }
    out
}

fn bytes<T: Voxel>(array: &PixelArray<T>) -> Vec<u8> {
    as_bytes(&channels_last(array)).to_vec()
}

/// The stored values in the type that pydicom gives them.
fn stored(file: &DicomFile, dtype: &str) -> medio::Result<Vec<u8>> {
    Ok(match dtype {
        "u1" => bytes(&file.stored::<u8>()?),
        "i1" => bytes(&file.stored::<i8>()?),
        "u2" => bytes(&file.stored::<u16>()?),
        "i2" => bytes(&file.stored::<i16>()?),
        "u4" => bytes(&file.stored::<u32>()?),
        "i4" => bytes(&file.stored::<i32>()?),
        "f4" => bytes(&file.stored::<f32>()?),
        "f8" => bytes(&file.stored::<f64>()?),
        other => panic!("{other}"),
    })
}

/// How far single values and their mean are from those of another lossy decoder.
fn distance(array: &PixelArray<f64>, want: &Value) -> (f64, f64) {
    let values = channels_last(array);
    let sum: f64 = values.iter().sum();
    let mean = (sum - want["sum"].as_f64().unwrap()).abs() / values.len() as f64;
    let at = want["at"].as_array().unwrap();
    let single = at.iter().zip(want["values"].as_array().unwrap());
    let single = single
        .map(|(at, want)| (values[at.as_u64().unwrap() as usize] - want.as_f64().unwrap()).abs());
    (single.fold(0.0, f64::max), mean)
}

fn check(file: &DicomFile, want: &Value) -> Result<(), String> {
    let say = |e: medio::Error| e.to_string();
    let near = |what: &str, array: PixelArray<f64>, want: &Value, limit: f64| {
        let (single, mean) = distance(&array, want);
        match single <= limit && mean <= limit / 4.0 {
            true => Ok(()),
            false => Err(format!(
                "{what}: {single} from single values, {mean} from the mean"
            )),
        }
    };
    let shape = file.stored::<f64>().map_err(say)?.shape();
    let [frames, channels, rows, columns] = shape.map(|n| n as u64);
    if want["shape"] != serde_json::json!([frames, rows, columns, channels]) {
        return Err(format!("shape {shape:?}"));
    }
    let description = &want["stored"];
    match description["dtype"].as_str() {
        Some(dtype) if sha(&stored(file, dtype).map_err(say)?) != description["sha"] => {
            return Err("stored values differ".to_owned());
        }
        Some(_) => {}
        None => near(
            "stored",
            file.stored::<f64>().map_err(say)?,
            description,
            2.0,
        )?,
    }
    if let Some(description) = want.get("values") {
        let values = file.values::<f64>().map_err(say)?;
        if description.get("dtype").is_none() {
            near("values", values, description, 2.0)?;
        } else if sha(&bytes(&values)) != description["sha"] {
            return Err("modality values differ".to_owned());
        }
    }
    if let Some(description) = want.get("colours") {
        match description["dtype"].as_str() {
            Some("u2")
                if sha(&bytes(&file.values::<u16>().map_err(say)?)) != description["sha"] =>
            {
                return Err("palette colours differ".to_owned());
            }
            Some("u1") if sha(&bytes(&file.colours().map_err(say)?)) != description["sha"] => {
                return Err("palette colours differ".to_owned());
            }
            Some(_) => {}
            None => near(
                "colours",
                file.values::<f64>().map_err(say)?,
                description,
                2.0,
            )?,
        }
    }
    Ok(())
}

#[test]
fn pixels_are_those_that_pydicom_reads() {
    let Some(folders) = std::env::var_os("MED_DICOM_DATA") else {
        println!("passed over: MED_DICOM_DATA is not set");
        return;
    };
    let text = include_str!("dicom.json");
    let known: HashMap<String, Value> = serde_json::from_str(text).unwrap();
    let by_hash: HashMap<&str, (&String, &Value)> = { known.iter() }
        .map(|(name, entry)| (entry["file"].as_str().unwrap(), (name, entry)))
        .collect();
    let mut found = Vec::new();
    for folder in std::env::split_paths(&folders) {
        files(&folder, &mut found);
    }
    let (mut equal, mut wrong) = (0, Vec::new());
    let mut palettes = Vec::new();
    for path in found {
        let contents = std::fs::read(&path).unwrap();
        let Some((name, want)) = by_hash.get(sha(&contents).as_str()) else {
            continue;
        };
        let opened = dicom::open_with(&path, &ReadOptions::new().lenient());
        match opened
            .map_err(|e| e.to_string())
            .and_then(|file| check(&file, want))
        {
            Ok(()) => {
                equal += 1;
                if ["OBXXXX1A.dcm", "OBXXXX1A_expb.dcm"].contains(&name.as_str()) {
                    palettes.push(dicom::open(&path).unwrap().values::<u16>().unwrap());
                }
            }
            Err(problem) => {
                let syntax = want["syntax"].as_str().unwrap();
                wrong.push(format!("{name} ({syntax}): {problem}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{equal} equal, {} not:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(equal > 0, "none of the known files are in {folders:?}");
    // pydicom gives this image other colours in big-endian order, where it reads palettes wrongly.
    assert!(palettes.windows(2).all(|pair| pair[0] == pair[1]));
    println!("{equal} files equal");
}
