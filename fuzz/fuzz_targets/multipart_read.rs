//! Any bytes as a body of several parts: no panic, and the same parts however the bytes come.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use medio::dicomweb::{MediaType, MultipartReader};

/// Gives at most so many bytes a read.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let most = self.1.min(out.len());
        (&mut self.0).take(most as u64).read(out)
    }
}

fn parts(body: &[u8], boundary: &str, step: usize) -> Option<Vec<Vec<u8>>> {
    let mut reader = MultipartReader::new(Slow(body, step), boundary).ok()?;
    let mut parts = Vec::new();
    while let Some(mut part) = reader.next_part().ok()? {
        let _ = part.media_type();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).ok()?;
        parts.push(bytes);
    }
    Some(parts)
}

// The first line is the media type, the rest the body.
fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|b| *b == b'\n').unwrap_or(0);
    let (line, body) = bytes.split_at(end);
    let media_type: Option<MediaType> = std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.parse().ok());
    if let Some(media_type) = &media_type {
        // What was read is written and read again, unless quotes made it too long.
        let text = media_type.to_string();
        assert!(text.len() > 4096 || text.parse::<MediaType>().as_ref().ok() == Some(media_type));
    }
    let boundary = media_type
        .as_ref()
        .and_then(|m| m.parameter("boundary"))
        .unwrap_or("b");
    let whole = parts(body, boundary, usize::MAX);
    let total = whole.iter().flatten().map(Vec::len).sum::<usize>();
    assert!(total <= body.len());
    for step in [1, 3, 61] {
        assert_eq!(parts(body, boundary, step), whole);
    }
});
