//! Masks as small PNG pictures, read row by row into runs.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use medcore::{Budget, Region};

use super::super::fault::Problem;
use super::super::mask::{Mask, Order, Runs};
use super::super::number::wide;
use crate::picture::check_palette;

/// The mask of a picture, in base64, that must be as large as the block it fills.
pub(super) fn decode(
    text: &str,
    start: [usize; 2],
    size: [usize; 2],
    budget: &Budget,
) -> Result<Mask, Problem> {
    let bytes = STANDARD.decode(text).map_err(|e| Problem::Syntax {
        language: "base64",
        message: e.to_string(),
    })?;
    let wrong = |e: png::DecodingError| Problem::Syntax {
        language: "PNG",
        message: e.to_string(),
    };
    let mut decoder =
        png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: 1 << 26 });
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(wrong)?;
    check_palette(reader.info()).map_err(|message| Problem::Syntax {
        language: "PNG",
        message,
    })?;
    let side = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let got = [side(reader.info().height), side(reader.info().width)];
    if got != size || reader.info().interlaced {
        let got = format!(
            "{}x{}, interlaced: {}",
            got[0],
            got[1],
            reader.info().interlaced
        );
        return Err(Problem::expected(
            "a plain picture as large as the points say",
            &got,
        ));
    }
    let [height, width] = size;
    let pixels = budget.claim_array("pixels of a mask", &[wide(height), wide(width)], 1)?;
    let samples = reader.output_color_type().0.samples();
    let mut runs = Runs::default();
    while let Some(row) = reader.next_row().map_err(wrong)? {
        let row = row.data().chunks_exact(samples.max(1)).take(width);
        for pixel in row {
            // What is not black is inside; a palette or an alpha channel is no reason to be.
            let colours = pixel.iter().take(if samples < 3 { 1 } else { 3 });
            runs.add({ colours }.any(|value| *value != 0), 1);
        }
    }
    budget.release_bytes(pixels);
    Mask::new(start, size, Order::Rows, runs.finish())
}

/// A block of a mask as a picture of zeros and ones, in base64.
pub(super) fn encode(mask: &Mask, block: &Region<2>, budget: &Budget) -> Result<String, Problem> {
    let pixels = mask.pixels(block, budget)?;
    let too_large = |_| Problem::expected("a mask that a PNG can hold", "a larger one");
    let [height, width] = block.shape();
    let mut bytes = Vec::new();
    let (wide, high) = (
        u32::try_from(width).map_err(too_large)?,
        u32::try_from(height).map_err(too_large)?,
    );
    let mut encoder = png::Encoder::new(&mut bytes, wide, high);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let data: Vec<u8> = pixels.iter().map(|&inside| u8::from(inside)).collect();
    let written = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&data));
    written.map_err(|e| Problem::Syntax {
        language: "PNG",
        message: e.to_string(),
    })?;
    Ok(STANDARD.encode(bytes))
}
