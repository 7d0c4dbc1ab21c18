//! TIFF, by the `tiff` crate: grey and colour of 8 to 64 bits, integers and floats, every page.

use std::borrow::Cow;
use std::io::Cursor;

use ::tiff::ColorType;
use ::tiff::decoder::{ChunkType, Decoder, Limits};
use ::tiff::tags::Tag;

use super::open::{Layout, Picture, codec, expands, room};
use super::tiff_directory;
use crate::fault::Fault;
use crate::raw::{Stored, len64};
use crate::voxel::Datatype;

/// LZW makes at most 2730 bytes of one, deflate 1032.
const MOST_EXPANSION: u64 = 2731;

/// More pages than any scan has slices.
const MOST_PAGES: u64 = 1 << 16;

type Pages<'f> = Decoder<Cursor<&'f [u8]>>;

pub(super) fn open(file: Cow<'_, [u8]>) -> Result<Picture<'_>, Fault> {
    tiff_directory::check(&file)?;
    let mut pages = pages(&file)?;
    let first = page(&mut pages)?;
    let mut count = 1_u64;
    while pages.more_images() {
        pages.next_image().map_err(|e| codec("TIFF")(&e))?;
        let next = page(&mut pages)?;
        if next != first {
            return Err(Fault::Contradiction {
                rule: "pages must be alike",
                got: format!("{first:?} and, on page {count}, {next:?}"),
            });
        }
        count = count.saturating_add(1);
        if count > MOST_PAGES {
            return Err(Fault::Oversized {
                what: "pages of a TIFF file",
                limit: MOST_PAGES,
            });
        }
    }
    drop(pages);
    let [_, height, width] = first.shape;
    let layout = Layout {
        shape: [count, height, width],
        ..first
    };
    let stored = layout.stored(&file, MOST_EXPANSION)?;
    let decode = Box::new(move |budget: &medcore::Budget| {
        if expands(&stored, &file) {
            verify(&file)?;
        }
        let mut samples = room(&stored, budget)?;
        fill(&file, &stored, &mut samples)?;
        Ok(samples)
    });
    Ok(Picture { layout, decode })
}

fn pages(file: &[u8]) -> Result<Pages<'_>, Fault> {
    // What one strip or tile, and one entry of a directory, may take.
    let room = file.len().saturating_mul(8).saturating_add(4 << 20);
    let mut limits = Limits::default();
    limits.decoding_buffer_size = room;
    limits.intermediate_buffer_size = room;
    limits.ifd_value_size = file.len().saturating_add(1 << 12);
    let decoder = Decoder::new(Cursor::new(file)).map_err(|e| codec("TIFF")(&e))?;
    Ok(decoder.with_limits(limits))
}

/// The layout of the page at which the decoder stands.
fn page(pages: &mut Pages<'_>) -> Result<Layout, Fault> {
    let refused = codec("TIFF");
    let (width, height) = pages.dimensions().map_err(|e| refused(&e))?;
    let color = pages.colortype().map_err(|e| refused(&e))?;
    let unsupported = |what: String| Fault::Unsupported { what };
    let (channels, bits) = match color {
        ColorType::Gray(bits) => (1, bits),
        ColorType::GrayA(bits) => (2, bits),
        ColorType::RGB(bits) => (3, bits),
        ColorType::RGBA(bits) => (4, bits),
        ColorType::Multiband {
            bit_depth,
            num_samples,
        } => (num_samples.into(), bit_depth),
        other => return Err(unsupported(format!("TIFF colour type {other:?}"))),
    };
    let tag = |pages: &mut Pages<'_>, tag| {
        let values = pages.find_tag_unsigned_vec::<u16>(tag);
        values
            .map_err(|e| refused(&e))
            .map(Option::unwrap_or_default)
    };
    if channels > 1 && tag(pages, Tag::PlanarConfiguration)?.first() == Some(&2) {
        return Err(unsupported("TIFF with a plane a colour".to_owned()));
    }
    let kinds = tag(pages, Tag::SampleFormat)?;
    let kind = kinds.first().copied().unwrap_or(1);
    if kinds.iter().any(|&other| other != kind) {
        return Err(unsupported("TIFF with mixed sample formats".to_owned()));
    }
    let sample = match (kind, bits) {
        (1 | 4, 8) => Datatype::U8,
        (1 | 4, 16) => Datatype::U16,
        (1 | 4, 32) => Datatype::U32,
        (1 | 4, 64) => Datatype::U64,
        (2, 8) => Datatype::I8,
        (2, 16) => Datatype::I16,
        (2, 32) => Datatype::I32,
        (2, 64) => Datatype::I64,
        (3, 32) => Datatype::F32,
        (3, 64) => Datatype::F64,
        _ => {
            return Err(unsupported(format!(
                "TIFF samples of format {kind} and {bits} bits"
            )));
        }
    };
    Ok(Layout {
        channels,
        shape: [1, height.into(), width.into()],
        sample,
    })
}

/// Decodes every strip or tile once and keeps none.
fn verify(file: &[u8]) -> Result<(), Fault> {
    let refused = codec("TIFF");
    let mut pages = pages(file)?;
    loop {
        let count = match pages.get_chunk_type() {
            ChunkType::Strip => pages.strip_count(),
            ChunkType::Tile => pages.tile_count(),
        };
        for chunk in 0..count.map_err(|e| refused(&e))? {
            pages.read_chunk(chunk).map_err(|e| refused(&e))?;
        }
        if !pages.more_images() {
            return Ok(());
        }
        pages.next_image().map_err(|e| refused(&e))?;
    }
}

fn fill(file: &[u8], stored: &Stored, samples: &mut [u8]) -> Result<(), Fault> {
    let refused = codec("TIFF");
    let mut pages = pages(file)?;
    let [count, ..] = stored.shape;
    let page_bytes = samples.len().checked_div(count).unwrap_or(0).max(1);
    let mut is_first = true;
    for page in samples.chunks_exact_mut(page_bytes) {
        if !is_first {
            pages.next_image().map_err(|e| refused(&e))?;
        }
        is_first = false;
        let layout = pages.image_buffer_layout().map_err(|e| refused(&e))?;
        if layout.complete_len != page.len() {
            return Err(Fault::Truncated {
                what: "a page",
                needed: len64(page.len()),
                available: len64(layout.complete_len),
            });
        }
        pages.read_image_bytes(page).map_err(|e| refused(&e))?;
    }
    Ok(())
}
