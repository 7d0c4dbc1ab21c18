//! What can go wrong with files: which one, what in it, and what would have been right.
//!
//! The errors of this crate say all of it in one line, what caused them too, so that whoever prints one prints
//! everything. The cause is in the variant for whoever wants to decide by it, and not in
//! [`source`](std::error::Error::source): reports that go along sources would say it twice.

use std::path::{Path, PathBuf};

use crate::fault::Fault;
use crate::format::Format;

/// The result of a fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a file or a dataset folder was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused to open, read or list something.
    #[error("{operation} {}: {cause}", path.display())]
    Io {
        /// `open`, `read`, `list` ...
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// An image file is damaged, unsupported or holds values that were not asked for.
    #[error("{}: {fault}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The format it was read as.
        format: Format,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A file is of a known format that is not read here.
    #[error("{}: {format} is not read: {reason}", path.display())]
    UnsupportedFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: Format,
        /// Why, or what to do instead.
        reason: &'static str,
    },
    /// The contents of a file are of no format that this crate knows.
    #[error("{}: no known image format; it starts with {start:?}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// Its first bytes, escaped.
        start: String,
    },
    /// A DICOM file is damaged, unsupported or holds values that were not asked for.
    #[error("{}: {fault}", path.display())]
    Dicom {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Box<crate::dicom::Fault>,
    },
    /// The slices of a DICOM series do not make what was asked for.
    #[error("{}{fault}", if uid.is_empty() { String::new() } else { format!("series {uid}: ") })]
    Series {
        /// Series instance UID; empty where several are in question.
        uid: String,
        /// Why not, with files and millimetres.
        fault: Box<crate::dicom::SeriesFault>,
    },
    /// A request to a DICOMweb server failed.
    #[cfg(feature = "dicomweb")]
    #[error("{request}: {fault}")]
    DicomWeb {
        /// Method and URL, without the query, which may name a patient.
        request: String,
        /// Why.
        fault: Box<crate::dicomweb::Fault>,
    },
    /// An annotation file is damaged or breaks its format, or annotations contradict themselves.
    #[error("{}: {fault}", path.display())]
    Annotations {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Box<crate::annotations::Fault>,
    },
    /// A result could not be written.
    #[error("write {}: {cause}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What went wrong, as the atomic writer says it.
        cause: Box<medcore::Error>,
    },
    /// A file name ends in something else than the formats this crate writes.
    #[error("{}: the name must end in {expected}", path.display())]
    UnknownExtension {
        /// The refused name.
        path: PathBuf,
        /// The endings that are understood.
        expected: &'static str,
    },
    /// An image cannot be written in this format.
    #[error("{}: {rule}, got {got}", path.display())]
    NotWritable {
        /// The file that was to be written.
        path: PathBuf,
        /// What the format needs.
        rule: &'static str,
        /// What was given.
        got: String,
    },
    /// A folder holds none of the layouts this crate knows.
    #[error("{}: no known dataset layout (looked for {expected})", path.display())]
    UnknownLayout {
        /// The folder.
        path: PathBuf,
        /// The files and folders that were looked for.
        expected: &'static str,
    },
    /// A dataset description is not valid.
    #[error("{}: {field}: {problem}", path.display())]
    InvalidDescription {
        /// The JSON file.
        path: PathBuf,
        /// The key, with its parents.
        field: String,
        /// What is wrong, and with which value.
        problem: String,
    },
    /// A path in a dataset description leaves the dataset's folder.
    #[error("{}: {field} names {value:?}, which leaves the folder", path.display())]
    PathEscapes {
        /// The JSON file.
        path: PathBuf,
        /// The key, with its parents.
        field: String,
        /// The refused path.
        value: String,
    },
    /// A file that the layout calls for does not exist.
    #[error("case {case}: {role} {} is missing", path.display())]
    MissingFile {
        /// The case.
        case: String,
        /// `image`, `label`, `channel 1 (PET)` ...
        role: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// Two files of one case lie on different grids.
    #[error("{} and {} do not share a grid: {cause}", left.display(), right.display())]
    GridsDiffer {
        /// The file that sets the grid.
        left: PathBuf,
        /// The file that differs from it.
        right: PathBuf,
        /// The first difference.
        cause: Box<medcore::GeometryMismatch>,
    },
    /// A case has another number of channels than its dataset declares.
    #[error("case {case}: {got} channels in its files, the dataset declares {expected}")]
    ChannelCount {
        /// The case.
        case: String,
        /// Channels declared.
        expected: usize,
        /// Channels found.
        got: usize,
    },
    /// A label map holds a value that its label table does not name.
    #[error(
        "{}: label {value} at voxel {voxel:?} is not in the table ({known})", path.display()
    )]
    UnknownLabel {
        /// The label map.
        path: PathBuf,
        /// The value.
        value: u32,
        /// Its first voxel, `[depth, height, width]`.
        voxel: [usize; 3],
        /// The values that the table names.
        known: String,
    },
    /// An image holds voxels that are not numbers.
    #[error(
        "{}: {count} voxels are NaN or infinite, the first of them {voxel:?}; replace them by the \
         background's intensity", path.display()
    )]
    NotFinite {
        /// The image.
        path: PathBuf,
        /// How many voxels, of all channels.
        count: usize,
        /// The first, `[depth, height, width]`.
        voxel: [usize; 3],
    },
    /// A case has no label map.
    #[error("case {case} has no label map")]
    MissingLabels {
        /// The case's id.
        case: String,
    },
    /// A label table contradicts itself.
    #[error(transparent)]
    LabelTable(medcore::Error),
}

impl Error {
    pub(crate) fn io(
        operation: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |cause| Self::Io {
            operation,
            path,
            cause,
        }
    }

    pub(crate) fn annotations(
        path: &Path,
    ) -> impl FnOnce(crate::annotations::Fault) -> Self + use<> {
        let path = path.to_owned();
        move |fault| Self::Annotations {
            path,
            fault: Box::new(fault),
        }
    }

    /// Adds path and format to what is wrong in a file.
    pub(crate) fn file(format: Format, path: &Path) -> impl FnOnce(Fault) -> Self + use<> {
        let path = path.to_owned();
        move |fault| match fault {
            Fault::Io(cause) => Self::io("read", &path)(cause),
            fault => Self::File {
                path,
                format,
                fault,
            },
        }
    }

    /// As [`Error::file`], where what the system refused was to open the file.
    pub(crate) fn opening(format: Format, path: &Path) -> impl FnOnce(Fault) -> Self + use<> {
        let path = path.to_owned();
        move |fault| match fault {
            Fault::Io(cause) => Self::io("open", &path)(cause),
            fault => Self::file(format, &path)(fault),
        }
    }

    pub(crate) fn unknown_format(path: &Path, head: &[u8]) -> Self {
        let start = head.get(..16).unwrap_or(head);
        Self::UnknownFormat {
            path: path.to_owned(),
            start: start.escape_ascii().to_string(),
        }
    }

    pub(crate) fn not_written(path: &Path) -> impl FnOnce(medcore::Error) -> Self + use<> {
        let path = path.to_owned();
        move |cause| Self::Write {
            path,
            cause: Box::new(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[test]
    fn a_cause_is_said_once() {
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let core = || medcore::Error::InvalidSpacing {
            axis: 1,
            spacing: -2.0,
        };
        let path = Path::new("scan");
        let dicom = crate::dicom::Fault::core("geometry")(core());
        for (error, cause) in [
            (Error::io("open", path)(missing()), missing().to_string()),
            (
                Error::file(Format::Nrrd, path)(Fault::core("geometry")(core())),
                core().to_string(),
            ),
            (Error::dicom(path)(dicom), core().to_string()),
            (Error::dicom(path)(missing().into()), missing().to_string()),
            (Error::not_written(path)(core()), core().to_string()),
        ] {
            assert_eq!(error.to_string().matches(&cause).count(), 1, "{error}");
            assert!(error.source().is_none(), "{error}");
        }
    }
}
