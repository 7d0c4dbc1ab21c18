//! One file for each plane of a volume.

use std::path::{Path, PathBuf};

use medcore::Image;
use rayon::prelude::*;

use super::super::dataset::{Dataset, Element, Value};
use super::super::derived::{Creation, Field, NewSeries, Raster};
use super::super::fault::Fault;
use super::super::file::{WriteOptions, write};
use super::super::pixels::Window;
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::rescale::Rescale;

/// What kind of images to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageKind {
    /// CT Image Storage; values are Hounsfield units.
    Ct,
    /// MR Image Storage.
    Mr,
    /// Secondary Capture Image Storage: values of any meaning, in their place.
    SecondaryCapture,
}

impl ImageKind {
    const fn class_uid(self) -> &'static str {
        match self {
            Self::Ct => "1.2.840.10008.5.1.4.1.1.2",
            Self::Mr => "1.2.840.10008.5.1.4.1.1.4",
            Self::SecondaryCapture => "1.2.840.10008.5.1.4.1.1.7",
        }
    }

    const fn modality(self) -> &'static str {
        match self {
            Self::Ct => "CT",
            Self::Mr => "MR",
            Self::SecondaryCapture => "OT",
        }
    }

    const fn image_type(self) -> &'static str {
        match self {
            Self::Ct => "DERIVED\\SECONDARY\\AXIAL",
            Self::Mr => "DERIVED\\SECONDARY\\OTHER",
            Self::SecondaryCapture => "DERIVED\\SECONDARY",
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::Ct => "HU",
            _ => "US",
        }
    }
}

/// Writes volumes as series of images, one file for each plane.
///
/// Whole numbers that differ by at most 65535 are stored exactly; other values become 16-bit numbers with
/// slope and intercept, and [`WrittenSeries::max_error`] says how far off they are; MR images with a slope
/// are an extension of the standard that some viewers do not know. The grid is kept with its shear.
///
/// ```
/// use medio::dicom::{self, Creation, ImageKind, ImageSeries, PatientStudy};
/// use medio::medcore::{Geometry, Image};
///
/// let grid = Geometry::axis_aligned([3, 4, 5], [2.0, 0.5, 0.5])?;
/// let scan = Image::new(grid, (0..60).map(|v| v as f32).collect::<Vec<_>>())?;
/// let study = PatientStudy::new("P1", "Phantom^One", "2.25.1").to_header()?;
/// let folder = std::env::temp_dir().join("medio-doc-image-series");
/// let written = ImageSeries::new(ImageKind::Mr, &study).write(&folder, &scan, &Creation::now()?)?;
/// assert_eq!((written.paths.len(), written.max_error), (3, 0.0));
/// let again = dicom::scan(&folder)?.only()?.volume::<f32>()?;
/// assert_eq!(again.image.as_slice(), scan.as_slice());
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ImageSeries<'a> {
    kind: ImageKind,
    header: &'a Dataset,
    window: Option<Window>,
    frame_of_reference: Option<String>,
    derivation: String,
    tolerance: f64,
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WrittenSeries {
    /// Series instance UID.
    pub series_uid: String,
    /// The files, in the order of depth.
    pub paths: Vec<PathBuf>,
    /// How values are stored.
    pub rescale: Rescale,
    /// The largest difference of a stored value from the given one.
    pub max_error: f64,
}

impl<'a> ImageSeries<'a> {
    /// A series for the patient and study of a header: that of a source, or of a
    /// [`PatientStudy`](super::PatientStudy).
    #[must_use]
    pub fn new(kind: ImageKind, header: &'a Dataset) -> Self {
        Self {
            kind,
            header,
            window: None,
            frame_of_reference: None,
            derivation: String::new(),
            tolerance: f64::INFINITY,
        }
    }

    /// Sets the window with which the images ask to be shown.
    #[must_use]
    pub fn window(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    /// Sets the frame of reference: the header's unless set, a new one if that has none.
    #[must_use]
    pub fn frame_of_reference(mut self, uid: impl Into<String>) -> Self {
        self.frame_of_reference = Some(uid.into());
        self
    }

    /// Says what was done to the images (`DerivationDescription`).
    #[must_use]
    pub fn derivation(mut self, what: impl Into<String>) -> Self {
        self.derivation = what.into();
        self
    }

    /// Refuses images whose values cannot be stored this exactly; any error is allowed unless set.
    #[must_use]
    pub fn tolerance(mut self, most: f64) -> Self {
        self.tolerance = most;
        self
    }

    /// Writes `[1, depth, height, width]` into a folder as `00001.dcm` and so on, in the order of depth.
    ///
    /// # Errors
    /// Refuses several channels, values that are not finite or not exact enough, planes whose rows and
    /// columns are not at right angles or longer than 65535, headers without a study, and passes on what
    /// the system says.
    pub fn write<T>(
        &self,
        folder: impl AsRef<Path>,
        image: &Image<T, 3>,
        creation: &Creation,
    ) -> crate::Result<WrittenSeries>
    where
        T: Copy + Into<f64> + Sync,
    {
        let folder = folder.as_ref();
        let fail = crate::Error::dicom(folder);
        std::fs::create_dir_all(folder).map_err(crate::Error::io("create", folder))?;
        let mut planes = Vec::new();
        let (series_uid, rescale) = self.planes(image, creation, &mut planes).map_err(&fail)?;
        let [_, rows, columns] = image.shape();
        let values = image
            .as_slice()
            .par_chunks(rows.saturating_mul(columns).max(1));
        let worst = |plane: &[T]| {
            let off = |v: &T| (rescale.value(rescale.stored((*v).into())) - (*v).into()).abs();
            plane.iter().map(off).fold(0.0, f64::max)
        };
        let max_error = values.clone().map(worst).reduce(|| 0.0, f64::max);
        if max_error > self.tolerance {
            let found = format_args!("{max_error} at most");
            return Err(fail(Fault::attribute(
                Tag::PIXEL_DATA,
                "as exact as was asked for",
                found,
            )));
        }
        let paths: Vec<PathBuf> = (1..=planes.len())
            .map(|number| folder.join(format!("{number:05}.dcm")))
            .collect();
        let files = paths.par_iter().zip(planes);
        { files.zip(values) }.try_for_each(|((path, mut dataset), plane)| {
            let stored = plane.iter().map(|v| rescale.stored((*v).into()));
            let bytes: Vec<u8> = stored.flat_map(i16::to_le_bytes).collect();
            let pixels = Value::Bytes(bytes.into());
            dataset.insert(Element::new(Tag::PIXEL_DATA, Vr::OW, pixels));
            write(path, &dataset, &WriteOptions::new())
        })?;
        Ok(WrittenSeries {
            series_uid,
            paths,
            rescale,
            max_error,
        })
    }

    /// The attributes of each plane without its pixels.
    fn planes<T: Copy + Into<f64>>(
        &self,
        image: &Image<T, 3>,
        creation: &Creation,
        planes: &mut Vec<Dataset>,
    ) -> Result<(String, Rescale), Fault> {
        if image.channels() != 1 {
            let tag = Tag::SAMPLES_PER_PIXEL;
            return Err(Fault::attribute(tag, "one channel", image.channels()));
        }
        let raster = Raster::of(image.geometry())?;
        let rescale = Rescale::of(image.as_slice())?;
        let mut series = NewSeries::new(self.header, self.kind.modality(), creation)?;
        let frame_of_reference = self.frame_of_reference.clone();
        let frame_of_reference = frame_of_reference
            .or_else(|| self.header.string(Tag::FRAME_OF_REFERENCE_UID))
            .unwrap_or_else(|| series.creation.uids.next_uid());
        let mut shared = self.shared(&raster, rescale)?;
        shared.set_text(Tag::FRAME_OF_REFERENCE_UID, &frame_of_reference)?;
        let [depth, _, _] = raster.shape();
        for plane in 0..depth {
            let number = i64::try_from(plane.saturating_add(1)).unwrap_or(i64::MAX);
            let mut dataset = series.instance(self.kind.class_uid(), number)?;
            let place = raster.plane_position(plane)?;
            for element in shared.elements().iter().chain(place.elements()) {
                dataset.insert(element.clone());
            }
            dataset.set_floats(Tag::SLICE_LOCATION, &[raster.location(plane)])?;
            planes.push(dataset);
        }
        Ok((series.uid, rescale))
    }

    /// What all planes have in common.
    fn shared(&self, raster: &Raster, rescale: Rescale) -> Result<Dataset, Fault> {
        let [_, rows, columns] = raster.shape().map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let mut shared = Dataset::of([
            (Tag::IMAGE_TYPE, Field::Text(self.kind.image_type())),
            (Tag::POSITION_REFERENCE_INDICATOR, Field::Text("")),
            (Tag::SAMPLES_PER_PIXEL, Field::Integer(1)),
            (Tag::PHOTOMETRIC_INTERPRETATION, Field::Text("MONOCHROME2")),
            (Tag::ROWS, Field::Integer(rows)),
            (Tag::COLUMNS, Field::Integer(columns)),
            (Tag::BITS_ALLOCATED, Field::Integer(16)),
            (Tag::BITS_STORED, Field::Integer(16)),
            (Tag::HIGH_BIT, Field::Integer(15)),
            (Tag::PIXEL_REPRESENTATION, Field::Integer(1)),
        ])?;
        let (turn, measures) = (raster.plane_orientation()?, raster.pixel_measures()?);
        for element in turn.elements().iter().chain(measures.elements()) {
            shared.insert(element.clone());
        }
        if !self.derivation.is_empty() {
            shared.set_text(Tag::DERIVATION_DESCRIPTION, &self.derivation)?;
        }
        // Other modalities' images hold values as they are, unless they have to be scaled.
        if self.kind == ImageKind::Ct || rescale != Rescale::IDENTITY {
            shared.fill([
                (Tag::RESCALE_SLOPE, Field::Float(rescale.slope)),
                (Tag::RESCALE_INTERCEPT, Field::Float(rescale.intercept)),
                (Tag::RESCALE_TYPE, Field::Text(self.kind.unit())),
            ])?;
        }
        if let Some(window) = &self.window {
            shared.set_windows(std::slice::from_ref(window))?;
        }
        shared.copy_lossy_compression(self.header);
        self.acquisition(&mut shared)?;
        Ok(shared)
    }

    /// What the modality's module asks for: as the header has it, empty where it has not.
    fn acquisition(&self, shared: &mut Dataset) -> Result<(), Fault> {
        let asked: &[(Tag, &str)] = match self.kind {
            ImageKind::Ct => &[
                (Tag::KVP, ""),
                (Tag::ACQUISITION_NUMBER, ""),
                (Tag::PATIENT_POSITION, ""),
            ],
            ImageKind::Mr => &[
                (Tag::SCANNING_SEQUENCE, "RM"),
                (Tag::SEQUENCE_VARIANT, "NONE"),
                (Tag::SCAN_OPTIONS, ""),
                (Tag::MR_ACQUISITION_TYPE, ""),
                (Tag::REPETITION_TIME, ""),
                (Tag::ECHO_TIME, ""),
                (Tag::ECHO_TRAIN_LENGTH, ""),
                (Tag::PATIENT_POSITION, ""),
            ],
            ImageKind::SecondaryCapture => &[
                (Tag::CONVERSION_TYPE, "WSD"),
                (Tag::PATIENT_ORIENTATION, ""),
            ],
        };
        for (tag, otherwise) in asked.iter().chain(&[(Tag::LATERALITY, "")]) {
            let text = self.header.text(*tag);
            shared.set_text(*tag, text.as_deref().unwrap_or(otherwise))?;
        }
        Ok(())
    }
}
