//! Bytes that can be read from any place, by several threads at once.

use std::fs::File;
use std::io;

use rayon::prelude::*;

/// Memory or an open file.
#[derive(Debug)]
pub enum Storage<'a> {
    Memory(&'a [u8]),
    File(File),
}

/// Bytes that one thread reads at a time.
const SHARE: usize = 4 << 20;

impl Storage<'_> {
    /// Fills `out` with the bytes from `start` on.
    ///
    /// # Errors
    /// Passes on what the system says, and says if there are too few.
    pub(crate) fn read_at(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let there = bytes.get(start..).and_then(|rest| rest.get(..out.len()));
                out.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Self::File(file) => read_file_at(file, start, out),
        }
    }

    /// As [`Self::read_at`], by several threads: they share the cost of fresh memory.
    ///
    /// # Errors
    /// As [`Self::read_at`].
    pub(crate) fn fill(&self, start: u64, out: &mut [u8]) -> io::Result<()> {
        let shares = out.par_chunks_mut(SHARE).enumerate();
        shares.try_for_each(|(index, share)| {
            let before = super::len64(index.saturating_mul(SHARE));
            self.read_at(start.saturating_add(before), share)
        })
    }
}

#[cfg(unix)]
fn read_file_at(file: &File, start: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, start)
}

#[cfg(windows)]
fn read_file_at(file: &File, mut start: u64, mut out: &mut [u8]) -> io::Result<()> {
    while !out.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, out, start)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        out = out.get_mut(read..).unwrap_or_default();
        start = start.saturating_add(super::len64(read));
    }
    Ok(())
}

/// Elsewhere the position is shared: one thread at a time.
#[cfg(not(any(unix, windows)))]
fn read_file_at(file: &File, start: u64, out: &mut [u8]) -> io::Result<()> {
    use std::io::{Read, Seek};
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock();
    let mut file = file;
    file.seek(io::SeekFrom::Start(start))?;
    file.read_exact(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn any_place_can_be_read_but_nothing_behind_the_end() {
        let bytes: Vec<u8> = (0..9_000_000_u32).map(|i| (i % 253) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        for storage in [Storage::Memory(&bytes), Storage::File(file)] {
            let mut part = [0; 7];
            storage.read_at(1000, &mut part).unwrap();
            assert_eq!(part, bytes[1000..1007]);
            let mut most = vec![0; bytes.len() - 5];
            storage.fill(5, &mut most).unwrap();
            assert!(most == bytes[5..]);
            assert!(storage.fill(6, &mut most).is_err());
            assert!(storage.read_at(u64::MAX, &mut part).is_err());
        }
    }
}
