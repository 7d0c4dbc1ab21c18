//! JPEG of 8 bits, by the `jpeg-decoder` crate.

use std::borrow::Cow;

use jpeg_decoder::{Decoder, PixelFormat};

use super::open::{Layout, Picture, claim, codec};
use crate::fault::Fault;
use crate::raw::len64;
use crate::voxel::Datatype;

/// An evenly grey picture has two bits and a half for each block of 64 pixels; anything to look at has more.
const MOST_EXPANSION: u64 = 64;

pub(super) fn open(file: Cow<'_, [u8]>) -> Result<Picture<'_>, Fault> {
    let refused = codec("JPEG");
    let mut decoder = Decoder::new(file.as_ref());
    decoder.read_info().map_err(|e| refused(&e))?;
    let info = decoder.info().ok_or_else(|| refused(&"it has no header"))?;
    let channels = match info.pixel_format {
        PixelFormat::L8 => 1,
        PixelFormat::RGB24 => 3,
        other => {
            return Err(Fault::Unsupported {
                what: format!("JPEG with pixels {other:?}"),
            });
        }
    };
    let layout = Layout {
        channels,
        shape: [1, info.height.into(), info.width.into()],
        sample: Datatype::U8,
    };
    let stored = layout.stored(&file, MOST_EXPANSION)?;
    let decode = Box::new(move |budget: &medcore::Budget| {
        // The decoder makes its own memory; the claim and the limit are ours.
        claim(&stored, budget)?;
        let mut decoder = Decoder::new(file.as_ref());
        decoder.set_max_decoding_buffer_size(usize::try_from(stored.bytes).unwrap_or(usize::MAX));
        let samples = decoder.decode().map_err(|e| codec("JPEG")(&e))?;
        match len64(samples.len()) == stored.bytes {
            true => Ok(samples),
            false => Err(Fault::Truncated {
                what: "the picture",
                needed: stored.bytes,
                available: len64(samples.len()),
            }),
        }
    });
    Ok(Picture { layout, decode })
}
