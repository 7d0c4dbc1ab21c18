//! The lines of a MetaImage header.

use crate::entries::Entries;
use crate::fault::{Fault, shortened};
use crate::format::Format;
use crate::raw::{Source, len64};
use crate::report::{Report, Warning};

/// A header as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// All entries in order, with the keys of the format and any others.
    pub entries: Entries,
}

/// One line of a header.
pub(super) struct Line {
    pub key: String,
    pub value: String,
    /// From 1.
    pub number: usize,
}

/// The lines of a header, and what follows them.
pub(super) struct Lines {
    pub lines: Vec<Line>,
    /// File names on lines of their own behind `ElementDataFile = LIST`.
    pub names: Vec<String>,
    /// The byte behind the last line.
    pub end: u64,
}

/// No header is longer; voxels of a local file follow it.
const LARGEST: u64 = 4 << 20;

/// The key that ends a header.
pub(super) const DATA_FILE: &str = "ElementDataFile";

/// Reads lines up to the one that says where the voxels are.
pub(super) fn read(source: &mut Source<'_>, report: &mut Report) -> Result<Lines, Fault> {
    let mut limit = 1 << 14;
    loop {
        let bytes = source.bytes(0, limit)?;
        let is_all = len64(bytes.len()) < limit;
        if let Some(lines) = parse(&bytes, is_all)? {
            repeated(&lines.lines, report);
            return Ok(lines);
        }
        if is_all {
            return Err(Fault::MissingEntry { key: DATA_FILE });
        }
        if limit >= LARGEST {
            return Err(Fault::Oversized {
                what: "header",
                limit: LARGEST,
            });
        }
        limit = limit.saturating_mul(16).min(LARGEST);
    }
}

/// The lines, or none if the header goes on behind these bytes.
fn parse(bytes: &[u8], is_all: bool) -> Result<Option<Lines>, Fault> {
    let mut rest = bytes;
    let mut lines = Vec::new();
    let mut number = 0_usize;
    loop {
        let Some((line, after)) = next_line(rest, is_all) else {
            return Ok(None);
        };
        rest = after;
        number = number.saturating_add(1);
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let Some((key, value)) = text.split_once(['=', ':']) else {
            return Err(not_a_line(text, number));
        };
        let (key, value) = (key.trim(), value.trim());
        if lines.is_empty() && !is_first_key(key) {
            return Err(not_a_line(text, number));
        }
        let is_last = key == DATA_FILE;
        lines.push(Line {
            key: key.to_owned(),
            value: value.to_owned(),
            number,
        });
        if !is_last {
            continue;
        }
        let end = bytes.len().saturating_sub(rest.len());
        let mut names = Vec::new();
        if value.split_whitespace().next() == Some("LIST") {
            if !is_all {
                return Ok(None);
            }
            let text = String::from_utf8_lossy(rest);
            let stripped = text.lines().map(str::trim).filter(|name| !name.is_empty());
            names = stripped.map(str::to_owned).collect();
        }
        return Ok(Some(Lines {
            lines,
            names,
            end: len64(end),
        }));
    }
}

/// A line without its end, and what follows it.
fn next_line(bytes: &[u8], is_all: bool) -> Option<(&[u8], &[u8])> {
    match bytes.iter().position(|&b| b == b'\n') {
        Some(at) => {
            let (line, rest) = bytes.split_at_checked(at)?;
            Some((line, rest.get(1..).unwrap_or_default()))
        }
        None if is_all && !bytes.is_empty() => Some((bytes, &[])),
        None => None,
    }
}

/// Whether bytes begin as a header does.
pub(crate) fn is_start(bytes: &[u8]) -> bool {
    let bytes = bytes.get(..256).unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let key = text.trim_start().split_once(['=', ':']);
    key.is_some_and(|(key, _)| is_first_key(key.trim()))
}

/// Whether a header may begin so; anything else is another kind of file.
fn is_first_key(key: &str) -> bool {
    const KEYS: [&str; 12] = [
        "ObjectType",
        "ObjectSubType",
        "NDims",
        "Comment",
        "FormTypeName",
        "TransformType",
        "Name",
        "ID",
        "ParentID",
        "BinaryData",
        "CompressedData",
        "DimSize",
    ];
    KEYS.contains(&key)
}

fn not_a_line(text: &str, number: usize) -> Fault {
    let text = shortened(text);
    Fault::Unrecognised {
        format: Format::MetaImage,
        reason: format!("line {number} must be a key of the format, = and a value, got {text:?}"),
    }
}

/// Notes keys that stand there twice, in one pass.
fn repeated(lines: &[Line], report: &mut Report) {
    const MOST: usize = 8;
    let mut seen = std::collections::HashSet::new();
    let again = lines.iter().filter(|line| !seen.insert(line.key.as_str()));
    for line in again.take(MOST) {
        report.add(Warning::RepeatedKey {
            key: shortened(&line.key),
            line: line.number,
        });
    }
}
