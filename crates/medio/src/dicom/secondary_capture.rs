//! Pictures as secondary captures: what a screen shows, reports, overlays (PS3.3 section A.8).

use std::path::Path;

use super::dataset::{Dataset, Element, Value};
use super::derived::{Creation, Field, NewSeries};
use super::fault::Fault;
use super::file::{WriteOptions, write};
use super::tag::Tag;
use super::vr::Vr;

/// Pixels of one frame or several, `[frames, rows, columns]`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum CapturePixels<'a> {
    /// Grey, 0 is black.
    Grey8(&'a [u8]),
    /// Grey in 16 bits, 0 is black.
    Grey16(&'a [u16]),
    /// Red, green and blue of each pixel together.
    Rgb8(&'a [u8]),
}

impl CapturePixels<'_> {
    fn samples(self) -> usize {
        match self {
            Self::Rgb8(_) => 3,
            _ => 1,
        }
    }

    fn bits(self) -> i64 {
        match self {
            Self::Grey16(_) => 16,
            _ => 8,
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Grey8(values) | Self::Rgb8(values) => values.len(),
            Self::Grey16(values) => values.len(),
        }
    }

    fn element(self) -> Element {
        let (vr, bytes): (_, Vec<u8>) = match self {
            Self::Grey8(values) | Self::Rgb8(values) => (Vr::OB, values.to_vec()),
            Self::Grey16(values) => {
                let bytes = values.iter().flat_map(|value| value.to_le_bytes());
                (Vr::OW, bytes.collect())
            }
        };
        Element::new(Tag::PIXEL_DATA, vr, Value::Bytes(bytes.into()))
    }

    fn class_uid(self, frames: usize) -> &'static str {
        match (self, frames) {
            (_, 1) => "1.2.840.10008.5.1.4.1.1.7",
            (Self::Grey8(_), _) => "1.2.840.10008.5.1.4.1.1.7.2",
            (Self::Grey16(_), _) => "1.2.840.10008.5.1.4.1.1.7.3",
            (Self::Rgb8(_), _) => "1.2.840.10008.5.1.4.1.1.7.4",
        }
    }
}

/// A picture, or several as frames, without a place in the patient.
///
/// ```
/// use medio::dicom::{self, CapturePixels, Creation, PatientStudy, SecondaryCapture};
///
/// let red = [255, 0, 0].repeat(4 * 6);
/// let study = PatientStudy::new("P1", "Phantom^One", "2.25.1").to_header()?;
/// let path = std::env::temp_dir().join("medio-doc-capture.dcm");
/// SecondaryCapture::new([4, 6], CapturePixels::Rgb8(&red))?.write(&path, &study, &Creation::now()?)?;
/// assert_eq!(dicom::open(&path)?.colours()?.shape(), [1, 3, 4, 6]);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SecondaryCapture<'a> {
    shape: [u16; 2],
    frames: usize,
    pixels: CapturePixels<'a>,
    spacing: Option<[f64; 2]>,
    burned_in: bool,
    derivation: String,
}

impl<'a> SecondaryCapture<'a> {
    /// Pictures of so many rows and columns; the number of pixels says how many.
    ///
    /// # Errors
    /// Refuses no pixels, another number than of whole frames, and sizes above 65535.
    pub fn new([rows, columns]: [usize; 2], pixels: CapturePixels<'a>) -> Result<Self, Fault> {
        let size = |tag, n: usize| {
            let size = u16::try_from(n).ok().filter(|n| *n > 0);
            size.ok_or_else(|| Fault::attribute(tag, "1 to 65535", n))
        };
        let shape = [size(Tag::ROWS, rows)?, size(Tag::COLUMNS, columns)?];
        let frame = rows
            .saturating_mul(columns)
            .saturating_mul(pixels.samples());
        let frames = pixels.len().checked_div(frame).unwrap_or(0);
        if frames == 0 || frames.checked_mul(frame) != Some(pixels.len()) {
            let found = format_args!("{} samples, {frame} a frame", pixels.len());
            return Err(Fault::attribute(Tag::PIXEL_DATA, "of whole frames", found));
        }
        Ok(Self {
            shape,
            frames,
            pixels,
            spacing: None,
            burned_in: false,
            derivation: String::new(),
        })
    }

    /// Says how far rows and columns lie apart, in millimetres at the patient.
    #[must_use]
    pub fn pixel_spacing(mut self, rows_columns: [f64; 2]) -> Self {
        self.spacing = Some(rows_columns);
        self
    }

    /// Says that the pixels show text about the patient (`BurnedInAnnotation`).
    #[must_use]
    pub fn burned_in_annotation(mut self) -> Self {
        self.burned_in = true;
        self
    }

    /// Says what the picture shows (`DerivationDescription`).
    #[must_use]
    pub fn derivation(mut self, what: impl Into<String>) -> Self {
        self.derivation = what.into();
        self
    }

    /// The object of a new series, for the patient and study of a header.
    ///
    /// # Errors
    /// Refuses headers without a study.
    pub fn to_dataset(&self, header: &Dataset, creation: &Creation) -> Result<Dataset, Fault> {
        let mut series = NewSeries::new(header, "OT", creation)?;
        let class_uid = self.pixels.class_uid(self.frames);
        let mut dataset = series.instance(class_uid, 1)?;
        let [rows, columns] = self.shape.map(i64::from);
        let bits = self.pixels.bits();
        let photometric = match self.pixels {
            CapturePixels::Rgb8(_) => "RGB",
            _ => "MONOCHROME2",
        };
        let samples = i64::try_from(self.pixels.samples()).unwrap_or(1);
        let burned_in = if self.burned_in { "YES" } else { "NO" };
        dataset.fill([
            (Tag::CONVERSION_TYPE, Field::Text("WSD")),
            (Tag::IMAGE_TYPE, Field::Text("DERIVED\\SECONDARY")),
            (Tag::PATIENT_ORIENTATION, Field::Text("")),
            (Tag::LATERALITY, Field::Text("")),
            (Tag::BURNED_IN_ANNOTATION, Field::Text(burned_in)),
            (Tag::SAMPLES_PER_PIXEL, Field::Integer(samples)),
            (Tag::PHOTOMETRIC_INTERPRETATION, Field::Text(photometric)),
            (Tag::ROWS, Field::Integer(rows)),
            (Tag::COLUMNS, Field::Integer(columns)),
            (Tag::BITS_ALLOCATED, Field::Integer(bits)),
            (Tag::BITS_STORED, Field::Integer(bits)),
            (Tag::HIGH_BIT, Field::Integer(bits.saturating_sub(1))),
            (Tag::PIXEL_REPRESENTATION, Field::Integer(0)),
        ])?;
        if samples > 1 {
            dataset.set_integers(Tag::PLANAR_CONFIGURATION, &[0])?;
        }
        if let Some(spacing) = self.spacing {
            dataset.set_floats(Tag::PIXEL_SPACING, &spacing)?;
        }
        if !self.derivation.is_empty() {
            dataset.set_text(Tag::DERIVATION_DESCRIPTION, &self.derivation)?;
        }
        if self.frames > 1 {
            self.several_frames(&mut dataset)?;
        }
        dataset.insert(self.pixels.element());
        Ok(dataset)
    }

    /// What the modules of multi-frame secondary captures ask for (PS3.3 sections C.8.6.3 and C.8.6.4).
    fn several_frames(&self, dataset: &mut Dataset) -> Result<(), Fault> {
        let frames = i64::try_from(self.frames).unwrap_or(i64::MAX);
        let pages: Vec<i64> = (1..=frames).collect();
        dataset.set_integers(Tag::NUMBER_OF_FRAMES, &[frames])?;
        dataset.set_integers(Tag::PAGE_NUMBER_VECTOR, &pages)?;
        let pointer = Field::Pointer(Tag::PAGE_NUMBER_VECTOR);
        dataset.fill([(Tag::FRAME_INCREMENT_POINTER, pointer)])?;
        if self.pixels.samples() == 1 {
            dataset.fill([
                (Tag::PRESENTATION_LUT_SHAPE, Field::Text("IDENTITY")),
                (Tag::RESCALE_SLOPE, Field::Integer(1)),
                (Tag::RESCALE_INTERCEPT, Field::Integer(0)),
                (Tag::RESCALE_TYPE, Field::Text("US")),
            ])?;
        }
        Ok(())
    }

    /// Writes the object of a new series, for the patient and study of a header: that of a source, or of a
    /// [`PatientStudy`](super::PatientStudy).
    ///
    /// # Errors
    /// Refuses headers without a study, and passes on what the system says.
    pub fn write(
        &self,
        path: impl AsRef<Path>,
        header: &Dataset,
        creation: &Creation,
    ) -> crate::Result<()> {
        let path = path.as_ref();
        let dataset = self.to_dataset(header, creation);
        let dataset = dataset.map_err(crate::Error::dicom(path))?;
        write(path, &dataset, &WriteOptions::new())
    }
}
