//! PNG, by the `png` crate.

use std::borrow::Cow;
use std::io::Cursor;

use ::png::{BitDepth, ColorType, Decoder, Info, Limits, Reader, Transformations};

use super::open::{Layout, Picture, codec, expands, room};
use crate::fault::Fault;
use crate::report::{Report, Warning};
use crate::voxel::Datatype;

/// Deflate makes at most 1032 bytes of one, and eight pixels of a byte may become three samples each.
const MOST_EXPANSION: u64 = 1032 * 24;

/// Text and profiles that the decoder may hold.
const METADATA: usize = 16 << 20;

pub(super) fn open<'a>(file: Cow<'a, [u8]>, report: &mut Report) -> Result<Picture<'a>, Fault> {
    let reader = reader(&file)?;
    let info = reader.info();
    if info.animation_control.is_some() {
        report.add(Warning::EntryIgnored { key: "animation" });
    }
    let (color, depth) = reader.output_color_type();
    let layout = Layout {
        channels: match color {
            ColorType::Grayscale => 1,
            ColorType::GrayscaleAlpha => 2,
            ColorType::Rgb | ColorType::Indexed => 3,
            ColorType::Rgba => 4,
        },
        shape: [1, info.height.into(), info.width.into()],
        sample: match depth {
            BitDepth::Sixteen => Datatype::U16,
            _ => Datatype::U8,
        },
    };
    drop(reader);
    let stored = layout.stored(&file, MOST_EXPANSION)?;
    let decode = Box::new(move |budget: &medcore::Budget| {
        let refused = codec("PNG");
        if expands(&stored, &file) {
            let mut trial = self::reader(&file)?;
            while trial
                .next_interlaced_row()
                .map_err(|e| refused(&e))?
                .is_some()
            {}
        }
        let mut reader = self::reader(&file)?;
        let mut samples = room(&stored, budget)?;
        if reader.output_buffer_size() != Some(samples.len()) {
            return Err(refused(&"the decoder disagrees about the size"));
        }
        reader.next_frame(&mut samples).map_err(|e| refused(&e))?;
        Ok(samples)
    });
    Ok(Picture { layout, decode })
}

fn reader(file: &[u8]) -> Result<Reader<Cursor<&[u8]>>, Fault> {
    let limits = Limits {
        bytes: file.len().saturating_mul(8).clamp(1 << 16, METADATA),
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let reader = decoder.read_info().map_err(|e| codec("PNG")(&e))?;
    check_palette(reader.info()).map_err(|e| codec("PNG")(&e))?;
    Ok(reader)
}

/// Refuses a palette that is none: entries of three bytes, 256 at most. The decoder takes that for granted.
pub(crate) fn check_palette(info: &Info<'_>) -> Result<(), String> {
    match &info.palette {
        Some(palette) if !palette.len().is_multiple_of(3) || palette.len() > 3 * 256 => {
            Err(format!(
                "a palette must have up to 256 entries of 3 bytes, this one has {} bytes",
                palette.len()
            ))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of one pixel with this palette.
    fn indexed(palette: &[u8]) -> Vec<u8> {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        let pixels = b"\x78\x01\x01\x02\x00\xfd\xff\x00\x00\x00\x02\x00\x01";
        for (kind, data) in [
            (b"IHDR", b"\0\0\0\x01\0\0\0\x01\x04\x03\0\0\0".as_slice()),
            (b"PLTE", palette),
            (b"IDAT", pixels),
            (b"IEND", b""),
        ] {
            let summed = [kind.as_slice(), data].concat();
            file.extend((data.len() as u32).to_be_bytes());
            file.extend(&summed);
            file.extend(libdeflater::crc32(&summed).to_be_bytes());
        }
        file
    }

    #[test]
    fn a_palette_has_whole_entries_and_no_more_than_there_are_indices() {
        assert!(reader(&indexed(&[7; 3])).is_ok());
        assert!(reader(&indexed(&[7; 768])).is_ok());
        for wrong in [1, 4, 49, 769, 771] {
            let refused = reader(&indexed(&vec![7; wrong])).err();
            assert!(
                matches!(refused, Some(Fault::Codec { .. })),
                "{wrong} bytes"
            );
        }
    }
}
