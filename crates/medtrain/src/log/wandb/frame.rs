//! Records of a `.wandb` file: seven bytes that say what it is, then blocks of 32 KiB with pieces of records, each behind its
//! checksum, length and kind.
//!
//! Source: <https://github.com/google/leveldb/blob/main/doc/log_format.md>, with another checksum.

use crc::{CRC_32_ISO_HDLC, Crc};

/// Of kind and data of a piece.
const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
/// What the file is, and its version 0.
const START: [u8; 7] = *b":W&B\xE1\xBE\0";
const BLOCK: usize = 32 * 1024;
/// Four bytes of checksum, two of length, one of kind.
const HEAD: usize = 7;

/// A file in memory.
#[derive(Debug)]
pub(super) struct Frames(Vec<u8>);

impl Frames {
    pub(super) fn new() -> Self {
        Self(START.to_vec())
    }

    /// Adds a record.
    pub(super) fn push(&mut self, mut data: &[u8]) {
        let mut is_first = true;
        loop {
            let mut left = BLOCK - self.0.len() % BLOCK;
            if left < HEAD {
                // No head fits: the block is filled up.
                self.0.resize(self.0.len() + left, 0);
                left = BLOCK;
            }
            let (piece, rest) = data.split_at(data.len().min(left - HEAD));
            let kind = match (is_first, rest.is_empty()) {
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            let mut checksum = CHECKSUM.digest();
            checksum.update(&[kind]);
            checksum.update(piece);
            self.0.extend(checksum.finalize().to_le_bytes());
            // At most a block.
            self.0.extend((piece.len() as u16).to_le_bytes());
            self.0.push(kind);
            self.0.extend(piece);
            if rest.is_empty() {
                return;
            }
            (data, is_first) = (rest, false);
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records again, as the rules of LevelDB read them.
    fn read(bytes: &[u8]) -> Vec<Vec<u8>> {
        assert_eq!(bytes[..7], START);
        let (mut at, mut records, mut open, mut is_open) = (7, Vec::new(), Vec::new(), false);
        while at < bytes.len() {
            let left = BLOCK - at % BLOCK;
            if left < HEAD {
                assert!(bytes[at..at + left].iter().all(|byte| *byte == 0));
                at += left;
                continue;
            }
            let length = usize::from(u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]));
            let kind = bytes[at + 6];
            let said = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            assert_eq!(CHECKSUM.checksum(&bytes[at + 6..at + HEAD + length]), said);
            assert!(HEAD + length <= left, "a piece leaves its block");
            assert_eq!(is_open, kind > 2);
            is_open = matches!(kind, 2 | 3);
            open.extend(&bytes[at + HEAD..at + HEAD + length]);
            if matches!(kind, 1 | 4) {
                records.push(std::mem::take(&mut open));
            }
            at += HEAD + length;
        }
        assert!(!is_open);
        records
    }

    #[test]
    fn records_of_any_length_come_back() {
        // The second one leaves so many bytes of the first block; then one longer than two blocks.
        for left in 0..20 {
            let lengths = [
                5,
                BLOCK - 7 - HEAD - 5 - HEAD - left,
                1,
                2 * BLOCK + 3,
                0,
                9,
            ];
            let records: Vec<Vec<u8>> = { lengths.iter().enumerate() }
                .map(|(n, &length)| vec![n as u8 + 1; length])
                .collect();
            let mut frames = Frames::new();
            for record in &records {
                frames.push(record);
            }
            assert!(read(&frames.into_bytes()) == records, "{left}");
        }
    }

    #[test]
    fn the_checksum_is_that_of_zlib() {
        assert_eq!(CHECKSUM.checksum(b"123456789"), 0xCBF4_3926);
    }
}
