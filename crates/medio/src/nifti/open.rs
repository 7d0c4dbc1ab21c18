//! Opens a file or a pair, plain or compressed, and checks everything that can be checked before the
//! first voxel is read.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use medcore::Budget;

use super::extension::{self, Extension};
use super::header::{self, Header, MAX_HEADER, Unmarked, Version};
use super::layout;
use super::xform;
use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::format::Format;
use crate::options::ReadOptions;
use crate::raw::{Body, Source, is_gzip_name, with_ending, without_gzip};
use crate::report::{Report, Warning};
use crate::volume;

/// Extensions within this are kept on request.
const MAX_KEPT_BYTES: u64 = 4 << 20;

/// A NIfTI file that passed every check short of its voxels.
pub(crate) struct Opened<'a> {
    pub header: Header,
    pub extensions: Vec<Extension>,
    pub volume: volume::VolumeFile<'a>,
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
    let body = open_body(&header_path, options, budget)?;
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
                return Err(fault_at(path)(Fault::Unrecognised {
                    format: Format::Nifti,
                    reason: "magic ni1 says that voxels lie in an .img file, but this is no .hdr"
                        .to_owned(),
                }));
            }
        };
        Ok(Some((open_body(&image, options, budget)?, image)))
    })
}

/// Opens a single file that is in memory.
pub(crate) fn open_memory<'a>(bytes: &'a [u8], options: &ReadOptions) -> Result<Opened<'a>> {
    let name = Path::new("memory");
    let body = Source::memory(bytes)
        .unpacked(&Budget::new(0))
        .map_err(fault_at(name))?;
    open_with(body, name, options, |header| {
        if header.single_file {
            return Ok(None);
        }
        let what = "a header whose voxels are in another file, read from memory,".to_owned();
        Err(fault_at(name)(Fault::Unsupported { what }))
    })
}

fn open_with<'a>(
    mut body: Body<'a>,
    path: &Path,
    options: &ReadOptions,
    image_of: impl FnOnce(&Header) -> Result<Option<(Body<'a>, PathBuf)>>,
) -> Result<Opened<'a>> {
    let fault = |f| fault_at(path)(f);
    let mut report = Report::default();
    let bytes = body.head(MAX_HEADER).map_err(fault)?;
    let unmarked = match part_of_pair(path) {
        Some(_) => Unmarked::Analyze,
        None => Unmarked::Refused,
    };
    let header = header::parse(&bytes, unmarked).map_err(fault)?;
    if header.version == Version::Analyze {
        note_unused(path, &header, &mut report);
    }
    let stored = layout::stored(&header, &mut report).map_err(fault)?;
    let geometry =
        xform::geometry(&header, stored.shape, options.xform, &mut report).map_err(fault)?;
    let names_gzip = is_gzip_name(path);
    if names_gzip != body.is_packed() && path != Path::new("memory") {
        report.add(Warning::NameDisagreesWithContents);
    }
    if header.single_file {
        extension::check_room(&bytes, &header, stored.offset, &mut report);
    }
    let separate = image_of(&header)?;
    let (image, image_path) = match &separate {
        Some((image, path)) => (image, path.as_path()),
        None => (&body, path),
    };
    image
        .check_size(&stored, &mut report)
        .map_err(fault_at(image_path))?;
    let mut extensions = Vec::new();
    if options.extensions {
        let end = if header.single_file {
            stored.offset
        } else {
            MAX_KEPT_BYTES
        };
        let mut bytes = body.start(end.min(MAX_KEPT_BYTES)).map_err(fault)?;
        let bytes = bytes.split_off(header.version.size().min(bytes.len()));
        extensions = extension::parse(&bytes, &header, &mut report);
    }
    let format = match header.version {
        Version::Analyze => Format::Analyze,
        Version::One | Version::Two => Format::Nifti,
    };
    let (body, path) = separate.unwrap_or_else(|| (body, path.to_owned()));
    Ok(Opened {
        header,
        extensions,
        volume: volume::VolumeFile {
            format,
            stored,
            geometry,
            report,
            body,
            path,
        },
    })
}

fn open_body(path: &Path, options: &ReadOptions, budget: &Budget) -> Result<Body<'static>> {
    let source = Source::open_file(path).map_err(opening(path))?;
    source
        .mapped(options.map)
        .unpacked(budget)
        .map_err(fault_at(path))
}

/// Mentions what might place an Analyze image and is not used.
fn note_unused(path: &Path, header: &Header, report: &mut Report) {
    if header.slice_code != 0 {
        report.add(Warning::EntryIgnored { key: "orient" });
    }
    let mat = without_gzip(path).with_extension("mat");
    if mat.is_file() {
        let name = mat
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        report.add(Warning::SidecarIgnored {
            name: name.unwrap_or_default(),
        });
    }
}

fn opening(path: &Path) -> impl FnOnce(Fault) -> Error + use<> {
    Error::opening(Format::Nifti, path)
}

fn fault_at(path: &Path) -> impl FnOnce(Fault) -> Error + use<> {
    Error::file(Format::Nifti, path)
}

/// The header beside the voxel file of a pair.
pub(crate) fn header_of(path: &Path) -> Option<PathBuf> {
    match part_of_pair(path) {
        Some(Part::Image) => sibling(path, "hdr"),
        _ => None,
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

fn missing_sibling(path: &Path, extension: &'static str) -> Error {
    let wanted = path.with_extension(extension);
    let source = std::io::Error::new(
        std::io::ErrorKind::NotFound,
        "a NIfTI pair needs both its .hdr and its .img file",
    );
    Error::io("open", &wanted)(source)
}
