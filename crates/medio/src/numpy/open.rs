//! Arrays as volumes that may be read.

use std::borrow::Cow;
use std::path::PathBuf;

use medcore::{Budget, Geometry, Point, Vector};

use super::AFFINE;
use super::archive::{self, Contents, Member};
use super::header::{Header, LARGEST};
use crate::fault::{Fault, shortened};
use crate::format::Format;
use crate::grid::{grid, unplaced};
use crate::options::ReadOptions;
use crate::raw::{Body, Endian, Packing, Source, Span, len64};
use crate::report::Report;
use crate::volume::VolumeFile;
use crate::voxel::Datatype;

/// Bytes in front of the voxels: mark, version, length, header.
const HEAD: usize = LARGEST + 12;

/// Opens a `.npy` file.
pub(crate) fn open<'a>(
    mut source: Source<'a>,
    options: &ReadOptions,
) -> Result<VolumeFile<'a>, Fault> {
    let mut report = Report::default();
    let path = path_of(&source);
    let stored = Header::parse(&source.bytes(0, len64(HEAD))?)?.stored()?;
    let geometry = unplaced(stored.shape, options)?;
    let body = source.plain();
    body.check_size(&stored, &mut report)?;
    Ok(VolumeFile {
        format: Format::Npy,
        stored,
        geometry,
        report,
        body,
        path,
    })
}

/// Opens the chosen, or the only, array of an `.npz` archive.
pub(crate) fn open_archive<'a>(
    mut source: Source<'a>,
    options: &ReadOptions,
    budget: &Budget,
) -> Result<VolumeFile<'a>, Fault> {
    let mut report = Report::default();
    let path = path_of(&source);
    let members = archive::members(&mut source)?;
    let member = chosen(&members, options)?;
    let affine = match members.iter().find(|member| member.name == AFFINE) {
        Some(member) if options.grid.is_none() => Some(affine(member, &mut source, budget)?),
        _ => None,
    };
    let (body, stored) = match member.open(&mut source)? {
        Contents::Stored { start, len } => {
            let mut stored =
                Header::parse(&source.bytes(start, len.min(len64(HEAD)))?)?.stored()?;
            let needed = stored.end()?;
            if needed > len {
                return Err(Fault::Truncated {
                    what: "an array of the archive",
                    needed,
                    available: len,
                });
            }
            stored.offset = stored.offset.saturating_add(start);
            (source.plain(), stored)
        }
        Contents::Gzip(bytes) => {
            budget
                .claim_bytes("an array of the archive", len64(bytes.len()))
                .map_err(Fault::core("an array of the archive"))?;
            let mut body = Body::Packed {
                packing: Packing::Gzip,
                bytes: Span::Memory(Cow::Owned(bytes)),
            };
            let stored = Header::parse(&body.head(HEAD)?)?.stored()?;
            body.check_size(&stored, &mut report)?;
            (body, stored)
        }
    };
    let geometry = match affine {
        Some(affine) => placed(affine, stored.shape)?,
        None => unplaced(stored.shape, options)?,
    };
    Ok(VolumeFile {
        format: Format::Npz,
        stored,
        geometry,
        report,
        body,
        path,
    })
}

fn path_of(source: &Source<'_>) -> PathBuf {
    let path = source.path().map(PathBuf::from);
    path.unwrap_or_else(|| PathBuf::from("memory"))
}

fn chosen<'m>(members: &'m [Member], options: &ReadOptions) -> Result<&'m Member, Fault> {
    const MOST: usize = 8;
    let wanted = options.array.as_deref();
    let mut found = members.iter().filter(|member| match wanted {
        Some(name) => member.name == name,
        None => member.name != AFFINE,
    });
    match (found.next(), found.next()) {
        (Some(member), None) => Ok(member),
        _ => {
            let names = members
                .iter()
                .take(MOST)
                .map(|member| shortened(&member.name));
            Err(Fault::Contradiction {
                rule: "the archive must hold one array, or the one of ReadOptions::array",
                got: format!("{:?}", names.collect::<Vec<_>>()),
            })
        }
    }
}

/// The rows of the affine beside an image, from (i, j, k, 1) to LPS.
fn affine(
    member: &Member,
    source: &mut Source<'_>,
    budget: &Budget,
) -> Result<[[f64; 4]; 3], Fault> {
    let bytes = match member.open(source)? {
        Contents::Stored { start, len } => source.bytes(start, len.min(1 << 12))?.into_owned(),
        Contents::Gzip(bytes) => {
            let source = Source::memory(&bytes);
            source.unpacked(budget)?.head(1 << 12)?
        }
    };
    let header = Header::parse(&bytes)?;
    let stored = header.stored()?;
    let refused = || Fault::Contradiction {
        rule: "affine_lps must be 4 by 4 numbers of float64 in C order",
        got: format!("{:?} of {}", header.shape, header.sample.name()),
    };
    let is_right = header.shape == [4, 4] && header.sample == Datatype::F64 && !header.is_fortran;
    let numbers = bytes
        .get(header.end..)
        .filter(|_| is_right)
        .ok_or_else(refused)?;
    let (numbers, _) = numbers.as_chunks::<8>();
    let mut rows = [[0.0; 4]; 3];
    for (number, bytes) in rows.iter_mut().flatten().zip(numbers) {
        *number = match stored.endian {
            Endian::Little => f64::from_le_bytes(*bytes),
            Endian::Big => f64::from_be_bytes(*bytes),
        };
    }
    match numbers.len() >= 16 {
        true => Ok(rows),
        false => Err(refused()),
    }
}

fn placed(affine: [[f64; 4]; 3], shape: [usize; 3]) -> Result<Geometry<3>, Fault> {
    let [[xi, xj, xk, xo], [yi, yj, yk, yo], [zi, zj, zk, zo]] = affine;
    let steps = [
        Vector::new(xk, yk, zk),
        Vector::new(xj, yj, zj),
        Vector::new(xi, yi, zi),
    ];
    grid(shape, Point::new(xo, yo, zo), steps, AFFINE)
}
