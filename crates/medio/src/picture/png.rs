//! PNG, by the `png` crate.

use std::borrow::Cow;
use std::io::Cursor;

use ::png::{BitDepth, ColorType, Decoder, Limits, Reader, Transformations};

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
    decoder.read_info().map_err(|e| codec("PNG")(&e))
}
