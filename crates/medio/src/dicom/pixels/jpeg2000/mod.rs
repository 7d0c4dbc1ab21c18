//! JPEG 2000: the main header is read here first; code-blocks of ITU-T T.800 are then decoded by
//! `hayro-jpeg2000`, those of T.814 here. The codestream says which it holds, whatever the transfer syntax.

mod high_throughput;

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::decoder::{CodecFault, Codestream, Colour, Decoded, Wanted};

const CODEC: &str = "JPEG 2000";

fn fault(offset: usize, problem: impl std::fmt::Display) -> CodecFault {
    CodecFault {
        codec: CODEC,
        offset,
        problem: problem.to_string(),
    }
}

/// What the main header says (T.800 sections A.5.1 and A.6.1).
struct Header {
    precision: u32,
    signed: bool,
    /// Whether the codestream turns its colours to red, green, blue itself.
    transforms: bool,
    /// Whether code-blocks are of T.814.
    high_throughput: bool,
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes))
}

fn header(stream: &[u8], wanted: &Wanted) -> Result<Header, CodecFault> {
    let wrong = || fault(2, "a wrong image and tile size segment");
    let size = |at| {
        { number(stream, at) }
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(wrong)
    };
    let [right, bottom, left, top] = [size(8)?, size(12)?, size(16)?, size(20)?];
    let (tile_width, tile_height) = (size(24)?, size(28)?);
    let columns = right.checked_sub(left).ok_or_else(wrong)?;
    let rows = bottom.checked_sub(top).ok_or_else(wrong)?;
    let count = match stream.get(40..42) {
        Some([a, b]) => usize::from(u16::from_be_bytes([*a, *b])),
        _ => return Err(wrong()),
    };
    wanted.check(CODEC, rows, columns, count)?;
    // Tiles by the million cost memory that the image does not.
    let tiles = |extent: usize, tile: usize| extent.div_ceil(tile.max(1));
    if tiles(right, tile_width).saturating_mul(tiles(bottom, tile_height)) > 65535 {
        return Err(fault(24, "more than 65535 tiles"));
    }
    let components = stream.get(42..).unwrap_or(&[]).as_chunks::<3>().0;
    let mut kinds = components.iter().take(count).map(|[size, _, _]| *size);
    let first = kinds.next().ok_or_else(wrong)?;
    let (signed, precision) = (first & 0x80 != 0, u32::from(first & 0x7f) + 1);
    if kinds.any(|kind| kind != first) || precision > 16 {
        return Err(fault(
            42,
            format!("components of {precision} bits, or of different kinds"),
        ));
    }
    let [transform, style] =
        coding_style(stream).ok_or_else(|| fault(2, "a damaged main header"))?;
    Ok(Header {
        precision,
        signed,
        transforms: transform == 1,
        high_throughput: style & 0xc0 != 0,
    })
}

/// Finds the coding style segment; gives its component transform and the style of its code-blocks.
fn coding_style(stream: &[u8]) -> Option<[u8; 2]> {
    let mut at = 2_usize;
    loop {
        let rest = stream.get(at..)?;
        let [0xff, marker, a, b, body @ ..] = rest else {
            return None;
        };
        match marker {
            0x52 => return Some([*body.get(4)?, *body.get(8)?]),
            // The first tile begins, or there is no coding style.
            0x90 | 0xd9 => return None,
            _ => at = at.checked_add(2 + usize::from(u16::from_be_bytes([*a, *b])))?,
        }
    }
}

/// Decodes one image.
pub(super) fn decode(bytes: &[u8], wanted: &Wanted) -> Result<Codestream, CodecFault> {
    // A file's boxes may stand before the codestream: DICOM allows none, writers do it.
    let mark = [0xff, 0x4f, 0xff, 0x51];
    let start = { bytes.windows(4).take(8192) }.position(|window| window == mark);
    let start = start.ok_or_else(|| fault(0, "no codestream begins here"))?;
    let stream = bytes.get(start..).unwrap_or(&[]);
    let header = header(stream, wanted)?;
    let samples = if header.high_throughput {
        high_throughput(stream, &header, wanted).map_err(|mut fault| {
            fault.offset += start;
            fault
        })?
    } else {
        std::panic::catch_unwind(|| samples(stream, &header, wanted))
            .unwrap_or_else(|_| Err("the decoder gave up".to_owned()))
            .map_err(|problem| fault(start, problem))?
    };
    Ok(Codestream {
        samples,
        precision: header.precision,
        raised: header.signed,
        colour: match (header.transforms, wanted.samples) {
            (true, 3) => Colour::Rgb,
            _ => Colour::Unsaid,
        },
    })
}

fn high_throughput(stream: &[u8], header: &Header, wanted: &Wanted) -> Result<Decoded, CodecFault> {
    let bits = header.precision;
    Ok(match bits {
        ..=8 => Decoded::Narrow(high_throughput::decode(stream, wanted, bits, |v| v as u8)?),
        _ => Decoded::Wide(high_throughput::decode(stream, wanted, bits, |v| v as u16)?),
    })
}

fn samples(stream: &[u8], header: &Header, wanted: &Wanted) -> Result<Decoded, String> {
    let settings = DecodeSettings {
        resolve_palette_indices: false,
        strict: true,
        target_resolution: None,
    };
    let image = Image::new(stream, &settings).map_err(|e| e.to_string())?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(|e| e.to_string())?;
    let planes = decoded.components();
    let pixels = wanted.pixels();
    let complete = planes.iter().all(|plane| plane.samples().len() == pixels);
    if planes.len() != wanted.samples || !complete {
        return Err("components are missing or of another size".to_owned());
    }
    let largest = ((1_u32 << header.precision) - 1) as f32;
    macro_rules! interleave {
        ($t:ty) => {{
            let mut out = vec![0 as $t; pixels * planes.len()];
            for (index, plane) in planes.iter().enumerate() {
                let places = out.iter_mut().skip(index).step_by(planes.len());
                for (place, value) in places.zip(plane.samples()) {
                    *place = value.round().clamp(0.0, largest) as $t;
                }
            }
            out
        }};
    }
    Ok(match header.precision {
        ..=8 => Decoded::Narrow(interleave!(u8)),
        _ => Decoded::Wide(interleave!(u16)),
    })
}
