//! Datasets as files: preamble, meta information of our own, dataset.

use std::io::{self, Write};
use std::path::Path;

use super::super::dataset::{Dataset, Element, Value, write_dataset};
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::super::transfer_syntax::{Codec, Encoding, TransferSyntax};
use super::super::vr::Vr;
use super::DicomFile;

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

impl DicomFile {
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
