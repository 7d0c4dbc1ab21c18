//! Packets: what each layer adds to the code-blocks of a precinct (T.800 sections B.9 and B.10, T.814 section 6).

use std::borrow::Cow;

use super::super::{CodecFault, fault};
use super::bits::HeaderBits;
use super::header::TileParts;
use super::tag_tree::TagTree;
use super::tile::{Area, BandPart, Precinct, cell, share_layers};
use super::wavelet::{Span, ceil_shift};

/// One code-block and what packets brought of it.
#[derive(Debug)]
pub(super) struct Block<'a> {
    pub(super) area: Area,
    /// Bit planes above the lowest one of the cleanup pass.
    pub(super) skipped_planes: u32,
    /// None before its first packet.
    pub(super) passes: u32,
    length_bits: u32,
    pub(super) cleanup: &'a [u8],
    pub(super) refinement: Cow<'a, [u8]>,
}

/// The code-blocks of a band that a precinct holds, row after row.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    columns: usize,
    inclusion: TagTree,
    skipped_planes: TagTree,
    pub(super) blocks: Vec<Block<'a>>,
}

impl Blocks<'_> {
    fn new(part: &BandPart<'_>) -> Self {
        let [width, height] = part.block;
        let cells = |span: Span, size: usize| match span.length() {
            0 => 0..0,
            _ => span.start >> size..ceil_shift(span.end, size),
        };
        let rows = cells(part.area.rows, height);
        let columns = cells(part.area.columns, width);
        let mut blocks = Vec::new();
        for row in rows.clone() {
            blocks.extend(columns.clone().map(|column| Block {
                area: Area {
                    rows: cell(part.area.rows, row, height),
                    columns: cell(part.area.columns, column, width),
                },
                skipped_planes: 0,
                passes: 0,
                length_bits: 3,
                cleanup: &[],
                refinement: Cow::Borrowed(&[]),
            }));
        }
        Self {
            columns: columns.len(),
            inclusion: TagTree::new(columns.len(), rows.len()),
            skipped_planes: TagTree::new(columns.len(), rows.len()),
            blocks,
        }
    }
}

/// What a packet's header announces for a block.
struct Announced {
    part: usize,
    block: usize,
    cleanup: usize,
    refinement: usize,
}

/// Number of coding passes (T.800 table B.4).
fn passes(bits: &mut HeaderBits<'_>) -> Option<u32> {
    if bits.bit()? == 0 {
        return Some(1);
    }
    if bits.bit()? == 0 {
        return Some(2);
    }
    match bits.bits(2)? {
        3 => {}
        more => return Some(3 + more),
    }
    match bits.bits(5)? {
        31 => Some(37 + bits.bits(7)?),
        more => Some(6 + more),
    }
}

/// Bits that a length has beyond those that all have.
fn length(bits: &mut HeaderBits<'_>, base: u32, passes: u32) -> Option<usize> {
    let count = base.checked_add(passes.max(1).ilog2())?;
    match count {
        ..=32 => usize::try_from(bits.bits(count)?).ok(),
        _ => None,
    }
}

/// Reads the header of a precinct's packet of one layer. Nothing is returned where the bits end or mean nothing.
fn header(
    parts: &mut [BandPart<'_>],
    layer: u32,
    bits: &mut HeaderBits<'_>,
    announced: &mut Vec<Announced>,
) -> Option<()> {
    if bits.bit()? == 0 {
        return Some(());
    }
    for (part_index, part) in parts.iter_mut().enumerate() {
        let blocks = match &mut part.blocks {
            Some(blocks) => blocks,
            None => {
                let blocks = Box::new(Blocks::new(part));
                part.blocks.insert(blocks)
            }
        };
        for (index, block) in blocks.blocks.iter_mut().enumerate() {
            let place = [index / blocks.columns, index % blocks.columns];
            let is_first = block.passes == 0;
            let is_included = if is_first {
                blocks.inclusion.number(place, layer + 1, bits)?.is_some()
            } else {
                bits.bit()? == 1
            };
            if !is_included {
                continue;
            }
            if is_first {
                block.skipped_planes = blocks.skipped_planes.number(place, u32::MAX, bits)??;
            }
            let mut passes = passes(bits)?;
            while bits.bit()? == 1 {
                block.length_bits += 1;
            }
            let (mut cleanup, mut refinement) = (0, 0);
            if is_first {
                // Sets of three passes stand for bit planes that are skipped; the last set is coded.
                let placeholders = (passes - 1) / 3;
                passes -= 3 * placeholders;
                block.skipped_planes += placeholders;
                cleanup = length(bits, block.length_bits, 3 * placeholders + 1)?;
                if passes > 1 {
                    refinement = length(bits, block.length_bits, passes - 1)?;
                }
            } else {
                refinement = length(bits, block.length_bits, passes)?;
            }
            block.passes += passes;
            // A second set of passes would begin here.
            if block.passes > 3 {
                return None;
            }
            announced.push(Announced {
                part: part_index,
                block: index,
                cleanup,
                refinement,
            });
        }
    }
    Some(())
}

/// Reads one packet from the front of `bytes`; gives what follows.
fn packet<'a>(
    precinct: &mut Precinct<'a>,
    layer: u32,
    mut bytes: &'a [u8],
    announced: &mut Vec<Announced>,
) -> Option<&'a [u8]> {
    // A marker with the packet's number may stand before it, another after its header.
    if let [0xff, 0x91, 0, 4, _, _, rest @ ..] = bytes {
        bytes = rest;
    }
    let mut bits = HeaderBits::new(bytes);
    announced.clear();
    header(&mut precinct.parts, layer, &mut bits, announced)?;
    bytes = bytes.get(bits.length()..)?;
    if let [0xff, 0x92, rest @ ..] = bytes {
        bytes = rest;
    }
    for found in announced.iter() {
        let blocks = precinct.parts.get_mut(found.part)?.blocks.as_mut()?;
        let block = blocks.blocks.get_mut(found.block)?;
        let (cleanup, rest) = bytes.split_at_checked(found.cleanup)?;
        let (refinement, rest) = rest.split_at_checked(found.refinement)?;
        if !cleanup.is_empty() {
            block.cleanup = cleanup;
        }
        if block.refinement.is_empty() {
            block.refinement = Cow::Borrowed(refinement);
        } else {
            block.refinement.to_mut().extend_from_slice(refinement);
        }
        bytes = rest;
    }
    Some(bytes)
}

/// Reads all packets of a tile, whose precincts are in their order.
pub(super) fn read<'a>(
    precincts: &mut [Precinct<'a>],
    progression: u8,
    layers: usize,
    tile: &TileParts<'a>,
) -> Result<(), CodecFault> {
    let mut announced = Vec::new();
    let mut parts = tile.iter().copied();
    let (mut start, mut bytes) = parts.next().unwrap_or((0, &[]));
    let mut length = bytes.len();
    for together in precincts.chunk_by_mut(|a, b| share_layers(progression, a, b)) {
        for layer in (0..).take(layers) {
            for precinct in together.iter_mut() {
                while bytes.is_empty() {
                    let at = start + length;
                    (start, bytes) =
                        { parts.next() }.ok_or_else(|| fault(at, "packets are missing"))?;
                    length = bytes.len();
                }
                let at = start + length - bytes.len();
                bytes = packet(precinct, layer, bytes, &mut announced).ok_or_else(|| {
                    fault(
                        at,
                        "a packet that is damaged, or has several sets of passes",
                    )
                })?;
            }
        }
    }
    Ok(())
}
