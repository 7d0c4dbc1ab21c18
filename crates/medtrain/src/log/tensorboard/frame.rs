//! Records of TensorFlow: eight bytes of length, their checksum, the data, their checksum, all little-endian.
//!
//! Source: <https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/lib/io/record_writer.h>.

use std::io::{self, Write};

use crc::{CRC_32_ISCSI, Crc};

/// CRC-32C, the polynomial of Castagnoli.
const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// A checksum that may stand in data whose checksum is taken.
fn masked(bytes: &[u8]) -> u32 {
    CHECKSUM
        .checksum(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// Writes a record.
pub(super) fn write(to: &mut impl Write, data: &[u8]) -> io::Result<()> {
    let length = (data.len() as u64).to_le_bytes();
    to.write_all(&length)?;
    to.write_all(&masked(&length).to_le_bytes())?;
    to.write_all(data)?;
    to.write_all(&masked(data).to_le_bytes())
}
