//! The zip archive of a checkpoint: stored records, found through the central directory (APPNOTE 6.3.10).
//!
//! PyTorch stores weights as they are and aligned, so nothing is ever unpacked: of what is compressed (the code of scripts)
//! only the names are known.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::fault::Fault;

/// A record of an archive.
#[derive(Debug, Clone, Copy)]
struct Record {
    /// Of its local header.
    offset: u64,
    size: u64,
    checksum: u32,
    /// How it is compressed; 0 if it is not.
    method: u16,
}

/// An archive whose records are read one at a time.
#[derive(Debug)]
pub(crate) struct Archive {
    file: File,
    length: u64,
    records: BTreeMap<String, Record>,
}

/// Entries that a checkpoint may have.
const MOST_RECORDS: u64 = 1 << 20;
/// A central directory may be so long.
const LONGEST_DIRECTORY: u64 = 256 << 20;
const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";

fn rule<T>(rule: &'static str, got: impl ToString) -> Result<T, Fault> {
    Err(Fault::Archive {
        rule,
        got: got.to_string(),
    })
}

/// Little-endian numbers at places of a header that was read whole.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u16(&self, at: usize) -> u16 {
        let bytes = self.0.get(at..).and_then(|b| b.first_chunk());
        bytes.map_or(0, |b| u16::from_le_bytes(*b))
    }

    fn u32(&self, at: usize) -> u32 {
        let bytes = self.0.get(at..).and_then(|b| b.first_chunk());
        bytes.map_or(0, |b| u32::from_le_bytes(*b))
    }

    fn u64(&self, at: usize) -> u64 {
        let bytes = self.0.get(at..).and_then(|b| b.first_chunk());
        bytes.map_or(0, |b| u64::from_le_bytes(*b))
    }
}

/// Where the central directory is.
struct Directory {
    offset: u64,
    size: u64,
    records: u64,
}

impl Archive {
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let directory = find_directory(&mut file, length)?;
        let fits = directory.offset.checked_add(directory.size);
        if fits.is_none_or(|end| end > length) || directory.size > LONGEST_DIRECTORY {
            return rule(
                "a central directory inside the file",
                format!("{} bytes at {}", directory.size, directory.offset),
            );
        }
        if directory.records > MOST_RECORDS {
            return rule("at most 1048576 records", directory.records);
        }
        let bytes = read_at(&mut file, directory.offset, directory.size)?;
        let records = parse_directory(&bytes, directory.records)?;
        Ok(Self {
            file,
            length,
            records,
        })
    }

    /// Names of all records, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.records.keys().map(String::as_str)
    }

    /// Bytes of a record; none if there is no such one.
    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        self.records.get(name).map(|record| record.size)
    }

    /// A record, whole, its checksum checked.
    pub(crate) fn read(&mut self, name: &str) -> Result<Vec<u8>, Fault> {
        let broken = |problem: String| Fault::Record {
            name: name.to_owned(),
            problem,
        };
        let Some(record) = self.records.get(name).copied() else {
            return Err(broken("it is not in the archive".to_owned()));
        };
        if record.method != 0 {
            let method = record.method;
            return Err(broken(format!(
                "it is compressed (method {method}), weights are stored as they are"
            )));
        }
        let header = read_at(&mut self.file, record.offset, 30)?;
        let fields = Fields(&header);
        if !header.starts_with(&LOCAL) {
            return Err(broken("it has no local header".to_owned()));
        }
        let skipped = 30 + u64::from(fields.u16(26)) + u64::from(fields.u16(28));
        let start = record.offset.saturating_add(skipped);
        let end = start.checked_add(record.size);
        if end.is_none_or(|end| end > self.length) {
            let (size, left) = (record.size, self.length.saturating_sub(start));
            return Err(broken(format!("it is {size} bytes long, {left} are left")));
        }
        let bytes = read_at(&mut self.file, start, record.size)?;
        let found = crc32fast::hash(&bytes);
        if found != record.checksum {
            let expected = record.checksum;
            return Err(broken(format!(
                "its checksum is {found:08x}, the archive says {expected:08x}"
            )));
        }
        Ok(bytes)
    }
}

fn read_at(file: &mut File, offset: u64, size: u64) -> Result<Vec<u8>, Fault> {
    file.seek(SeekFrom::Start(offset))?;
    let length = usize::try_from(size).unwrap_or(usize::MAX);
    let mut bytes = medcore::buffer::zeroed::<u8>(length, "record")?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Finds the end of the central directory, behind which there may be a comment.
fn find_directory(file: &mut File, length: u64) -> Result<Directory, Fault> {
    let tail = length.min(22 + 65_535);
    let bytes = read_at(file, length - tail, tail)?;
    let at = (0..bytes.len().saturating_sub(21))
        .rev()
        .find(|at| bytes.get(*at..).is_some_and(|b| b.starts_with(&END)));
    let Some(at) = at else {
        return rule("the end of a central directory", "none");
    };
    let fields = Fields(bytes.get(at..).unwrap_or(&[]));
    let directory = Directory {
        records: fields.u16(10).into(),
        size: fields.u32(12).into(),
        offset: fields.u32(16).into(),
    };
    let full = [
        directory.records == 0xffff,
        directory.size == 0xffff_ffff,
        directory.offset == 0xffff_ffff,
    ];
    let before = at.checked_sub(20).and_then(|at| bytes.get(at..));
    let locator = before.filter(|b| b.starts_with(&LOCATOR_64));
    match (full.contains(&true), locator) {
        (false, _) => Ok(directory),
        (true, None) => rule("a directory of 64 bits", "none"),
        (true, Some(locator)) => {
            let place = Fields(locator).u64(8);
            if place.checked_add(56).is_none_or(|end| end > length) {
                return rule("a directory of 64 bits inside the file", place);
            }
            let header = read_at(file, place, 56)?;
            if !header.starts_with(&END_64) {
                return rule("a directory of 64 bits", header.escape_ascii());
            }
            let fields = Fields(&header);
            Ok(Directory {
                records: fields.u64(32),
                size: fields.u64(40),
                offset: fields.u64(48),
            })
        }
    }
}

fn parse_directory(bytes: &[u8], count: u64) -> Result<BTreeMap<String, Record>, Fault> {
    let mut records = BTreeMap::new();
    let mut rest = bytes;
    for _ in 0..count {
        if !rest.starts_with(&ENTRY) || rest.len() < 46 {
            return rule("as many entries as the directory says", records.len());
        }
        let fields = Fields(rest);
        let lengths = [28, 30, 32].map(|at| usize::from(fields.u16(at)));
        let [name, extra, comment] = lengths;
        let body = rest.get(46..).unwrap_or(&[]);
        let Some((name, body)) = body.split_at_checked(name) else {
            return rule("whole entries of the directory", "a name that is cut off");
        };
        let Some((extra, body)) = body.split_at_checked(extra) else {
            return rule("whole entries of the directory", "an entry that is cut off");
        };
        let Ok(name) = std::str::from_utf8(name) else {
            return rule("names of UTF-8", name.escape_ascii());
        };
        let odd = |part: &str| part.is_empty() || part == "." || part == "..";
        if name.split('/').any(odd) || name.contains(['\\', '\0', ':']) {
            return rule(
                "names without a way out of the archive",
                format!("{name:?}"),
            );
        }
        if fields.u16(8) & 1 != 0 {
            return rule("records that are not encrypted", format!("{name:?}"));
        }
        let (size, offset) = long_sizes(&fields, extra);
        let record = Record {
            offset,
            size,
            checksum: fields.u32(16),
            method: fields.u16(10),
        };
        if records.insert(name.to_owned(), record).is_some() {
            return rule("each name once", format!("{name:?} twice"));
        }
        rest = body.get(comment..).unwrap_or(&[]);
    }
    Ok(records)
}

/// Size and place of an entry, from its field of 64 bits where they do not fit 32.
fn long_sizes(fields: &Fields<'_>, mut extra: &[u8]) -> (u64, u64) {
    let short = [24, 20, 42].map(|at| fields.u32(at));
    let mut long = short.map(u64::from);
    while extra.len() >= 4 {
        let header = Fields(extra);
        let size = usize::from(header.u16(2));
        let body = extra.get(4..).unwrap_or(&[]);
        if header.u16(0) == 1 {
            let field = Fields(body.get(..size).unwrap_or(body));
            let mut at = 0;
            for (long, short) in long.iter_mut().zip(short) {
                if short == u32::MAX {
                    *long = field.u64(at);
                    at += 8;
                }
            }
        }
        extra = body.get(size..).unwrap_or(&[]);
    }
    let [size, _stored, offset] = long;
    (size, offset)
}
