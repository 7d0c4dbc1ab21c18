//! What a reader noticed and what it repaired: never silently, never only logged.

/// Everything worth knowing about how a file was read; empty for a clean file.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// In the order they were met.
    pub warnings: Vec<Warning>,
}

/// A report stays short, however long the file.
const MOST: usize = 256;

impl Report {
    /// Adds a warning that is not there yet, while there is room.
    pub(crate) fn add(&mut self, warning: impl Into<Warning>) {
        let warning = warning.into();
        if self.warnings.len() < MOST && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Whether nothing was repaired or doubtful.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.warnings.is_empty()
    }
}

/// One doubt or repair.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// What is doubtful in a DICOM file.
    #[error(transparent)]
    Dicom(#[from] crate::dicom::Warning),
    /// What is doubtful about a volume made of DICOM slices.
    #[error(transparent)]
    Series(#[from] crate::dicom::SeriesWarning),
    /// Both maps are valid and place the same voxel apart: other tools may place this file elsewhere.
    #[error("qform and sform place a corner {max_mm:.4} mm apart")]
    QformSformDisagree {
        /// Largest distance over the corners of the grid, in millimetres.
        max_mm: f64,
    },
    /// The sform was used; the qform beside it is not valid.
    #[error("the qform beside the used sform is not valid: {reason}")]
    QformInvalid {
        /// The rule it breaks.
        reason: String,
    },
    /// Neither sform nor qform: spacing from pixdim, x to the left, the centre at zero (nibabel's rule).
    #[error("the file has no orientation; its centre was put at zero, x to the left")]
    NoOrientation,
    /// The code of a map is none of the standard's; a negative one counts as absent.
    #[error("{field} {code} is not in the standard")]
    UnknownXformCode {
        /// `qform_code` or `sform_code`.
        field: &'static str,
        /// The code.
        code: i32,
    },
    /// Lengths were converted to millimetres.
    #[error("lengths were converted from {unit} to millimetres")]
    UnitsConverted {
        /// `metres` or `micrometres`.
        unit: &'static str,
    },
    /// The unit code is none of the standard's; millimetres were assumed.
    #[error("unit code {code} is not in the standard; millimetres were assumed")]
    UnknownUnits {
        /// Spatial bits of `xyzt_units`.
        code: u8,
    },
    /// A unit of length is none that is known; millimetres were assumed.
    #[error("unit {unit:?} is not known; millimetres were assumed")]
    UnitUnknown {
        /// As the file names it.
        unit: String,
    },
    /// `bitpix` contradicts `datatype`, which was believed.
    #[error("bitpix {bitpix} contradicts datatype {datatype}; the latter was believed")]
    BitpixDisagrees {
        /// What the file says.
        bitpix: i16,
        /// Name of the datatype.
        datatype: &'static str,
    },
    /// `vox_offset` 0 in a single file was read as the end of the header.
    #[error("vox_offset 0 was read as {used}")]
    VoxOffsetRepaired {
        /// The offset used.
        used: u64,
    },
    /// A negative `pixdim` was read as its absolute value, or that of an axis of one voxel as 1.
    #[error("pixdim[{axis}] {value} was read as {used}")]
    PixdimRepaired {
        /// 1 to 3.
        axis: usize,
        /// What the file says.
        value: f64,
        /// What was used.
        used: f64,
    },
    /// `pixdim[0]`, the handedness of the qform, is neither 1 nor -1; read by its sign, as the standard does.
    #[error("pixdim[0] {value} was read as {used}")]
    QfacRepaired {
        /// What the file says.
        value: f64,
        /// What was used.
        used: f64,
    },
    /// `scl_slope` is 0 or NaN, which means no scaling; the intercept beside it was ignored.
    #[error("scl_inter {inter} was ignored because scl_slope {slope} means no scaling")]
    InterceptIgnored {
        /// The slope.
        slope: f64,
        /// The ignored intercept.
        inter: f64,
    },
    /// Bytes follow the last voxel.
    #[error("{bytes} bytes follow the last voxel")]
    TrailingBytes {
        /// How many.
        bytes: u64,
    },
    /// Bytes that are no gzip member follow the last one.
    #[error("{bytes} bytes that are not gzip follow the compressed data")]
    TrailingGarbage {
        /// How many.
        bytes: u64,
    },
    /// The name and the contents disagree about compression; the contents were believed.
    #[error("the name and the contents disagree about gzip; the contents were believed")]
    NameDisagreesWithContents,
    /// Bytes of compressed data are more or fewer than the header says; the data was believed.
    #[error("the header says {declared} compressed bytes, {found} are there")]
    CompressedSizeDisagrees {
        /// What the header says.
        declared: u64,
        /// What is there.
        found: u64,
    },
    /// A key stands in the header twice; the last one counts.
    #[error("{key} (line {line}) is there twice; the last one was believed")]
    RepeatedKey {
        /// The key, shortened.
        key: String,
        /// Line of the last one.
        line: usize,
    },
    /// The header says nothing of this; what the format's own tools assume was assumed.
    #[error("the header has no {key}; {used} was assumed")]
    Assumed {
        /// The key.
        key: &'static str,
        /// What was assumed.
        used: &'static str,
    },
    /// An entry that would change values was not applied, as the format's own tools do not apply it.
    #[error("{key} was not applied")]
    EntryIgnored {
        /// The key.
        key: &'static str,
    },
    /// World coordinates are in a space that has no anatomical meaning; they were taken for LPS.
    #[error("coordinates of space {space:?} were taken for LPS millimetres")]
    SpaceAssumed {
        /// The space as the file names it, empty if it names none.
        space: String,
    },
    /// A file beside this one holds an affine that was not used.
    #[error("{name:?} beside the image was not read")]
    SidecarIgnored {
        /// Its name.
        name: String,
    },
    /// The chain of extensions is broken; those before were kept.
    #[error("the extension at byte {offset} is malformed")]
    MalformedExtension {
        /// Where it starts in the uncompressed file.
        offset: u64,
    },
}
