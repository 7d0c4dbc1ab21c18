//! MGH files from images.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "what is written comes from an image, not from a file"
)]

use std::path::Path;

use medcore::Vector;

use super::{HEADER, TYPES};
use crate::error::{Error, Result};
use crate::raw::{Endian, deflate, swap};
use crate::write::{Compression, Subject, WriteOptions, without_description};

/// Writes `.mgh`, or `.mgz` and `.mgh.gz` in gzip.
pub(crate) fn write(path: &Path, subject: &Subject<'_>, options: &WriteOptions) -> Result<()> {
    without_description(path, options)?;
    let header = header(path, subject)?;
    let mut voxels = medcore::buffer::reserve(subject.bytes.len(), "voxels")
        .map_err(Error::not_written(path))?;
    voxels.extend_from_slice(subject.bytes);
    if Endian::NATIVE != Endian::Big {
        swap(subject.datatype, &mut voxels);
    }
    let is_plain = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("mgh"));
    let level = match options.compression {
        Compression::None => 0,
        Compression::Level(level) => level,
    };
    crate::write::single(path, |out| match is_plain {
        true => [&header, &voxels]
            .into_iter()
            .try_for_each(|part| out.write_all(part)),
        false => deflate::write_gzip(out, &[&header, &voxels], level),
    })
}

fn header(path: &Path, subject: &Subject<'_>) -> Result<Vec<u8>> {
    let refused = |rule, got| Error::NotWritable {
        path: path.to_owned(),
        rule,
        got,
    };
    let code = TYPES.iter().find(|(_, known)| *known == subject.datatype);
    let (code, _) = code.ok_or_else(|| {
        let rule = "u8, i16, u16, i32 or f32: MGH has no other number types";
        refused(rule, subject.datatype.name().to_owned())
    })?;
    let [depth, height, width] = subject.geometry.shape();
    let mut bytes = Vec::with_capacity(HEADER);
    bytes.extend(1_i32.to_be_bytes());
    for size in [width, height, depth, subject.channels] {
        let size =
            i32::try_from(size).map_err(|_| refused("dimensions below 2^31", size.to_string()))?;
        bytes.extend(size.to_be_bytes());
    }
    bytes.extend(code.to_be_bytes());
    bytes.extend(0_i32.to_be_bytes()); // degrees of freedom
    bytes.extend(1_i16.to_be_bytes()); // the placement below is good
    let mut put = |numbers: [f64; 3]| {
        for number in numbers {
            bytes.extend((number as f32).to_be_bytes());
        }
    };
    let [sz, sy, sx] = subject.geometry.spacing();
    let [z, y, x] = subject.geometry.direction();
    put([sx, sy, sz]);
    for [l, p, s] in [x, y, z] {
        put(Vector::<medcore::Lps>::new(l, p, s).to_ras().components());
    }
    let middle = [depth, height, width].map(|n| n as f64 / 2.0);
    put(subject
        .geometry
        .index_to_world(middle)
        .to_ras()
        .coordinates());
    bytes.resize(HEADER, 0);
    Ok(bytes)
}
