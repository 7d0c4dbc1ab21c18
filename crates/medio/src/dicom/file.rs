//! DICOM files: preamble, file meta information and dataset (PS3.10 section 7).

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use medcore::Budget;

use super::dataset::write_dataset;
use super::dataset::{Cursor, Dataset, Deferred, Element, Limits, Parser, Store, Value};
use super::fault::Fault;
use super::tag::Tag;
use super::transfer_syntax::{Codec, Encoding, TransferSyntax};
use super::vr::Vr;
use super::warning::Warning;
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

/// Values longer than this stay in the file until they are asked for.
const DEFERRED_ABOVE: u64 = 1 << 20;

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
    let opened = read(Store::File { file, length }, options);
    let mut opened = opened.map_err(crate::Error::dicom(path))?;
    opened.path = path.to_owned();
    Ok(opened)
}

/// Reads a DICOM file from memory.
///
/// # Errors
/// Refuses bytes that are no DICOM file, damaged or beyond the budget.
pub fn decode(bytes: impl Into<Arc<[u8]>>, options: &ReadOptions) -> Result<DicomFile, Fault> {
    read(Store::Memory(bytes.into()), options)
}

/// The kind of file that a preamble makes a DICOM file look like too.
fn preamble_kind(preamble: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 6] = [
        (b"MZ", "MZ (Windows program)"),
        (b"\x7fELF", "ELF (program)"),
        (b"\xcf\xfa\xed\xfe", "Mach-O (program)"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"\x89PNG", "PNG"),
    ];
    let mut kinds = kinds.into_iter();
    kinds.find_map(|(mark, kind)| preamble.starts_with(mark).then_some(kind))
}

/// Whether bytes are the beginning of a dataset that stands in a file without preamble and meta information.
pub(crate) fn is_bare_dataset(head: &[u8]) -> bool {
    let known = matches!(head, [2 | 8, 0, ..] | [0, 2 | 8, ..]);
    known && looks_like(head, None).is_some()
}

/// The encoding that the first bytes of a dataset can only be read in.
fn looks_like(head: &[u8], remaining: Option<u64>) -> Option<Encoding> {
    let [a, b, c, d, e, f, g, h] = head.first_chunk::<8>().copied()?;
    let plausible = |group: u16| (2..=0x0028).contains(&group) && group.is_multiple_of(2);
    let explicit = Vr::from_code([e, f]).is_some();
    let little = u16::from_le_bytes([a, b]);
    if plausible(little) {
        if explicit {
            return Some(Encoding::EXPLICIT);
        }
        let length = u64::from(u32::from_le_bytes([e, f, g, h]));
        let known = Tag::new(little, u16::from_le_bytes([c, d])).vr().is_some();
        let inside = remaining.is_none_or(|left| length <= left);
        return (known && inside).then_some(Encoding::IMPLICIT);
    }
    let big = plausible(u16::from_be_bytes([a, b])) && explicit;
    big.then_some(TransferSyntax::EXPLICIT_BIG_ENDIAN.dataset)
}

fn syntax_of(encoding: Encoding) -> TransferSyntax {
    match encoding {
        Encoding {
            explicit: false, ..
        } => TransferSyntax::IMPLICIT_LITTLE_ENDIAN,
        Encoding {
            big_endian: true, ..
        } => TransferSyntax::EXPLICIT_BIG_ENDIAN,
        _ => TransferSyntax::EXPLICIT_LITTLE_ENDIAN,
    }
}

fn read(store: Store, options: &ReadOptions) -> Result<DicomFile, Fault> {
    let budget = options.own_budget();
    let limits = Limits {
        budget: &budget,
        lenient: options.lenient,
        deferred_above: DEFERRED_ABOVE,
    };
    let mut report = Report::default();
    let mut cursor = Cursor::new(&store, 0);
    let head = cursor.peek(132)?;
    let marked = head.get(128..) == Some(b"DICM");
    if marked {
        let kind = preamble_kind(head);
        cursor.skip(132);
        if let Some(kind) = kind {
            report.add(Warning::Preamble { kind });
        }
    } else {
        let short = head.len() < 8;
        let head = head.to_vec();
        if short {
            let available = u64::try_from(head.len()).unwrap_or(0);
            return Err(Fault::Truncated {
                what: "the preamble".to_owned(),
                offset: 0,
                needed: 132,
                available,
            });
        }
        if looks_like(&head, cursor.remaining()).is_none() {
            return Err(Fault::NotDicom {
                reason: "neither DICM at byte 128 nor a dataset from byte 0",
            });
        }
        report.add(Warning::NoPreamble);
    }
    let start = cursor.offset();
    let meta = Parser::new(&mut cursor, Encoding::EXPLICIT, limits, &mut report).meta()?;
    check_meta_length(&meta, start, cursor.offset(), &mut report)?;
    if marked && meta.is_empty() && cursor.peek(1)?.is_empty() {
        return Err(Fault::Truncated {
            what: "file meta information".to_owned(),
            offset: start,
            needed: 8,
            available: 0,
        });
    }
    let named = meta.string(Tag::TRANSFER_SYNTAX_UID);
    let dataset_start = cursor.offset();
    let remaining = cursor.remaining();
    let head = cursor.peek(8)?.to_vec();
    let seen = looks_like(&head, remaining);
    let (syntax_uid, syntax) = match named {
        Some(uid) => {
            let syntax = TransferSyntax::from_uid(&uid);
            (uid, syntax)
        }
        None if !meta.is_empty() && !options.lenient => {
            return Err(Fault::MissingAttribute {
                tag: Tag::TRANSFER_SYNTAX_UID,
            });
        }
        None => {
            let syntax = seen.map_or(TransferSyntax::IMPLICIT_LITTLE_ENDIAN, syntax_of);
            let uid = syntax.uid;
            report.add(Warning::TransferSyntaxGuessed { uid });
            (uid.to_owned(), Some(syntax))
        }
    };
    let mut encoding = syntax.map_or(Encoding::EXPLICIT, |syntax| syntax.dataset);
    let store = if encoding.deflated {
        let length = remaining.unwrap_or(0);
        let claimed = budget.claim_bytes("deflated dataset", length);
        claimed.map_err(Fault::core("dataset"))?;
        Store::Deflated(store.range(dataset_start, length)?.into())
    } else {
        if let Some(seen) = seen
            && !encoding.big_endian
            && !seen.big_endian
            && seen.explicit != encoding.explicit
        {
            let explicit = seen.explicit;
            report.add(Warning::EncodingDisagrees { explicit });
            encoding = seen;
        }
        store
    };
    let first = if encoding.deflated { 0 } else { dataset_start };
    let mut cursor = Cursor::new(&store, first);
    let dataset = Parser::new(&mut cursor, encoding, limits, &mut report).dataset()?;
    if !marked && dataset.is_empty() && meta.is_empty() {
        return Err(Fault::NotDicom {
            reason: "no attributes",
        });
    }
    let mut file = DicomFile {
        path: PathBuf::from("memory"),
        meta,
        dataset,
        syntax_uid,
        syntax,
        store,
        report,
        budget,
        lenient: options.lenient,
    };
    let mut report = std::mem::take(&mut file.report);
    super::pixels::doubts(&file, &mut report);
    file.report = report;
    Ok(file)
}

fn check_meta_length(
    meta: &Dataset,
    start: u64,
    end: u64,
    report: &mut Report,
) -> Result<(), Fault> {
    let declared = match meta.get(Tag::FILE_META_INFORMATION_GROUP_LENGTH) {
        // A number of another size is as wrong as another number.
        Some(element) => element.integers().ok().and_then(|v| v.first().copied()),
        None => None,
    };
    let declared = declared.and_then(|v| u64::try_from(v).ok());
    // The length counts from behind its own element of twelve bytes.
    let found = end.saturating_sub(start).saturating_sub(12);
    if !meta.is_empty() && declared != Some(found) {
        report.add(Warning::MetaLength { declared, found });
    }
    Ok(())
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
                let load = |f: &super::dataset::Fragment| {
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

    /// Writes the file as it was read, with its dataset changed by `edit`.
    ///
    /// Pixel data is copied as it is; native pixels change their byte order with the transfer syntax.
    ///
    /// # Errors
    /// Refuses what [`write()`] refuses.
    pub fn write_edited(
        &self,
        path: impl AsRef<Path>,
        options: &WriteOptions,
        edit: impl FnOnce(&mut Dataset) -> Result<(), Fault>,
    ) -> crate::Result<()> {
        let path = path.as_ref();
        let mut dataset = self.dataset.clone();
        edit(&mut dataset).map_err(crate::Error::dicom(path))?;
        let load = |element: &Element| self.load_value(element).map_err(io::Error::other);
        put(path, &dataset, options, &load)
    }
}

/// How to write a file.
///
/// ```
/// use medio::dicom::{TransferSyntax, WriteOptions};
///
/// let options = WriteOptions::new().transfer_syntax(TransferSyntax::DEFLATED);
/// ```
#[derive(Debug, Clone)]
pub struct WriteOptions {
    syntax: TransferSyntax,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            syntax: TransferSyntax::EXPLICIT_LITTLE_ENDIAN,
        }
    }
}

impl WriteOptions {
    /// Explicit VR Little Endian.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes in this transfer syntax; encapsulated ones need pixel data that is already in fragments.
    #[must_use]
    pub fn transfer_syntax(mut self, syntax: TransferSyntax) -> Self {
        self.syntax = syntax;
        self
    }
}

/// Identifies this crate as the writer of a file.
const IMPLEMENTATION: &str = "2.25.180432962518904283419706241508735230214";

fn not_loaded(element: &Element) -> io::Result<Value> {
    let what = format!("{}: its value was left in another file", element.tag());
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

/// Writes a dataset as a DICOM file, complete or not at all.
///
/// # Errors
/// Refuses datasets without SOP class or instance, values that were not read, pixel data that does not fit
/// the transfer syntax, and passes on what the system says.
pub fn write(
    path: impl AsRef<Path>,
    dataset: &Dataset,
    options: &WriteOptions,
) -> crate::Result<()> {
    put(path.as_ref(), dataset, options, &not_loaded)
}

/// A dataset as the bytes of a DICOM file.
///
/// # Errors
/// As [`write()`].
pub fn encode(dataset: &Dataset, options: &WriteOptions) -> Result<Vec<u8>, Fault> {
    let meta = meta_of(dataset, options)?;
    let mut bytes = Vec::new();
    write_file(&mut bytes, &meta, dataset, options, &not_loaded)?;
    Ok(bytes)
}

fn put(
    path: &Path,
    dataset: &Dataset,
    options: &WriteOptions,
    load: &dyn Fn(&Element) -> io::Result<Value>,
) -> crate::Result<()> {
    let meta = meta_of(dataset, options).map_err(crate::Error::dicom(path))?;
    medcore::atomic::write(path, |out| write_file(out, &meta, dataset, options, load))
        .map_err(crate::Error::not_written(path))
}

fn meta_of(dataset: &Dataset, options: &WriteOptions) -> Result<Dataset, Fault> {
    let encapsulated = match dataset.get(Tag::PIXEL_DATA).map(Element::value) {
        Some(Value::Fragments(_)) => true,
        Some(Value::Deferred(deferred)) => deferred.fragments.is_some(),
        _ => false,
    };
    let has_pixels = dataset.get(Tag::PIXEL_DATA).is_some();
    if has_pixels && encapsulated != (options.syntax.codec != Codec::Native) {
        return Err(Fault::attribute(
            Tag::PIXEL_DATA,
            "in fragments exactly if the transfer syntax is encapsulated",
            options.syntax.name,
        ));
    }
    let mut meta = Dataset::new();
    let version = Value::Bytes([0, 1].into());
    meta.insert(Element::new(
        Tag::FILE_META_INFORMATION_VERSION,
        Vr::OB,
        version,
    ));
    meta.set_text(
        Tag::MEDIA_STORAGE_SOP_CLASS_UID,
        &dataset.required_string(Tag::SOP_CLASS_UID)?,
    )?;
    meta.set_text(
        Tag::MEDIA_STORAGE_SOP_INSTANCE_UID,
        &dataset.required_string(Tag::SOP_INSTANCE_UID)?,
    )?;
    meta.set_text(Tag::TRANSFER_SYNTAX_UID, options.syntax.uid)?;
    meta.set_text(Tag::IMPLEMENTATION_CLASS_UID, IMPLEMENTATION)?;
    meta.set_text(Tag::IMPLEMENTATION_VERSION_NAME, "MEDIO_0_1")?;
    Ok(meta)
}

fn write_file(
    out: &mut dyn Write,
    meta: &Dataset,
    dataset: &Dataset,
    options: &WriteOptions,
    load: &dyn Fn(&Element) -> io::Result<Value>,
) -> io::Result<()> {
    let mut head = Vec::new();
    write_dataset(&mut head, meta, Encoding::EXPLICIT, load)?;
    let length = u32::try_from(head.len()).map_err(io::Error::other)?;
    out.write_all(&[0; 128])?;
    out.write_all(b"DICM\x02\x00\x00\x00UL\x04\x00")?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&head)?;
    let encoding = options.syntax.dataset;
    if !encoding.deflated {
        return write_dataset(out, dataset, encoding, load);
    }
    let level = flate2::Compression::default();
    let mut deflated = flate2::write::DeflateEncoder::new(Counting { out, bytes: 0 }, level);
    write_dataset(&mut deflated, dataset, encoding, load)?;
    let counting = deflated.finish()?;
    // The stream is padded to an even length (PS3.5 section A.5).
    if counting.bytes % 2 == 1 {
        counting.out.write_all(&[0])?;
    }
    Ok(())
}

/// Counts what goes through.
struct Counting<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
}

impl Write for Counting<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let n = self.out.write(buffer)?;
        let written = u64::try_from(n).unwrap_or(0);
        self.bytes = self.bytes.saturating_add(written);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
