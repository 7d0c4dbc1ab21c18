//! Tags, and what PS3.6 says of them.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use super::vr::Vr;

/// The name of an attribute: a group and an element number (PS3.5 section 7.1).
///
/// ```
/// use medio::dicom::Tag;
///
/// let rows: Tag = "Rows".parse()?;
/// assert_eq!(rows, Tag::new(0x0028, 0x0010));
/// assert_eq!(rows.to_string(), "Rows (0028,0010)");
/// # Ok::<(), medio::dicom::Fault>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u32);

/// One line of the dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    tag: u32,
    pub(crate) vr: Vr,
    /// Whether a second representation is allowed, which the dataset decides: `US/SS`, `OB/OW`, `US/OW`.
    pub(crate) ambiguous: bool,
    pub(crate) keyword: &'static str,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let lines = include_str!("dictionary.txt").lines();
    lines
        .filter_map(|line| {
            let mut fields = line.split(' ');
            let tag = u32::from_str_radix(fields.next()?, 16).ok()?;
            let mut choices = fields.next()?.split('/');
            let vr = Vr::from_code(choices.next()?.as_bytes().first_chunk()?.to_owned())?;
            Some(Entry {
                tag,
                vr,
                ambiguous: choices.next().is_some(),
                keyword: fields.next()?,
            })
        })
        .collect()
});

static KEYWORDS: LazyLock<HashMap<&'static str, Tag>> =
    LazyLock::new(|| ENTRIES.iter().map(|e| (e.keyword, Tag(e.tag))).collect());

impl Tag {
    /// The tag `(group,element)`.
    #[must_use]
    pub const fn new(group: u16, element: u16) -> Self {
        Self(u32::from_be_bytes({
            let ([a, b], [c, d]) = (group.to_be_bytes(), element.to_be_bytes());
            [a, b, c, d]
        }))
    }

    /// The first half.
    #[must_use]
    pub const fn group(self) -> u16 {
        let [a, b, _, _] = self.0.to_be_bytes();
        u16::from_be_bytes([a, b])
    }

    /// The second half.
    #[must_use]
    pub const fn element(self) -> u16 {
        let [_, _, c, d] = self.0.to_be_bytes();
        u16::from_be_bytes([c, d])
    }

    /// Whether the group is odd: an attribute outside the standard.
    #[must_use]
    pub const fn is_private(self) -> bool {
        self.group() % 2 == 1
    }

    /// Whether the attribute names the owner of a block of private elements (PS3.5 section 7.8.1).
    #[must_use]
    pub const fn is_private_creator(self) -> bool {
        self.is_private() && matches!(self.element(), 0x10..=0xff)
    }

    /// The keyword of PS3.6, for instance `PixelSpacing`; none for private and unknown attributes.
    #[must_use]
    pub fn keyword(self) -> Option<&'static str> {
        self.entry().map(|entry| entry.keyword)
    }

    /// The representation that the standard gives the attribute; the first where it allows several.
    #[must_use]
    pub fn vr(self) -> Option<Vr> {
        if self.element() == 0 {
            return Some(Vr::UL);
        }
        if self.is_private_creator() {
            return Some(Vr::LO);
        }
        self.entry().map(|entry| entry.vr)
    }

    pub(crate) fn entry(self) -> Option<Entry> {
        // Curves and overlays repeat in groups 5000 to 50FF and 6000 to 60FF.
        let number = match self.group() {
            0x5000..=0x50ff | 0x6000..=0x60ff if !self.is_private() => self.0 & 0xff00_ffff,
            _ => self.0,
        };
        let found = ENTRIES.binary_search_by_key(&number, |entry| entry.tag);
        found.ok().and_then(|at| ENTRIES.get(at)).copied()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(keyword) = self.keyword() {
            write!(f, "{keyword} ")?;
        }
        write!(f, "({:04X},{:04X})", self.group(), self.element())
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Tag {
    type Err = super::Fault;

    /// Reads a keyword, `00280010` or `(0028,0010)`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(&tag) = KEYWORDS.get(text) {
            return Ok(tag);
        }
        let inner = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
        let digits: String = match inner {
            Some(inner) => inner.chars().filter(|&c| c != ',').collect(),
            None => text.to_owned(),
        };
        let hexadecimal = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let number = hexadecimal.then(|| u32::from_str_radix(&digits, 16).ok());
        number
            .flatten()
            .map(Self)
            .ok_or_else(|| super::Fault::UnknownTag {
                text: text.chars().take(80).collect(),
            })
    }
}

macro_rules! tags {
    ($($name:ident $group:literal $element:literal $keyword:literal)*) => {
        impl Tag { $(
            #[doc = concat!("`", $keyword, "`")]
            pub const $name: Self = Self::new($group, $element);
        )* }

        #[cfg(test)]
        const NAMED: &[(Tag, &str)] = &[$((Tag::$name, $keyword)),*];
    };
}

tags! {
    TRANSFER_SYNTAX_UID 0x0002 0x0010 "TransferSyntaxUID"
    MEDIA_STORAGE_SOP_CLASS_UID 0x0002 0x0002 "MediaStorageSOPClassUID"
    MEDIA_STORAGE_SOP_INSTANCE_UID 0x0002 0x0003 "MediaStorageSOPInstanceUID"
    IMPLEMENTATION_CLASS_UID 0x0002 0x0012 "ImplementationClassUID"
    IMPLEMENTATION_VERSION_NAME 0x0002 0x0013 "ImplementationVersionName"
    FILE_META_INFORMATION_VERSION 0x0002 0x0001 "FileMetaInformationVersion"
    FILE_META_INFORMATION_GROUP_LENGTH 0x0002 0x0000 "FileMetaInformationGroupLength"
    SPECIFIC_CHARACTER_SET 0x0008 0x0005 "SpecificCharacterSet"
    IMAGE_TYPE 0x0008 0x0008 "ImageType"
    SOP_CLASS_UID 0x0008 0x0016 "SOPClassUID"
    SOP_INSTANCE_UID 0x0008 0x0018 "SOPInstanceUID"
    STUDY_DATE 0x0008 0x0020 "StudyDate"
    SERIES_DATE 0x0008 0x0021 "SeriesDate"
    ACQUISITION_DATE 0x0008 0x0022 "AcquisitionDate"
    ACQUISITION_DATE_TIME 0x0008 0x002a "AcquisitionDateTime"
    SERIES_TIME 0x0008 0x0031 "SeriesTime"
    ACQUISITION_TIME 0x0008 0x0032 "AcquisitionTime"
    CONTENT_TIME 0x0008 0x0033 "ContentTime"
    MODALITY 0x0008 0x0060 "Modality"
    CODE_VALUE 0x0008 0x0100 "CodeValue"
    LONG_CODE_VALUE 0x0008 0x0119 "LongCodeValue"
    TIMEZONE_OFFSET_FROM_UTC 0x0008 0x0201 "TimezoneOffsetFromUTC"
    STUDY_DESCRIPTION 0x0008 0x1030 "StudyDescription"
    SERIES_DESCRIPTION 0x0008 0x103e "SeriesDescription"
    PATIENT_NAME 0x0010 0x0010 "PatientName"
    PATIENT_ID 0x0010 0x0020 "PatientID"
    PATIENT_SEX 0x0010 0x0040 "PatientSex"
    PATIENT_SIZE 0x0010 0x1020 "PatientSize"
    PATIENT_WEIGHT 0x0010 0x1030 "PatientWeight"
    CONTRAST_BOLUS_AGENT 0x0018 0x0010 "ContrastBolusAgent"
    CONTRAST_BOLUS_AGENT_SEQUENCE 0x0018 0x0012 "ContrastBolusAgentSequence"
    BODY_PART_EXAMINED 0x0018 0x0015 "BodyPartExamined"
    SLICE_THICKNESS 0x0018 0x0050 "SliceThickness"
    ECHO_TIME 0x0018 0x0081 "EchoTime"
    ECHO_NUMBERS 0x0018 0x0086 "EchoNumbers"
    SPACING_BETWEEN_SLICES 0x0018 0x0088 "SpacingBetweenSlices"
    PROTOCOL_NAME 0x0018 0x1030 "ProtocolName"
    TRIGGER_TIME 0x0018 0x1060 "TriggerTime"
    RADIOPHARMACEUTICAL_START_TIME 0x0018 0x1072 "RadiopharmaceuticalStartTime"
    RADIONUCLIDE_TOTAL_DOSE 0x0018 0x1074 "RadionuclideTotalDose"
    RADIONUCLIDE_HALF_LIFE 0x0018 0x1075 "RadionuclideHalfLife"
    RADIOPHARMACEUTICAL_START_DATE_TIME 0x0018 0x1078 "RadiopharmaceuticalStartDateTime"
    ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR 0x0018 0x1114 "EstimatedRadiographicMagnificationFactor"
    IMAGER_PIXEL_SPACING 0x0018 0x1164 "ImagerPixelSpacing"
    CONVOLUTION_KERNEL 0x0018 0x1210 "ConvolutionKernel"
    ACTUAL_FRAME_DURATION 0x0018 0x1242 "ActualFrameDuration"
    NOMINAL_SCANNED_PIXEL_SPACING 0x0018 0x2010 "NominalScannedPixelSpacing"
    SEQUENCE_OF_ULTRASOUND_REGIONS 0x0018 0x6011 "SequenceOfUltrasoundRegions"
    REGION_SPATIAL_FORMAT 0x0018 0x6012 "RegionSpatialFormat"
    REGION_DATA_TYPE 0x0018 0x6014 "RegionDataType"
    REGION_FLAGS 0x0018 0x6016 "RegionFlags"
    REGION_LOCATION_MIN_X0 0x0018 0x6018 "RegionLocationMinX0"
    REGION_LOCATION_MIN_Y0 0x0018 0x601a "RegionLocationMinY0"
    REGION_LOCATION_MAX_X1 0x0018 0x601c "RegionLocationMaxX1"
    REGION_LOCATION_MAX_Y1 0x0018 0x601e "RegionLocationMaxY1"
    PHYSICAL_UNITS_X_DIRECTION 0x0018 0x6024 "PhysicalUnitsXDirection"
    PHYSICAL_UNITS_Y_DIRECTION 0x0018 0x6026 "PhysicalUnitsYDirection"
    PHYSICAL_DELTA_X 0x0018 0x602c "PhysicalDeltaX"
    PHYSICAL_DELTA_Y 0x0018 0x602e "PhysicalDeltaY"
    DIFFUSION_GRADIENT_DIRECTION_SEQUENCE 0x0018 0x9076 "DiffusionGradientDirectionSequence"
    DIFFUSION_B_VALUE 0x0018 0x9087 "DiffusionBValue"
    DIFFUSION_GRADIENT_ORIENTATION 0x0018 0x9089 "DiffusionGradientOrientation"
    MR_DIFFUSION_SEQUENCE 0x0018 0x9117 "MRDiffusionSequence"
    CT_RECONSTRUCTION_SEQUENCE 0x0018 0x9314 "CTReconstructionSequence"
    CONTRAST_BOLUS_USAGE_SEQUENCE 0x0018 0x9341 "ContrastBolusUsageSequence"
    CONTRAST_BOLUS_AGENT_PHASE 0x0018 0x9344 "ContrastBolusAgentPhase"
    STUDY_INSTANCE_UID 0x0020 0x000d "StudyInstanceUID"
    SERIES_INSTANCE_UID 0x0020 0x000e "SeriesInstanceUID"
    SERIES_NUMBER 0x0020 0x0011 "SeriesNumber"
    ACQUISITION_NUMBER 0x0020 0x0012 "AcquisitionNumber"
    INSTANCE_NUMBER 0x0020 0x0013 "InstanceNumber"
    IMAGE_POSITION_PATIENT 0x0020 0x0032 "ImagePositionPatient"
    IMAGE_ORIENTATION_PATIENT 0x0020 0x0037 "ImageOrientationPatient"
    FRAME_OF_REFERENCE_UID 0x0020 0x0052 "FrameOfReferenceUID"
    TEMPORAL_POSITION_IDENTIFIER 0x0020 0x0100 "TemporalPositionIdentifier"
    STACK_ID 0x0020 0x9056 "StackID"
    TEMPORAL_POSITION_INDEX 0x0020 0x9128 "TemporalPositionIndex"
    PLANE_POSITION_SEQUENCE 0x0020 0x9113 "PlanePositionSequence"
    PLANE_ORIENTATION_SEQUENCE 0x0020 0x9116 "PlaneOrientationSequence"
    FRAME_CONTENT_SEQUENCE 0x0020 0x9111 "FrameContentSequence"
    SAMPLES_PER_PIXEL 0x0028 0x0002 "SamplesPerPixel"
    PHOTOMETRIC_INTERPRETATION 0x0028 0x0004 "PhotometricInterpretation"
    PLANAR_CONFIGURATION 0x0028 0x0006 "PlanarConfiguration"
    NUMBER_OF_FRAMES 0x0028 0x0008 "NumberOfFrames"
    ROWS 0x0028 0x0010 "Rows"
    COLUMNS 0x0028 0x0011 "Columns"
    PIXEL_SPACING 0x0028 0x0030 "PixelSpacing"
    CORRECTED_IMAGE 0x0028 0x0051 "CorrectedImage"
    BITS_ALLOCATED 0x0028 0x0100 "BitsAllocated"
    BITS_STORED 0x0028 0x0101 "BitsStored"
    HIGH_BIT 0x0028 0x0102 "HighBit"
    PIXEL_REPRESENTATION 0x0028 0x0103 "PixelRepresentation"
    PIXEL_PADDING_VALUE 0x0028 0x0120 "PixelPaddingValue"
    PIXEL_PADDING_RANGE_LIMIT 0x0028 0x0121 "PixelPaddingRangeLimit"
    PIXEL_SPACING_CALIBRATION_TYPE 0x0028 0x0a02 "PixelSpacingCalibrationType"
    WINDOW_CENTER 0x0028 0x1050 "WindowCenter"
    WINDOW_WIDTH 0x0028 0x1051 "WindowWidth"
    RESCALE_INTERCEPT 0x0028 0x1052 "RescaleIntercept"
    RESCALE_SLOPE 0x0028 0x1053 "RescaleSlope"
    RESCALE_TYPE 0x0028 0x1054 "RescaleType"
    WINDOW_CENTER_WIDTH_EXPLANATION 0x0028 0x1055 "WindowCenterWidthExplanation"
    VOI_LUT_FUNCTION 0x0028 0x1056 "VOILUTFunction"
    RED_PALETTE_DESCRIPTOR 0x0028 0x1101 "RedPaletteColorLookupTableDescriptor"
    GREEN_PALETTE_DESCRIPTOR 0x0028 0x1102 "GreenPaletteColorLookupTableDescriptor"
    BLUE_PALETTE_DESCRIPTOR 0x0028 0x1103 "BluePaletteColorLookupTableDescriptor"
    RED_PALETTE_DATA 0x0028 0x1201 "RedPaletteColorLookupTableData"
    GREEN_PALETTE_DATA 0x0028 0x1202 "GreenPaletteColorLookupTableData"
    BLUE_PALETTE_DATA 0x0028 0x1203 "BluePaletteColorLookupTableData"
    RED_SEGMENTED_PALETTE_DATA 0x0028 0x1221 "SegmentedRedPaletteColorLookupTableData"
    GREEN_SEGMENTED_PALETTE_DATA 0x0028 0x1222 "SegmentedGreenPaletteColorLookupTableData"
    BLUE_SEGMENTED_PALETTE_DATA 0x0028 0x1223 "SegmentedBluePaletteColorLookupTableData"
    MODALITY_LUT_SEQUENCE 0x0028 0x3000 "ModalityLUTSequence"
    LUT_DESCRIPTOR 0x0028 0x3002 "LUTDescriptor"
    MODALITY_LUT_TYPE 0x0028 0x3004 "ModalityLUTType"
    LUT_EXPLANATION 0x0028 0x3003 "LUTExplanation"
    LUT_DATA 0x0028 0x3006 "LUTData"
    VOI_LUT_SEQUENCE 0x0028 0x3010 "VOILUTSequence"
    PIXEL_MEASURES_SEQUENCE 0x0028 0x9110 "PixelMeasuresSequence"
    FRAME_VOI_LUT_SEQUENCE 0x0028 0x9132 "FrameVOILUTSequence"
    PIXEL_VALUE_TRANSFORMATION_SEQUENCE 0x0028 0x9145 "PixelValueTransformationSequence"
    MEASUREMENT_UNITS_CODE_SEQUENCE 0x0040 0x08ea "MeasurementUnitsCodeSequence"
    REAL_WORLD_VALUE_MAPPING_SEQUENCE 0x0040 0x9096 "RealWorldValueMappingSequence"
    LUT_LABEL 0x0040 0x9210 "LUTLabel"
    REAL_WORLD_VALUE_LAST_VALUE_MAPPED 0x0040 0x9211 "RealWorldValueLastValueMapped"
    REAL_WORLD_VALUE_LUT_DATA 0x0040 0x9212 "RealWorldValueLUTData"
    DOUBLE_FLOAT_REAL_WORLD_VALUE_LAST_VALUE_MAPPED 0x0040 0x9213 "DoubleFloatRealWorldValueLastValueMapped"
    DOUBLE_FLOAT_REAL_WORLD_VALUE_FIRST_VALUE_MAPPED 0x0040 0x9214 "DoubleFloatRealWorldValueFirstValueMapped"
    REAL_WORLD_VALUE_FIRST_VALUE_MAPPED 0x0040 0x9216 "RealWorldValueFirstValueMapped"
    REAL_WORLD_VALUE_INTERCEPT 0x0040 0x9224 "RealWorldValueIntercept"
    REAL_WORLD_VALUE_SLOPE 0x0040 0x9225 "RealWorldValueSlope"
    RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE 0x0054 0x0016 "RadiopharmaceuticalInformationSequence"
    UNITS 0x0054 0x1001 "Units"
    SUV_TYPE 0x0054 0x1006 "SUVType"
    DECAY_CORRECTION 0x0054 0x1102 "DecayCorrection"
    FRAME_REFERENCE_TIME 0x0054 0x1300 "FrameReferenceTime"
    DOSE_UNITS 0x3004 0x0002 "DoseUnits"
    GRID_FRAME_OFFSET_VECTOR 0x3004 0x000c "GridFrameOffsetVector"
    DOSE_GRID_SCALING 0x3004 0x000e "DoseGridScaling"
    SHARED_FUNCTIONAL_GROUPS_SEQUENCE 0x5200 0x9229 "SharedFunctionalGroupsSequence"
    PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE 0x5200 0x9230 "PerFrameFunctionalGroupsSequence"
    EXTENDED_OFFSET_TABLE 0x7fe0 0x0001 "ExtendedOffsetTable"
    EXTENDED_OFFSET_TABLE_LENGTHS 0x7fe0 0x0002 "ExtendedOffsetTableLengths"
    FLOAT_PIXEL_DATA 0x7fe0 0x0008 "FloatPixelData"
    DOUBLE_FLOAT_PIXEL_DATA 0x7fe0 0x0009 "DoubleFloatPixelData"
    PIXEL_DATA 0x7fe0 0x0010 "PixelData"
}

impl Tag {
    pub(crate) const ITEM: Self = Self::new(0xfffe, 0xe000);
    pub(crate) const ITEM_DELIMITATION: Self = Self::new(0xfffe, 0xe00d);
    pub(crate) const SEQUENCE_DELIMITATION: Self = Self::new(0xfffe, 0xe0dd);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_dictionary_is_understood_and_in_order() {
        let lines = include_str!("dictionary.txt").lines().count();
        assert_eq!(ENTRIES.len(), lines);
        assert!(lines > 5000 && ENTRIES.is_sorted_by_key(|e| e.tag));
        assert_eq!(KEYWORDS.len(), lines);
    }

    #[test]
    fn the_named_tags_are_the_dictionary_s() {
        for (tag, keyword) in NAMED {
            assert_eq!(tag.keyword(), Some(*keyword));
        }
    }

    #[test]
    fn groups_that_repeat_share_their_entries() {
        assert_eq!(Tag::new(0x6002, 0x0010).keyword(), Some("OverlayRows"));
        assert_eq!(Tag::new(0x6003, 0x0010).vr(), Some(Vr::LO));
        assert_eq!(Tag::new(0x6003, 0x1010).vr(), None);
    }

    #[test]
    fn a_tag_is_read_from_keyword_and_numbers() {
        for text in ["PixelSpacing", "00280030", "(0028,0030)"] {
            assert_eq!(text.parse::<Tag>().unwrap(), Tag::PIXEL_SPACING);
        }
        for text in ["", "Pixel", "0028003", "+0280030", "(0028,00300)"] {
            assert!(text.parse::<Tag>().is_err(), "{text}");
        }
    }
}
