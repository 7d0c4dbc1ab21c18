//! MetaImage files from images.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "what is written comes from an image, not from a file"
)]

use std::io::Write;
use std::path::Path;

use super::header::DATA_FILE;
use crate::error::{Error, Result};
use crate::raw::Endian;
use crate::raw::deflate::{self, Wrapper};
use crate::voxel::Datatype;
use crate::write::{Compression, Subject, WriteOptions, vector_text};

/// Writes `.mha`, or `.mhd` with `.raw` or `.zraw` beside it.
pub(crate) fn write(path: &Path, subject: &Subject<'_>, options: &WriteOptions) -> Result<()> {
    let voxels = subject.interleaved(path)?;
    let packed = match options.compression {
        Compression::None => None,
        Compression::Level(level) => {
            let mut packed = Vec::new();
            deflate::write(&mut packed, &[&voxels], level, Wrapper::Zlib)
                .map_err(Error::io("compress", path))?;
            Some(packed)
        }
    };
    let data = packed.as_deref().unwrap_or(&voxels);
    let is_detached = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("mhd"));
    let data_path = is_detached.then(|| match packed {
        Some(_) => path.with_extension("zraw"),
        None => path.with_extension("raw"),
    });
    let data_name = match &data_path {
        None => "LOCAL".to_owned(),
        Some(path) => crate::write::file_name(path)?,
    };
    let mut header = header(subject, options, path)?;
    if packed.is_some() {
        header.push_str(&format!("CompressedDataSize = {}\n", data.len()));
    }
    header.push_str(&format!("{DATA_FILE} = {data_name}\n"));
    let fill = |out: &mut dyn Write, parts: &[&[u8]]| {
        parts.iter().try_for_each(|part| out.write_all(part))
    };
    match data_path {
        None => crate::write::single(path, |out| fill(out, &[header.as_bytes(), data])),
        Some(data_path) => crate::write::pair(
            (path, &mut |out| fill(out, &[header.as_bytes()])),
            (&data_path, &mut |out| fill(out, &[data])),
        ),
    }
}

/// The header but for its last lines.
fn header(subject: &Subject<'_>, options: &WriteOptions, path: &Path) -> Result<String> {
    let rank = subject.file_rank();
    let [depth, height, width] = subject.geometry.shape();
    let [z, y, x] = subject.geometry.direction();
    let [sz, sy, sx] = subject.geometry.spacing();
    let axes = [x, y, z];
    let origin = subject.geometry.origin().coordinates();
    let rows: Vec<f64> = axes
        .iter()
        .take(rank)
        .flat_map(|axis| axis.iter().take(rank).copied())
        .collect();
    let sizes: Vec<String> = [width, height, depth]
        .iter()
        .take(rank)
        .map(usize::to_string)
        .collect();
    let is_packed = options.compression != Compression::None;
    let mut text = format!("ObjectType = Image\nNDims = {rank}\n");
    let mut line = |key: &str, value: &str| {
        text.push_str(key);
        text.push_str(" = ");
        text.push_str(value);
        text.push('\n');
    };
    if let Some(comment) = &options.description {
        line("Comment", &crate::write::one_line(comment));
    }
    for (key, value) in options.entries.iter() {
        let is_word = !key.is_empty() && !key.contains(['=', ':', '\n', '\r', ' ']);
        if !is_word || RESERVED.contains(&key) || value.contains(['\n', '\r']) {
            return Err(Error::NotWritable {
                path: path.to_owned(),
                rule: "entries of one line whose keys are words that the format does not use",
                got: format!("{key:?}"),
            });
        }
        line(key, value);
    }
    line("BinaryData", "True");
    let is_big = Endian::NATIVE == Endian::Big;
    line(
        "BinaryDataByteOrderMSB",
        if is_big { "True" } else { "False" },
    );
    line("CompressedData", if is_packed { "True" } else { "False" });
    line("TransformMatrix", &vector_text(&rows, " "));
    line("Offset", &vector_text(&origin[..rank], " "));
    line("CenterOfRotation", &vector_text(&[0.0; 3][..rank], " "));
    line("ElementSpacing", &vector_text(&[sx, sy, sz][..rank], " "));
    line("DimSize", &sizes.join(" "));
    if subject.channels > 1 {
        line("ElementNumberOfChannels", &subject.channels.to_string());
    }
    line("ElementType", element_type(subject.datatype));
    Ok(text)
}

/// Keys that the writer sets itself.
const RESERVED: [&str; 16] = [
    "ObjectType",
    "NDims",
    "BinaryData",
    "BinaryDataByteOrderMSB",
    "ElementByteOrderMSB",
    "CompressedData",
    "CompressedDataSize",
    "TransformMatrix",
    "Offset",
    "Position",
    "Origin",
    "ElementSpacing",
    "DimSize",
    "ElementNumberOfChannels",
    "ElementType",
    "ElementDataFile",
];

fn element_type(datatype: Datatype) -> &'static str {
    match datatype {
        Datatype::I8 => "MET_CHAR",
        Datatype::U8 | Datatype::Rgb24 | Datatype::Rgba32 => "MET_UCHAR",
        Datatype::I16 => "MET_SHORT",
        Datatype::U16 => "MET_USHORT",
        Datatype::I32 => "MET_INT",
        Datatype::U32 => "MET_UINT",
        Datatype::I64 => "MET_LONG_LONG",
        Datatype::U64 => "MET_ULONG_LONG",
        Datatype::F32 => "MET_FLOAT",
        Datatype::F64 => "MET_DOUBLE",
    }
}
