//! DICOM files: preamble, file meta information and dataset (PS3.10 section 7).

mod read;
mod write;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use medcore::Budget;

pub(crate) use read::is_bare_dataset;
pub use write::{WriteOptions, encode, write};

use super::dataset::{Dataset, Deferred, Element, Fragment, Store, Value};
use super::fault::Fault;
use super::transfer_syntax::TransferSyntax;
use crate::options::ReadOptions;
use crate::report::Report;

/// A DICOM file whose dataset was read and whose pixels were not.
///
/// ```no_run
/// use medio::dicom::{self, Tag};
///
/// let file = dicom::open("slice.dcm")?;
/// println!("{:?}", file.dataset().text(Tag::SERIES_DESCRIPTION));
/// let hounsfield = file.frame::<f32>(0)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DicomFile {
    path: PathBuf,
    meta: Dataset,
    dataset: Dataset,
    /// The identifier that the file names, or that was guessed.
    syntax_uid: String,
    syntax: Option<TransferSyntax>,
    store: Store,
    pub(super) report: Report,
    pub(super) budget: Arc<Budget>,
    pub(super) lenient: bool,
}

/// Opens a DICOM file and reads everything but its pixels.
///
/// # Errors
/// Refuses files that cannot be opened, are no DICOM, damaged or beyond the budget.
pub fn open(path: impl AsRef<Path>) -> crate::Result<DicomFile> {
    open_with(path, &ReadOptions::new())
}

/// As [`open`], with options.
///
/// # Errors
/// As [`open`].
pub fn open_with(path: impl AsRef<Path>, options: &ReadOptions) -> crate::Result<DicomFile> {
    let path = path.as_ref();
    let file = std::fs::File::open(path).map_err(crate::Error::io("open", path))?;
    let status = file.metadata().map_err(crate::Error::io("open", path))?;
    if !status.is_file() {
        let refused = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
        return Err(crate::Error::io("open", path)(refused));
    }
    let length = status.len();
    let opened = read::read(Store::File { file, length }, options);
    let mut opened = opened.map_err(crate::Error::dicom(path))?;
    opened.path = path.to_owned();
    Ok(opened)
}

/// Reads a DICOM file from memory.
///
/// # Errors
/// Refuses bytes that are no DICOM file, damaged or beyond the budget.
pub fn decode(bytes: impl Into<Arc<[u8]>>, options: &ReadOptions) -> Result<DicomFile, Fault> {
    read::read(Store::Memory(bytes.into()), options)
}

impl DicomFile {
    /// File meta information: the attributes of group 0002.
    #[must_use]
    pub fn meta(&self) -> &Dataset {
        &self.meta
    }

    /// The dataset; pixel data and large values stay in the file.
    #[must_use]
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The dataset without the file, and so without its pixels.
    #[must_use]
    pub fn into_dataset(self) -> Dataset {
        self.dataset
    }

    /// How dataset and pixels are encoded; none if the standard does not know it.
    #[must_use]
    pub fn transfer_syntax(&self) -> Option<TransferSyntax> {
        self.syntax
    }

    /// The unique identifier of the transfer syntax.
    #[must_use]
    pub fn transfer_syntax_uid(&self) -> &str {
        &self.syntax_uid
    }

    /// Doubts and repairs.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Where the file lies, `memory` if it was decoded from bytes.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Reads a value that was left in the file; others are copied.
    ///
    /// # Errors
    /// Refuses values beyond the budget, and passes on what the system says.
    pub fn load(&self, element: &Element) -> crate::Result<Value> {
        self.load_value(element)
            .map_err(crate::Error::dicom(&self.path))
    }

    pub(super) fn load_value(&self, element: &Element) -> Result<Value, Fault> {
        let Value::Deferred(deferred) = element.value() else {
            return Ok(element.value().clone());
        };
        let claimed = self.budget.claim_bytes("value", deferred.length);
        claimed.map_err(Fault::core("value"))?;
        match &deferred.fragments {
            Some(fragments) => {
                let load = |f: &Fragment| {
                    let bytes = self.store.range(f.offset, u64::from(f.length))?;
                    Ok(bytes.into_owned().into())
                };
                let loaded: Result<Vec<Box<[u8]>>, Fault> = fragments.iter().map(load).collect();
                Ok(Value::Fragments(loaded?))
            }
            None => {
                let Deferred { offset, length, .. } = **deferred;
                let mut bytes = self.store.range(offset, length)?.into_owned();
                let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                if found < length {
                    return Err(Fault::Truncated {
                        what: element.tag().to_string(),
                        offset,
                        needed: length,
                        available: found,
                    });
                }
                let unit = element.vr().unit();
                if deferred.big_endian && unit > 1 {
                    bytes.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
                }
                Ok(Value::Bytes(bytes.into()))
            }
        }
    }
}
