//! Sequential DCT coding (T.81 annexes A and F).

use super::super::decoder::{CodecFault, first_reservation};
use super::bits::{Bits, extend};
use super::huffman::Table;
use super::upsample::{self, Plane};
use super::{Frame, Scan, Tables, fault, idct};

/// A sample of a decoded plane.
pub(super) trait Sample: Copy + Default {
    /// From a number around zero, raised to the middle of the range and kept inside.
    fn raise(value: i32) -> Self;
    fn wide(self) -> i32;
    fn narrow(value: i32) -> Self;
    /// Bits of precision that the first pass of the inverse transform keeps.
    const PASS_BITS: u32;
}

impl Sample for u8 {
    #[inline]
    fn raise(value: i32) -> Self {
        value.saturating_add(128).clamp(0, 255) as Self
    }
    #[inline]
    fn wide(self) -> i32 {
        i32::from(self)
    }
    #[inline]
    fn narrow(value: i32) -> Self {
        value as Self
    }
    const PASS_BITS: u32 = 2;
}

impl Sample for u16 {
    #[inline]
    fn raise(value: i32) -> Self {
        value.saturating_add(2048).clamp(0, 4095) as Self
    }
    #[inline]
    fn wide(self) -> i32 {
        i32::from(self)
    }
    #[inline]
    fn narrow(value: i32) -> Self {
        value as Self
    }
    const PASS_BITS: u32 = 1;
}

/// Places of the coefficients of a block in the order in which they are coded (T.81 figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

pub(super) struct Dct<S> {
    frame: Frame,
    planes: Vec<Plane<S>>,
    coded: Vec<bool>,
    largest: (usize, usize),
    compressed: usize,
}

/// One component of a scan with its tables.
struct Part<'a> {
    index: usize,
    /// Blocks of an MCU.
    across: usize,
    down: usize,
    dc: &'a Table,
    ac: &'a Table,
    quantization: &'a [u16; 64],
    last: i32,
}

impl<S: Sample> Dct<S> {
    pub(super) fn new(frame: Frame, compressed: usize, at: usize) -> Result<Self, CodecFault> {
        let across = frame
            .components
            .iter()
            .map(|c| c.horizontal)
            .max()
            .unwrap_or(1);
        let down = frame
            .components
            .iter()
            .map(|c| c.vertical)
            .max()
            .unwrap_or(1);
        let fits = |c: &super::Component| {
            across.is_multiple_of(c.horizontal) && down.is_multiple_of(c.vertical)
        };
        if !frame.components.iter().all(fits) {
            return Err(fault(at, "sampling factors that do not divide each other"));
        }
        let mut planes = Vec::new();
        for component in &frame.components {
            let columns = (frame.columns * component.horizontal).div_ceil(across);
            let rows = (frame.rows * component.vertical).div_ceil(down);
            // A block takes two bits at least.
            if columns * rows / 256 > compressed {
                return Err(fault(
                    at,
                    format!("{compressed} bytes for {rows} x {columns}"),
                ));
            }
            let factors = [down / component.vertical, across / component.horizontal];
            planes.push(Plane::new([rows, columns], factors));
        }
        Ok(Self {
            coded: vec![false; planes.len()],
            frame,
            planes,
            largest: (across, down),
            compressed,
        })
    }

    pub(super) fn frame(&self) -> &Frame {
        &self.frame
    }

    pub(super) fn is_complete(&self) -> bool {
        self.coded.iter().all(|coded| *coded)
    }

    pub(super) fn finish(self) -> Vec<S> {
        let (rows, columns) = (self.frame.rows, self.frame.columns);
        upsample::interleave(self.planes, rows, columns)
    }

    pub(super) fn scan(
        &mut self,
        bytes: &[u8],
        at: usize,
        scan: &Scan,
        tables: &Tables,
    ) -> Result<usize, CodecFault> {
        let alone = scan.components.len() == 1;
        let mut parts = Vec::new();
        let missing = || fault(at, "a table that was not given");
        for &(index, dc, ac) in &scan.components {
            let component = self.frame.components.get(index).ok_or_else(missing)?;
            let quantization = tables.quantization.get(component.quantization);
            parts.push(Part {
                index,
                across: if alone { 1 } else { component.horizontal },
                down: if alone { 1 } else { component.vertical },
                dc: tables
                    .dc
                    .get(dc)
                    .and_then(Option::as_ref)
                    .ok_or_else(missing)?,
                ac: tables
                    .ac
                    .get(ac)
                    .and_then(Option::as_ref)
                    .ok_or_else(missing)?,
                quantization: quantization.and_then(Option::as_ref).ok_or_else(missing)?,
                last: 0,
            });
            match self.coded.get_mut(index) {
                Some(coded) if !*coded => *coded = true,
                _ => return Err(fault(at, "a component is coded twice")),
            }
        }
        let (units_down, units_across) = match (parts.as_slice(), alone) {
            ([part], true) => {
                let plane = self.planes.get(part.index).ok_or_else(missing)?;
                (plane.rows.div_ceil(8), plane.columns.div_ceil(8))
            }
            _ => (
                self.frame.rows.div_ceil(8 * self.largest.1),
                self.frame.columns.div_ceil(8 * self.largest.0),
            ),
        };
        for part in &parts {
            if let Some(plane) = self.planes.get_mut(part.index) {
                plane.stride = units_across * part.across * 8;
                let total = plane.stride * units_down * part.down * 8;
                plane
                    .samples
                    .reserve(first_reservation(total, self.compressed));
            }
        }
        let mut bits = Bits::new(bytes, at);
        let mut until_restart = tables.restart_interval;
        let mut block = [0_i32; 64];
        for unit_row in 0..units_down {
            for part in &parts {
                if let Some(plane) = self.planes.get_mut(part.index) {
                    let rows = (unit_row + 1) * part.down * 8;
                    plane.samples.resize(rows * plane.stride, S::default());
                }
            }
            for unit in 0..units_across {
                if tables.restart_interval > 0 {
                    if until_restart == 0 {
                        if !bits.restart() {
                            return Err(fault(
                                bits.position(),
                                "no restart marker where one is due",
                            ));
                        }
                        parts.iter_mut().for_each(|part| part.last = 0);
                        until_restart = tables.restart_interval;
                    }
                    until_restart -= 1;
                }
                for part in &mut parts {
                    let Some(plane) = self.planes.get_mut(part.index) else {
                        return Err(missing());
                    };
                    for v in 0..part.down {
                        for h in 0..part.across {
                            let only_dc = read_block(&mut bits, part, &mut block)
                                .ok_or_else(|| fault(bits.position(), "bits that are no code"))?;
                            let row = (unit_row * part.down + v) * 8;
                            let column = (unit * part.across + h) * 8;
                            let start = row * plane.stride + column;
                            let place = plane.samples.get_mut(start..).unwrap_or(&mut []);
                            idct::inverse::<S>(&mut block, only_dc, place, plane.stride);
                        }
                    }
                }
            }
            if bits.overran() {
                return Err(fault(bits.position(), "entropy-coded data ends early"));
            }
        }
        Ok(bits.position())
    }
}

/// Reads a block and dequantizes it; says whether it is flat.
#[inline]
fn read_block(bits: &mut Bits<'_>, part: &mut Part<'_>, block: &mut [i32; 64]) -> Option<bool> {
    block.fill(0);
    let category = u32::from(part.dc.read(bits)?);
    if category > 15 {
        return None;
    }
    let difference = extend(bits.take(category), category);
    part.last = part.last.wrapping_add(difference);
    let [scale, ..] = part.quantization;
    let [flat, ..] = block;
    *flat = part.last.wrapping_mul(i32::from(*scale));
    let mut at = 1_usize;
    while at < 64 {
        let symbol = part.ac.read(bits)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 {
            if run < 15 {
                break;
            }
            at += 16;
            continue;
        }
        at += run;
        let place = usize::from(*ZIGZAG.get(at)?);
        let value = extend(bits.take(size), size);
        let scale = i32::from(*part.quantization.get(at)?);
        *block.get_mut(place)? = value.wrapping_mul(scale);
        at += 1;
    }
    // Behind an end of block at once nothing but the mean is left.
    Some(at == 1)
}
