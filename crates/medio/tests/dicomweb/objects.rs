//! Small instances made by hand, with identifiers that the tests know.

use medio::dicom::{self, Dataset, Element, Tag, TransferSyntax, Value, Vr, WriteOptions};

pub(crate) const STUDY: &str = "1.2.826.0.1.3680043.10.1";
pub(crate) const SERIES: &str = "1.2.826.0.1.3680043.10.1.1";

pub(crate) fn text(dataset: &mut Dataset, values: &[(&str, &str)]) {
    for (keyword, value) in values {
        dataset.set_text(keyword.parse().unwrap(), value).unwrap();
    }
}

pub(crate) fn integers(dataset: &mut Dataset, values: &[(&str, i64)]) {
    for (keyword, value) in values {
        dataset
            .set_integers(keyword.parse().unwrap(), &[*value])
            .unwrap();
    }
}

/// Patient, study and equipment; the class of `class` in the series and instance of these numbers.
fn common(class: &str, modality: &str, series: u32, number: u32) -> Dataset {
    let mut dataset = Dataset::new();
    text(
        &mut dataset,
        &[
            ("SOPClassUID", class),
            ("SOPInstanceUID", &format!("{STUDY}.{series}.{number}")),
            ("StudyInstanceUID", STUDY),
            ("SeriesInstanceUID", &format!("{STUDY}.{series}")),
            ("PatientName", "Phantom^Müller"),
            ("PatientID", "P-7"),
            ("PatientBirthDate", ""),
            ("PatientSex", "O"),
            ("StudyDate", "20261122"),
            ("StudyTime", "101500"),
            ("StudyID", "1"),
            ("AccessionNumber", "A-1"),
            ("ReferringPhysicianName", ""),
            ("Modality", modality),
            ("Manufacturer", "medio"),
            ("SeriesNumber", &series.to_string()),
            ("InstanceNumber", &number.to_string()),
        ],
    );
    dataset
}

fn pixels(dataset: &mut Dataset, bits: i64, rows: i64, columns: i64) {
    text(dataset, &[("PhotometricInterpretation", "MONOCHROME2")]);
    integers(
        dataset,
        &[
            ("SamplesPerPixel", 1),
            ("Rows", rows),
            ("Columns", columns),
            ("BitsAllocated", bits),
            ("BitsStored", bits),
            ("HighBit", bits - 1),
            ("PixelRepresentation", 0),
        ],
    );
}

pub(crate) const SLICES: u32 = 6;
const SIDE: u16 = 24;

/// A slice of a ball in water.
pub(crate) fn slice(number: u32) -> Dataset {
    let mut dataset = common("1.2.840.10008.5.1.4.1.1.2", "CT", 1, number);
    pixels(&mut dataset, 16, i64::from(SIDE), i64::from(SIDE));
    text(
        &mut dataset,
        &[
            ("ImageType", "ORIGINAL\\PRIMARY\\AXIAL"),
            ("FrameOfReferenceUID", &format!("{STUDY}.9")),
            ("SeriesDescription", "ball"),
        ],
    );
    for (keyword, values) in [
        ("PixelSpacing", &[0.5, 0.5][..]),
        ("ImageOrientationPatient", &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]),
        (
            "ImagePositionPatient",
            &[-6.0, -6.0, f64::from(number) * 2.0],
        ),
        ("SliceThickness", &[2.0]),
        ("RescaleIntercept", &[-1024.0]),
        ("RescaleSlope", &[1.0]),
    ] {
        dataset
            .set_floats(keyword.parse().unwrap(), values)
            .unwrap();
    }
    let mut bytes = Vec::new();
    let half = i32::from(SIDE) / 2;
    for row in 0..i32::from(SIDE) {
        for column in 0..i32::from(SIDE) {
            let depth = (number as i32 - 3) * 4;
            let distance = (row - half).pow(2) + (column - half).pow(2) + depth.pow(2);
            let value: u16 = if distance < 64 { 1084 } else { 1024 };
            bytes.extend((value + (number as u16)).to_le_bytes());
        }
    }
    dataset.insert(Element::new(
        Tag::PIXEL_DATA,
        Vr::OW,
        Value::Bytes(bytes.into()),
    ));
    dataset
}

/// An image whose pixels are one fragment that no server here can decode: it has to be kept as it is.
pub(crate) fn compressed() -> (Dataset, WriteOptions) {
    let mut dataset = common("1.2.840.10008.5.1.4.1.1.7", "OT", 2, 1);
    pixels(&mut dataset, 8, 16, 16);
    text(
        &mut dataset,
        &[("ConversionType", "WSD"), ("LossyImageCompression", "00")],
    );
    let mut codestream = b"\xff\x4f\xff\x51opaque \r\n--".to_vec();
    codestream.extend((0..501_u32).map(|i| (i * 7) as u8));
    let fragments = vec![Box::from(&[][..]), codestream.into_boxed_slice()];
    dataset.insert(Element::new(
        Tag::PIXEL_DATA,
        Vr::OB,
        Value::Fragments(fragments),
    ));
    let uid = "1.2.840.10008.1.2.4.90";
    let syntax = TransferSyntax::from_uid(uid).unwrap();
    (dataset, WriteOptions::new().transfer_syntax(syntax))
}

/// Every instance, and how it is to be written.
pub(crate) fn all() -> Vec<(Dataset, WriteOptions)> {
    let slices = (1..=SLICES).map(|n| (slice(n), WriteOptions::new()));
    slices.chain([compressed()]).collect()
}

pub(crate) fn encoded(dataset: &Dataset, options: &WriteOptions) -> Vec<u8> {
    dicom::encode(dataset, options).unwrap()
}

pub(crate) fn uid(dataset: &Dataset) -> String {
    dataset.string(Tag::SOP_INSTANCE_UID).unwrap()
}

/// The dataset in the bytes of a file, behind its file meta information.
pub(crate) fn behind_meta(file: &[u8]) -> &[u8] {
    let length = u32::from_le_bytes(file[140..144].try_into().unwrap());
    &file[144 + length as usize..]
}
