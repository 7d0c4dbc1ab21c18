//! Where the bytes of a dataset come from: memory, a file, or a deflated part of either.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::sync::Arc;

use flate2::{Decompress, FlushDecompress, Status};

use super::super::fault::Fault;

/// Bytes that stay readable after the header was read.
#[derive(Debug)]
pub(crate) enum Store {
    Memory(Arc<[u8]>),
    File {
        file: File,
        length: u64,
    },
    /// A raw deflate stream; offsets count inflated bytes.
    Deflated(Arc<[u8]>),
}

#[cfg(unix)]
fn read_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, out, offset)
}

#[cfg(windows)]
fn read_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, out, offset)
}

impl Store {
    /// Bytes from `offset` on, `None` where only inflating would tell.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Memory(bytes) => u64::try_from(bytes.len()).ok(),
            Self::File { length, .. } => Some(*length),
            Self::Deflated(_) => None,
        }
    }

    /// The bytes of a range, as far as they are there; borrowed from memory.
    pub(crate) fn range(&self, offset: u64, length: u64) -> Result<Cow<'_, [u8]>, Fault> {
        if let Self::Memory(bytes) = self {
            let end = offset.saturating_add(length);
            let start = usize::try_from(offset)
                .unwrap_or(usize::MAX)
                .min(bytes.len());
            let end = usize::try_from(end).unwrap_or(usize::MAX).min(bytes.len());
            return Ok(Cow::Borrowed(bytes.get(start..end).unwrap_or(&[])));
        }
        let mut cursor = Cursor::new(self, offset);
        let mut out = Vec::new();
        cursor.read_into(&mut out, length)?;
        Ok(Cow::Owned(out))
    }
}

/// A reader of a store that mostly moves forward.
struct Feed<'a> {
    store: &'a Store,
    inflater: Option<Inflater<'a>>,
}

struct Inflater<'a> {
    state: Decompress,
    bytes: &'a [u8],
    ended: bool,
}

impl<'a> Inflater<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            state: Decompress::new(false),
            bytes,
            ended: false,
        }
    }

    fn read(&mut self, out: &mut [u8]) -> Result<usize, Fault> {
        let problem = |problem: String| Fault::Deflate { problem };
        let mut done = 0_usize;
        while done < out.len() && !self.ended {
            let used = usize::try_from(self.state.total_in()).unwrap_or(usize::MAX);
            let input = self.bytes.get(used..).unwrap_or(&[]);
            let room = out.get_mut(done..).unwrap_or(&mut []);
            let (before_in, before_out) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(input, room, FlushDecompress::None);
            match status {
                Ok(Status::StreamEnd) => self.ended = true,
                Ok(_) => {}
                Err(error) => {
                    return Err(problem(format!("{error} (byte {before_in})")));
                }
            }
            let new = self.state.total_out().saturating_sub(before_out);
            done = done.saturating_add(usize::try_from(new).unwrap_or(usize::MAX));
            if new == 0 && self.state.total_in() == before_in && !self.ended {
                return Err(problem(format!("it ends early, at byte {before_in}")));
            }
        }
        Ok(done)
    }
}

impl<'a> Feed<'a> {
    fn new(store: &'a Store) -> Self {
        let inflater = match store {
            Store::Deflated(bytes) => Some(Inflater::new(bytes)),
            _ => None,
        };
        Self { store, inflater }
    }

    /// Fills `out` from `offset` on and gives how many bytes were there.
    fn fill(&mut self, offset: u64, out: &mut [u8]) -> Result<usize, Fault> {
        match self.store {
            Store::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let there = bytes.get(start..).unwrap_or(&[]);
                let n = there.len().min(out.len());
                if let (Some(out), Some(there)) = (out.get_mut(..n), there.get(..n)) {
                    out.copy_from_slice(there);
                }
                Ok(n)
            }
            Store::File { file, .. } => {
                let mut done = 0_usize;
                while let Some(room) = out.get_mut(done..).filter(|room| !room.is_empty()) {
                    let at = offset.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
                    match read_at(file, room, at) {
                        Ok(0) => break,
                        Ok(n) => done = done.saturating_add(n),
                        Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                        Err(e) => return Err(e.into()),
                    }
                }
                Ok(done)
            }
            Store::Deflated(bytes) => {
                let inflater = self.inflater.get_or_insert_with(|| Inflater::new(bytes));
                if inflater.state.total_out() > offset {
                    *inflater = Inflater::new(bytes);
                }
                let mut scratch = [0_u8; 16384];
                loop {
                    let behind = offset.saturating_sub(inflater.state.total_out());
                    if behind == 0 {
                        return inflater.read(out);
                    }
                    let step = usize::try_from(behind).unwrap_or(usize::MAX).min(16384);
                    let room = scratch.get_mut(..step).unwrap_or(&mut []);
                    if inflater.read(room)? == 0 {
                        return Ok(0);
                    }
                }
            }
        }
    }
}

/// Reads small parts of a store through a window, and large ones directly.
pub(crate) struct Cursor<'a> {
    feed: Feed<'a>,
    /// Where the next byte is.
    offset: u64,
    window: Vec<u8>,
    window_at: u64,
}

const WINDOW: usize = 32 << 10;
const STEP: usize = 1 << 20;

fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(store: &'a Store, offset: u64) -> Self {
        Self {
            feed: Feed::new(store),
            offset,
            window: Vec::new(),
            window_at: offset,
        }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes from here to the end, unknown in a deflated store.
    pub(crate) fn remaining(&self) -> Option<u64> {
        let length = self.feed.store.length()?;
        Some(length.saturating_sub(self.offset))
    }

    /// Up to `most` bytes from here on, a few dozen, without moving.
    pub(crate) fn peek(&mut self, most: usize) -> Result<&[u8], Fault> {
        let here = |at: u64, offset: u64| {
            let from = offset.checked_sub(at)?;
            usize::try_from(from).ok()
        };
        let from = here(self.window_at, self.offset);
        let inside = from.and_then(|from| from.checked_add(most));
        if inside.is_none_or(|end| end > self.window.len()) {
            // Keeps what a deflated store could only give again from its start.
            let kept = from.filter(|from| *from <= self.window.len());
            self.window.drain(..kept.unwrap_or(self.window.len()));
            self.window_at = self.offset;
            let old = self.window.len();
            self.window.resize(WINDOW.max(most), 0);
            let room = self.window.get_mut(old..).unwrap_or(&mut []);
            let n = self
                .feed
                .fill(self.offset.saturating_add(size(old)), room)?;
            self.window.truncate(old.saturating_add(n));
        }
        let from = here(self.window_at, self.offset).unwrap_or(0);
        let there = self.window.get(from..).unwrap_or(&[]);
        Ok(there.get(..most).unwrap_or(there))
    }

    /// The next `N` bytes; how many are there as error.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<Result<[u8; N], u64>, Fault> {
        let there = self.peek(N)?;
        let found = there.first_chunk::<N>().copied();
        Ok(match found {
            Some(bytes) => {
                self.skip(size(N));
                Ok(bytes)
            }
            None => Err(size(there.len())),
        })
    }

    /// Moves on without reading.
    pub(crate) fn skip(&mut self, bytes: u64) {
        self.offset = self.offset.saturating_add(bytes);
    }

    /// Appends so many bytes, or as many as are there.
    ///
    /// Memory grows with what is there, never with what was asked for.
    pub(crate) fn read_into(&mut self, out: &mut Vec<u8>, length: u64) -> Result<(), Fault> {
        let mut wanted = usize::try_from(length).unwrap_or(usize::MAX);
        if let Some(remaining) = self.remaining() {
            wanted = wanted.min(usize::try_from(remaining).unwrap_or(usize::MAX));
            out.try_reserve_exact(wanted)
                .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        }
        // What the window holds already.
        let from = self.offset.checked_sub(self.window_at);
        let from = from.and_then(|from| usize::try_from(from).ok());
        let ready = from.and_then(|from| self.window.get(from..)).unwrap_or(&[]);
        let ready = ready.get(..wanted.min(ready.len())).unwrap_or(&[]);
        out.extend_from_slice(ready);
        wanted = wanted.saturating_sub(ready.len());
        self.offset = self.offset.saturating_add(size(ready.len()));
        while wanted > 0 {
            let step = match self.remaining() {
                Some(_) => wanted,
                None => wanted.min(STEP),
            };
            let old = out.len();
            out.try_reserve(step)
                .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
            out.resize(old.saturating_add(step), 0);
            let room = out.get_mut(old..).unwrap_or(&mut []);
            let n = self.feed.fill(self.offset, room)?;
            out.truncate(old.saturating_add(n));
            self.offset = self.offset.saturating_add(size(n));
            wanted = wanted.saturating_sub(n);
            if n < step {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_deflated_store_gives_the_bytes_of_a_plain_one() {
        let plain: Vec<u8> = (0..200_000_u32)
            .flat_map(|i| i.wrapping_mul(i).to_le_bytes())
            .collect();
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&plain).unwrap();
        let stores = [
            Store::Memory(plain.clone().into()),
            Store::Deflated(encoder.finish().unwrap().into()),
        ];
        for store in &stores {
            let mut cursor = Cursor::new(store, 10);
            assert_eq!(cursor.peek(4).unwrap(), &plain[10..14]);
            assert_eq!(cursor.array::<6>().unwrap().unwrap(), plain[10..16]);
            cursor.skip(100_000);
            let mut out = Vec::new();
            cursor.read_into(&mut out, 300_000).unwrap();
            assert_eq!(out, &plain[100_016..400_016]);
            assert_eq!(
                cursor.array::<2>().unwrap().unwrap(),
                plain[400_016..400_018]
            );
            assert_eq!(*store.range(5, 7).unwrap(), plain[5..12]);
            assert_eq!(store.range(799_998, 50).unwrap().len(), 2);
            cursor.skip(1 << 30);
            assert_eq!(cursor.array::<2>().unwrap(), Err(0));
        }
    }
}
