//! What pixels are worth in millimetres, and where (PS3.3 sections 10.7.1.3 and C.8.5.5).

use medcore::Calibration;

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::plane::{FramePlane, spacing_of};

/// What the pixels of a frame are worth in millimetres.
///
/// ```no_run
/// let file = medio::dicom::open("ultrasound.dcm")?;
/// let calibration = file.calibration(0)?;
/// let diameter = calibration.distance([120.0, 300.0], [190.0, 310.0])?;
/// println!("{} mm ({})", diameter.mm, diameter.calibration.name());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum PixelCalibration {
    /// Millimetres inside the patient: a tomographic image, or a projection that was calibrated by geometry or
    /// by a fiducial (`PixelSpacingCalibrationType`).
    Patient {
        /// From row to row and from column to column, in millimetres.
        spacing: [f64; 2],
    },
    /// Millimetres at the detector, larger than in the patient by the magnification of the beam.
    Detector {
        /// From row to row and from column to column, in millimetres at the detector.
        spacing: [f64; 2],
        /// `EstimatedRadiographicMagnificationFactor`, if it is given: lengths are divided by it.
        magnification: Option<f64>,
    },
    /// Millimetres on film or paper that was scanned (`NominalScannedPixelSpacing`): no lengths in the patient.
    Scanned {
        /// From row to row and from column to column, in millimetres on the sheet.
        spacing: [f64; 2],
    },
    /// Each region has its own units.
    Ultrasound {
        /// The regions, as the file lists them.
        regions: Vec<UltrasoundRegion>,
    },
    /// The file does not say.
    Unknown,
}

/// A rectangle of an ultrasound image with its own units (PS3.3 section C.8.5.5.1).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UltrasoundRegion {
    /// First row and first column.
    pub first: [i64; 2],
    /// Last row and last column; both are inside.
    pub last: [i64; 2],
    /// What its axes are.
    pub format: RegionFormat,
    /// `RegionDataType`: 1 is tissue, 2 colour flow, 3 spectral Doppler.
    pub data_type: Option<i64>,
    /// `RegionFlags`: bit 0 is set where what lies below shows through.
    pub flags: i64,
    /// Codes of the units along columns and along rows: 3 is centimetres, 4 seconds, 7 centimetres a second.
    pub units: [i64; 2],
    /// Units from row to row and from column to column, as the file gives them.
    pub deltas: [f64; 2],
}

/// What the axes of an ultrasound region are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegionFormat {
    /// Both are lengths: tissue or flow in a plane.
    Plane,
    /// Depth over time.
    MMode,
    /// Velocity over time.
    Spectral,
    /// A physiological signal.
    Waveform,
    /// Graphics.
    Graphics,
    /// None, or an unknown code.
    Other,
}

/// Code 3 of PS3.3 section C.8.5.5.1.15.
const CENTIMETRES: i64 = 3;

/// A length in millimetres and what they mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Length {
    /// Millimetres.
    pub mm: f64,
    /// What they mean: in the patient, at the detector, in an ultrasound region.
    pub calibration: Calibration,
}

impl UltrasoundRegion {
    fn of(item: &Dataset) -> Result<Self, Fault> {
        let whole = |tag| item.required_integer(tag);
        let number = |tag| item.required_float(tag);
        let format = match item.integer(Tag::REGION_SPATIAL_FORMAT)? {
            Some(1) => RegionFormat::Plane,
            Some(2) => RegionFormat::MMode,
            Some(3) => RegionFormat::Spectral,
            Some(4) => RegionFormat::Waveform,
            Some(5) => RegionFormat::Graphics,
            _ => RegionFormat::Other,
        };
        Ok(Self {
            first: [
                whole(Tag::REGION_LOCATION_MIN_Y0)?,
                whole(Tag::REGION_LOCATION_MIN_X0)?,
            ],
            last: [
                whole(Tag::REGION_LOCATION_MAX_Y1)?,
                whole(Tag::REGION_LOCATION_MAX_X1)?,
            ],
            format,
            data_type: item.integer(Tag::REGION_DATA_TYPE)?,
            flags: item.integer(Tag::REGION_FLAGS)?.unwrap_or(0),
            units: [
                whole(Tag::PHYSICAL_UNITS_Y_DIRECTION)?,
                whole(Tag::PHYSICAL_UNITS_X_DIRECTION)?,
            ],
            deltas: [
                number(Tag::PHYSICAL_DELTA_Y)?,
                number(Tag::PHYSICAL_DELTA_X)?,
            ],
        })
    }

    /// Millimetres from row to row and from column to column, if both axes of the region are lengths.
    #[must_use]
    pub fn spacing(&self) -> Option<[f64; 2]> {
        let lengths = self.format == RegionFormat::Plane && self.units == [CENTIMETRES; 2];
        // Signs tell directions.
        let spacing = self.deltas.map(|delta| 10.0 * delta.abs());
        let sound = spacing.iter().all(|mm| mm.is_finite() && *mm > 0.0);
        (lengths && sound).then_some(spacing)
    }

    /// Whether a pixel, row and column, lies in the region.
    #[must_use]
    pub fn contains(&self, pixel: [f64; 2]) -> bool {
        let ends = self.first.iter().zip(&self.last).zip(pixel);
        { ends }.all(|((first, last), at)| {
            // Pixels reach half their width around their centres.
            at >= *first as f64 - 0.5 && at <= *last as f64 + 0.5
        })
    }
}

/// Between two pixels on a grid.
fn measured(spacing: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let [dy, dx] = spacing;
    let ([ay, ax], [by, bx]) = (a, b);
    (dy * (by - ay)).hypot(dx * (bx - ax))
}

impl PixelCalibration {
    /// The calibration of a frame.
    ///
    /// # Errors
    /// Refuses attributes that break their rules.
    pub fn of(dataset: &Dataset, frame: usize) -> Result<Self, Fault> {
        let regions = dataset.items(Tag::SEQUENCE_OF_ULTRASOUND_REGIONS);
        if !regions.is_empty() {
            let regions: Result<_, Fault> = regions.iter().map(UltrasoundRegion::of).collect();
            return Ok(Self::Ultrasound { regions: regions? });
        }
        let plane = FramePlane::of(dataset, frame)?;
        let detector = spacing_of(dataset, Tag::IMAGER_PIXEL_SPACING)?;
        let magnification = dataset.float(Tag::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR)?;
        if let Some(factor) = magnification.filter(|factor| *factor < 1.0) {
            let tag = Tag::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR;
            return Err(Fault::attribute(tag, "1 or more", factor));
        }
        let kind = dataset.string(Tag::PIXEL_SPACING_CALIBRATION_TYPE);
        let calibrated = matches!(kind.as_deref(), Some("GEOMETRY" | "FIDUCIAL"));
        let own = plane
            .spacing
            .filter(|_| dataset.has_value(Tag::PIXEL_SPACING));
        let own = own.or(plane.spacing.filter(|_| plane.orientation.is_some()));
        Ok(match (own, detector) {
            (Some(spacing), _) if plane.orientation.is_some() || calibrated => {
                Self::Patient { spacing }
            }
            // Both alike say that nothing was corrected; both unlike, that something was, in some way.
            (Some(spacing), Some(detector)) if spacing != detector => Self::Patient { spacing },
            (_, Some(spacing)) | (Some(spacing), None) => Self::Detector {
                spacing,
                magnification,
            },
            (None, None) => match spacing_of(dataset, Tag::NOMINAL_SCANNED_PIXEL_SPACING)? {
                Some(spacing) => Self::Scanned { spacing },
                None => Self::Unknown,
            },
        })
    }

    /// Millimetres from row to row and from column to column at a pixel, row and column, and what they mean.
    ///
    /// # Errors
    /// Refuses images without calibration, scanned sheets, pixels outside all regions with lengths, and
    /// regions that contradict each other there.
    pub fn spacing_at(&self, pixel: [f64; 2]) -> Result<([f64; 2], Calibration), Fault> {
        let refused = |problem: String| Err(Fault::Uncalibrated { problem });
        match self {
            Self::Patient { spacing } => Ok((*spacing, Calibration::Patient)),
            Self::Detector {
                spacing,
                magnification: Some(factor),
            } => Ok((spacing.map(|mm| mm / factor), Calibration::Patient)),
            Self::Detector { spacing, .. } => Ok((*spacing, Calibration::DetectorPlane)),
            Self::Scanned { .. } => {
                refused("the spacing is that of a scanned sheet, not of the patient".to_owned())
            }
            Self::Unknown => refused("the file gives no spacing".to_owned()),
            Self::Ultrasound { regions } => {
                let inside = regions.iter().filter(|region| region.contains(pixel));
                let mut spacing: Option<[f64; 2]> = None;
                let mut formats = Vec::new();
                for region in inside {
                    formats.push(region.format);
                    let Some(here) = region.spacing() else {
                        // Annotations on top of tissue do not take its lengths away.
                        if region.format == RegionFormat::Graphics {
                            continue;
                        }
                        return refused(format!(
                            "pixel {pixel:?} lies in a region of {:?} with units {:?}, not of lengths",
                            region.format, region.units
                        ));
                    };
                    let close = |other: [f64; 2]| {
                        { other.iter().zip(&here) }.all(|(a, b)| (a - b).abs() <= 1e-6 * b)
                    };
                    if spacing.is_some_and(|other| !close(other)) {
                        return refused(format!("regions disagree at pixel {pixel:?}"));
                    }
                    spacing = Some(here);
                }
                match spacing {
                    Some(spacing) => Ok((spacing, Calibration::UltrasoundRegion)),
                    None => refused(format!(
                        "pixel {pixel:?} lies in no region of lengths ({formats:?} there)"
                    )),
                }
            }
        }
    }

    /// The distance of two pixels, each row and column.
    ///
    /// # Errors
    /// Refuses what [`Self::spacing_at`] refuses, and pixels that do not share an ultrasound region.
    pub fn distance(&self, from: [f64; 2], to: [f64; 2]) -> Result<Length, Fault> {
        let (spacing, calibration) = self.spacing_at(from)?;
        self.spacing_at(to)?;
        if let Self::Ultrasound { regions } = self {
            let shared = { regions.iter() }.any(|region| {
                region.spacing().is_some() && region.contains(from) && region.contains(to)
            });
            if !shared {
                let problem = format!("pixels {from:?} and {to:?} lie in different regions");
                return Err(Fault::Uncalibrated { problem });
            }
        }
        Ok(Length {
            mm: measured(spacing, from, to),
            calibration,
        })
    }
}
