//! Arrays and archives from images.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "what is written comes from an image, not from a file"
)]

use std::path::Path;

use super::AFFINE;
use crate::error::{Error, Result};
use crate::raw::{Endian, deflate};
use crate::voxel::Datatype;
use crate::write::{Compression, Subject, WriteOptions, without_description};

/// Writes `.npy`: the array alone, without its grid.
pub(crate) fn write(path: &Path, subject: &Subject<'_>, options: &WriteOptions) -> Result<()> {
    without_description(path, options)?;
    let header = header(descr(subject.datatype), &shape(subject));
    crate::write::single(path, |out| {
        out.write_all(&header)?;
        out.write_all(subject.bytes)
    })
}

/// Writes `.npz`: the array `image` and the affine `affine_lps`.
pub(crate) fn write_archive(
    path: &Path,
    subject: &Subject<'_>,
    options: &WriteOptions,
) -> Result<()> {
    without_description(path, options)?;
    let too_large = || Error::NotWritable {
        path: path.to_owned(),
        rule: "an archive below 4 GiB; .npy has no limit",
        got: format!("{} bytes", subject.bytes.len()),
    };
    // Room for the headers; what is deflated still has its length in 32 bits.
    if subject.bytes.len() as u64 > u64::from(u32::MAX - 4096) {
        return Err(too_large());
    }
    let affine: Vec<u8> = affine(subject)
        .iter()
        .flat_map(|v| v.to_ne_bytes())
        .collect();
    let level = match options.compression {
        Compression::None => None,
        Compression::Level(level) => Some(level),
    };
    let mut archive = Archive {
        bytes: Vec::new(),
        directory: Vec::new(),
        count: 0,
    };
    let image = header(descr(subject.datatype), &shape(subject));
    let place = header(descr(Datatype::F64), &[4, 4]);
    let packed = archive
        .add("image.npy", &[&image, subject.bytes], level)
        .and_then(|()| archive.add(&format!("{AFFINE}.npy"), &[&place, &affine], level));
    packed.map_err(Error::io("compress", path))?;
    let bytes = archive.finish().ok_or_else(too_large)?;
    crate::write::single(path, |out| out.write_all(&bytes))
}

/// Channels if there are several, then the caller's axes.
fn shape(subject: &Subject<'_>) -> Vec<usize> {
    let channels = (subject.channels > 1).then_some(subject.channels);
    let axes = subject.geometry.shape();
    channels
        .into_iter()
        .chain(axes.into_iter().skip(3 - subject.rank))
        .collect()
}

fn affine(subject: &Subject<'_>) -> [f64; 16] {
    let [z, y, x] = subject.geometry.steps().map(|step| step.components());
    let o = subject.geometry.origin().coordinates();
    let row = |a: usize| [x[a], y[a], z[a], o[a]];
    let mut affine = [0.0; 16];
    for (to, from) in affine.iter_mut().zip([row(0), row(1), row(2)].concat()) {
        *to = from;
    }
    affine[15] = 1.0;
    affine
}

fn descr(datatype: Datatype) -> String {
    let order = match (datatype.voxel_bytes(), Endian::NATIVE) {
        (1, _) => '|',
        (_, Endian::Little) => '<',
        (_, Endian::Big) => '>',
    };
    let kind = match datatype {
        Datatype::U8 | Datatype::Rgb24 | Datatype::Rgba32 => "u1",
        Datatype::I8 => "i1",
        Datatype::U16 => "u2",
        Datatype::I16 => "i2",
        Datatype::U32 => "u4",
        Datatype::I32 => "i4",
        Datatype::U64 => "u8",
        Datatype::I64 => "i8",
        Datatype::F32 => "f4",
        Datatype::F64 => "f8",
    };
    format!("{order}{kind}")
}

/// A header of version 1.0, padded so that voxels start at a multiple of 64 bytes.
fn header(descr: String, shape: &[usize]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if sizes.len() == 1 { "," } else { "" };
    let sizes = sizes.join(", ");
    let mut text =
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}{comma}), }}");
    const FIXED: usize = 10;
    let length = (FIXED + text.len() + 1).next_multiple_of(64) - FIXED;
    text.push_str(&" ".repeat(length - 1 - text.len()));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(text.into_bytes());
    bytes
}

/// A ZIP archive in memory, without ZIP64.
struct Archive {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Archive {
    fn add(&mut self, name: &str, parts: &[&[u8]], level: Option<u32>) -> std::io::Result<()> {
        let mut gzip = Vec::new();
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let (method, crc) = match level {
            Some(level) => {
                deflate::write_gzip(&mut gzip, parts, level)?;
                let trailer = gzip.split_off(gzip.len() - 8);
                gzip.drain(..10);
                (
                    8_u16,
                    u32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]),
                )
            }
            None => {
                let mut crc = libdeflater::Crc::new();
                parts.iter().for_each(|part| crc.update(part));
                (0, crc.sum())
            }
        };
        let packed = level.map_or(length, |_| gzip.len());
        // The fields that local header and directory share, PKWARE 4.3.7 and 4.3.12.
        let mut shared = Vec::new();
        shared.extend(20_u16.to_le_bytes()); // version needed
        shared.extend(0_u16.to_le_bytes()); // flags
        shared.extend(method.to_le_bytes());
        shared.extend([0, 0, 0x21, 0]); // 1980-01-01: equal images give equal files
        shared.extend(crc.to_le_bytes());
        // The caller has seen to it that sizes fit.
        shared.extend((packed as u32).to_le_bytes());
        shared.extend((length as u32).to_le_bytes());
        shared.extend((name.len() as u16).to_le_bytes());
        shared.extend(0_u16.to_le_bytes()); // extra field
        let start = self.bytes.len();
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&shared);
        self.bytes.extend(name.as_bytes());
        match level {
            Some(_) => self.bytes.extend(gzip),
            None => parts
                .iter()
                .for_each(|part| self.bytes.extend_from_slice(part)),
        }
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(20_u16.to_le_bytes()); // version made by
        self.directory.extend(&shared);
        self.directory.extend([0; 10]); // comment, disk, attributes
        self.directory.extend((start as u32).to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.count += 1;
        Ok(())
    }

    /// The whole archive; none if it needs ZIP64.
    fn finish(mut self) -> Option<Vec<u8>> {
        let start = u32::try_from(self.bytes.len()).ok()?;
        let size = u32::try_from(self.directory.len()).ok()?;
        start.checked_add(size).filter(|&end| end < u32::MAX)?;
        self.bytes.append(&mut self.directory);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(self.count.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend(start.to_le_bytes());
        self.bytes.extend([0, 0]);
        Some(self.bytes)
    }
}
