//! Compressed data by content: one member at full speed, several or damaged ones through a checked stream.
//!
//! The size of a volume is known from its header, so the usual file (one member, nothing behind it) is
//! inflated by one libdeflate call into memory that becomes the image. Everything else goes through a
//! stream, member by member: gzip (RFC 1952), zlib (RFC 1950), bzip2. All of them verify the checksum
//! before a voxel is handed out.

mod bits;
mod block;
mod output;
mod parallel;
mod starts;
mod tables;

use std::io::Read;

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use crate::fault::Fault;
use crate::report::{Report, Warning};

/// No deflate stream grows more than this (RFC 1951: 258 bytes from two bits).
const MAX_DEFLATE_RATIO: u64 = 1032;

/// bzip2 makes 46 MB of 45 bytes; beyond this head start it may expand no more than deflate does.
const BZIP2_HEAD_START: u64 = 256 << 20;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Gzip,
    Zlib,
    Bzip2,
}

impl Packing {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Bzip2 => "bzip2",
        }
    }

    /// Whether data of this kind starts like this.
    fn starts(self, bytes: &[u8]) -> bool {
        match self {
            Self::Gzip => is_gzip(bytes),
            Self::Zlib => bytes.first().is_some_and(|first| first & 0x0f == 8),
            Self::Bzip2 => bytes.starts_with(b"BZh"),
        }
    }

    /// The most bytes that so much compressed data can hold, or may.
    pub(crate) fn bound(self, compressed: u64) -> u64 {
        let deflated = compressed.saturating_mul(MAX_DEFLATE_RATIO);
        match self {
            Self::Gzip | Self::Zlib => deflated,
            Self::Bzip2 => deflated.saturating_add(BZIP2_HEAD_START),
        }
    }

    /// The length of the data if it could be one member of `len` bytes and few behind them: a cheap test
    /// before any allocation.
    pub(crate) fn promised(self, compressed: &[u8], len: u64) -> Option<u64> {
        const FEW: u64 = 1 << 16;
        match self {
            Self::Gzip => {
                let length = compressed.last_chunk::<4>()?;
                // The trailer counts modulo 2^32.
                let extra = u64::from(u32::from_le_bytes(*length)).wrapping_sub(len) & 0xffff_ffff;
                len.checked_add(extra).filter(|_| extra <= FEW)
            }
            Self::Zlib => self.starts(compressed).then_some(len),
            Self::Bzip2 => None,
        }
    }

    /// Inflates data of one member that holds exactly `out.len()` bytes; false if it is anything else.
    pub(crate) fn inflate_single(self, compressed: &[u8], out: &mut [u8]) -> bool {
        match self {
            Self::Gzip => gzip_member(compressed, out).is_some(),
            Self::Zlib => zlib_stream(compressed, out).is_some(),
            Self::Bzip2 => false,
        }
    }
}

/// Whether bytes start as a gzip member does.
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// A deflate stream that cannot be decoded this way; the checked stream says what is wrong with it, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Broken;

fn gzip_member(compressed: &[u8], out: &mut [u8]) -> Option<()> {
    let (rest, trailer) = compressed.split_last_chunk::<8>()?;
    let deflated = rest.get(header_len(rest)?..)?;
    deflate_stream(deflated, out)?;
    let (crc, _) = trailer.split_first_chunk::<4>()?;
    (libdeflater::crc32(out) == u32::from_le_bytes(*crc)).then_some(())
}

/// RFC 1950: two bytes, the stream, and a checksum.
fn zlib_stream(compressed: &[u8], out: &mut [u8]) -> Option<()> {
    let (head, rest) = compressed.split_first_chunk::<2>()?;
    let (deflated, check) = rest.split_last_chunk::<4>()?;
    let [method, flags] = *head;
    let is_zlib = method & 0x0f == 8 && method >> 4 <= 7;
    // No preset dictionary.
    if !is_zlib || !u16::from_be_bytes(*head).is_multiple_of(31) || flags & 0x20 != 0 {
        return None;
    }
    deflate_stream(deflated, out)?;
    (libdeflater::adler32(out) == u32::from_be_bytes(*check)).then_some(())
}

/// Inflates a stream of which nothing is left and which fills the output.
fn deflate_stream(deflated: &[u8], out: &mut [u8]) -> Option<()> {
    if parallel::is_worth_it(deflated.len())
        && parallel::inflate(deflated, out) == Ok(deflated.len())
    {
        return Some(());
    }
    let mut decompressor = libdeflater::Decompressor::new();
    let written = decompressor.deflate_decompress(deflated, out).ok()?;
    (written == out.len()).then_some(())
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
    packing: Packing,
    state: State<'a>,
}

enum State<'a> {
    Between(&'a [u8]),
    Inside { decoder: Decoder<'a>, start: u64 },
}

enum Decoder<'a> {
    Gzip(Box<GzDecoder<&'a [u8]>>),
    Zlib(Box<Zlib<'a>>),
    Bzip2(Box<BzDecoder<&'a [u8]>>),
}

impl<'a> Decoder<'a> {
    fn new(packing: Packing, bytes: &'a [u8]) -> Self {
        match packing {
            Packing::Gzip => Self::Gzip(Box::new(GzDecoder::new(bytes))),
            Packing::Zlib => Self::Zlib(Box::new(Zlib::new(bytes))),
            Packing::Bzip2 => Self::Bzip2(Box::new(BzDecoder::new(bytes))),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zlib(decoder) => decoder.read(buffer),
            Self::Bzip2(decoder) => decoder.read(buffer),
        }
    }

    fn rest(&self) -> &'a [u8] {
        match self {
            Self::Gzip(decoder) => decoder.get_ref(),
            Self::Zlib(decoder) => decoder.rest,
            Self::Bzip2(decoder) => decoder.get_ref(),
        }
    }
}

/// A zlib stream; unlike `flate2`'s reader it does not take the end of the input for that of the stream.
struct Zlib<'a> {
    rest: &'a [u8],
    decompress: Decompress,
    ended: bool,
}

impl<'a> Zlib<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            decompress: Decompress::new(true),
            ended: false,
        }
    }
}

impl Read for Zlib<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.ended || buffer.is_empty() {
            return Ok(0);
        }
        let (before_in, before_out) = (self.decompress.total_in(), self.decompress.total_out());
        let status = self
            .decompress
            .decompress(self.rest, buffer, FlushDecompress::None)
            .map_err(std::io::Error::other)?;
        let since =
            |now: u64, before: u64| usize::try_from(now.saturating_sub(before)).unwrap_or(0);
        let consumed = since(self.decompress.total_in(), before_in);
        let written = since(self.decompress.total_out(), before_out);
        self.rest = self.rest.get(consumed..).unwrap_or_default();
        match status {
            Status::StreamEnd => self.ended = true,
            _ if written == 0 => {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::UnexpectedEof,
                    "the stream has no end",
                ));
            }
            _ => {}
        }
        Ok(written)
    }
}

impl<'a> Members<'a> {
    pub(crate) fn new(packing: Packing, compressed: &'a [u8]) -> Self {
        Self {
            whole: compressed,
            packing,
            state: State::Between(compressed),
        }
    }

    /// Some of the next bytes; 0 behind the last member, whose checksum has then been verified.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        loop {
            match &mut self.state {
                State::Between(rest) => {
                    let start = self.whole.len().saturating_sub(rest.len());
                    let is_member = match self.packing {
                        Packing::Gzip | Packing::Bzip2 => self.packing.starts(rest),
                        Packing::Zlib => start == 0, // zlib knows one stream only
                    };
                    if !is_member {
                        return Ok(0);
                    }
                    self.state = State::Inside {
                        decoder: Decoder::new(self.packing, rest),
                        start: u64::try_from(start).unwrap_or(u64::MAX),
                    };
                }
                State::Inside { decoder, start } => {
                    let read = decoder.read(buffer).map_err(|e| Fault::Compressed {
                        packing: self.packing.name(),
                        offset: *start,
                        problem: e.to_string(),
                    })?;
                    if read > 0 || buffer.is_empty() {
                        return Ok(read);
                    }
                    self.state = State::Between(decoder.rest());
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

    /// Reads on to the end of the last member, so that its checksum counts, at most `limit` bytes; how many
    /// there were.
    pub(crate) fn finish(&mut self, limit: u64, report: &mut Report) -> Result<u64, Fault> {
        let tail = self.skip(limit.saturating_add(1))?;
        if tail > limit {
            return Err(Fault::Oversized {
                what: "data behind the last voxel",
                limit,
            });
        }
        if let State::Between(rest) = self.state
            && !rest.is_empty()
        {
            let bytes = u64::try_from(rest.len()).unwrap_or(u64::MAX);
            report.add(Warning::TrailingGarbage { bytes });
        }
        Ok(tail)
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
        assert!(Packing::Gzip.inflate_single(&file, &mut out));
        assert_eq!(out, text);
        assert!(!Packing::Gzip.inflate_single(&file, &mut vec![0; text.len() + 1]));
        assert!(!Packing::Gzip.inflate_single(&file, &mut vec![0; text.len() - 1]));
    }

    /// Bytes like those of scans, of pictures, of label maps and of noise, several megabytes of each.
    fn contents() -> [Vec<u8>; 4] {
        let mut state = 7_u64;
        let mut random = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u32
        };
        let length = 12_000_000;
        let mut level = 0_i16;
        let mut scan = Vec::with_capacity(length);
        while scan.len() < length {
            level = match random() % 4000 {
                0 => -1000,
                1 => 40,
                2 => 400,
                _ => level,
            };
            let noise = (random() % 30) as i16 + (random() % 30) as i16;
            scan.extend((level + noise).to_le_bytes());
        }
        let text = (0..length).map(|i| (i / 7 % 251) as u8 ^ (random() % 50 / 49) as u8);
        let text = text.collect();
        let labels = (0..length).map(|i| (i / 70_000 % 9) as u8).collect();
        let noise = (0..length).map(|_| random() as u8).collect();
        [scan, text, labels, noise]
    }

    #[test]
    fn several_threads_inflate_what_one_does() {
        for threads in [2, 3, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                for (content, is_hard) in contents().into_iter().zip([false, true, true, true]) {
                    for level in [1, 6, 9] {
                        let level = flate2::Compression::new(level);
                        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
                        encoder.write_all(&content).unwrap();
                        let stream = encoder.finish().unwrap();
                        let mut out = vec![0; content.len()];
                        let used = parallel::inflate(&stream, &mut out);
                        // Parts in which nothing can be entered are left to one thread.
                        if used.is_err() {
                            assert!(is_hard, "{threads} {level:?}");
                            continue;
                        }
                        assert_eq!(used, Ok(stream.len()));
                        assert!(out == content);
                    }
                }
            });
        }
    }

    #[test]
    fn a_damaged_stream_is_no_other_one_to_several_threads() {
        let [scan, ..] = contents();
        let scan = &scan[..6_000_000];
        let file = gzip(scan);
        let stream = &file[10..file.len() - 8];
        let mut state = 1_usize;
        let mut read = 0;
        for _ in 0..60 {
            state = state
                .wrapping_mul(2_862_933_555_777_941_757)
                .wrapping_add(3_037_000_493);
            let mut damaged = stream.to_vec();
            damaged[(state >> 20) % stream.len()] ^= 1 << (state >> 60 & 7);
            let mut one = vec![0; scan.len()];
            let alone = libdeflater::Decompressor::new().deflate_decompress(&damaged, &mut one);
            let mut several = vec![0; scan.len()];
            let together = parallel::inflate(&damaged, &mut several);
            if together.is_ok() {
                assert!(alone.is_ok_and(|written| written == scan.len()) && one == several);
                read += 1;
            }
        }
        // Most flips change a literal, which only the checksum sees.
        assert!(read > 10);
        for cut in [0, 1, 100, stream.len() / 2, stream.len() - 1] {
            let mut out = vec![0; scan.len()];
            assert!(parallel::inflate(&stream[..cut], &mut out).is_err());
        }
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
        let mut members = Members::new(Packing::Gzip, &file);
        let mut buffer = [0; 7];
        assert_eq!(members.read_some(&mut buffer).unwrap(), 7);
        assert_eq!(&buffer, b"one two");
        let mut report = Report::default();
        assert_eq!(members.finish(100, &mut report).unwrap(), 9);
        assert_eq!(report.warnings, [Warning::TrailingGarbage { bytes: 4 }]);
    }

    #[test]
    fn a_flipped_checksum_is_an_error_on_both_ways() {
        let text = [3; 500];
        let mut file = gzip(&text);
        let at = file.len() - 6;
        file[at] ^= 1;
        assert!(!Packing::Gzip.inflate_single(&file, &mut [0; 500]));
        let mut members = Members::new(Packing::Gzip, &file);
        assert_eq!(members.read_some(&mut [0; 500]).unwrap(), 500);
        assert!(matches!(
            members.finish(9, &mut Report::default()),
            Err(Fault::Compressed { offset: 0, .. })
        ));
    }

    #[test]
    fn zlib_and_bzip2_come_back_whole_and_are_refused_when_cut() {
        let text: Vec<u8> = (0..60_000_u32).map(|i| (i * i % 251) as u8).collect();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
        zlib.write_all(&text).unwrap();
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bzip2.write_all(&text).unwrap();
        for (packing, file) in [
            (Packing::Zlib, zlib.finish().unwrap()),
            (Packing::Bzip2, bzip2.finish().unwrap()),
        ] {
            let mut out = vec![0; text.len()];
            let mut members = Members::new(packing, &file);
            assert_eq!(members.read_some(&mut out).unwrap(), text.len());
            assert_eq!(out, text);
            members.finish(0, &mut Report::default()).unwrap();
            for cut in 0..file.len() {
                let mut members = Members::new(packing, &file[..cut]);
                let there = members.read_some(&mut out);
                let end = there.and_then(|n| members.finish(0, &mut Report::default()).map(|_| n));
                assert!(!matches!(end, Ok(n) if n > 0), "{packing:?} cut at {cut}");
            }
        }
    }
}
