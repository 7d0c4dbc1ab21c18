//! The lines of an NRRD header: fields, key/value pairs, names of data files.

use crate::entries::Entries;
use crate::fault::{Fault, shortened};
use crate::format::Format;
use crate::raw::{Source, len64};

/// A header as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// The format's own fields in order, as they are spelt.
    pub fields: Entries,
    /// Key/value pairs in order, without their escapes.
    pub key_values: Entries,
}

impl Header {
    /// What a Slicer segmentation says of its segments, in their order; nothing for other files.
    #[must_use]
    pub fn segments(&self) -> Vec<super::Segment> {
        super::segments::of(&self.key_values)
    }
}

/// A field and where it stands.
pub(super) struct Field {
    pub name: String,
    pub value: String,
    /// From 1.
    pub line: usize,
}

/// A header taken apart.
pub(super) struct Lines {
    pub fields: Vec<Field>,
    pub key_values: Entries,
    /// File names on lines of their own behind `data file: LIST`.
    pub names: Vec<String>,
    /// The byte behind the header.
    pub end: u64,
}

/// No header is longer; voxels of the same file follow it.
const LARGEST: u64 = 4 << 20;

/// Reads lines up to the empty one, or to the end of a header whose voxels are elsewhere.
pub(super) fn read(source: &mut Source<'_>) -> Result<Lines, Fault> {
    let mut limit = 1 << 14;
    loop {
        let bytes = source.bytes(0, limit)?;
        let is_all = len64(bytes.len()) < limit;
        if let Some(lines) = parse(&bytes, is_all)? {
            return Ok(lines);
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
    let mut lines = Lines {
        fields: Vec::new(),
        key_values: Entries::default(),
        names: Vec::new(),
        end: 0,
    };
    let mut is_list = false;
    let mut rest = bytes;
    let mut number = 0_usize;
    while !rest.is_empty() {
        let (line, after) = match rest.iter().position(|&b| b == b'\n') {
            Some(at) => {
                let (line, after) = rest.split_at_checked(at).unwrap_or_default();
                (line, after.get(1..).unwrap_or_default())
            }
            None if is_all => (rest, [].as_slice()),
            None => return Ok(None),
        };
        rest = after;
        number = number.saturating_add(1);
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches('\r');
        if number == 1 {
            check_magic(text)?;
            continue;
        }
        if is_list {
            let name = text.trim();
            if !name.is_empty() {
                lines.names.push(name.to_owned());
            }
            continue;
        }
        if text.is_empty() {
            lines.end = len64(bytes.len().saturating_sub(rest.len()));
            return Ok(Some(lines));
        }
        if text.starts_with('#') {
            continue;
        }
        let unreadable = || Fault::InvalidEntry {
            key: "a header line".to_owned(),
            line: number,
            rule: "a field and :, or a key and :=",
            value: shortened(text),
        };
        let (key, value) = text.split_once(':').ok_or_else(unreadable)?;
        if let Some(value) = value.strip_prefix('=') {
            lines.key_values.push(unescaped(key), unescaped(value));
            continue;
        }
        let value = value.trim();
        is_list = is(key, "data file") && value.split_whitespace().next() == Some("LIST");
        lines.fields.push(Field {
            name: key.trim().to_owned(),
            value: value.to_owned(),
            line: number,
        });
    }
    if !is_all {
        return Ok(None);
    }
    // A header without an empty line behind it has no voxels behind it either.
    lines.end = len64(bytes.len());
    Ok(Some(lines))
}

fn check_magic(line: &str) -> Result<(), Fault> {
    let version = line.trim_end().strip_prefix("NRRD000");
    match version {
        Some("1" | "2" | "3" | "4" | "5") => Ok(()),
        _ => Err(Fault::Unrecognised {
            format: Format::Nrrd,
            reason: format!(
                "the first line must be NRRD0001 to NRRD0005, got {:?}",
                shortened(line)
            ),
        }),
    }
}

/// Whether a field has a name, whatever its capitals and spaces: `lineskip` is `line skip`.
pub(super) fn is(field: &str, name: &str) -> bool {
    let plain = |text: &str| -> Vec<u8> {
        let kept = text.bytes().filter(|b| *b != b' ');
        kept.map(|b| b.to_ascii_lowercase()).collect()
    };
    field.len() < 64 && plain(field) == plain(name)
}

/// Text of a key/value pair, in which `\n` and `\\` are escapes.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}
