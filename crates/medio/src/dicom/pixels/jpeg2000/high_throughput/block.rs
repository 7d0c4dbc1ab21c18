//! One code-block: the cleanup pass of T.814 section 7.3, which codes all bit planes but those that the
//! refinement passes add.

use std::cell::Cell;

use super::bits::{Backward, Forward, Runs};
use super::codes::{FIRST_ROW, OTHER_ROWS};
use super::refinement::refine;

/// The bytes of a code-block and what its packets said of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coded<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) cleanup: &'a [u8],
    pub(super) refinement: &'a [u8],
    pub(super) passes: u32,
    /// Bit planes above the lowest one of the cleanup pass.
    pub(super) skipped_planes: u32,
    /// Whether a stripe of four rows knows nothing of the next.
    pub(super) causal: bool,
}

/// Two by two samples: which are significant, and how many bits the largest may have.
#[derive(Debug, Clone, Copy, Default)]
struct Quad {
    /// From bit 12, 8 and 4 on a bit for each sample: bits known to be zero, their value, significance.
    entry: u32,
    excess: u32,
}

impl Quad {
    fn significance(self) -> u32 {
        self.entry >> 4 & 15
    }

    fn has_excess(self) -> bool {
        self.entry & 8 != 0
    }
}

/// Samples of one code-block after another, in memory that is used again.
///
/// A sample has its sign in bit 31. The magnitude's highest plane is bit 30; below its lowest decoded plane
/// stands a one, half of what is not known.
#[derive(Debug, Default)]
pub(super) struct BlockDecoder {
    samples: Vec<u32>,
    row: Vec<Quad>,
    /// Significance in the quads above, with one more at each end.
    above: Vec<u32>,
    /// Magnitudes above: those of columns `2q - 1` and `2q` together.
    edges: Vec<u32>,
    /// The second row of the last quads where the height is odd.
    spare: Vec<u32>,
}

impl BlockDecoder {
    /// Samples, `[height, width]`.
    pub(super) fn decode(&mut self, coded: &Coded<'_>) -> Result<&[u32], &'static str> {
        self.cleanup(coded)?;
        if coded.passes > 1 {
            refine(coded, &mut self.samples);
        }
        Ok(&self.samples)
    }

    fn cleanup(&mut self, coded: &Coded<'_>) -> Result<(), &'static str> {
        let wrong = "a cleanup pass shorter than it says";
        let (&[low, high], bytes) = (coded.cleanup.split_last_chunk::<2>())
            .map(|(bytes, last)| (last, bytes))
            .ok_or(wrong)?;
        let suffix = usize::from(high) << 4 | usize::from(low & 15);
        let length = coded.cleanup.len();
        if !(2..=4079).contains(&suffix) {
            return Err(wrong);
        }
        let prefix = length.checked_sub(suffix).ok_or(wrong)?;
        let mut magnitudes = Forward::new(bytes.get(..prefix).ok_or(wrong)?, 0xff);
        let codes = coded.cleanup.get(prefix..length - 1).ok_or(wrong)?;
        let mut runs = Runs::new(codes);
        let mut codes = Backward::codes(codes);

        let quads = coded.width.div_ceil(2);
        let reset = |values: &mut Vec<u32>, count| {
            values.clear();
            values.resize(count, 0);
        };
        reset(&mut self.samples, coded.width * coded.height);
        reset(&mut self.spare, coded.width);
        reset(&mut self.above, quads + 2);
        reset(&mut self.edges, quads + 1);
        self.row.clear();
        self.row.resize(quads, Quad::default());
        for (index, rows) in self.samples.chunks_mut(2 * coded.width).enumerate() {
            if index == 0 {
                first_row(&mut self.row, &mut codes, &mut runs);
            } else {
                other_row(&mut self.row, &self.above, &mut codes, &mut runs);
            }
            for (above, quad) in self.above.iter_mut().skip(1).zip(&self.row) {
                *above = quad.significance();
            }
            let (top, bottom) = rows.split_at_mut(coded.width);
            let bottom = match bottom {
                [] => self.spare.as_mut_slice(),
                bottom => bottom,
            };
            let mut row = MagnitudeRow {
                bits: &mut magnitudes,
                skipped_planes: coded.skipped_planes,
                is_first: index == 0,
            };
            row.decode(&self.row, &mut self.edges, top, bottom)?;
        }
        Ok(())
    }
}

/// Reads one quad's code in its context.
fn quad(table: &[u16; 1024], context: u32, codes: &mut Backward<'_>, runs: &mut Runs<'_>) -> Quad {
    if context == 0 && !runs.event() {
        return Quad::default();
    }
    let entry = table.get((context << 7 | codes.peek()) as usize);
    let entry = entry.copied().map_or(0, u32::from);
    codes.skip(entry & 7);
    Quad { entry, excess: 0 }
}

/// The first row of quads knows only what is to the left.
fn first_row(row: &mut [Quad], codes: &mut Backward<'_>, runs: &mut Runs<'_>) {
    let mut left = 0;
    for pair in row.chunks_mut(2) {
        for place in pair.iter_mut() {
            let context = (left | left >> 1) & 1 | (left >> 1) & 6;
            *place = quad(&FIRST_ROW, context, codes, runs);
            left = place.significance();
        }
        if let [first, second] = pair
            && first.has_excess()
            && second.has_excess()
        {
            let both_large = if runs.event() { 2 } else { 0 };
            let a = prefix(codes);
            if both_large == 0 && a > 2 {
                // One of the two is small: here it is the second.
                second.excess = 1 + codes.take(1);
                first.excess = suffix(a, codes);
                continue;
            }
            let b = prefix(codes);
            first.excess = both_large + suffix(a, codes);
            second.excess = both_large + suffix(b, codes);
        } else {
            excess(pair, codes);
        }
    }
}

fn other_row(row: &mut [Quad], above: &[u32], codes: &mut Backward<'_>, runs: &mut Runs<'_>) {
    let mut left = 0;
    let mut neighbours = above.windows(3);
    for pair in row.chunks_mut(2) {
        for place in pair.iter_mut() {
            let Some(&[before, over, after]) = neighbours.next().and_then(<[u32]>::as_array::<3>)
            else {
                return;
            };
            let west = (left >> 2 | left >> 3) & 1;
            let north = (before >> 3 | over >> 1) & 1;
            let east = (over >> 3 | after >> 1) & 1;
            *place = quad(&OTHER_ROWS, north | west << 1 | east << 2, codes, runs);
            left = place.significance();
        }
        excess(pair, codes);
    }
}

/// How far the largest magnitudes of two quads exceed what their neighbours let expect (T.814 section 7.3.6).
fn excess(pair: &mut [Quad], codes: &mut Backward<'_>) {
    let mut prefixes = [0; 2];
    for (prefix_of, quad) in prefixes.iter_mut().zip(pair.iter()) {
        if quad.has_excess() {
            *prefix_of = prefix(codes);
        }
    }
    for (prefix, quad) in prefixes.iter().zip(pair) {
        quad.excess = suffix(*prefix, codes);
    }
}

fn prefix(codes: &mut Backward<'_>) -> u32 {
    let (value, length) = match codes.peek() & 7 {
        code if code & 1 != 0 => (1, 1),
        code if code & 2 != 0 => (2, 2),
        code if code & 4 != 0 => (3, 3),
        _ => (5, 3),
    };
    codes.skip(length);
    value
}

fn suffix(prefix: u32, codes: &mut Backward<'_>) -> u32 {
    match prefix {
        3 => 3 + codes.take(1),
        5 => 5 + codes.take(5),
        prefix => prefix,
    }
}

/// Reads magnitudes and signs of a row of quads.
struct MagnitudeRow<'a, 'b> {
    bits: &'a mut Forward<'b>,
    skipped_planes: u32,
    is_first: bool,
}

impl MagnitudeRow<'_, '_> {
    fn decode(
        &mut self,
        row: &[Quad],
        edges: &mut [u32],
        top: &mut [u32],
        bottom: &mut [u32],
    ) -> Result<(), &'static str> {
        let shift = 29_u32.saturating_sub(self.skipped_planes);
        let edges = Cell::from_mut(edges).as_slice_of_cells();
        let mut carried = 0;
        let rows = top.chunks_mut(2).zip(bottom.chunks_mut(2));
        for ((quad, edge), (top, bottom)) in row.iter().zip(edges.windows(2)).zip(rows) {
            let [before, after] = edge else { continue };
            let significance = quad.significance();
            let near = before.get() | after.get();
            before.set(std::mem::take(&mut carried));
            if significance == 0 {
                continue;
            }
            let expected = if self.is_first || significance.is_power_of_two() {
                1
            } else {
                31 - (near | 2).leading_zeros()
            };
            let planes = expected + quad.excess;
            if planes > self.skipped_planes + 2 {
                return Err("magnitudes beyond their bit planes");
            }
            let mut sample = |index: u32, place: &mut u32| -> u32 {
                if significance >> index & 1 == 0 {
                    return 0;
                }
                let count = planes - (quad.entry >> (12 + index) & 1);
                let bits = self.bits.take(count);
                let implied = (quad.entry >> (8 + index) & 1) << count;
                let magnitude = bits | implied | 1;
                *place = bits << 31 | (magnitude + 2) << shift;
                magnitude
            };
            if let ([a, c @ ..], [b, d @ ..]) = (top, bottom) {
                sample(0, a);
                before.set(before.get() | sample(1, b));
                if let ([c], [d]) = (c, d) {
                    sample(2, c);
                    carried = sample(3, d);
                }
            }
        }
        if let Some(last) = edges.last() {
            last.set(carried);
        }
        Ok(())
    }
}
