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
    FILE_META_INFORMATION_GROUP_LENGTH 0x0002 0x0000 "FileMetaInformationGroupLength"
    FILE_META_INFORMATION_VERSION 0x0002 0x0001 "FileMetaInformationVersion"
    MEDIA_STORAGE_SOP_CLASS_UID 0x0002 0x0002 "MediaStorageSOPClassUID"
    MEDIA_STORAGE_SOP_INSTANCE_UID 0x0002 0x0003 "MediaStorageSOPInstanceUID"
    TRANSFER_SYNTAX_UID 0x0002 0x0010 "TransferSyntaxUID"
    IMPLEMENTATION_CLASS_UID 0x0002 0x0012 "ImplementationClassUID"
    IMPLEMENTATION_VERSION_NAME 0x0002 0x0013 "ImplementationVersionName"
    SPECIFIC_CHARACTER_SET 0x0008 0x0005 "SpecificCharacterSet"
    IMAGE_TYPE 0x0008 0x0008 "ImageType"
    INSTANCE_CREATION_DATE 0x0008 0x0012 "InstanceCreationDate"
    INSTANCE_CREATION_TIME 0x0008 0x0013 "InstanceCreationTime"
    SOP_CLASS_UID 0x0008 0x0016 "SOPClassUID"
    SOP_INSTANCE_UID 0x0008 0x0018 "SOPInstanceUID"
    STUDY_DATE 0x0008 0x0020 "StudyDate"
    ACQUISITION_DATE 0x0008 0x0022 "AcquisitionDate"
    CONTENT_DATE 0x0008 0x0023 "ContentDate"
    ACQUISITION_DATE_TIME 0x0008 0x002a "AcquisitionDateTime"
    STUDY_TIME 0x0008 0x0030 "StudyTime"
    ACQUISITION_TIME 0x0008 0x0032 "AcquisitionTime"
    CONTENT_TIME 0x0008 0x0033 "ContentTime"
    ACCESSION_NUMBER 0x0008 0x0050 "AccessionNumber"
    MODALITY 0x0008 0x0060 "Modality"
    CONVERSION_TYPE 0x0008 0x0064 "ConversionType"
    MANUFACTURER 0x0008 0x0070 "Manufacturer"
    REFERRING_PHYSICIAN_NAME 0x0008 0x0090 "ReferringPhysicianName"
    CODE_VALUE 0x0008 0x0100 "CodeValue"
    CODING_SCHEME_DESIGNATOR 0x0008 0x0102 "CodingSchemeDesignator"
    CODE_MEANING 0x0008 0x0104 "CodeMeaning"
    MAPPING_RESOURCE 0x0008 0x0105 "MappingResource"
    LONG_CODE_VALUE 0x0008 0x0119 "LongCodeValue"
    URN_CODE_VALUE 0x0008 0x0120 "URNCodeValue"
    STUDY_DESCRIPTION 0x0008 0x1030 "StudyDescription"
    SERIES_DESCRIPTION 0x0008 0x103e "SeriesDescription"
    OPERATORS_NAME 0x0008 0x1070 "OperatorsName"
    MANUFACTURER_MODEL_NAME 0x0008 0x1090 "ManufacturerModelName"
    REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE 0x0008 0x1111 "ReferencedPerformedProcedureStepSequence"
    REFERENCED_SERIES_SEQUENCE 0x0008 0x1115 "ReferencedSeriesSequence"
    REFERENCED_IMAGE_SEQUENCE 0x0008 0x1140 "ReferencedImageSequence"
    REFERENCED_INSTANCE_SEQUENCE 0x0008 0x114a "ReferencedInstanceSequence"
    REFERENCED_SOP_CLASS_UID 0x0008 0x1150 "ReferencedSOPClassUID"
    REFERENCED_SOP_INSTANCE_UID 0x0008 0x1155 "ReferencedSOPInstanceUID"
    REFERENCED_FRAME_NUMBER 0x0008 0x1160 "ReferencedFrameNumber"
    REFERENCED_SOP_SEQUENCE 0x0008 0x1199 "ReferencedSOPSequence"
    DERIVATION_DESCRIPTION 0x0008 0x2111 "DerivationDescription"
    SOURCE_IMAGE_SEQUENCE 0x0008 0x2112 "SourceImageSequence"
    ANATOMIC_REGION_SEQUENCE 0x0008 0x2218 "AnatomicRegionSequence"
    FRAME_TYPE 0x0008 0x9007 "FrameType"
    DERIVATION_IMAGE_SEQUENCE 0x0008 0x9124 "DerivationImageSequence"
    PIXEL_PRESENTATION 0x0008 0x9205 "PixelPresentation"
    VOLUMETRIC_PROPERTIES 0x0008 0x9206 "VolumetricProperties"
    VOLUME_BASED_CALCULATION_TECHNIQUE 0x0008 0x9207 "VolumeBasedCalculationTechnique"
    DERIVATION_CODE_SEQUENCE 0x0008 0x9215 "DerivationCodeSequence"
    PATIENT_NAME 0x0010 0x0010 "PatientName"
    PATIENT_ID 0x0010 0x0020 "PatientID"
    ISSUER_OF_PATIENT_ID 0x0010 0x0021 "IssuerOfPatientID"
    PATIENT_BIRTH_DATE 0x0010 0x0030 "PatientBirthDate"
    PATIENT_SEX 0x0010 0x0040 "PatientSex"
    PATIENT_AGE 0x0010 0x1010 "PatientAge"
    PATIENT_SIZE 0x0010 0x1020 "PatientSize"
    PATIENT_WEIGHT 0x0010 0x1030 "PatientWeight"
    PATIENT_IDENTITY_REMOVED 0x0012 0x0062 "PatientIdentityRemoved"
    DEIDENTIFICATION_METHOD 0x0012 0x0063 "DeidentificationMethod"
    DEIDENTIFICATION_METHOD_CODE_SEQUENCE 0x0012 0x0064 "DeidentificationMethodCodeSequence"
    BODY_PART_EXAMINED 0x0018 0x0015 "BodyPartExamined"
    SCANNING_SEQUENCE 0x0018 0x0020 "ScanningSequence"
    SEQUENCE_VARIANT 0x0018 0x0021 "SequenceVariant"
    SCAN_OPTIONS 0x0018 0x0022 "ScanOptions"
    MR_ACQUISITION_TYPE 0x0018 0x0023 "MRAcquisitionType"
    SLICE_THICKNESS 0x0018 0x0050 "SliceThickness"
    KVP 0x0018 0x0060 "KVP"
    REPETITION_TIME 0x0018 0x0080 "RepetitionTime"
    ECHO_TIME 0x0018 0x0081 "EchoTime"
    ECHO_NUMBERS 0x0018 0x0086 "EchoNumbers"
    SPACING_BETWEEN_SLICES 0x0018 0x0088 "SpacingBetweenSlices"
    ECHO_TRAIN_LENGTH 0x0018 0x0091 "EchoTrainLength"
    DEVICE_SERIAL_NUMBER 0x0018 0x1000 "DeviceSerialNumber"
    SOFTWARE_VERSIONS 0x0018 0x1020 "SoftwareVersions"
    TRIGGER_TIME 0x0018 0x1060 "TriggerTime"
    IMAGER_PIXEL_SPACING 0x0018 0x1164 "ImagerPixelSpacing"
    PAGE_NUMBER_VECTOR 0x0018 0x2001 "PageNumberVector"
    NOMINAL_SCANNED_PIXEL_SPACING 0x0018 0x2010 "NominalScannedPixelSpacing"
    PATIENT_POSITION 0x0018 0x5100 "PatientPosition"
    SEQUENCE_OF_ULTRASOUND_REGIONS 0x0018 0x6011 "SequenceOfUltrasoundRegions"
    REGION_LOCATION_MIN_X0 0x0018 0x6018 "RegionLocationMinX0"
    REGION_LOCATION_MIN_Y0 0x0018 0x601a "RegionLocationMinY0"
    REGION_LOCATION_MAX_X1 0x0018 0x601c "RegionLocationMaxX1"
    REGION_LOCATION_MAX_Y1 0x0018 0x601e "RegionLocationMaxY1"
    CONTENT_QUALIFICATION 0x0018 0x9004 "ContentQualification"
    DIFFUSION_B_VALUE 0x0018 0x9087 "DiffusionBValue"
    FRAME_REFERENCE_DATE_TIME 0x0018 0x9151 "FrameReferenceDateTime"
    STUDY_INSTANCE_UID 0x0020 0x000d "StudyInstanceUID"
    SERIES_INSTANCE_UID 0x0020 0x000e "SeriesInstanceUID"
    STUDY_ID 0x0020 0x0010 "StudyID"
    SERIES_NUMBER 0x0020 0x0011 "SeriesNumber"
    ACQUISITION_NUMBER 0x0020 0x0012 "AcquisitionNumber"
    INSTANCE_NUMBER 0x0020 0x0013 "InstanceNumber"
    PATIENT_ORIENTATION 0x0020 0x0020 "PatientOrientation"
    IMAGE_POSITION_PATIENT 0x0020 0x0032 "ImagePositionPatient"
    IMAGE_ORIENTATION_PATIENT 0x0020 0x0037 "ImageOrientationPatient"
    FRAME_OF_REFERENCE_UID 0x0020 0x0052 "FrameOfReferenceUID"
    LATERALITY 0x0020 0x0060 "Laterality"
    TEMPORAL_POSITION_IDENTIFIER 0x0020 0x0100 "TemporalPositionIdentifier"
    POSITION_REFERENCE_INDICATOR 0x0020 0x1040 "PositionReferenceIndicator"
    SLICE_LOCATION 0x0020 0x1041 "SliceLocation"
    STACK_ID 0x0020 0x9056 "StackID"
    IN_STACK_POSITION_NUMBER 0x0020 0x9057 "InStackPositionNumber"
    FRAME_ANATOMY_SEQUENCE 0x0020 0x9071 "FrameAnatomySequence"
    FRAME_LATERALITY 0x0020 0x9072 "FrameLaterality"
    FRAME_CONTENT_SEQUENCE 0x0020 0x9111 "FrameContentSequence"
    PLANE_POSITION_SEQUENCE 0x0020 0x9113 "PlanePositionSequence"
    PLANE_ORIENTATION_SEQUENCE 0x0020 0x9116 "PlaneOrientationSequence"
    TEMPORAL_POSITION_INDEX 0x0020 0x9128 "TemporalPositionIndex"
    FRAME_ACQUISITION_NUMBER 0x0020 0x9156 "FrameAcquisitionNumber"
    DIMENSION_INDEX_VALUES 0x0020 0x9157 "DimensionIndexValues"
    DIMENSION_ORGANIZATION_UID 0x0020 0x9164 "DimensionOrganizationUID"
    DIMENSION_INDEX_POINTER 0x0020 0x9165 "DimensionIndexPointer"
    FUNCTIONAL_GROUP_POINTER 0x0020 0x9167 "FunctionalGroupPointer"
    DIMENSION_ORGANIZATION_SEQUENCE 0x0020 0x9221 "DimensionOrganizationSequence"
    DIMENSION_INDEX_SEQUENCE 0x0020 0x9222 "DimensionIndexSequence"
    DIMENSION_ORGANIZATION_TYPE 0x0020 0x9311 "DimensionOrganizationType"
    DIMENSION_DESCRIPTION_LABEL 0x0020 0x9421 "DimensionDescriptionLabel"
    SAMPLES_PER_PIXEL 0x0028 0x0002 "SamplesPerPixel"
    PHOTOMETRIC_INTERPRETATION 0x0028 0x0004 "PhotometricInterpretation"
    PLANAR_CONFIGURATION 0x0028 0x0006 "PlanarConfiguration"
    NUMBER_OF_FRAMES 0x0028 0x0008 "NumberOfFrames"
    FRAME_INCREMENT_POINTER 0x0028 0x0009 "FrameIncrementPointer"
    ROWS 0x0028 0x0010 "Rows"
    COLUMNS 0x0028 0x0011 "Columns"
    PIXEL_SPACING 0x0028 0x0030 "PixelSpacing"
    BITS_ALLOCATED 0x0028 0x0100 "BitsAllocated"
    BITS_STORED 0x0028 0x0101 "BitsStored"
    HIGH_BIT 0x0028 0x0102 "HighBit"
    PIXEL_REPRESENTATION 0x0028 0x0103 "PixelRepresentation"
    PIXEL_PADDING_VALUE 0x0028 0x0120 "PixelPaddingValue"
    PIXEL_PADDING_RANGE_LIMIT 0x0028 0x0121 "PixelPaddingRangeLimit"
    BURNED_IN_ANNOTATION 0x0028 0x0301 "BurnedInAnnotation"
    RECOGNIZABLE_VISUAL_FEATURES 0x0028 0x0302 "RecognizableVisualFeatures"
    LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED 0x0028 0x0303 "LongitudinalTemporalInformationModified"
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
    SPATIAL_LOCATIONS_PRESERVED 0x0028 0x135a "SpatialLocationsPreserved"
    LOSSY_IMAGE_COMPRESSION 0x0028 0x2110 "LossyImageCompression"
    LOSSY_IMAGE_COMPRESSION_RATIO 0x0028 0x2112 "LossyImageCompressionRatio"
    LOSSY_IMAGE_COMPRESSION_METHOD 0x0028 0x2114 "LossyImageCompressionMethod"
    MODALITY_LUT_SEQUENCE 0x0028 0x3000 "ModalityLUTSequence"
    LUT_DESCRIPTOR 0x0028 0x3002 "LUTDescriptor"
    LUT_EXPLANATION 0x0028 0x3003 "LUTExplanation"
    MODALITY_LUT_TYPE 0x0028 0x3004 "ModalityLUTType"
    LUT_DATA 0x0028 0x3006 "LUTData"
    VOI_LUT_SEQUENCE 0x0028 0x3010 "VOILUTSequence"
    SOFTCOPY_VOI_LUT_SEQUENCE 0x0028 0x3110 "SoftcopyVOILUTSequence"
    PIXEL_MEASURES_SEQUENCE 0x0028 0x9110 "PixelMeasuresSequence"
    FRAME_VOI_LUT_SEQUENCE 0x0028 0x9132 "FrameVOILUTSequence"
    PIXEL_VALUE_TRANSFORMATION_SEQUENCE 0x0028 0x9145 "PixelValueTransformationSequence"
    ACQUISITION_CONTEXT_SEQUENCE 0x0040 0x0555 "AcquisitionContextSequence"
    MEASUREMENT_UNITS_CODE_SEQUENCE 0x0040 0x08ea "MeasurementUnitsCodeSequence"
    PARAMETRIC_MAP_FRAME_TYPE_SEQUENCE 0x0040 0x9092 "ParametricMapFrameTypeSequence"
    REAL_WORLD_VALUE_MAPPING_SEQUENCE 0x0040 0x9096 "RealWorldValueMappingSequence"
    LUT_LABEL 0x0040 0x9210 "LUTLabel"
    REAL_WORLD_VALUE_LAST_VALUE_MAPPED 0x0040 0x9211 "RealWorldValueLastValueMapped"
    REAL_WORLD_VALUE_LUT_DATA 0x0040 0x9212 "RealWorldValueLUTData"
    DOUBLE_FLOAT_REAL_WORLD_VALUE_LAST_VALUE_MAPPED 0x0040 0x9213 "DoubleFloatRealWorldValueLastValueMapped"
    DOUBLE_FLOAT_REAL_WORLD_VALUE_FIRST_VALUE_MAPPED 0x0040 0x9214 "DoubleFloatRealWorldValueFirstValueMapped"
    REAL_WORLD_VALUE_FIRST_VALUE_MAPPED 0x0040 0x9216 "RealWorldValueFirstValueMapped"
    QUANTITY_DEFINITION_SEQUENCE 0x0040 0x9220 "QuantityDefinitionSequence"
    REAL_WORLD_VALUE_INTERCEPT 0x0040 0x9224 "RealWorldValueIntercept"
    REAL_WORLD_VALUE_SLOPE 0x0040 0x9225 "RealWorldValueSlope"
    RELATIONSHIP_TYPE 0x0040 0xa010 "RelationshipType"
    OBSERVATION_DATE_TIME 0x0040 0xa032 "ObservationDateTime"
    VALUE_TYPE 0x0040 0xa040 "ValueType"
    CONCEPT_NAME_CODE_SEQUENCE 0x0040 0xa043 "ConceptNameCodeSequence"
    CONTINUITY_OF_CONTENT 0x0040 0xa050 "ContinuityOfContent"
    DATE_TIME 0x0040 0xa120 "DateTime"
    DATE 0x0040 0xa121 "Date"
    TIME 0x0040 0xa122 "Time"
    PERSON_NAME 0x0040 0xa123 "PersonName"
    UID 0x0040 0xa124 "UID"
    TEXT_VALUE 0x0040 0xa160 "TextValue"
    FLOATING_POINT_VALUE 0x0040 0xa161 "FloatingPointValue"
    CONCEPT_CODE_SEQUENCE 0x0040 0xa168 "ConceptCodeSequence"
    PURPOSE_OF_REFERENCE_CODE_SEQUENCE 0x0040 0xa170 "PurposeOfReferenceCodeSequence"
    MEASURED_VALUE_SEQUENCE 0x0040 0xa300 "MeasuredValueSequence"
    NUMERIC_VALUE_QUALIFIER_CODE_SEQUENCE 0x0040 0xa301 "NumericValueQualifierCodeSequence"
    NUMERIC_VALUE 0x0040 0xa30a "NumericValue"
    PERFORMED_PROCEDURE_CODE_SEQUENCE 0x0040 0xa372 "PerformedProcedureCodeSequence"
    CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE 0x0040 0xa375 "CurrentRequestedProcedureEvidenceSequence"
    PERTINENT_OTHER_EVIDENCE_SEQUENCE 0x0040 0xa385 "PertinentOtherEvidenceSequence"
    COMPLETION_FLAG 0x0040 0xa491 "CompletionFlag"
    VERIFICATION_FLAG 0x0040 0xa493 "VerificationFlag"
    PRELIMINARY_FLAG 0x0040 0xa496 "PreliminaryFlag"
    CONTENT_TEMPLATE_SEQUENCE 0x0040 0xa504 "ContentTemplateSequence"
    CONTENT_SEQUENCE 0x0040 0xa730 "ContentSequence"
    TEMPLATE_IDENTIFIER 0x0040 0xdb00 "TemplateIdentifier"
    REFERENCED_CONTENT_ITEM_IDENTIFIER 0x0040 0xdb73 "ReferencedContentItemIdentifier"
    SEGMENTATION_TYPE 0x0062 0x0001 "SegmentationType"
    SEGMENT_SEQUENCE 0x0062 0x0002 "SegmentSequence"
    SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE 0x0062 0x0003 "SegmentedPropertyCategoryCodeSequence"
    SEGMENT_NUMBER 0x0062 0x0004 "SegmentNumber"
    SEGMENT_LABEL 0x0062 0x0005 "SegmentLabel"
    SEGMENT_DESCRIPTION 0x0062 0x0006 "SegmentDescription"
    SEGMENTATION_ALGORITHM_IDENTIFICATION_SEQUENCE 0x0062 0x0007 "SegmentationAlgorithmIdentificationSequence"
    SEGMENT_ALGORITHM_TYPE 0x0062 0x0008 "SegmentAlgorithmType"
    SEGMENT_ALGORITHM_NAME 0x0062 0x0009 "SegmentAlgorithmName"
    SEGMENT_IDENTIFICATION_SEQUENCE 0x0062 0x000a "SegmentIdentificationSequence"
    REFERENCED_SEGMENT_NUMBER 0x0062 0x000b "ReferencedSegmentNumber"
    RECOMMENDED_DISPLAY_CIELAB_VALUE 0x0062 0x000d "RecommendedDisplayCIELabValue"
    MAXIMUM_FRACTIONAL_VALUE 0x0062 0x000e "MaximumFractionalValue"
    SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE 0x0062 0x000f "SegmentedPropertyTypeCodeSequence"
    SEGMENTATION_FRACTIONAL_TYPE 0x0062 0x0010 "SegmentationFractionalType"
    SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE 0x0062 0x0011 "SegmentedPropertyTypeModifierCodeSequence"
    SEGMENTS_OVERLAP 0x0062 0x0013 "SegmentsOverlap"
    TRACKING_ID 0x0062 0x0020 "TrackingID"
    TRACKING_UID 0x0062 0x0021 "TrackingUID"
    ALGORITHM_FAMILY_CODE_SEQUENCE 0x0066 0x002f "AlgorithmFamilyCodeSequence"
    ALGORITHM_VERSION 0x0066 0x0031 "AlgorithmVersion"
    ALGORITHM_NAME 0x0066 0x0036 "AlgorithmName"
    GRAPHIC_ANNOTATION_SEQUENCE 0x0070 0x0001 "GraphicAnnotationSequence"
    GRAPHIC_LAYER 0x0070 0x0002 "GraphicLayer"
    BOUNDING_BOX_ANNOTATION_UNITS 0x0070 0x0003 "BoundingBoxAnnotationUnits"
    ANCHOR_POINT_ANNOTATION_UNITS 0x0070 0x0004 "AnchorPointAnnotationUnits"
    GRAPHIC_ANNOTATION_UNITS 0x0070 0x0005 "GraphicAnnotationUnits"
    UNFORMATTED_TEXT_VALUE 0x0070 0x0006 "UnformattedTextValue"
    TEXT_OBJECT_SEQUENCE 0x0070 0x0008 "TextObjectSequence"
    GRAPHIC_OBJECT_SEQUENCE 0x0070 0x0009 "GraphicObjectSequence"
    BOUNDING_BOX_TOP_LEFT_HAND_CORNER 0x0070 0x0010 "BoundingBoxTopLeftHandCorner"
    BOUNDING_BOX_BOTTOM_RIGHT_HAND_CORNER 0x0070 0x0011 "BoundingBoxBottomRightHandCorner"
    BOUNDING_BOX_TEXT_HORIZONTAL_JUSTIFICATION 0x0070 0x0012 "BoundingBoxTextHorizontalJustification"
    ANCHOR_POINT 0x0070 0x0014 "AnchorPoint"
    ANCHOR_POINT_VISIBILITY 0x0070 0x0015 "AnchorPointVisibility"
    GRAPHIC_DIMENSIONS 0x0070 0x0020 "GraphicDimensions"
    NUMBER_OF_GRAPHIC_POINTS 0x0070 0x0021 "NumberOfGraphicPoints"
    GRAPHIC_DATA 0x0070 0x0022 "GraphicData"
    GRAPHIC_TYPE 0x0070 0x0023 "GraphicType"
    GRAPHIC_FILLED 0x0070 0x0024 "GraphicFilled"
    DISPLAYED_AREA_TOP_LEFT_HAND_CORNER 0x0070 0x0052 "DisplayedAreaTopLeftHandCorner"
    DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER 0x0070 0x0053 "DisplayedAreaBottomRightHandCorner"
    DISPLAYED_AREA_SELECTION_SEQUENCE 0x0070 0x005a "DisplayedAreaSelectionSequence"
    GRAPHIC_LAYER_SEQUENCE 0x0070 0x0060 "GraphicLayerSequence"
    GRAPHIC_LAYER_ORDER 0x0070 0x0062 "GraphicLayerOrder"
    GRAPHIC_LAYER_RECOMMENDED_DISPLAY_GRAYSCALE_VALUE 0x0070 0x0066 "GraphicLayerRecommendedDisplayGrayscaleValue"
    GRAPHIC_LAYER_DESCRIPTION 0x0070 0x0068 "GraphicLayerDescription"
    CONTENT_LABEL 0x0070 0x0080 "ContentLabel"
    CONTENT_DESCRIPTION 0x0070 0x0081 "ContentDescription"
    PRESENTATION_CREATION_DATE 0x0070 0x0082 "PresentationCreationDate"
    PRESENTATION_CREATION_TIME 0x0070 0x0083 "PresentationCreationTime"
    CONTENT_CREATOR_NAME 0x0070 0x0084 "ContentCreatorName"
    PRESENTATION_SIZE_MODE 0x0070 0x0100 "PresentationSizeMode"
    PRESENTATION_PIXEL_SPACING 0x0070 0x0101 "PresentationPixelSpacing"
    PRESENTATION_PIXEL_ASPECT_RATIO 0x0070 0x0102 "PresentationPixelAspectRatio"
    PRESENTATION_PIXEL_MAGNIFICATION_RATIO 0x0070 0x0103 "PresentationPixelMagnificationRatio"
    GRAPHIC_LAYER_RECOMMENDED_DISPLAY_CIE_LAB_VALUE 0x0070 0x0401 "GraphicLayerRecommendedDisplayCIELabValue"
    PRESENTATION_LUT_SHAPE 0x2050 0x0020 "PresentationLUTShape"
    STRUCTURE_SET_LABEL 0x3006 0x0002 "StructureSetLabel"
    STRUCTURE_SET_DATE 0x3006 0x0008 "StructureSetDate"
    STRUCTURE_SET_TIME 0x3006 0x0009 "StructureSetTime"
    REFERENCED_FRAME_OF_REFERENCE_SEQUENCE 0x3006 0x0010 "ReferencedFrameOfReferenceSequence"
    RT_REFERENCED_STUDY_SEQUENCE 0x3006 0x0012 "RTReferencedStudySequence"
    RT_REFERENCED_SERIES_SEQUENCE 0x3006 0x0014 "RTReferencedSeriesSequence"
    CONTOUR_IMAGE_SEQUENCE 0x3006 0x0016 "ContourImageSequence"
    STRUCTURE_SET_ROI_SEQUENCE 0x3006 0x0020 "StructureSetROISequence"
    ROI_NUMBER 0x3006 0x0022 "ROINumber"
    REFERENCED_FRAME_OF_REFERENCE_UID 0x3006 0x0024 "ReferencedFrameOfReferenceUID"
    ROI_NAME 0x3006 0x0026 "ROIName"
    ROI_DESCRIPTION 0x3006 0x0028 "ROIDescription"
    ROI_DISPLAY_COLOR 0x3006 0x002a "ROIDisplayColor"
    ROI_GENERATION_ALGORITHM 0x3006 0x0036 "ROIGenerationAlgorithm"
    ROI_CONTOUR_SEQUENCE 0x3006 0x0039 "ROIContourSequence"
    CONTOUR_SEQUENCE 0x3006 0x0040 "ContourSequence"
    CONTOUR_GEOMETRIC_TYPE 0x3006 0x0042 "ContourGeometricType"
    NUMBER_OF_CONTOUR_POINTS 0x3006 0x0046 "NumberOfContourPoints"
    CONTOUR_NUMBER 0x3006 0x0048 "ContourNumber"
    CONTOUR_DATA 0x3006 0x0050 "ContourData"
    RT_ROI_OBSERVATIONS_SEQUENCE 0x3006 0x0080 "RTROIObservationsSequence"
    OBSERVATION_NUMBER 0x3006 0x0082 "ObservationNumber"
    REFERENCED_ROI_NUMBER 0x3006 0x0084 "ReferencedROINumber"
    RT_ROI_IDENTIFICATION_CODE_SEQUENCE 0x3006 0x0086 "RTROIIdentificationCodeSequence"
    RT_ROI_INTERPRETED_TYPE 0x3006 0x00a4 "RTROIInterpretedType"
    ROI_INTERPRETER 0x3006 0x00a6 "ROIInterpreter"
    APPROVAL_STATUS 0x300e 0x0002 "ApprovalStatus"
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
