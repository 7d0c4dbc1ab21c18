//! NRRD files from images.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "what is written comes from an image, not from a file"
)]

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};
use crate::raw::{Endian, deflate};
use crate::voxel::Datatype;
use crate::write::{Compression, Subject, WriteOptions, vector_text};

/// Key/value pairs that a caller inside this crate adds.
#[derive(Default)]
pub(super) struct Extra(pub Vec<(String, String)>);

/// Writes `.nrrd`, or `.nhdr` with `.raw` or `.raw.gz` beside it.
pub(crate) fn write(path: &Path, subject: &Subject<'_>, options: &WriteOptions) -> Result<()> {
    write_with(path, subject, options, &Extra::default())
}

pub(super) fn write_with(
    path: &Path,
    subject: &Subject<'_>,
    options: &WriteOptions,
    extra: &Extra,
) -> Result<()> {
    let voxels = subject.interleaved(path)?;
    let level = match options.compression {
        Compression::None => None,
        Compression::Level(level) => Some(level),
    };
    let is_detached = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("nhdr"));
    let data_path = is_detached.then(|| match level {
        Some(_) => path.with_extension("raw.gz"),
        None => path.with_extension("raw"),
    });
    let mut header = header(path, subject, options, extra)?;
    if let Some(data_path) = &data_path {
        let name = crate::write::file_name(data_path)?;
        header.push_str(&format!("data file: {name}\n"));
    } else {
        header.push('\n');
    }
    let data = |out: &mut dyn Write| match level {
        Some(level) => deflate::write_gzip(out, &[&voxels], level),
        None => out.write_all(&voxels),
    };
    match data_path {
        None => crate::write::single(path, |out| {
            out.write_all(header.as_bytes())?;
            data(out)
        }),
        Some(data_path) => crate::write::pair(
            (path, &mut |out| out.write_all(header.as_bytes())),
            (&data_path, &mut |out| data(out)),
        ),
    }
}

/// The header but for its end.
fn header(
    path: &Path,
    subject: &Subject<'_>,
    options: &WriteOptions,
    extra: &Extra,
) -> Result<String> {
    let rank = subject.file_rank();
    let [depth, height, width] = subject.geometry.shape();
    let [z, y, x] = subject.geometry.steps().map(|step| step.components());
    let origin = subject.geometry.origin().coordinates();
    let mut sizes: Vec<String> = [width, height, depth][..rank]
        .iter()
        .map(usize::to_string)
        .collect();
    let vector = |v: &[f64; 3]| format!("({})", vector_text(&v[..rank], ","));
    let mut directions: Vec<String> = [x, y, z][..rank].iter().map(vector).collect();
    let mut kinds = vec!["domain"; rank];
    if subject.channels > 1 {
        sizes.insert(0, subject.channels.to_string());
        directions.insert(0, "none".to_owned());
        kinds.insert(0, "vector");
    }
    let mut text = String::from("NRRD0004\n");
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key}: {value}");
    };
    line("type", type_name(subject.datatype));
    line("dimension", &sizes.len().to_string());
    match rank {
        3 => line("space", "left-posterior-superior"),
        rank => line("space dimension", &rank.to_string()),
    }
    line("sizes", &sizes.join(" "));
    line("space directions", &directions.join(" "));
    line("kinds", &kinds.join(" "));
    if subject.datatype.voxel_bytes() > 1 {
        let is_big = Endian::NATIVE == Endian::Big;
        line("endian", if is_big { "big" } else { "little" });
    }
    let is_raw = options.compression == Compression::None;
    line("encoding", if is_raw { "raw" } else { "gzip" });
    line("space origin", &vector(&origin));
    if let Some(content) = &options.description {
        line("content", &crate::write::one_line(content));
    }
    let extra = extra.0.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    for (key, value) in options.entries.iter().chain(extra) {
        if key.is_empty() || key.starts_with('#') || key.contains([':', '\n', '\r']) {
            return Err(Error::NotWritable {
                path: path.to_owned(),
                rule: "entries whose keys are not empty and have no :, # in front or line ends",
                got: format!("{key:?}"),
            });
        }
        let _ = writeln!(text, "{}:={}", escaped(key), escaped(value));
    }
    Ok(text)
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

fn type_name(datatype: Datatype) -> &'static str {
    match datatype {
        Datatype::I8 => "int8",
        Datatype::U8 | Datatype::Rgb24 | Datatype::Rgba32 => "uint8",
        Datatype::I16 => "int16",
        Datatype::U16 => "uint16",
        Datatype::I32 => "int32",
        Datatype::U32 => "uint32",
        Datatype::I64 => "int64",
        Datatype::U64 => "uint64",
        Datatype::F32 => "float",
        Datatype::F64 => "double",
    }
}
