//! High-throughput JPEG 2000 by OpenJPH, against OpenJPEG (`dicom_htj2k.py`): reversible ones agree to the bit,
//! lossy ones to one step of the image's own.

use std::path::Path;

use medio::dicom::{self, ReadOptions};
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

use crate::dicom_streams::wrapped;

#[test]
fn high_throughput_codestreams_decode_to_what_openjpeg_decodes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let bytes = std::fs::read(folder.join("dicom_htj2k.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let data = |name: &str, what: &str| {
        let tensor = tensors.tensor(&format!("{name}.{what}"));
        tensor.map(|tensor| tensor.data().to_vec())
    };
    let names: Vec<String> = tensors.names().into_iter().map(str::to_owned).collect();
    let names = names.iter().filter_map(|name| name.strip_suffix(".stream"));
    let mut wrong = Vec::new();
    let mut count = 0;
    for name in names {
        let stream = data(name, "stream").unwrap();
        let shape = data(name, "shape").unwrap();
        let pairs = shape.as_chunks::<2>().0.iter();
        let shape: Vec<usize> = pairs.map(|b| usize::from(u16::from_le_bytes(*b))).collect();
        let bits = name.split('.').next().unwrap().parse().unwrap();
        // What the transfer syntax says of loss and order is not looked at: the codestream says it.
        for syntax in ["201", "202", "203", "90"] {
            count += 1;
            let syntax = format!("1.2.840.10008.1.2.4.{syntax}");
            let file = wrapped(&syntax, [shape[0], shape[1], shape[2]], bits, &stream);
            let array = dicom::decode(file, &ReadOptions::new())
                .unwrap()
                .stored::<i32>();
            let array = match array {
                Ok(array) => array,
                Err(error) => {
                    wrong.push(format!("{name}: {error}"));
                    continue;
                }
            };
            let raised = if name.contains("signed") {
                1 << (bits - 1)
            } else {
                0
            };
            let [_, channels, rows, columns] = array.shape();
            let samples = (0..rows * columns * channels).map(|i| {
                let (pixel, channel) = (i / channels, i % channels);
                array.as_slice()[channel * rows * columns + pixel] + raised
            });
            if let Ok(want) = data(name, "samples") {
                let off = samples.zip(want).map(|(a, b)| (a - i32::from(b)).abs());
                let most = off.max().unwrap();
                if most > 1 {
                    wrong.push(format!("{name}: samples differ by up to {most}"));
                }
                continue;
            }
            let bytes: Vec<u8> = match bits {
                8 => samples.map(|v| u8::try_from(v).unwrap()).collect(),
                _ => { samples.map(|v| u16::try_from(v).unwrap()) }
                    .flat_map(u16::to_le_bytes)
                    .collect(),
            };
            if Sha256::digest(bytes).as_slice() != data(name, "sha256").unwrap() {
                wrong.push(format!("{name}: samples differ"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(count, 4 * 23);
}
