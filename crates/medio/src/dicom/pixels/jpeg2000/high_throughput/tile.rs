//! A tile's resolutions, bands, precincts and code-blocks (T.800 sections B.5 to B.7).

use super::header::Coding;
use super::packet::Blocks;
use super::wavelet::{Span, ceil_shift};

/// Precincts of all components together; more would cost memory that the image does not.
const MOST_PRECINCTS: usize = 65535;

/// A rectangle of a grid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) rows: Span,
    pub(super) columns: Span,
}

impl Area {
    fn reduced(self, levels: usize) -> Self {
        Self {
            rows: self.rows.reduced(levels),
            columns: self.columns.reduced(levels),
        }
    }

    fn is_empty(self) -> bool {
        self.rows.length() == 0 || self.columns.length() == 0
    }
}

/// A band of one resolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    pub(super) area: Area,
    /// Where the band begins in the component's plane, down and right.
    pub(super) place: [usize; 2],
    pub(super) planes: u32,
    pub(super) step: f32,
}

/// The part of a band that a precinct holds; its code-blocks are made when one of them is there.
#[derive(Debug)]
pub(super) struct BandPart<'a> {
    pub(super) band: Band,
    pub(super) area: Area,
    /// Exponents of a code-block's width and height.
    pub(super) block: [usize; 2],
    pub(super) blocks: Option<Box<Blocks<'a>>>,
}

/// What one packet of each layer holds.
#[derive(Debug)]
pub(super) struct Precinct<'a> {
    pub(super) component: usize,
    pub(super) resolution: usize,
    /// Where its turn comes, on the grid of the image, down and right.
    pub(super) turn: [usize; 2],
    pub(super) parts: Vec<BandPart<'a>>,
}

/// The bands of a resolution.
fn bands(whole: Area, coding: &Coding, resolution: usize, precision: u32) -> Option<Vec<Band>> {
    let level = match resolution {
        0 => coding.levels,
        resolution => coding.levels - resolution + 1,
    };
    let kinds: &[[usize; 2]] = match resolution {
        0 => &[[0, 0]],
        // High frequencies along rows, along columns, along both.
        _ => &[[0, 1], [1, 0], [1, 1]],
    };
    let low = whole.reduced(level);
    let kinds = kinds.iter().enumerate();
    kinds
        .map(|(index, &[down, across])| {
            let along = |span: Span, high: usize| {
                // Half a sample of the coarser grid further on.
                let shift = if high == 1 { 1 << (level - 1) } else { 0 };
                let moved = |at: usize| ceil_shift(at.saturating_sub(shift), level);
                Span {
                    start: moved(span.start),
                    end: moved(span.end),
                }
            };
            let gain = u32::from(down == 1) + u32::from(across == 1);
            let number = if resolution == 0 { 0 } else { index + 1 };
            let (planes, step) = coding.band(resolution, number, precision + gain)?;
            Some(Band {
                area: Area {
                    rows: along(whole.rows, down),
                    columns: along(whole.columns, across),
                },
                place: [down * low.rows.length(), across * low.columns.length()],
                planes,
                step,
            })
        })
        .collect()
}

/// The precincts of a component in a tile, in order, added to those of others.
pub(super) fn precincts(
    component: usize,
    whole: Area,
    coding: &Coding,
    precision: u32,
    out: &mut Vec<Precinct<'_>>,
) -> Result<(), &'static str> {
    for resolution in 0..=coding.levels {
        let reduction = coding.levels - resolution;
        let area = whole.reduced(reduction);
        if area.is_empty() {
            continue;
        }
        let bands = bands(whole, coding, resolution, precision)
            .filter(|bands| bands.iter().all(|band| (1..=30).contains(&band.planes)))
            .ok_or("a quantisation beyond 30 bit planes")?;
        let [width, height] = coding.precinct(resolution);
        let cells = |span: Span, size: usize| span.start >> size..ceil_shift(span.end, size);
        let (down, across) = (cells(area.rows, height), cells(area.columns, width));
        if down.len().saturating_mul(across.len()) > MOST_PRECINCTS.saturating_sub(out.len()) {
            return Err("more than 65535 precincts");
        }
        // Above the lowest resolution, bands have half its samples.
        let halved = usize::from(resolution > 0);
        let [block_width, block_height] = coding.block;
        let block = [
            block_width.min(width - halved),
            block_height.min(height - halved),
        ];
        for row in down {
            for column in across.clone() {
                let turn = |span: Span, cell: usize, size: usize| {
                    span.start.max(cell << size << reduction)
                };
                let parts = bands.iter().map(|band| BandPart {
                    band: *band,
                    area: Area {
                        rows: cell(band.area.rows, row, height - halved),
                        columns: cell(band.area.columns, column, width - halved),
                    },
                    block,
                    blocks: None,
                });
                out.push(Precinct {
                    component,
                    resolution,
                    turn: [
                        turn(whole.rows, row, height),
                        turn(whole.columns, column, width),
                    ],
                    parts: parts.collect(),
                });
            }
        }
    }
    Ok(())
}

/// The part of a span that lies in a cell of a grid.
pub(super) fn cell(span: Span, index: usize, size: usize) -> Span {
    Span {
        start: span.start.max(index << size),
        end: span.end.min((index + 1) << size),
    }
}

/// Puts precincts into the order of their packets (T.800 section B.12.1).
pub(super) fn order(precincts: &mut [Precinct<'_>], progression: u8) {
    precincts.sort_by_key(|precinct| {
        let (component, resolution) = (precinct.component, precinct.resolution);
        let [down, across] = precinct.turn;
        match progression {
            0 | 1 => [resolution, component, 0, 0],
            2 => [resolution, down, across, component],
            3 => [down, across, component, resolution],
            _ => [component, down, across, resolution],
        }
    });
}

/// Whether two precincts that follow one another give their packets of one layer before those of the next.
pub(super) fn share_layers(progression: u8, a: &Precinct<'_>, b: &Precinct<'_>) -> bool {
    match progression {
        0 => true,
        1 => a.resolution == b.resolution,
        _ => false,
    }
}
