//! High-throughput JPEG 2000 (ITU-T T.814): codestreams of T.800 whose code-blocks are coded in another way.
//!
//! Why it is not a crate's work is in `docs/decisions/0007-own-htj2k.md`.

mod bits;
mod block;
mod codes;
mod header;
mod packet;
mod refinement;
mod tag_tree;
mod tile;
mod wavelet;

use self::block::{BlockDecoder, Coded};
use self::header::{Coding, Header, TileParts};
use self::tile::{Area, Band, Precinct};
use self::wavelet::{Irreversible, Reversible, Wavelet, synthesize};
use super::super::decoder::Wanted;
use super::{CodecFault, fault};

/// The samples of one component in a tile.
enum Plane {
    Whole(Vec<i32>),
    Real(Vec<f32>),
}

/// How a coefficient follows from its bits.
trait Coefficients: Wavelet {
    /// `bits` are those of [`BlockDecoder`].
    fn value(bits: u32, band: &Scale) -> Self::Sample;

    fn plane(samples: Vec<Self::Sample>) -> Plane;
}

/// What a band's bits are worth.
struct Scale {
    /// Bits below the lowest bit plane.
    shift: u32,
    factor: f32,
}

impl Scale {
    fn of(band: &Band) -> Self {
        let shift = 31 - band.planes;
        Self {
            shift,
            factor: band.step / (1_u32 << shift) as f32,
        }
    }
}

impl Coefficients for Reversible {
    fn value(bits: u32, band: &Scale) -> i32 {
        let magnitude = ((bits & 0x7fff_ffff) >> band.shift) as i32;
        if bits >> 31 == 1 {
            -magnitude
        } else {
            magnitude
        }
    }

    fn plane(samples: Vec<i32>) -> Plane {
        Plane::Whole(samples)
    }
}

impl Coefficients for Irreversible {
    fn value(bits: u32, band: &Scale) -> f32 {
        let magnitude = (bits & 0x7fff_ffff) as f32 * band.factor;
        if bits >> 31 == 1 {
            -magnitude
        } else {
            magnitude
        }
    }

    fn plane(samples: Vec<f32>) -> Plane {
        Plane::Real(samples)
    }
}

/// Decodes a codestream, whose size was compared with the image's, into samples raised by half their range:
/// those of a pixel together, each given to `put` with its place.
pub(super) fn decode<T: Copy + Default>(
    stream: &[u8],
    wanted: &Wanted,
    precision: u32,
    sample: impl Fn(u32) -> T,
) -> Result<Vec<T>, CodecFault> {
    // Components are numbered with one byte, and all of them are held at once.
    if wanted.samples > 4 {
        return Err(fault(40, "more than four components"));
    }
    let (header, at) = header::read(stream, wanted.samples)?;
    let tiles = header::tile_parts(stream, at, header.grid.tiles)?;
    if let Some(missing) = tiles.iter().position(Vec::is_empty) {
        return Err(fault(at, format!("tile {missing} is missing")));
    }
    let mut out = Vec::new();
    let mut blocks = BlockDecoder::default();
    for (index, parts) in tiles.iter().enumerate() {
        let (rows, columns) = header.grid.tile(index);
        let area = Area { rows, columns };
        let mut planes = planes(&header, area, precision, parts, &mut blocks)?;
        if header.transforms_colours {
            transform_colours(&mut planes);
        }
        // Nothing is reserved for a codestream before its first tile was there.
        if out.is_empty() {
            out.resize(wanted.pixels() * wanted.samples, T::default());
        }
        let top = rows.start - header.grid.rows.start;
        let left = columns.start - header.grid.columns.start;
        let length = columns.length() * wanted.samples;
        let row_length = wanted.columns * wanted.samples;
        for (component, plane) in planes.iter().enumerate() {
            let lines = out.chunks_mut(row_length).skip(top);
            let lines = lines.filter_map(|line| {
                let start = left * wanted.samples;
                line.get_mut(start..start + length)
            });
            let places = lines.map(|line| line.iter_mut().skip(component).step_by(wanted.samples));
            plane.write(columns.length(), precision, places, &sample);
        }
    }
    Ok(out)
}

impl Plane {
    /// Raises samples, keeps them in their range and puts them into their places, row by row.
    fn write<'a, T: 'a>(
        &self,
        width: usize,
        precision: u32,
        rows: impl Iterator<Item = impl Iterator<Item = &'a mut T>>,
        sample: impl Fn(u32) -> T,
    ) {
        let half = 1_i32 << (precision - 1);
        let largest = 2 * half - 1;
        match self {
            Self::Whole(samples) => {
                for (row, samples) in rows.zip(samples.chunks(width.max(1))) {
                    for (place, value) in row.zip(samples) {
                        let raised = value.saturating_add(half).clamp(0, largest);
                        *place = sample(raised as u32);
                    }
                }
            }
            Self::Real(samples) => {
                let (middle, largest) = (half as f32 + 0.5, largest as f32);
                for (row, samples) in rows.zip(samples.chunks(width.max(1))) {
                    for (place, value) in row.zip(samples) {
                        *place = sample((value + middle).clamp(0.0, largest) as u32);
                    }
                }
            }
        }
    }
}

/// Decodes the components of a tile.
fn planes(
    header: &Header,
    area: Area,
    precision: u32,
    parts: &TileParts<'_>,
    blocks: &mut BlockDecoder,
) -> Result<Vec<Plane>, CodecFault> {
    let at = parts.first().map_or(0, |(at, _)| *at);
    let mut precincts = Vec::new();
    for (component, coding) in header.components.iter().enumerate() {
        tile::precincts(component, area, coding, precision, &mut precincts)
            .map_err(|problem| fault(at, problem))?;
    }
    tile::order(&mut precincts, header.progression);
    packet::read(&mut precincts, header.progression, header.layers, parts)?;
    let components = header.components.iter().enumerate();
    components
        .map(|(component, coding)| {
            let precincts = { precincts.iter() }.filter(|precinct| precinct.component == component);
            let plane = if coding.reversible {
                plane::<Reversible>(precincts, area, coding, blocks)
            } else {
                plane::<Irreversible>(precincts, area, coding, blocks)
            };
            plane.map_err(|problem| fault(at, problem))
        })
        .collect()
}

/// Decodes the code-blocks of a component and puts its bands together.
fn plane<'a, C: Coefficients>(
    precincts: impl Iterator<Item = &'a Precinct<'a>>,
    area: Area,
    coding: &Coding,
    decoder: &mut BlockDecoder,
) -> Result<Plane, &'static str> {
    let (height, width) = (area.rows.length(), area.columns.length());
    let mut samples = vec![C::Sample::default(); height * width];
    for part in precincts.flat_map(|precinct| &precinct.parts) {
        let band = &part.band;
        let scale = Scale::of(band);
        let blocks = part.blocks.iter().flat_map(|blocks| &blocks.blocks);
        for block in blocks.filter(|block| block.passes > 0) {
            let has_refinement = block.passes > 1 && !block.refinement.is_empty();
            if block.skipped_planes + u32::from(has_refinement) >= band.planes {
                return Err("a code-block of more bit planes than its band has");
            }
            let (rows, columns) = (block.area.rows, block.area.columns);
            let decoded = decoder.decode(&Coded {
                width: columns.length(),
                height: rows.length(),
                cleanup: block.cleanup,
                refinement: &block.refinement,
                passes: if has_refinement { block.passes } else { 1 },
                skipped_planes: block.skipped_planes,
                causal: coding.causal,
            })?;
            let [top, left] = band.place;
            let top = top + rows.start - band.area.rows.start;
            let left = left + columns.start - band.area.columns.start;
            let lines = samples.chunks_mut(width.max(1)).skip(top);
            for (line, decoded) in lines.zip(decoded.chunks(columns.length().max(1))) {
                for (place, bits) in line.iter_mut().skip(left).zip(decoded) {
                    *place = C::value(*bits, &scale);
                }
            }
        }
    }
    synthesize::<C>(&mut samples, area.rows, area.columns, coding.levels);
    Ok(C::plane(samples))
}

/// Turns luminance and two differences into red, green and blue (T.800 annex G).
fn transform_colours(planes: &mut [Plane]) {
    match planes {
        [Plane::Whole(a), Plane::Whole(b), Plane::Whole(c), ..] => {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                let green = a.wrapping_sub(b.wrapping_add(*c) >> 2);
                (*a, *b, *c) = (c.wrapping_add(green), green, b.wrapping_add(green));
            }
        }
        [Plane::Real(a), Plane::Real(b), Plane::Real(c), ..] => {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                let (y, cb, cr) = (*a, *b, *c);
                *a = y + 1.402 * cr;
                *b = y - 0.344_136_3 * cb - 0.714_136_3 * cr;
                *c = y + 1.772 * cb;
            }
        }
        _ => {}
    }
}
