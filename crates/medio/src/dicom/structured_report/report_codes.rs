//! Concepts of the templates for reports of measurements (PS3.16 TID 300, 1001 to 1004, 1204, 1410, 1411,
//! 1419, 1500 and 1501).

use super::super::derived::Code;

/// Which concept, and what older reports call it.
pub(super) struct Concept(pub(super) &'static [Code]);

impl Concept {
    /// The concept as it is written.
    pub(super) fn code(&self) -> Code {
        let [first, ..] = self.0 else {
            return Code::new("", "", "");
        };
        first.clone()
    }

    pub(super) fn is(&self, other: Option<&Code>) -> bool {
        other.is_some_and(|other| self.0.iter().any(|own| own.is(other)))
    }
}

macro_rules! concepts {
    ($($name:ident = $($scheme:ident $value:literal $meaning:literal),+;)*) => { $(
        pub(super) const $name: Concept = Concept(&[$(Code::new($value, stringify!($scheme), $meaning)),+]);
    )* };
}

concepts! {
    LANGUAGE = DCM "121049" "Language of Content Item and Descendants";
    COUNTRY = DCM "121046" "Country of Language";
    OBSERVER_TYPE = DCM "121005" "Observer Type";
    PERSON = DCM "121006" "Person";
    DEVICE = DCM "121007" "Device";
    PERSON_NAME = DCM "121008" "Person Observer Name";
    PERSON_ORGANIZATION = DCM "121009" "Person Observer's Organization Name";
    DEVICE_UID = DCM "121012" "Device Observer UID";
    DEVICE_NAME = DCM "121013" "Device Observer Name";
    DEVICE_MANUFACTURER = DCM "121014" "Device Observer Manufacturer";
    DEVICE_MODEL = DCM "121015" "Device Observer Model Name";
    DEVICE_SERIAL_NUMBER = DCM "121016" "Device Observer Serial Number";
    PROCEDURE_REPORTED = DCM "121058" "Procedure reported";
    IMAGING_MEASUREMENTS = DCM "126010" "Imaging Measurements";
    QUALITATIVE_EVALUATIONS = UMLS "C0034375" "Qualitative Evaluations";
    MEASUREMENT_GROUP = DCM "125007" "Measurement Group";
    TRACKING_IDENTIFIER = DCM "112039" "Tracking Identifier";
    TRACKING_UID = DCM "112040" "Tracking Unique Identifier";
    FINDING_CATEGORY = SCT "276214006" "Finding category";
    FINDING = DCM "121071" "Finding";
    FINDING_SITE = SCT "363698007" "Finding Site", SRT "G-C0E3" "Finding Site";
    LATERALITY = SCT "272741003" "Laterality", SRT "G-C171" "Laterality";
    SITE_MODIFIER = SCT "106233006" "Topographical modifier", SRT "G-A1F8" "Topographical modifier";
    METHOD = SCT "370129005" "Measurement Method", SRT "G-C036" "Measurement Method";
    DERIVATION = DCM "121401" "Derivation";
    ALGORITHM_NAME = DCM "111001" "Algorithm Name";
    ALGORITHM_VERSION = DCM "111003" "Algorithm Version";
    REFERENCED_SEGMENT = DCM "121191" "Referenced Segment";
    REFERENCED_SEGMENTATION_FRAME = DCM "121214" "Referenced Segmentation Frame";
    SOURCE_IMAGE = DCM "121233" "Source image for segmentation";
    SOURCE_SERIES = DCM "121232" "Source series for segmentation";
    IMAGE_REGION = DCM "111030" "Image Region";
    VOLUME_SURFACE = DCM "121231" "Volume Surface";
    ENGLISH = RFC5646 "en" "English";
}
