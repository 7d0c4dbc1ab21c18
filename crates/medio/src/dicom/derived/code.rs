//! Coded concepts (PS3.3 section 8.8, PS3.16).

use std::borrow::Cow;

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::fields::Field;
use super::text::{long_code, long_string, short_string};

/// A concept by its code in a coding scheme.
///
/// ```
/// use medio::dicom::{Code, codes};
///
/// assert_eq!(codes::LIVER, Code::sct("10200004", "Liver"));
/// // The meaning is for readers: code and scheme decide.
/// assert!(codes::LIVER.is(&Code::sct("10200004", "Leber")));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Code {
    /// `CodeValue`
    pub value: Cow<'static, str>,
    /// `CodingSchemeDesignator`: `SCT`, `DCM`, `UCUM`, `99LOCAL` ...
    pub scheme: Cow<'static, str>,
    /// `CodeMeaning`
    pub meaning: Cow<'static, str>,
}

impl Code {
    /// A concept of any coding scheme; those of one's own begin with `99`.
    #[must_use]
    pub const fn new(value: &'static str, scheme: &'static str, meaning: &'static str) -> Self {
        Self {
            value: Cow::Borrowed(value),
            scheme: Cow::Borrowed(scheme),
            meaning: Cow::Borrowed(meaning),
        }
    }

    /// A concept of SNOMED CT.
    #[must_use]
    pub const fn sct(value: &'static str, meaning: &'static str) -> Self {
        Self::new(value, "SCT", meaning)
    }

    /// A concept of PS3.16 annex D.
    #[must_use]
    pub const fn dcm(value: &'static str, meaning: &'static str) -> Self {
        Self::new(value, "DCM", meaning)
    }

    /// A unit of the Unified Code for Units of Measure.
    #[must_use]
    pub const fn ucum(value: &'static str, meaning: &'static str) -> Self {
        Self::new(value, "UCUM", meaning)
    }

    /// Whether both are the same concept, whatever they are called.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        (&self.value, &self.scheme) == (&other.value, &other.scheme)
    }

    /// The concept as an item of a code sequence; a value of more than 16 characters is a long one.
    ///
    /// # Errors
    /// Refuses an empty value, scheme or meaning, and a scheme over 16 or a meaning over 64 characters.
    pub fn to_item(&self) -> Result<Dataset, Fault> {
        let (tag, value) = match self.value.chars().count() {
            0..=16 => (Tag::CODE_VALUE, short_string(Tag::CODE_VALUE, &self.value)),
            _ => (
                Tag::LONG_CODE_VALUE,
                long_code(Tag::LONG_CODE_VALUE, &self.value),
            ),
        };
        let (scheme, meaning) = (Tag::CODING_SCHEME_DESIGNATOR, Tag::CODE_MEANING);
        Dataset::of([
            (tag, Field::Text(value?)),
            (scheme, Field::Text(short_string(scheme, &self.scheme)?)),
            (meaning, Field::Text(long_string(meaning, &self.meaning)?)),
        ])
    }

    /// The concept of an item of a code sequence.
    ///
    /// # Errors
    /// Refuses items without value or scheme.
    pub fn of_item(item: &Dataset) -> Result<Self, Fault> {
        let value = [Tag::CODE_VALUE, Tag::LONG_CODE_VALUE, Tag::URN_CODE_VALUE];
        let value = value.into_iter().find_map(|tag| item.string(tag));
        let required = |tag| move || Fault::MissingAttribute { tag };
        Ok(Self {
            value: value.ok_or_else(required(Tag::CODE_VALUE))?.into(),
            // A URN names its scheme itself.
            scheme: match item.string(Tag::CODING_SCHEME_DESIGNATOR) {
                Some(scheme) => scheme.into(),
                None if item.has_value(Tag::URN_CODE_VALUE) => "URN".into(),
                None => return Err(required(Tag::CODING_SCHEME_DESIGNATOR)()),
            },
            meaning: item.string(Tag::CODE_MEANING).unwrap_or_default().into(),
        })
    }
}

/// Concepts that this crate writes, and the organs of its reference applications.
pub mod codes {
    use super::Code;

    macro_rules! codes {
        ($($name:ident $scheme:ident $value:literal $meaning:literal)*) => { $(
            #[doc = concat!($meaning, " (", stringify!($scheme), " ", $value, ")")]
            pub const $name: Code = Code::$scheme($value, $meaning);
        )* };
    }

    codes! {
        ANATOMICAL_STRUCTURE sct "123037004" "Anatomical Structure"
        ORGAN sct "113343008" "Organ"
        TISSUE sct "85756007" "Tissue"
        MORPHOLOGICALLY_ABNORMAL_STRUCTURE sct "49755003" "Morphologically Abnormal Structure"
        LESION sct "52988006" "Lesion"
        NEOPLASM sct "108369006" "Neoplasm"
        NODULE sct "27925004" "Nodule"
        HEMORRHAGE sct "50960005" "Hemorrhage"
        LIVER sct "10200004" "Liver"
        SPLEEN sct "78961009" "Spleen"
        PANCREAS sct "15776009" "Pancreas"
        KIDNEY sct "64033007" "Kidney"
        GALLBLADDER sct "28231008" "Gallbladder"
        ESOPHAGUS sct "32849002" "Esophagus"
        STOMACH sct "69695003" "Stomach"
        DUODENUM sct "38848004" "Duodenum"
        AORTA sct "15825003" "Aorta"
        INFERIOR_VENA_CAVA sct "64131007" "Inferior vena cava"
        ADRENAL_GLAND sct "23451007" "Adrenal gland"
        URINARY_BLADDER sct "89837001" "Urinary bladder"
        LUNG sct "39607008" "Lung"
        HEART sct "80891009" "Heart"
        BRAIN sct "12738006" "Brain"
        THYROID sct "69748006" "Thyroid gland"
        BONE sct "272673000" "Bone"
        SPINE sct "421060004" "Spine"
        COLON sct "71854001" "Colon"
        RECTUM sct "34402009" "Rectum"
        SMALL_INTESTINE sct "30315005" "Small intestine"
        PROSTATE sct "41216001" "Prostate"
        TRACHEA sct "44567001" "Trachea"
        PORTAL_VEIN sct "32764006" "Portal vein"
        VOLUME sct "118565006" "Volume"
        SEGMENTATION dcm "113076" "Segmentation"
        SOURCE_IMAGE_FOR_PROCESSING dcm "121322" "Source image for image processing operation"
        ARTIFICIAL_INTELLIGENCE dcm "123110" "Artificial Intelligence"
        CUBIC_MILLIMETRE ucum "mm3" "cubic millimeter"
        MILLIMETRE ucum "mm" "millimeter"
        SQUARE_MILLIMETRE ucum "mm2" "square millimeter"
        HOUNSFIELD_UNIT ucum "[hnsf'U]" "Hounsfield unit"
        NO_UNITS ucum "1" "no units"
        PERCENT ucum "%" "Percent"
        MILLILITRE ucum "ml" "milliliter"
        SQUARE_MILLIMETRE_PER_SECOND ucum "mm2/s" "square millimeter per second"
        AREA sct "42798000" "Area"
        LENGTH sct "410668003" "Length"
        DIAMETER sct "81827009" "Diameter"
        LONG_AXIS sct "103339001" "Long axis"
        SHORT_AXIS sct "103340004" "Short axis"
        MEAN sct "373098007" "Mean"
        MINIMUM sct "255605001" "Minimum"
        MAXIMUM sct "56851009" "Maximum"
        STANDARD_DEVIATION sct "386136009" "Standard Deviation"
        ATTENUATION_COEFFICIENT dcm "112031" "Attenuation Coefficient"
        APPARENT_DIFFUSION_COEFFICIENT dcm "113041" "Apparent Diffusion Coefficient"
        LEFT sct "7771000" "Left"
        RIGHT sct "24028007" "Right"
        ABSENT sct "272519000" "Absent"
        PRESENT sct "52101004" "Present"
        COMPUTED_TOMOGRAPHY sct "77477000" "Computed tomography"
        MAGNETIC_RESONANCE_IMAGING sct "113091000" "Magnetic resonance imaging"
        IMAGING_MEASUREMENT_REPORT dcm "126000" "Imaging Measurement Report"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_goes_through_its_item() {
        let item = codes::HOUNSFIELD_UNIT.to_item().unwrap();
        assert_eq!(Code::of_item(&item).unwrap(), codes::HOUNSFIELD_UNIT);
        let long = Code::sct("12345678901234567", "a long one");
        let item = long.to_item().unwrap();
        assert!(item.has_value(Tag::LONG_CODE_VALUE) && !item.has_value(Tag::CODE_VALUE));
        assert_eq!(Code::of_item(&item).unwrap(), long);
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for code in [
            Code::sct("", "nothing"),
            Code::sct("1", ""),
            Code::new("1", "SEVENTEEN LETTERS", "x"),
            Code::sct("1\\2", "two"),
        ] {
            assert!(code.to_item().is_err(), "{code:?}");
        }
        assert!(Code::of_item(&Dataset::new()).is_err());
    }
}
