//! A file or memory before anyone knows what is in it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use medcore::Budget;

use super::body::{Body, Span};
use super::inflate::{Packing, is_gzip};
use super::len64;
use super::storage::Storage;
use crate::fault::Fault;

/// Bytes with a beginning and an end.
pub(crate) struct Source<'a> {
    place: Place<'a>,
    len: u64,
    map: bool,
}

enum Place<'a> {
    Memory(&'a [u8]),
    File { file: File, path: PathBuf },
}

impl Source<'static> {
    /// Opens a regular file.
    pub(crate) fn open_file(path: &Path) -> Result<Self, Fault> {
        // Asked before opening: opening a pipe waits for its other end.
        let about = |metadata: std::fs::Metadata| match metadata.is_file() {
            true => Ok(metadata),
            false => Err(std::io::Error::other("not a regular file")),
        };
        about(std::fs::metadata(path)?)?;
        let file = File::open(path)?;
        let metadata = about(file.metadata()?)?;
        Ok(Self {
            place: Place::File {
                file,
                path: path.to_owned(),
            },
            len: metadata.len(),
            map: false,
        })
    }
}

impl<'a> Source<'a> {
    pub(crate) fn memory(bytes: &'a [u8]) -> Self {
        Self {
            place: Place::Memory(bytes),
            len: len64(bytes.len()),
            map: false,
        }
    }

    /// The same source, whose plain bytes may be mapped if it is a file.
    pub(crate) fn mapped(mut self, map: bool) -> Self {
        self.map = map;
        self
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The file's path; memory has none.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Memory(_) => None,
            Place::File { path, .. } => Some(path),
        }
    }

    /// At most `limit` bytes from byte `start`.
    pub(crate) fn bytes(&mut self, start: u64, limit: u64) -> Result<Cow<'a, [u8]>, Fault> {
        match &mut self.place {
            Place::Memory(bytes) => {
                let from = usize::try_from(start).unwrap_or(usize::MAX);
                let rest = bytes.get(from..).unwrap_or_default();
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                Ok(Cow::Borrowed(rest.get(..limit).unwrap_or(rest)))
            }
            Place::File { file, .. } => {
                file.seek(SeekFrom::Start(start))?;
                let mut bytes = Vec::new();
                file.take(limit).read_to_end(&mut bytes)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }

    /// The byte behind so many lines from byte `start`.
    pub(crate) fn after_lines(&mut self, start: u64, lines: u64) -> Result<u64, Fault> {
        const CHUNK: u64 = 1 << 16;
        let (mut at, mut left) = (start, lines);
        while left > 0 {
            let chunk = self.bytes(at, CHUNK)?;
            if chunk.is_empty() {
                return Err(Fault::Truncated {
                    what: "the lines to skip",
                    needed: lines,
                    available: lines.saturating_sub(left),
                });
            }
            let newlines = chunk.iter().enumerate().filter(|(_, b)| **b == b'\n');
            let mut used = chunk.len();
            for (index, _) in newlines {
                left = left.saturating_sub(1);
                if left == 0 {
                    used = index.saturating_add(1);
                    break;
                }
            }
            at = at.saturating_add(len64(used));
        }
        Ok(at)
    }

    /// All bytes, as they are.
    pub(crate) fn plain(self) -> Body<'a> {
        let len = self.len;
        match self.place {
            Place::Memory(bytes) => Body::Plain {
                bytes: Storage::Memory(bytes),
                len,
                map: None,
            },
            Place::File { file, path } => Body::Plain {
                bytes: Storage::File(file),
                len,
                map: self.map.then_some(path),
            },
        }
    }

    /// The bytes from `start` on, fetched when they are needed.
    pub(crate) fn span(self, start: u64) -> Span<'a> {
        match self.place {
            Place::Memory(bytes) => {
                let from = usize::try_from(start).unwrap_or(usize::MAX);
                Span::Memory(Cow::Borrowed(bytes.get(from..).unwrap_or_default()))
            }
            Place::File { file, .. } => Span::File {
                file,
                start,
                len: self.len.saturating_sub(start),
            },
        }
    }

    /// All bytes, inflated as they are read if they start as gzip does.
    pub(crate) fn unpacked(mut self, budget: &Budget) -> Result<Body<'a>, Fault> {
        if !is_gzip(&self.bytes(0, 2)?) {
            return Ok(self.plain());
        }
        let bytes = Span::Memory(self.span(0).load(budget)?);
        Ok(Body::Packed {
            packing: Packing::Gzip,
            bytes,
        })
    }
}
