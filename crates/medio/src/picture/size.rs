//! How many rows and columns a picture has, from its first bytes: PNG, JPEG and BMP.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::error::{Error, Result};

/// Height and width of a picture; none if it is of another format or has no size.
///
/// Nothing behind the size is looked at, so that pictures of any colours have one and thousands of them take no
/// time; [`crate::read_header`] also says whether the picture can be read.
pub(crate) fn size_of_file(path: &Path) -> Result<Option<[usize; 2]>> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    let size = size_of_stream(&mut BufReader::new(file)).map_err(Error::io("read", path))?;
    let size = size.filter(|size| size.iter().all(|n| *n > 0));
    Ok(size.map(|size| size.map(|n| usize::try_from(n).unwrap_or(usize::MAX))))
}

fn size_of_stream(stream: &mut impl Read) -> std::io::Result<Option<[u32; 2]>> {
    let mut head = [0; 26];
    if let Err(error) = stream.read_exact(&mut head) {
        return match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Ok(None),
            _ => Err(error),
        };
    }
    Ok(match head {
        [
            0x89,
            b'P',
            b'N',
            b'G',
            13,
            10,
            26,
            10,
            _,
            _,
            _,
            _,
            b'I',
            b'H',
            b'D',
            b'R',
            rest @ ..,
        ] => {
            let [w0, w1, w2, w3, h0, h1, h2, h3, ..] = rest;
            Some([
                u32::from_be_bytes([h0, h1, h2, h3]),
                u32::from_be_bytes([w0, w1, w2, w3]),
            ])
        }
        [
            b'B',
            b'M',
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            w0,
            w1,
            w2,
            w3,
            h0,
            h1,
            h2,
            h3,
        ] => {
            let height = i32::from_le_bytes([h0, h1, h2, h3]).unsigned_abs();
            Some([height, u32::from_le_bytes([w0, w1, w2, w3])])
        }
        [0xff, 0xd8, rest @ ..] => jpeg(&mut rest.chain(stream))?,
        _ => None,
    })
}

/// The frame header of a JPEG stream behind its first marker.
fn jpeg(stream: &mut impl Read) -> std::io::Result<Option<[u32; 2]>> {
    let mut marker = [0; 4];
    loop {
        match stream.read_exact(&mut marker) {
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let [0xff, kind, high, low] = marker else {
            return Ok(None);
        };
        let length = u64::from(u16::from_be_bytes([high, low])).saturating_sub(2);
        // Frame headers but for the tables (C4), the extension (C8) and the arithmetic conditioning (CC).
        if matches!(kind, 0xc0..=0xcf) && !matches!(kind, 0xc4 | 0xc8 | 0xcc) {
            let mut frame = [0; 5];
            return Ok(stream.read_exact(&mut frame).ok().map(|()| {
                let [_, h0, h1, w0, w1] = frame;
                [u16::from_be_bytes([h0, h1]), u16::from_be_bytes([w0, w1])].map(u32::from)
            }));
        }
        let skipped = std::io::copy(&mut stream.by_ref().take(length), &mut std::io::sink())?;
        if skipped < length {
            return Ok(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(bytes: &[u8]) -> Option<[u32; 2]> {
        size_of_stream(&mut &bytes[..]).unwrap()
    }

    #[test]
    fn sizes_are_read_from_the_first_bytes() {
        let png = [
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x07\0\0\x01\x02".as_slice(),
            &[0; 9],
        ]
        .concat();
        assert_eq!(size(&png), Some([258, 7]));
        let jpeg = [
            b"\xff\xd8\xff\xe0\0\x04ab\xff\xc4\0\x03x\xff\xc2\0\x11\x08\x01\0\0\x09".as_slice(),
            &[0; 20],
        ]
        .concat();
        assert_eq!(size(&jpeg), Some([256, 9]));
        let mut bmp = [b"BM".as_slice(), &[0; 24]].concat();
        bmp[18] = 5;
        bmp[22..26].copy_from_slice(&(-3_i32).to_le_bytes());
        assert_eq!(size(&bmp), Some([3, 5]));
        for other in [b"GIF89a".as_slice(), &[0xff; 40], b"\xff\xd8", &[]] {
            assert_eq!(size(other), None);
        }
    }
}
