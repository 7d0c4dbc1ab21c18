//! Windows bitmaps, by the `zune-bmp` crate.

use std::borrow::Cow;

use zune_bmp::BmpDecoder;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;

use super::open::{Layout, Picture, codec, room};
use crate::fault::Fault;
use crate::raw::len64;
use crate::voxel::Datatype;

/// A run of 255 pixels of three samples has two bytes.
const MOST_EXPANSION: u64 = 383;

/// The length of the header, where it stands; and that of `BITMAPV5HEADER`, which alone has a profile.
const HEADER_LENGTH: usize = 14;
const VERSION_5: u32 = 124;
/// Where the length of the profile stands.
const PROFILE_LENGTH: usize = 130;

pub(super) fn open(file: Cow<'_, [u8]>) -> Result<Picture<'_>, Fault> {
    check_profile(&file)?;
    let mut decoder = BmpDecoder::new(ZCursor::new(file.as_ref()));
    decoder.decode_headers().map_err(|e| broken(&e))?;
    let color = decoder.colorspace();
    let (width, height) = decoder.dimensions().ok_or_else(|| broken(&"no size"))?;
    let channels = match color {
        Some(ColorSpace::Luma) => 1,
        Some(ColorSpace::RGB | ColorSpace::BGR) => 3,
        Some(ColorSpace::RGBA | ColorSpace::BGRA) => 4,
        other => {
            return Err(Fault::Unsupported {
                what: format!("BMP with pixels {other:?}"),
            });
        }
    };
    let layout = Layout {
        channels,
        shape: [1, len64(height), len64(width)],
        sample: Datatype::U8,
    };
    let stored = layout.stored(&file, MOST_EXPANSION)?;
    let decode = Box::new(move |budget: &medcore::Budget| {
        let mut samples = room(&stored, budget)?;
        let mut decoder = BmpDecoder::new(ZCursor::new(file.as_ref()));
        decoder.decode_headers().map_err(|e| broken(&e))?;
        if decoder.output_buf_size() != Some(samples.len()) {
            return Err(broken(&"the decoder disagrees about the size"));
        }
        decoder.decode_into(&mut samples).map_err(|e| broken(&e))?;
        Ok(samples)
    });
    Ok(Picture { layout, decode })
}

/// Refuses a colour profile that is longer than the file: the decoder makes room before it looks for it.
fn check_profile(file: &[u8]) -> Result<(), Fault> {
    let number = |at: usize| {
        let bytes = file.get(at..).and_then(<[u8]>::first_chunk);
        bytes.copied().map(u32::from_le_bytes)
    };
    let available = len64(file.len());
    match number(PROFILE_LENGTH).map(u64::from) {
        Some(needed) if number(HEADER_LENGTH) == Some(VERSION_5) && needed > available => {
            Err(Fault::Truncated {
                what: "the colour profile",
                needed,
                available,
            })
        }
        _ => Ok(()),
    }
}

fn broken(problem: &dyn std::fmt::Debug) -> Fault {
    codec("BMP")(&format!("{problem:?}"))
}
