//! Parametric maps: volumes of a quantity in its unit (PS3.3 section A.75).

mod reader;
mod writer;

use medcore::Image;

use super::dataset::Dataset;
use super::derived::{Code, Source};
use super::fault::Fault;
use super::tag::Tag;
use super::vr::Vr;
use crate::voxel::Voxel;

/// Parametric Map Storage.
const CLASS_UID: &str = "1.2.840.10008.5.1.4.1.1.30";
const QUANTITY: Code = Code::sct("246205007", "Quantity");

mod sealed {
    use super::{Tag, Vr};

    /// How a number is stored.
    pub trait Sealed: Sized {
        const TAG: Tag;
        const VR: Vr;
        const BITS: i64;
        fn put(self, bytes: &mut Vec<u8>);
    }
}

/// A number of a parametric map: `f32` or `f64`; sealed.
pub trait MapValue: Voxel + Copy + Into<f64> + sealed::Sealed {}

macro_rules! values {
    ($($t:ident $tag:ident $vr:ident $bits:literal)*) => { $(
        impl MapValue for $t {}
        impl sealed::Sealed for $t {
            const TAG: Tag = Tag::$tag;
            const VR: Vr = Vr::$vr;
            const BITS: i64 = $bits;
            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
        }
    )* };
}
values!(f32 FLOAT_PIXEL_DATA OF 32 f64 DOUBLE_FLOAT_PIXEL_DATA OD 64);

/// A volume of a quantity in its unit.
///
/// ```no_run
/// use medio::dicom::{self, Creation, ParametricMap, Source, codes};
///
/// let volume = dicom::scan("dwi")?.only()?.volume::<f32>()?;
/// let source = Source::of(&volume)?;
/// let adc = volume.image.map(|signal| -signal.max(1.0).ln() * 1e-3);
/// let quantity = codes::APPARENT_DIFFUSION_COEFFICIENT;
/// ParametricMap::new(&source, adc, quantity, codes::SQUARE_MILLIMETRE_PER_SECOND)?
///     .label("ADC")
///     .write("adc.dcm", &Creation::now()?)?;
/// let map = ParametricMap::<f32>::read("adc.dcm")?;
/// println!("{:?} in {}", map.image.geometry().spacing(), map.unit.value);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ParametricMap<T> {
    /// Values, `[1, depth, height, width]`, in LPS millimetres.
    pub image: Image<T, 3>,
    /// What the values are of, if it was said.
    pub quantity: Option<Code>,
    /// Their unit.
    pub unit: Code,
    /// A short name, at most 16 capitals, digits, spaces and underscores (`ContentLabel`).
    pub label: String,
    /// What it shows (`ContentDescription`).
    pub description: String,
    /// Patient, study and frame of reference; for maps that were read, all attributes but the pixels.
    header: Dataset,
    /// What it was made from.
    source: Option<Source>,
}

impl<T: MapValue> ParametricMap<T> {
    /// A map in the frame of reference of its source, on the same grid or another.
    ///
    /// # Errors
    /// Refuses several channels, and sources without a frame of reference.
    pub fn new(
        source: &Source,
        image: Image<T, 3>,
        quantity: Code,
        unit: Code,
    ) -> Result<Self, Fault> {
        if image.channels() != 1 {
            let tag = Tag::SAMPLES_PER_PIXEL;
            return Err(Fault::attribute(tag, "one channel", image.channels()));
        }
        source
            .header()
            .required_string(Tag::FRAME_OF_REFERENCE_UID)?;
        Ok(Self {
            image,
            quantity: Some(quantity),
            unit,
            label: "MAP".to_owned(),
            description: String::new(),
            header: source.header().clone(),
            source: Some(source.clone()),
        })
    }

    /// Sets the short name: at most 16 capitals, digits, spaces and underscores.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what the map shows.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Patient, study and frame of reference; for maps that were read, all attributes but the pixels.
    #[must_use]
    pub fn header(&self) -> &Dataset {
        &self.header
    }

    /// The frame of reference, if there is one.
    #[must_use]
    pub fn frame_of_reference(&self) -> Option<String> {
        self.header.string(Tag::FRAME_OF_REFERENCE_UID)
    }
}
