//! The bytes that hold voxels, as they are stored: plain, compressed, as text, in several files.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::path::PathBuf;

use medcore::Budget;

use super::inflate::{Members, Packing};
use super::len64;
use super::source::Source;
use super::storage::Storage;
use super::stored::Stored;
use super::text::Digits;
use crate::fault::Fault;
use crate::report::Report;

/// Headers in front of compressed voxels beyond this are refused: they would have to be inflated just
/// to be skipped.
const MAX_SKIPPED: u64 = 64 << 20;

/// Where voxels come from.
pub enum Body<'a> {
    /// Bytes as they are.
    Plain {
        bytes: Storage<'a>,
        len: u64,
        /// The file, if it may be mapped.
        map: Option<PathBuf>,
    },
    /// Compressed bytes.
    Packed { packing: Packing, bytes: Span<'a> },
    /// Numbers as text.
    Text { digits: Digits, bytes: Span<'a> },
    /// Equal shares of the voxels in several files.
    Parts(Parts),
    /// Samples that a codec makes when they are needed.
    Decoded(Decode<'a>),
}

/// Makes all samples of a file, and claims what it needs for that.
pub(crate) type Decode<'a> = Box<dyn FnOnce(&Budget) -> Result<Vec<u8>, Fault> + 'a>;

impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain { len, .. } => write!(f, "Plain({len} bytes)"),
            Self::Packed { packing, bytes } => write!(f, "{packing:?}({} bytes)", bytes.len()),
            Self::Text { digits, bytes } => write!(f, "{digits:?}({} bytes)", bytes.len()),
            Self::Decoded(_) => f.write_str("Decoded"),
            Self::Parts(parts) => write!(f, "Parts({} files)", parts.files.len()),
        }
    }
}

/// Bytes that are in memory, or are fetched when they are needed.
#[derive(Debug)]
pub enum Span<'a> {
    Memory(Cow<'a, [u8]>),
    File { file: File, start: u64, len: u64 },
}

impl<'a> Span<'a> {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => len64(bytes.len()),
            Self::File { len, .. } => *len,
        }
    }

    /// The bytes; a file's are claimed from the budget.
    pub(crate) fn load(self, budget: &Budget) -> Result<Cow<'a, [u8]>, Fault> {
        let (file, start, len) = match self {
            Self::Memory(bytes) => return Ok(bytes),
            Self::File { file, start, len } => (file, start, len),
        };
        const WHAT: &str = "the stored data";
        budget.claim_bytes(WHAT, len).map_err(Fault::core(WHAT))?;
        let room = usize::try_from(len).unwrap_or(usize::MAX);
        let mut bytes = medcore::buffer::zeroed(room, WHAT).map_err(Fault::core(WHAT))?;
        Storage::File(file).fill(start, &mut bytes)?;
        Ok(Cow::Owned(bytes))
    }

    /// Leaves out what follows the first `len` bytes.
    pub(crate) fn shorten(&mut self, to: u64) {
        match self {
            Self::Memory(Cow::Borrowed(bytes)) => {
                let to = usize::try_from(to).unwrap_or(usize::MAX);
                *bytes = bytes.get(..to).unwrap_or(bytes);
            }
            Self::Memory(Cow::Owned(bytes)) => {
                bytes.truncate(usize::try_from(to).unwrap_or(usize::MAX));
            }
            Self::File { len, .. } => *len = to.min(*len),
        }
    }

    /// The bytes if they are in memory already.
    fn loaded(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::File { .. } => &[],
        }
    }
}

/// How the bytes of a data file become those of voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Raw,
    Packed(Packing),
    Text(Digits),
}

/// Several files with an equal share each, in order.
#[derive(Debug)]
pub struct Parts {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) encoding: Encoding,
    pub(crate) skip: Skip,
}

/// What stands before the voxels of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Skip {
    /// Lines of the file as it is.
    pub lines: u64,
    pub bytes: SkipBytes,
}

/// Bytes before the voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SkipBytes {
    /// So many, counted after decompression.
    Count(u64),
    /// Whatever is more than the voxels need: they are at the end of the file.
    FromEnd,
}

impl Default for SkipBytes {
    fn default() -> Self {
        Self::Count(0)
    }
}

impl Skip {
    /// Opens what follows the skipped lines of a source from byte `start`, and sets the offset of `stored`.
    pub(crate) fn open<'a>(
        self,
        mut source: Source<'a>,
        start: u64,
        encoding: Encoding,
        stored: &mut Stored,
    ) -> Result<Body<'a>, Fault> {
        let start = source.after_lines(start, self.lines)?;
        let skipped = match self.bytes {
            SkipBytes::Count(bytes) => bytes,
            SkipBytes::FromEnd => {
                let rest = source.len().saturating_sub(start);
                rest.checked_sub(stored.bytes).ok_or(Fault::Truncated {
                    what: "the data file",
                    needed: stored.bytes,
                    available: rest,
                })?
            }
        };
        if encoding == Encoding::Raw {
            stored.offset = start.saturating_add(skipped);
            return Ok(source.plain());
        }
        stored.offset = skipped;
        let bytes = source.span(start);
        Ok(match encoding {
            Encoding::Packed(packing) => Body::Packed { packing, bytes },
            Encoding::Text(digits) => Body::Text { digits, bytes },
            Encoding::Raw => return Err(Fault::MissingEntry { key: "encoding" }),
        })
    }
}

impl Parts {
    /// The voxels of one file, and where they start in it.
    pub(crate) fn open(&self, index: usize, share: &mut Stored) -> Result<Body<'static>, Fault> {
        let path = self
            .files
            .get(index)
            .ok_or(Fault::MissingEntry { key: "data file" })?;
        self.skip
            .open(Source::open_file(path)?, 0, self.encoding, share)
    }
}

impl Body<'_> {
    /// The first bytes of plain or compressed data, at most `limit`.
    pub(crate) fn head(&mut self, limit: usize) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Plain { bytes, len, .. } => {
                let there = usize::try_from(*len).unwrap_or(usize::MAX);
                let mut head = vec![0; limit.min(there)];
                bytes.read_at(0, &mut head)?;
                Ok(head)
            }
            Self::Packed { packing, bytes } => {
                let mut head = vec![0; limit];
                let read = Members::new(*packing, bytes.loaded()).read_some(&mut head)?;
                head.truncate(read);
                Ok(head)
            }
            Self::Text { .. } | Self::Parts(_) | Self::Decoded(_) => Ok(Vec::new()),
        }
    }

    /// The first `limit` bytes, read in steps: a small file may claim any length.
    pub(crate) fn start(&mut self, limit: u64) -> Result<Vec<u8>, Fault> {
        let mut start = Vec::new();
        match self {
            Self::Plain { bytes, len, .. } => {
                let there = usize::try_from(limit.min(*len)).unwrap_or(usize::MAX);
                start.resize(there, 0);
                bytes.read_at(0, &mut start)?;
            }
            Self::Packed { packing, bytes } => {
                let mut members = Members::new(*packing, bytes.loaded());
                let mut chunk = vec![0; 1 << 16];
                while len64(start.len()) < limit {
                    let read = members.read_some(&mut chunk)?;
                    let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else {
                        break;
                    };
                    start.extend_from_slice(part);
                }
                start.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            }
            Self::Text { .. } | Self::Parts(_) | Self::Decoded(_) => {}
        }
        Ok(start)
    }

    /// The first bytes as far as they can be had, damaged or not.
    pub(crate) fn beginning(&mut self, limit: usize) -> Vec<u8> {
        let Self::Packed { packing, bytes } = self else {
            return self.head(limit).unwrap_or_default();
        };
        let mut head = vec![0; limit];
        let mut members = Members::new(*packing, bytes.loaded());
        // A damaged member gives what was inflated before its fault, in small steps.
        let mut filled = 0_usize;
        for chunk in head.chunks_mut(64) {
            match members.read_some(chunk) {
                Ok(read) => filled = filled.saturating_add(read),
                Err(_) => break,
            }
        }
        head.truncate(filled);
        head
    }

    /// Bytes that reading will fetch into memory, and claim, before it converts them.
    pub(crate) fn fetched(&self) -> u64 {
        match self {
            Self::Packed { bytes, .. } | Self::Text { bytes, .. } => match bytes {
                Span::Memory(_) => 0,
                Span::File { len, .. } => *len,
            },
            Self::Plain { .. } | Self::Parts(_) | Self::Decoded(_) => 0,
        }
    }

    /// Whether the data is compressed.
    pub(crate) fn is_packed(&self) -> bool {
        matches!(self, Self::Packed { .. })
    }

    /// Says before any allocation whether the voxels can be there.
    pub(crate) fn check_size(&self, stored: &Stored, report: &mut Report) -> Result<(), Fault> {
        let needed = stored.end()?;
        let truncated = |needed, available| Fault::Truncated {
            what: "the file up to the last voxel",
            needed,
            available,
        };
        match self {
            Self::Plain { len, .. } => {
                let tail = len
                    .checked_sub(needed)
                    .ok_or_else(|| truncated(needed, *len))?;
                stored.note_tail(tail, report);
            }
            Self::Packed { packing, bytes } => {
                let bound = packing.bound(bytes.len());
                if needed > bound {
                    return Err(truncated(needed, bound));
                }
                if stored.offset > MAX_SKIPPED {
                    return Err(Fault::Oversized {
                        what: "header before compressed voxels",
                        limit: MAX_SKIPPED,
                    });
                }
            }
            Self::Text { digits, bytes } => {
                let needed = digits.least_bytes(stored);
                if bytes.len() < needed {
                    return Err(truncated(needed, bytes.len()));
                }
            }
            Self::Decoded(_) => {}
            Self::Parts(parts) => {
                for index in 0..parts.files.len() {
                    let mut share = stored.share(parts.files.len())?;
                    let body = parts.open(index, &mut share)?;
                    body.check_size(&share, report)?;
                }
            }
        }
        Ok(())
    }
}
