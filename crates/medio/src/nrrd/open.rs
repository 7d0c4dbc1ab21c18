//! From the fields of a header to a volume that may be read.

use std::path::PathBuf;

use super::axes;
use super::fields::Fields;
use super::header::{self, Header, Lines};
use crate::fault::{Fault, shortened};
use crate::format::Format;
use crate::options::ReadOptions;
use crate::raw::{
    Body, Digits, Encoding, Endian, Parts, Skip, SkipBytes, Source, Stored, below, len64, series,
};
use crate::report::Report;
use crate::volume::VolumeFile;

/// The field that names data files.
const DATA_FILE: &str = "data file";

/// Opens an NRRD file and checks everything that can be checked before the first voxel is read.
pub(crate) fn open<'a>(
    mut source: Source<'a>,
    options: &ReadOptions,
) -> Result<(VolumeFile<'a>, Header), Fault> {
    let mut report = Report::default();
    let lines = header::read(&mut source)?;
    let fields = Fields::new(&lines.fields)?;
    let path = source
        .path()
        .map_or_else(|| PathBuf::from("memory"), PathBuf::from);
    let (stored, geometry) = axes::place(&fields, &mut report)?;
    let mut stored = Stored {
        endian: endian(&fields)?,
        ..stored
    };
    let body = body(source, &fields, &lines, &mut stored, options)?;
    body.check_size(&stored, &mut report)?;
    let named = lines
        .fields
        .into_iter()
        .map(|field| (field.name, field.value));
    let header = Header {
        fields: named.collect(),
        key_values: lines.key_values,
    };
    let opened = VolumeFile {
        format: Format::Nrrd,
        stored,
        geometry,
        report,
        body,
        path,
    };
    Ok((opened, header))
}

fn endian(fields: &Fields) -> Result<Endian, Fault> {
    let is_free =
        fields.sample.voxel_bytes() == 1 || fields.encoding == Encoding::Text(Digits::Decimal);
    match fields.endian {
        Some(endian) => Ok(endian),
        None if is_free => Ok(Endian::NATIVE),
        None => Err(Fault::MissingEntry { key: "endian" }),
    }
}

fn body<'a>(
    source: Source<'a>,
    fields: &Fields,
    lines: &Lines,
    stored: &mut Stored,
    options: &ReadOptions,
) -> Result<Body<'a>, Fault> {
    let skip = Skip {
        lines: fields.line_skip,
        bytes: fields.byte_skip,
    };
    if skip.bytes == SkipBytes::FromEnd && fields.encoding != Encoding::Raw {
        let what = "byte skip -1 of data that is not raw".to_owned();
        return Err(Fault::Unsupported { what });
    }
    let Some(name) = fields.data_file.as_deref() else {
        return skip.open(source, lines.end, fields.encoding, stored);
    };
    let Some(path) = source.path() else {
        let what = "a header whose voxels are in another file, read from memory,".to_owned();
        return Err(Fault::Unsupported { what });
    };
    let names = names(name, fields, lines)?;
    let files: Vec<PathBuf> = names
        .iter()
        .map(|name| below(path, DATA_FILE, name))
        .collect::<Result<_, _>>()?;
    if let [file] = files.as_slice() {
        let source = Source::open_file(file)?.mapped(options.map);
        return skip.open(source, 0, fields.encoding, stored);
    }
    Ok(Body::Parts(Parts {
        files,
        encoding: fields.encoding,
        skip,
    }))
}

/// The names of the data files, as many as the sizes ask for.
fn names(value: &str, fields: &Fields, lines: &Lines) -> Result<Vec<String>, Fault> {
    let refused = |rule| Fault::InvalidEntry {
        key: DATA_FILE.to_owned(),
        line: lines
            .fields
            .iter()
            .find(|field| header::is(&field.name, DATA_FILE))
            .map_or(0, |field| field.line),
        rule,
        value: shortened(value),
    };
    let words: Vec<&str> = value.split_whitespace().collect();
    let (names, in_file) = match words.as_slice() {
        ["LIST"] => (lines.names.clone(), None),
        ["LIST", in_file] => (lines.names.clone(), Some(*in_file)),
        [pattern, range @ ..] if pattern.contains('%') => {
            let (range, in_file) = match *range {
                [first, last, step] => ([first, last, step], None),
                [first, last, step, in_file] => ([first, last, step], Some(in_file)),
                _ => return Err(refused("a pattern, first, last and step")),
            };
            let [Ok(first), Ok(last), Ok(step)] = range.map(str::parse) else {
                return Err(refused("a pattern, first, last and step"));
            };
            (series(DATA_FILE, pattern, [first, last, step])?, in_file)
        }
        _ => return Ok(vec![value.to_owned()]),
    };
    let rank = fields.sizes.len();
    let in_file = match in_file {
        None => rank.saturating_sub(1),
        Some(word) => word
            .parse()
            .ok()
            .filter(|n| (1..=rank).contains(n))
            .ok_or_else(|| refused("a number of dimensions up to all of them"))?,
    };
    let count = len64(names.len());
    let outer = fields.sizes.iter().skip(in_file);
    let needed = outer.fold(1_u64, |product, &n| product.saturating_mul(n));
    // Files of all dimensions are slabs along the last one, as many as there are names.
    let slabs = fields
        .sizes
        .last()
        .is_some_and(|size| size.checked_rem(count) == Some(0));
    match count == needed || (in_file == rank && slabs) {
        true => Ok(names),
        false => Err(Fault::Contradiction {
            rule: "data file must name a file for each piece",
            got: format!("{count} names for {needed} pieces"),
        }),
    }
}
