//! A body of several parts that is read while it is sent: files are opened when their turn comes.

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::BuildHasher;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::super::fault::Fault;

/// What a part holds.
#[derive(Debug)]
pub(in crate::dicomweb) enum Content {
    /// A file of so many bytes.
    File { path: PathBuf, length: u64 },
    /// Bytes in memory.
    Bytes(Vec<u8>),
}

/// A body of parts, which can be read several times.
#[derive(Debug)]
pub(in crate::dicomweb) struct MultipartBody {
    boundary: String,
    /// Header and content.
    parts: Vec<(Vec<u8>, Content)>,
    end: Vec<u8>,
}

impl Content {
    fn length(&self) -> u64 {
        match self {
            Self::File { length, .. } => *length,
            Self::Bytes(bytes) => length_of(bytes),
        }
    }
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl MultipartBody {
    /// Parts of one media type, behind a boundary that nobody could have put into one of them.
    pub(in crate::dicomweb) fn new(media_type: &str, contents: Vec<Content>) -> Self {
        // The standard library seeds these with random numbers of the system.
        let halves = [(); 2].map(|()| RandomState::new().hash_one(0));
        let [a, b] = halves;
        Self::with_boundary(format!("medio-{a:016x}{b:016x}"), media_type, contents)
    }

    fn with_boundary(boundary: String, media_type: &str, contents: Vec<Content>) -> Self {
        let mut parts = Vec::with_capacity(contents.len());
        for content in contents {
            // The line break before a boundary belongs to it; nothing stands before the first.
            let line_end = if parts.is_empty() { "" } else { "\r\n" };
            let header = format!("{line_end}--{boundary}\r\nContent-Type: {media_type}\r\n\r\n");
            parts.push((header.into_bytes(), content));
        }
        let line_end = if parts.is_empty() { "" } else { "\r\n" };
        let end = format!("{line_end}--{boundary}--\r\n").into_bytes();
        Self {
            boundary,
            parts,
            end,
        }
    }

    pub(in crate::dicomweb) fn boundary(&self) -> &str {
        &self.boundary
    }

    /// Bytes from the first boundary to the last.
    pub(in crate::dicomweb) fn length(&self) -> u64 {
        let parts = self.parts.iter();
        let parts =
            parts.map(|(header, content)| length_of(header).saturating_add(content.length()));
        parts.fold(length_of(&self.end), u64::saturating_add)
    }

    /// Reads the body from its beginning; `count` hears of every piece that was read.
    pub(in crate::dicomweb) fn reader<'a>(
        &'a self,
        count: &'a mut dyn FnMut(usize) -> io::Result<()>,
    ) -> BodyReader<'a> {
        BodyReader {
            body: self,
            part: 0,
            place: Place::Header(0),
            count,
        }
    }
}

pub(in crate::dicomweb) struct BodyReader<'a> {
    body: &'a MultipartBody,
    part: usize,
    place: Place,
    count: &'a mut dyn FnMut(usize) -> io::Result<()>,
}

enum Place {
    /// So many bytes into the header, which for the last part is the end of the body.
    Header(usize),
    /// So many bytes into the content in memory.
    Bytes(usize),
    /// The file with so many bytes to come.
    File(File, u64),
}

fn copy(from: &[u8], at: usize, out: &mut [u8]) -> usize {
    let rest = from.get(at..).unwrap_or(&[]);
    let n = rest.len().min(out.len());
    if let (Some(room), Some(bytes)) = (out.get_mut(..n), rest.get(..n)) {
        room.copy_from_slice(bytes);
    }
    n
}

/// That a file here cannot be read is not a broken connection, which would be made again.
fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    let path = path.to_owned();
    move |cause| Fault::File { path, cause }.into_io()
}

impl BodyReader<'_> {
    fn piece(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let part = self.body.parts.get(self.part);
            match (&mut self.place, part) {
                (Place::Header(at), None) => {
                    let n = copy(&self.body.end, *at, out);
                    *at = at.saturating_add(n);
                    return Ok(n);
                }
                (Place::Header(at), Some((header, content))) => {
                    let n = copy(header, *at, out);
                    if n > 0 {
                        *at = at.saturating_add(n);
                        return Ok(n);
                    }
                    self.place = match content {
                        Content::Bytes(_) => Place::Bytes(0),
                        Content::File { path, length } => {
                            let file = File::open(path).map_err(unreadable(path))?;
                            Place::File(file, *length)
                        }
                    };
                    continue;
                }
                (Place::Bytes(at), Some((_, Content::Bytes(bytes)))) => {
                    let n = copy(bytes, *at, out);
                    if n > 0 {
                        *at = at.saturating_add(n);
                        return Ok(n);
                    }
                }
                (Place::File(file, left), Some((_, Content::File { path, .. }))) if *left > 0 => {
                    let n = file.take(*left).read(out).map_err(unreadable(path))?;
                    if n == 0 {
                        let shrunk = io::Error::other("it became shorter while it was sent");
                        return Err(unreadable(path)(shrunk));
                    }
                    *left = left.saturating_sub(u64::try_from(n).unwrap_or(u64::MAX));
                    return Ok(n);
                }
                _ => {}
            }
            self.part = self.part.saturating_add(1);
            self.place = Place::Header(0);
        }
    }
}

impl Read for BodyReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        let n = self.piece(out)?;
        (self.count)(n)?;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::super::MultipartReader;
    use super::*;

    #[test]
    fn what_is_sent_is_as_long_as_announced_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let long: Vec<u8> = (0..100_000_u32).map(|i| i as u8).collect();
        std::fs::write(&path, &long).unwrap();
        let file = || Content::File {
            path: path.clone(),
            length: 100_000,
        };
        let contents = vec![
            Content::Bytes(b"one".to_vec()),
            file(),
            Content::Bytes(vec![]),
            file(),
        ];
        let body = MultipartBody::new("application/dicom", contents);
        let mut counted = 0;
        let mut count = |n| {
            counted += n;
            Ok(())
        };
        let mut bytes = Vec::new();
        body.reader(&mut count).read_to_end(&mut bytes).unwrap();
        assert_eq!(counted, bytes.len());
        assert_eq!(body.length(), bytes.len() as u64);
        let mut parts = MultipartReader::new(&bytes[..], body.boundary()).unwrap();
        for expected in [&b"one"[..], &long, b"", &long] {
            let mut part = parts.next_part().unwrap().unwrap();
            let media_type = part.media_type().unwrap().unwrap();
            assert_eq!(media_type.essence(), "application/dicom");
            let mut got = Vec::new();
            part.read_to_end(&mut got).unwrap();
            assert!(got == expected);
        }
        assert!(parts.next_part().unwrap().is_none());
    }

    #[test]
    fn a_file_that_shrinks_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"short").unwrap();
        let body = MultipartBody::new("a/b", vec![Content::File { path, length: 6 }]);
        let mut bytes = Vec::new();
        let failed = body.reader(&mut |_| Ok(())).read_to_end(&mut bytes);
        assert!(failed.is_err());
    }
}
