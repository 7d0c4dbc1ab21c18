//! Gzip by content: one member at full speed, several or damaged ones through a checked stream.
//!
//! The size of a NIfTI volume is known from its header, so the usual file (one member, nothing behind
//! it) is inflated by one libdeflate call into memory that becomes the image. Everything else goes
//! through zlib-rs member by member, RFC 1952; both verify the checksum before a voxel is handed out.

use std::io::Read;

use flate2::bufread::GzDecoder;

use super::fault::Fault;
use super::report::{Report, Warning};

/// No deflate stream grows more than this (RFC 1951: 258 bytes from two bits).
const MAX_RATIO: u64 = 1032;

/// Whether bytes start as a gzip member does.
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// The most bytes that so much compressed data can hold.
pub(crate) fn bound(compressed: &[u8]) -> u64 {
    u64::try_from(compressed.len())
        .unwrap_or(u64::MAX)
        .saturating_mul(MAX_RATIO)
}

/// Inflates a file of one member that holds exactly `out.len()` bytes; false if it is anything else.
pub(crate) fn inflate_single(compressed: &[u8], out: &mut [u8]) -> bool {
    inflate_member(compressed, out).is_some()
}

/// Whether the trailer of the last member promises `len` bytes: a cheap test before any allocation.
pub(crate) fn promises(compressed: &[u8], len: u64) -> bool {
    let promised = compressed.last_chunk::<4>().map(|b| u32::from_le_bytes(*b));
    promised.map(u64::from) == Some(len & 0xffff_ffff)
}

fn inflate_member(compressed: &[u8], out: &mut [u8]) -> Option<()> {
    let (rest, trailer) = compressed.split_last_chunk::<8>()?;
    let deflated = rest.get(header_len(rest)?..)?;
    let written = libdeflater::Decompressor::new()
        .deflate_decompress(deflated, out)
        .ok()?;
    let (crc, _) = trailer.split_first_chunk::<4>()?;
    (written == out.len() && libdeflater::crc32(out) == u32::from_le_bytes(*crc)).then_some(())
}

/// Bytes of a member's header.
fn header_len(bytes: &[u8]) -> Option<usize> {
    let (fixed, mut rest) = bytes.split_first_chunk::<10>()?;
    let [0x1f, 0x8b, 8, flags, ..] = *fixed else {
        return None;
    };
    if flags & 4 != 0 {
        let (len, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*len))..)?;
    }
    for text in [8, 16] {
        if flags & text != 0 {
            let end = rest.iter().position(|&b| b == 0)?;
            rest = rest.get(end.checked_add(1)?..)?;
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    bytes.len().checked_sub(rest.len())
}

/// The uncompressed bytes of all members, in order.
pub(crate) struct Members<'a> {
    whole: &'a [u8],
    state: State<'a>,
}

enum State<'a> {
    Between(&'a [u8]),
    Inside {
        decoder: Box<GzDecoder<&'a [u8]>>,
        start: u64,
    },
}

impl<'a> Members<'a> {
    pub(crate) fn new(compressed: &'a [u8]) -> Self {
        Self {
            whole: compressed,
            state: State::Between(compressed),
        }
    }

    /// Some of the next bytes; 0 behind the last member, whose checksum has then been verified.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        loop {
            match &mut self.state {
                State::Between(rest) => {
                    if !is_gzip(rest) {
                        return Ok(0);
                    }
                    let start = self.whole.len().saturating_sub(rest.len());
                    self.state = State::Inside {
                        decoder: Box::new(GzDecoder::new(rest)),
                        start: u64::try_from(start).unwrap_or(u64::MAX),
                    };
                }
                State::Inside { decoder, start } => {
                    let read = decoder.read(buffer).map_err(|e| Fault::Gzip {
                        offset: *start,
                        problem: e.to_string(),
                    })?;
                    if read > 0 || buffer.is_empty() {
                        return Ok(read);
                    }
                    let rest = *decoder.get_ref();
                    self.state = State::Between(rest);
                }
            }
        }
    }

    /// Fills the buffer as far as there are bytes.
    pub(crate) fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0_usize;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let read = self.read(rest)?;
            if read == 0 {
                break;
            }
            filled = filled.saturating_add(read);
        }
        Ok(filled)
    }

    /// Throws bytes away; the number that were there.
    pub(crate) fn skip(&mut self, bytes: u64) -> Result<u64, Fault> {
        let mut scratch = vec![0; 1 << 16];
        let mut skipped = 0_u64;
        while skipped < bytes {
            let left = usize::try_from(bytes.saturating_sub(skipped)).unwrap_or(usize::MAX);
            let chunk = left.min(scratch.len());
            let read = self.read(scratch.get_mut(..chunk).unwrap_or_default())?;
            if read == 0 {
                break;
            }
            skipped = skipped.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        }
        Ok(skipped)
    }

    /// Reads on to the end of the last member, so that its checksum counts, at most `limit` bytes.
    pub(crate) fn finish(&mut self, limit: u64, report: &mut Report) -> Result<(), Fault> {
        let tail = self.skip(limit.saturating_add(1))?;
        if tail > limit {
            return Err(Fault::Oversized { limit });
        }
        if tail > 0 {
            report.add(Warning::TrailingBytes { bytes: tail });
        }
        if let State::Between(rest) = self.state
            && !rest.is_empty()
        {
            let bytes = u64::try_from(rest.len()).unwrap_or(u64::MAX);
            report.add(Warning::TrailingGarbage { bytes });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn one_member_with_every_optional_field_is_inflated_at_once() {
        let text: Vec<u8> = (0..9000_u32).map(|i| (i * i % 251) as u8).collect();
        let mut encoder = flate2::GzBuilder::new()
            .extra(vec![7; 300])
            .filename("a name")
            .comment("a comment")
            .write(Vec::new(), flate2::Compression::new(1));
        encoder.write_all(&text).unwrap();
        let file = encoder.finish().unwrap();
        let mut out = vec![0; text.len()];
        assert!(inflate_single(&file, &mut out));
        assert_eq!(out, text);
        assert!(!inflate_single(&file, &mut vec![0; text.len() + 1]));
        assert!(!inflate_single(&file, &mut vec![0; text.len() - 1]));
    }

    #[test]
    fn members_are_joined_and_what_follows_is_counted() {
        let file = [
            gzip(b"one "),
            gzip(b""),
            gzip(b"two and more"),
            b"junk".to_vec(),
        ]
        .concat();
        let mut members = Members::new(&file);
        let mut buffer = [0; 7];
        assert_eq!(members.read_some(&mut buffer).unwrap(), 7);
        assert_eq!(&buffer, b"one two");
        let mut report = Report::default();
        members.finish(100, &mut report).unwrap();
        assert_eq!(
            report.warnings,
            [
                Warning::TrailingBytes { bytes: 9 },
                Warning::TrailingGarbage { bytes: 4 }
            ]
        );
    }

    #[test]
    fn a_flipped_checksum_is_an_error_on_both_ways() {
        let text = [3; 500];
        let mut file = gzip(&text);
        let at = file.len() - 6;
        file[at] ^= 1;
        assert!(!inflate_single(&file, &mut [0; 500]));
        let mut members = Members::new(&file);
        assert_eq!(members.read_some(&mut [0; 500]).unwrap(), 500);
        assert!(matches!(
            members.finish(9, &mut Report::default()),
            Err(Fault::Gzip { offset: 0, .. })
        ));
    }
}
