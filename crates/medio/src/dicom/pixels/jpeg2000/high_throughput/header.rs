//! Marker segments of a codestream (T.800 annex A): how its components are coded, and where its tiles are.

use super::super::{CodecFault, fault};
use super::wavelet::Span;

/// The reference grid (T.800 section B.3).
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub(super) rows: Span,
    pub(super) columns: Span,
    /// Start and size of the first tile, down and right.
    tile_start: [usize; 2],
    tile_size: [usize; 2],
    tile_columns: usize,
    pub(super) tiles: usize,
}

impl Grid {
    /// Rows and columns of a tile.
    pub(super) fn tile(&self, index: usize) -> (Span, Span) {
        let place = [index / self.tile_columns, index % self.tile_columns];
        let along = |axis: usize, whole: Span| {
            let [start, size, place] = [self.tile_start, self.tile_size, place]
                .map(|pair| pair.get(axis).copied().unwrap_or(0));
            let start = start.saturating_add(place.saturating_mul(size));
            Span {
                start: start.max(whole.start),
                end: start.saturating_add(size).min(whole.end),
            }
        };
        (along(0, self.rows), along(1, self.columns))
    }
}

/// How one component is coded (T.800 tables A.15 and A.27).
#[derive(Debug, Clone)]
pub(super) struct Coding {
    pub(super) levels: usize,
    /// Exponents of a code-block's width and height.
    pub(super) block: [usize; 2],
    pub(super) causal: bool,
    pub(super) reversible: bool,
    /// Exponents of a precinct's width and height, from the lowest resolution on.
    precincts: Vec<[usize; 2]>,
    guard_bits: u32,
    quantization: u8,
    steps: Vec<u16>,
}

impl Coding {
    pub(super) fn precinct(&self, resolution: usize) -> [usize; 2] {
        self.precincts.get(resolution).copied().unwrap_or([15, 15])
    }

    /// Bit planes of a band and the size of a quantisation step (T.800 equations E-2 to E-5).
    ///
    /// Bands count from the lowest one; `gain` is how many bits their samples have more than the image's.
    pub(super) fn band(&self, resolution: usize, band: usize, bits: u32) -> Option<(u32, f32)> {
        let place = match resolution {
            0 => 0,
            resolution => 3 * (resolution - 1) + band,
        };
        let derived = self.quantization == 1;
        let value = u32::from(*self.steps.get(if derived { 0 } else { place })?);
        let (exponent, mantissa) = match self.quantization {
            0 => (value >> 3, 0),
            _ => (value >> 11, value & 0x7ff),
        };
        let finer = if derived {
            resolution.saturating_sub(1)
        } else {
            0
        };
        let exponent = exponent.checked_sub(u32::try_from(finer).ok()?)?;
        let planes = (exponent + self.guard_bits).checked_sub(1)?;
        let step = match self.quantization {
            0 => 1.0,
            _ => {
                let scale = i32::try_from(bits).ok()? - i32::try_from(exponent).ok()?;
                2_f32.powi(scale) * (1.0 + mantissa as f32 / 2048.0)
            }
        };
        Some((planes, step))
    }
}

/// The main header.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) grid: Grid,
    pub(super) progression: u8,
    pub(super) layers: usize,
    pub(super) transforms_colours: bool,
    pub(super) components: Vec<Coding>,
}

/// The packets of a tile, part after part, each with its place in the codestream.
pub(super) type TileParts<'a> = Vec<(usize, &'a [u8])>;

/// A marker segment.
struct Segment<'a> {
    marker: u8,
    /// Where the marker is.
    at: usize,
    body: &'a [u8],
}

impl<'a> Segment<'a> {
    fn read(stream: &'a [u8], at: usize) -> Option<Self> {
        let [0xff, marker, a, b, rest @ ..] = stream.get(at..)? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([*a, *b])).checked_sub(2)?;
        Some(Self {
            marker: *marker,
            at,
            body: rest.get(..length)?,
        })
    }

    fn end(&self) -> usize {
        self.at + 4 + self.body.len()
    }

    fn fault(&self, problem: &str) -> CodecFault {
        fault(self.at, problem)
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk::<N>()?;
    Some({ bytes.iter() }.fold(0, |value, byte| value << 8 | usize::from(*byte)))
}

/// Reads the grid; that it is as large as the image was checked before.
fn grid(segment: &Segment<'_>) -> Option<Grid> {
    let size = |at| number::<4>(segment.body, at);
    let (columns, rows) = (
        Span {
            start: size(10)?,
            end: size(2)?,
        },
        Span {
            start: size(14)?,
            end: size(6)?,
        },
    );
    let tile_size = [size(22)?, size(18)?];
    let tile_start = [size(30)?, size(26)?];
    let [down, across] = [(rows, 0), (columns, 1)].map(|(span, axis): (Span, usize)| {
        let (start, size) = (*tile_start.get(axis)?, *tile_size.get(axis)?);
        let first_is_there = start <= span.start && start.checked_add(size)? > span.start;
        first_is_there.then(|| (span.end - start).div_ceil(size))
    });
    let (down, across) = (down?, across?);
    let components = segment.body.get(36..)?.as_chunks::<3>().0;
    let is_full = components.iter().all(|[_, x, y]| (*x, *y) == (1, 1));
    is_full.then_some(Grid {
        rows,
        columns,
        tile_start,
        tile_size,
        tile_columns: across,
        tiles: down.checked_mul(across)?,
    })
}

/// The standard allows 32, an image of any size has a single sample long before.
const MOST_LEVELS: usize = 30;

/// Reads the part of COD and COC that they share, into a coding without steps.
fn style(body: &[u8], has_precincts: bool) -> Option<Coding> {
    let [levels, width, height, style, wavelet, precincts @ ..] = body else {
        return None;
    };
    let block = [width, height].map(|exponent| usize::from(exponent & 15) + 2);
    let levels = usize::from(*levels);
    let [width, height] = block;
    // T.814 takes all code-blocks of a tile to be of the one kind; other styles are of the other kind's passes.
    if levels > MOST_LEVELS || width.max(height) > 10 || width + height > 12 || style & 0xc0 != 0x40
    {
        return None;
    }
    let precincts: Vec<[usize; 2]> = { precincts.iter().filter(|_| has_precincts) }
        .map(|byte| [usize::from(byte & 15), usize::from(byte >> 4)])
        .collect();
    // Above the lowest resolution a precinct is halved, which takes at least two samples.
    let is_halved = { precincts.iter().skip(1) }.all(|size| !size.contains(&0));
    if !is_halved || has_precincts && precincts.len() != levels + 1 {
        return None;
    }
    Some(Coding {
        levels,
        block,
        causal: style & 8 != 0,
        reversible: match wavelet {
            0 => false,
            1 => true,
            _ => return None,
        },
        precincts,
        guard_bits: 0,
        quantization: 0,
        steps: Vec::new(),
    })
}

/// Reads the part of QCD and QCC that they share.
fn quantize(coding: &mut Coding, body: &[u8]) -> Option<()> {
    let (style, steps) = body.split_first()?;
    coding.guard_bits = u32::from(style >> 5);
    coding.quantization = style & 31;
    coding.steps = match coding.quantization {
        0 => steps.iter().map(|step| u16::from(*step)).collect(),
        1 | 2 => { steps.as_chunks::<2>().0.iter() }
            .map(|step| u16::from_be_bytes(*step))
            .collect(),
        _ => return None,
    };
    let needed = if coding.quantization == 1 {
        1
    } else {
        3 * coding.levels + 1
    };
    let fits = coding.reversible == (coding.quantization == 0) && coding.steps.len() >= needed;
    fits.then_some(())
}

/// Reads the main header; gives it and where it ends.
pub(super) fn read(stream: &[u8], components: usize) -> Result<(Header, usize), CodecFault> {
    let mut grid_found = None;
    let (mut style_of_all, mut steps_of_all) = (None, None);
    let (mut styles, mut steps) = (vec![None; components], vec![None; components]);
    let mut at = 2_usize;
    loop {
        let segment = Segment::read(stream, at).ok_or_else(|| fault(at, "no marker segment"))?;
        let wrong = || segment.fault("a coding style or quantisation that is not supported");
        // Components have numbers of one byte, as there are few of them.
        let component = segment
            .body
            .first()
            .map_or(0, |number| usize::from(*number));
        let own = segment.body.get(1..).unwrap_or(&[]);
        match segment.marker {
            0x90 => break,
            0x51 => {
                grid_found = Some(grid(&segment).ok_or_else(|| {
                    segment.fault("tiles outside the image, or components of fewer samples than it")
                })?);
            }
            0x52 => style_of_all = Some(segment.body),
            0x53 => *styles.get_mut(component).ok_or_else(wrong)? = Some(own),
            0x5c => steps_of_all = Some(segment.body),
            0x5d => *steps.get_mut(component).ok_or_else(wrong)? = Some(own),
            0x5e..=0x60 => {
                return Err(segment.fault(
                    "regions of interest, changes of progression and packed headers are not supported",
                ));
            }
            _ => {}
        }
        at = segment.end();
    }
    let missing = || {
        fault(
            at,
            "a main header without sizes, coding style or quantisation",
        )
    };
    let grid = grid_found.ok_or_else(missing)?;
    let general = style_of_all.ok_or_else(missing)?;
    let &[flags, progression, a, b, transform, ref of_all @ ..] = general else {
        return Err(missing());
    };
    let wrong = || fault(at, "a coding style or quantisation that is not supported");
    let codings = { styles.iter().zip(&steps) }.map(|(own_style, own_steps)| {
        let mut coding = match own_style {
            Some([flags, body @ ..]) => style(body, flags & 1 != 0),
            Some([]) => None,
            None => style(of_all, flags & 1 != 0),
        }?;
        quantize(&mut coding, own_steps.or(steps_of_all)?)?;
        Some(coding)
    });
    let components: Vec<Coding> = codings.collect::<Option<_>>().ok_or_else(wrong)?;
    let layers = usize::from(u16::from_be_bytes([a, b]));
    let transforms_colours = match (transform, components.as_slice()) {
        (0, _) => false,
        (1, [a, b, c, ..]) if [b, c].iter().all(|other| other.reversible == a.reversible) => true,
        _ => return Err(wrong()),
    };
    if progression > 4 || layers == 0 {
        return Err(wrong());
    }
    let header = Header {
        grid,
        progression,
        layers,
        transforms_colours,
        components,
    };
    Ok((header, at))
}

/// Finds the parts of every tile, from the first one's marker on.
pub(super) fn tile_parts<'a>(
    stream: &'a [u8],
    mut at: usize,
    tiles: usize,
) -> Result<Vec<TileParts<'a>>, CodecFault> {
    let mut parts = vec![TileParts::new(); tiles];
    let ended = |at: usize| matches!(stream.get(at..at + 2), Some([0xff, 0xd9]) | None);
    while !ended(at) {
        let wrong = || fault(at, "a wrong start of a tile part");
        let start = { Segment::read(stream, at) }.filter(|segment| segment.marker == 0x90);
        let start = start.ok_or_else(wrong)?;
        let tile = number::<2>(start.body, 0).ok_or_else(wrong)?;
        let length = number::<4>(start.body, 2).ok_or_else(wrong)?;
        let mut data = start.end();
        while stream.get(data..data + 2) != Some(&[0xff, 0x93]) {
            let segment = Segment::read(stream, data).ok_or_else(wrong)?;
            match segment.marker {
                // Lengths of packets, and comments.
                0x58 | 0x64 => data = segment.end(),
                _ => return Err(segment.fault("a tile with a coding style of its own")),
            }
        }
        data += 2;
        let end = match length {
            // The last one may go on to the end.
            0 if stream.ends_with(&[0xff, 0xd9]) => stream.len() - 2,
            0 => stream.len(),
            length => at + length,
        };
        let bytes = stream.get(data..end).ok_or_else(|| {
            fault(
                at,
                format!(
                    "a tile part of {length} bytes, {} are there",
                    stream.len() - at
                ),
            )
        })?;
        parts.get_mut(tile).ok_or_else(wrong)?.push((data, bytes));
        at = end;
    }
    Ok(parts)
}
