//! CT series to derive from: axial, oblique and sheared as by a tilted gantry.

use std::path::Path;

use medio::dicom::{
    self, Creation, Dataset, DateTime, Element, SeriesVolume, Source, Tag, Time, Value, Vr,
    WriteOptions,
};

/// Rows and columns of the slices: neither equal nor multiples of 8.
pub(crate) const ROWS: usize = 11;
pub(crate) const COLUMNS: usize = 13;
pub(crate) const SLICES: usize = 5;
/// Millimetres between rows and between columns.
pub(crate) const SPACING: [f64; 2] = [0.75, 0.5];

/// How the slices lie.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lie {
    Axial,
    /// Turned about two axes.
    Oblique,
    /// Each slice shifted along its columns, as by a gantry tilted by 15 degrees.
    Sheared,
}

impl Lie {
    pub(crate) const ALL: [Self; 3] = [Self::Axial, Self::Oblique, Self::Sheared];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Oblique => "oblique",
            Self::Sheared => "sheared",
        }
    }

    /// Directions of rows and columns, and the step from slice to slice in millimetres.
    fn vectors(self) -> ([f64; 3], [f64; 3], [f64; 3]) {
        let (sin, cos) = 0.3f64.sin_cos();
        match self {
            Self::Axial => ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.5]),
            Self::Oblique => {
                let row = [cos, sin, 0.0];
                let column = [-sin * cos, cos * cos, sin];
                // Their cross product, 2.5 mm long.
                let step = [sin * sin * 2.5, -cos * sin * 2.5, cos * 2.5];
                (row, column, step)
            }
            Self::Sheared => {
                let shift = 2.5 * 15f64.to_radians().tan();
                ([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, shift, 2.5])
            }
        }
    }
}

fn slice(lie: Lie, k: usize) -> Dataset {
    let (row, column, step) = lie.vectors();
    let mut d = Dataset::new();
    let instance = format!("2.25.70{k}");
    for (tag, text) in [
        (Tag::SPECIFIC_CHARACTER_SET, "ISO_IR 100"),
        (Tag::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\AXIAL"),
        (Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.2"),
        (Tag::SOP_INSTANCE_UID, instance.as_str()),
        (Tag::STUDY_DATE, "20250102"),
        (Tag::STUDY_TIME, "101112"),
        (Tag::CONTENT_DATE, "20250102"),
        (Tag::CONTENT_TIME, "101500"),
        (Tag::ACCESSION_NUMBER, "A7"),
        (Tag::MODALITY, "CT"),
        (Tag::MANUFACTURER, "Phantom works"),
        (Tag::REFERRING_PHYSICIAN_NAME, ""),
        (Tag::PATIENT_NAME, "Phantom^Seven"),
        (Tag::PATIENT_ID, "P7"),
        (Tag::PATIENT_BIRTH_DATE, "19700101"),
        (Tag::PATIENT_SEX, "O"),
        (Tag::LATERALITY, ""),
        (Tag::new(0x0018, 0x5100), "HFS"),
        (Tag::STUDY_INSTANCE_UID, "2.25.71"),
        (Tag::SERIES_INSTANCE_UID, "2.25.72"),
        (Tag::STUDY_ID, "S7"),
        (Tag::FRAME_OF_REFERENCE_UID, "2.25.73"),
        (Tag::POSITION_REFERENCE_INDICATOR, ""),
        (Tag::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2"),
        (Tag::RESCALE_TYPE, "HU"),
    ] {
        d.set_text(tag, text).unwrap();
    }
    for (tag, value) in [
        (Tag::SERIES_NUMBER, 3),
        (Tag::INSTANCE_NUMBER, k as i64 + 1),
        (Tag::ACQUISITION_NUMBER, 1),
        (Tag::SAMPLES_PER_PIXEL, 1),
        (Tag::ROWS, ROWS as i64),
        (Tag::COLUMNS, COLUMNS as i64),
        (Tag::BITS_ALLOCATED, 16),
        (Tag::BITS_STORED, 16),
        (Tag::HIGH_BIT, 15),
        (Tag::PIXEL_REPRESENTATION, 1),
    ] {
        d.set_integers(tag, &[value]).unwrap();
    }
    let position: Vec<f64> = (0..3)
        .map(|i| [-30.25, -40.5, 100.0][i] + step[i] * k as f64)
        .collect();
    let normal = [
        row[1] * column[2] - row[2] * column[1],
        row[2] * column[0] - row[0] * column[2],
        row[0] * column[1] - row[1] * column[0],
    ];
    let location: f64 = (0..3).map(|i| position[i] * normal[i]).sum();
    for (tag, values) in [
        (Tag::IMAGE_POSITION_PATIENT, &position[..]),
        (Tag::IMAGE_ORIENTATION_PATIENT, &[row, column].concat()),
        (Tag::PIXEL_SPACING, &SPACING),
        (Tag::SLICE_THICKNESS, &[2.5]),
        (Tag::new(0x0020, 0x1041), &[location]),
        (Tag::RESCALE_SLOPE, &[1.0]),
        (Tag::RESCALE_INTERCEPT, &[-1024.0]),
        (Tag::new(0x0018, 0x0060), &[120.0]),
    ] {
        d.set_floats(tag, values).unwrap();
    }
    let pixels = (0..ROWS * COLUMNS).map(|i| (1000 * k + i) as i16);
    let bytes: Vec<u8> = pixels.flat_map(i16::to_le_bytes).collect();
    d.insert(Element::new(
        Tag::PIXEL_DATA,
        Vr::OW,
        Value::Bytes(bytes.into()),
    ));
    d
}

/// Writes the series into a folder, in an order other than that of its places.
pub(crate) fn write(folder: &Path, lie: Lie) {
    std::fs::create_dir_all(folder).unwrap();
    for k in 0..SLICES {
        let path = folder.join(format!("{}.dcm", (k * 3 + 1) % SLICES));
        dicom::write(path, &slice(lie, k), &WriteOptions::new()).unwrap();
    }
}

/// Writes the series into a folder and reads it as a volume with its source.
pub(crate) fn read(folder: &Path, lie: Lie) -> (SeriesVolume<f32>, Source) {
    write(folder, lie);
    let volume = dicom::scan(folder)
        .unwrap()
        .only()
        .unwrap()
        .volume()
        .unwrap();
    let source = Source::of(&volume).unwrap();
    (volume, source)
}

/// A moment and identifiers that are the same each time.
pub(crate) fn creation(seed: &str) -> Creation {
    let moment = DateTime {
        year: 2025,
        month: Some(2),
        day: Some(3),
        time: Some(Time {
            hour: 4,
            minute: Some(5),
            second: Some(6),
            microsecond: 0,
        }),
        offset_minutes: None,
    };
    Creation::at(moment, seed.as_bytes()).unwrap()
}
