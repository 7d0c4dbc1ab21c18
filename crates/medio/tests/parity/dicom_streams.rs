//! Codestreams of every kind that DICOM holds, against the decoders of those who made them
//! (`dicom_streams.py`): libjpeg-turbo, CharLS and OpenJPEG. All samples agree to the bit.

use std::path::Path;

use medio::dicom::{
    self, Dataset, Element, ReadOptions, Tag, TransferSyntax, Value, Vr, WriteOptions,
};
use safetensors::{Dtype, SafeTensors};

/// A file around one codestream.
pub(crate) fn wrapped(
    syntax: &str,
    [rows, columns, samples]: [usize; 3],
    bits: i64,
    stream: &[u8],
) -> Vec<u8> {
    let mut dataset = Dataset::new();
    dataset
        .set_text(Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.7")
        .unwrap();
    dataset.set_text(Tag::SOP_INSTANCE_UID, "1.2.3").unwrap();
    let photometric = if samples == 1 { "MONOCHROME2" } else { "RGB" };
    dataset
        .set_text(Tag::PHOTOMETRIC_INTERPRETATION, photometric)
        .unwrap();
    let allocated = if bits > 8 { 16 } else { 8 };
    for (tag, value) in [
        (Tag::SAMPLES_PER_PIXEL, samples as i64),
        (Tag::ROWS, rows as i64),
        (Tag::COLUMNS, columns as i64),
        (Tag::BITS_ALLOCATED, allocated),
        (Tag::BITS_STORED, bits),
        (Tag::HIGH_BIT, bits - 1),
        (Tag::PIXEL_REPRESENTATION, 0),
    ] {
        dataset.set_integers(tag, &[value]).unwrap();
    }
    // In two fragments, as one frame may come.
    let (head, tail) = stream.split_at(stream.len() / 4 * 2);
    let fragments = Value::Fragments(vec![Box::default(), head.into(), tail.into()]);
    dataset.insert(Element::new(Tag::PIXEL_DATA, Vr::OB, fragments));
    let syntax = TransferSyntax::from_uid(syntax).unwrap();
    dicom::encode(&dataset, &WriteOptions::new().transfer_syntax(syntax)).unwrap()
}

#[test]
fn codestreams_decode_to_what_their_makers_decode() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let bytes = std::fs::read(folder.join("dicom_streams.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let names = { tensors.names().into_iter() }.filter_map(|n| n.strip_suffix(".stream"));
    let mut wrong = Vec::new();
    let mut count = 0;
    for name in names {
        let (syntax, what) = name.split_once('.').unwrap();
        let stream = tensors.tensor(&format!("{name}.stream")).unwrap();
        let samples = tensors.tensor(&format!("{name}.samples")).unwrap();
        let shape: [usize; 3] = samples.shape().try_into().unwrap();
        let want: Vec<u16> = match samples.dtype() {
            Dtype::U8 => samples.data().iter().map(|v| u16::from(*v)).collect(),
            _ => { samples.data().as_chunks::<2>().0.iter() }
                .map(|b| u16::from_le_bytes(*b))
                .collect(),
        };
        let bits = match (syntax, what) {
            ("51", _) | ("90", "signed") => 12,
            _ if what.starts_with("12") => 12,
            _ if what.starts_with("16") => 16,
            _ => 8,
        };
        let file = wrapped(
            &format!("1.2.840.10008.1.2.4.{syntax}"),
            shape,
            bits,
            stream.data(),
        );
        count += 1;
        // Signed codestreams hold what they hold, whatever the attribute says.
        let raised = if what == "signed" { 2048 } else { 0 };
        let decoded = dicom::decode(file, &ReadOptions::new())
            .map_err(|e| e.to_string())
            .and_then(|file| file.stored::<i32>().map_err(|e| e.to_string()));
        match decoded {
            Err(error) => wrong.push(format!("{name}: {error}")),
            Ok(array) => {
                let [_, channels, rows, columns] = array.shape();
                let at = |i: usize| {
                    let (pixel, channel) = (i / channels, i % channels);
                    array.as_slice()[channel * rows * columns + pixel] + raised
                };
                let off: Vec<i32> = { want.iter().enumerate() }
                    .map(|(i, want)| (at(i) - i32::from(*want)).abs())
                    .collect();
                let differ = off.iter().filter(|d| **d != 0).count();
                if differ > 0 {
                    let most = off.iter().max().unwrap();
                    wrong.push(format!(
                        "{name}: {differ} of {} differ, by up to {most}",
                        off.len()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(count, 31);
}
