//! Gzip and zlib in parallel: blocks compressed apart and joined into one member that every reader understands.
//!
//! As pigz does it: each block ends at a byte border (a sync flush), the last one ends the stream, and
//! the checksums of the blocks are combined. Block borders depend on the data's length alone, so the
//! file is the same for any number of threads.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "what is written comes from an image, not from a file"
)]

use std::io::{self, Write};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use rayon::prelude::*;

/// Bytes compressed at a time: large enough that starting without history costs under a percent.
const BLOCK: usize = 1 << 20;

/// What stands around deflated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrapper {
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Zlib,
}

/// Writes `parts`, one after the other, as a gzip member.
pub(crate) fn write_gzip(out: &mut dyn Write, parts: &[&[u8]], level: u32) -> io::Result<()> {
    write(out, parts, level, Wrapper::Gzip)
}

/// Writes `parts`, one after the other, as one compressed stream.
pub(crate) fn write(
    out: &mut dyn Write,
    parts: &[&[u8]],
    level: u32,
    wrapper: Wrapper,
) -> io::Result<()> {
    match wrapper {
        // Deflate, no flags, no time (so that equal images give equal files), unknown system.
        Wrapper::Gzip => out.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])?,
        Wrapper::Zlib => out.write_all(&[0x78, 0x9c])?,
    }
    let blocks: Vec<&[u8]> = parts.iter().flat_map(|part| part.chunks(BLOCK)).collect();
    let mut crc = Crc::new();
    let mut length: u32 = 0;
    // So many blocks wait for their turn to be written: memory stays bounded, threads stay busy.
    let waiting = 8 * rayon::current_num_threads();
    for (index, batch) in blocks.chunks(waiting).enumerate() {
        let is_last = (index + 1) * waiting >= blocks.len();
        let compressed: Vec<_> = batch
            .par_iter()
            .enumerate()
            .map(|(i, block)| {
                let mut crc = Crc::new();
                crc.update(block);
                let flush = match is_last && i + 1 == batch.len() {
                    true => FlushCompress::Finish,
                    false => FlushCompress::Sync,
                };
                compress(block, level, flush).map(|bytes| (bytes, crc))
            })
            .collect();
        for block in compressed {
            let (bytes, block_crc) = block?;
            out.write_all(&bytes)?;
            length = length.wrapping_add(block_crc.amount());
            crc.combine(&block_crc);
        }
    }
    if blocks.is_empty() {
        out.write_all(&compress(&[], level, FlushCompress::Finish)?)?;
    }
    match wrapper {
        Wrapper::Gzip => {
            out.write_all(&crc.sum().to_le_bytes())?;
            out.write_all(&length.to_le_bytes())
        }
        Wrapper::Zlib => {
            let mut adler = libdeflater::Adler32::new();
            parts.iter().for_each(|part| adler.update(part));
            out.write_all(&adler.sum().to_be_bytes())
        }
    }
}

fn compress(block: &[u8], level: u32, flush: FlushCompress) -> io::Result<Vec<u8>> {
    let mut compressor = Compress::new(Compression::new(level), false);
    let mut out = Vec::with_capacity(block.len() / 2 + 64);
    loop {
        let consumed = usize::try_from(compressor.total_in()).map_err(io::Error::other)?;
        let status = compressor
            .compress_vec(&block[consumed..], &mut out, flush)
            .map_err(io::Error::other)?;
        let has_room = out.len() < out.capacity();
        if status == Status::StreamEnd || (has_room && !matches!(flush, FlushCompress::Finish)) {
            return Ok(out);
        }
        out.reserve(block.len() / 4 + 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn every_length_around_a_block_comes_back_as_one_member() {
        for len in [0, 1, 351, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17] {
            let bytes = noise(len);
            for level in [0, 1, 6] {
                let mut file = Vec::new();
                write_gzip(&mut file, &[b"head", &bytes], level).unwrap();
                let mut back = Vec::new();
                flate2::read::GzDecoder::new(&*file)
                    .read_to_end(&mut back)
                    .unwrap();
                assert_eq!(back[..4], *b"head");
                assert!(back[4..] == bytes, "{len} bytes at level {level}");
                let mut once = vec![0; back.len()];
                assert!(crate::raw::Packing::Gzip.inflate_single(&file, &mut once));
                let mut file = Vec::new();
                write(&mut file, &[b"head", &bytes], level, Wrapper::Zlib).unwrap();
                assert!(crate::raw::Packing::Zlib.inflate_single(&file, &mut once));
                assert!(once == back);
            }
        }
    }

    #[test]
    fn the_number_of_threads_does_not_change_the_file() {
        let bytes: Vec<u8> = (0..20 * BLOCK).map(|i| (i / 1000 % 256) as u8).collect();
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let mut file = Vec::new();
            pool.install(|| write_gzip(&mut file, &[&bytes], 1))
                .unwrap();
            file
        };
        let one = with(1);
        assert!(one == with(2) && one == with(3));
    }
}
