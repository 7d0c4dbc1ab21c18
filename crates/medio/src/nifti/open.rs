//! Opens a file or a pair, plain or compressed, and checks everything that can be checked before the
//! first voxel is read.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use medcore::{Budget, Geometry};

use super::extension::{self, Extension};
use super::fault::Fault;
use super::header::{self, Header, MAX_HEADER};
use super::inflate::{self, Members};
use super::layout::Layout;
use super::options::ReadOptions;
use super::report::{Report, Warning};
use super::xform;
use crate::error::{Error, Result};

/// Extensions beyond this are refused: they would have to be inflated just to be skipped.
const MAX_EXTENSION_BYTES: u64 = 64 << 20;

/// Extensions within this are kept on request.
const MAX_KEPT_BYTES: u64 = 4 << 20;

pub trait ReadSeek: Read + Seek {}
impl<R: Read + Seek> ReadSeek for R {}

/// Bytes of a file, or of memory, as they are stored.
pub enum Body<'a> {
    Plain {
        reader: Box<dyn ReadSeek + 'a>,
        len: u64,
    },
    Gzip(Cow<'a, [u8]>),
}

impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain { len, .. } => write!(f, "Plain({len} bytes)"),
            Self::Gzip(compressed) => write!(f, "Gzip({} bytes)", compressed.len()),
        }
    }
}

/// A volume that passed every check short of its voxels.
pub(crate) struct Opened<'a> {
    pub header: Header,
    pub layout: Layout,
    pub geometry: Geometry<3>,
    pub extensions: Vec<Extension>,
    pub report: Report,
    pub body: Body<'a>,
    /// The file with the voxels, for messages and maps.
    pub path: PathBuf,
}

/// Opens `.nii`, `.nii.gz`, or either file of an `.hdr` and `.img` pair.
pub(crate) fn open_path(
    path: &Path,
    options: &ReadOptions,
    budget: &Budget,
) -> Result<Opened<'static>> {
    let header_path = match part_of_pair(path) {
        Some(Part::Image) => sibling(path, "hdr").ok_or_else(|| missing_sibling(path, "hdr"))?,
        _ => path.to_owned(),
    };
    let body = open_body(&header_path, budget)?;
    open_with(body, &header_path, options, |header| {
        if header.single_file {
            return Ok(None);
        }
        let image = match part_of_pair(path) {
            Some(Part::Image) => path.to_owned(),
            Some(Part::Header) => {
                sibling(path, "img").ok_or_else(|| missing_sibling(path, "img"))?
            }
            None => {
                return Err(Error::nifti(path)(Fault::NotNifti {
                    reason: "magic ni1 says that voxels lie in an .img file, but this is no .hdr"
                        .to_owned(),
                }));
            }
        };
        Ok(Some((open_body(&image, budget)?, image)))
    })
}

/// Opens a single file that is in memory.
pub(crate) fn open_memory<'a>(bytes: &'a [u8], options: &ReadOptions) -> Result<Opened<'a>> {
    let name = Path::new("memory");
    let body = if inflate::is_gzip(bytes) {
        Body::Gzip(Cow::Borrowed(bytes))
    } else {
        Body::Plain {
            reader: Box::new(Cursor::new(bytes)),
            len: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        }
    };
    open_with(body, name, options, |header| {
        if header.single_file {
            return Ok(None);
        }
        let what = "a header whose voxels are in another file, read from memory,".to_owned();
        Err(Error::nifti(name)(Fault::Unsupported { what }))
    })
}

fn open_with<'a>(
    mut body: Body<'a>,
    path: &Path,
    options: &ReadOptions,
    image_of: impl FnOnce(&Header) -> Result<Option<(Body<'a>, PathBuf)>>,
) -> Result<Opened<'a>> {
    let fault = |f| Error::nifti(path)(f);
    let mut report = Report::default();
    let bytes = body.head(MAX_HEADER).map_err(fault)?;
    let header = header::parse(&bytes).map_err(fault)?;
    let layout = Layout::new(&header, &mut report).map_err(fault)?;
    let geometry =
        xform::geometry(&header, layout.shape, options.xform, &mut report).map_err(fault)?;
    let names_gzip = is_gzip_name(path);
    if names_gzip != matches!(body, Body::Gzip(_)) && path != Path::new("memory") {
        report.add(Warning::NameDisagreesWithContents);
    }
    if header.single_file {
        extension::check_room(&bytes, &header, layout.offset, &mut report);
    }
    let separate = image_of(&header)?;
    let (image, image_path) = match &separate {
        Some((image, path)) => (image, path.as_path()),
        None => (&body, path),
    };
    image
        .check_size(&layout, &header, &mut report)
        .map_err(Error::nifti(image_path))?;
    let mut extensions = Vec::new();
    if options.extensions {
        let end = header.single_file.then_some(layout.offset);
        let bytes = body.extension_bytes(&header, end).map_err(fault)?;
        extensions = extension::parse(&bytes, &header, &mut report);
    }
    let (body, path) = separate.unwrap_or_else(|| (body, path.to_owned()));
    Ok(Opened {
        header,
        layout,
        geometry,
        extensions,
        report,
        body,
        path,
    })
}

fn open_body(path: &Path, budget: &Budget) -> Result<Body<'static>> {
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let metadata = file.metadata().map_err(Error::io("open", path))?;
    if !metadata.is_file() {
        let kind = std::io::Error::other("not a regular file");
        return Err(Error::io("open", path)(kind));
    }
    let len = metadata.len();
    let mut magic = Vec::new();
    let read = |r: std::io::Result<usize>| r.map_err(Error::io("read", path));
    read(file.by_ref().take(2).read_to_end(&mut magic))?;
    file.rewind().map_err(Error::io("read", path))?;
    if !inflate::is_gzip(&magic) {
        let reader = Box::new(file);
        return Ok(Body::Plain { reader, len });
    }
    let core = |e| Error::nifti(path)(Fault::core("the compressed file")(e));
    budget
        .claim_bytes("the compressed file", len)
        .map_err(core)?;
    let room = usize::try_from(len).unwrap_or(usize::MAX);
    let mut bytes = medcore::buffer::reserve(room, "the compressed file").map_err(core)?;
    // A file that grows while it is read ends where it ended when it was opened.
    read(file.take(len).read_to_end(&mut bytes))?;
    Ok(Body::Gzip(Cow::Owned(bytes)))
}

impl Body<'_> {
    /// The first bytes, at most `limit`.
    fn head(&mut self, limit: usize) -> std::result::Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; limit];
        let read = match self {
            Self::Plain { reader, .. } => {
                reader.rewind()?;
                let mut head = Vec::new();
                let limit = u64::try_from(limit).unwrap_or(u64::MAX);
                reader.take(limit).read_to_end(&mut head)?;
                return Ok(head);
            }
            Self::Gzip(compressed) => Members::new(compressed).read_some(&mut bytes)?,
        };
        bytes.truncate(read);
        Ok(bytes)
    }

    /// What follows the header, up to byte `end` or the end of the file.
    fn extension_bytes(
        &mut self,
        header: &Header,
        end: Option<u64>,
    ) -> std::result::Result<Vec<u8>, Fault> {
        let start = header.version.size();
        let limit = end.unwrap_or(MAX_KEPT_BYTES).min(MAX_KEPT_BYTES);
        // Read in steps: a small file may claim any length.
        let mut bytes = Vec::new();
        match self {
            Self::Plain { reader, .. } => {
                reader.rewind()?;
                reader.take(limit).read_to_end(&mut bytes)?;
            }
            Self::Gzip(compressed) => {
                let mut members = Members::new(compressed);
                let mut chunk = vec![0; 1 << 16];
                while u64::try_from(bytes.len()).unwrap_or(u64::MAX) < limit {
                    let read = members.read_some(&mut chunk)?;
                    let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else {
                        break;
                    };
                    bytes.extend_from_slice(part);
                }
                bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            }
        }
        Ok(bytes.split_off(start.min(bytes.len())))
    }

    /// Says before any allocation whether the voxels can be there.
    fn check_size(
        &self,
        layout: &Layout,
        header: &Header,
        report: &mut Report,
    ) -> std::result::Result<(), Fault> {
        let needed = layout.end()?;
        let truncated = |available| Fault::Truncated {
            what: "the file up to the last voxel",
            needed,
            available,
        };
        match self {
            Self::Plain { len, .. } => {
                let tail = len.checked_sub(needed).ok_or_else(|| truncated(*len))?;
                if tail > 0 {
                    report.add(Warning::TrailingBytes { bytes: tail });
                }
            }
            Self::Gzip(compressed) => {
                let bound = inflate::bound(compressed);
                if needed > bound {
                    return Err(truncated(bound));
                }
                let limit = header
                    .version
                    .first_voxel()
                    .saturating_add(MAX_EXTENSION_BYTES);
                if layout.offset > limit {
                    return Err(Fault::Oversized { limit });
                }
            }
        }
        Ok(())
    }

    /// Moves a plain reader to a byte.
    pub(crate) fn seek_plain(
        reader: &mut dyn ReadSeek,
        offset: u64,
    ) -> std::result::Result<(), Fault> {
        reader.seek(SeekFrom::Start(offset))?;
        Ok(())
    }
}

enum Part {
    Header,
    Image,
}

/// Which half of a pair a name is, with or without `.gz`.
fn part_of_pair(path: &Path) -> Option<Part> {
    let is = |p: &Path, e: &str| p.extension().is_some_and(|x| x.eq_ignore_ascii_case(e));
    let name = without_gzip(path);
    match () {
        () if is(&name, "hdr") => Some(Part::Header),
        () if is(&name, "img") => Some(Part::Image),
        () => None,
    }
}

/// The other half of a pair that exists; the one compressed as this half comes first, so that of two pairs
/// of one name no halves are mixed.
fn sibling(path: &Path, extension: &str) -> Option<PathBuf> {
    let twin = counterpart(path, extension);
    let in_small_letters = without_gzip(&twin).with_extension(extension);
    let spellings = [without_gzip(&twin), in_small_letters];
    let others = spellings
        .into_iter()
        .flat_map(|plain| [with_ending(&plain, OsStr::new("gz")), plain]);
    std::iter::once(twin).chain(others).find(|p| p.is_file())
}

/// The name of the other half of a pair: compressed or not, and in capitals or not, as this half.
pub(crate) fn counterpart(path: &Path, extension: &str) -> PathBuf {
    let plain = without_gzip(path);
    let in_capitals = plain.extension().is_some_and(|own| {
        let own = own.to_string_lossy();
        own.chars().all(|c| c.is_ascii_uppercase())
    });
    let twin = if in_capitals {
        plain.with_extension(extension.to_ascii_uppercase())
    } else {
        plain.with_extension(extension)
    };
    match path.extension().filter(|_| is_gzip_name(path)) {
        Some(gzip) => with_ending(&twin, gzip),
        None => twin,
    }
}

fn with_ending(path: &Path, ending: &OsStr) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// A name without its `.gz`, if it has one.
pub(crate) fn without_gzip(path: &Path) -> PathBuf {
    if is_gzip_name(path) {
        path.with_extension("")
    } else {
        path.to_owned()
    }
}

/// Whether a name ends in `.gz`.
pub(crate) fn is_gzip_name(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("gz"))
}

fn missing_sibling(path: &Path, extension: &'static str) -> Error {
    let wanted = path.with_extension(extension);
    let source = std::io::Error::new(
        std::io::ErrorKind::NotFound,
        "a NIfTI pair needs both its .hdr and its .img file",
    );
    Error::io("open", &wanted)(source)
}
