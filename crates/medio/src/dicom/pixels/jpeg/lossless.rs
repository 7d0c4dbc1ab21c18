//! Lossless coding by prediction (T.81 annex H).

use super::super::decoder::{CodecFault, Decoded, first_reservation};
use super::bits::{Bits, extend};
use super::huffman::Table;
use super::{Frame, Scan, Tables, fault};

pub(super) struct Lossless {
    frame: Frame,
    samples: Decoded,
    /// Which components were coded.
    coded: Vec<bool>,
}

/// A predictor from the samples to the left, above, and above left (T.81 table H.1).
fn predict(selection: u8, a: i32, b: i32, c: i32) -> i32 {
    match selection {
        1 => a,
        2 => b,
        3 => c,
        4 => a + b - c,
        5 => a + ((b - c) >> 1),
        6 => b + ((a - c) >> 1),
        _ => (a + b) >> 1,
    }
}

impl Lossless {
    pub(super) fn new(frame: Frame, compressed: usize, at: usize) -> Result<Self, CodecFault> {
        if frame
            .components
            .iter()
            .any(|c| (c.horizontal, c.vertical) != (1, 1))
        {
            return Err(fault(at, "lossless components of different sizes"));
        }
        let total = frame.rows * frame.columns * frame.components.len();
        // Every sample takes a bit at least.
        if total / 8 > compressed {
            return Err(fault(
                at,
                format!("{compressed} bytes for {total} samples without loss"),
            ));
        }
        let reserve = first_reservation(total, compressed);
        let samples = match frame.precision {
            ..=8 => Decoded::Narrow(Vec::with_capacity(reserve)),
            _ => Decoded::Wide(Vec::with_capacity(reserve)),
        };
        Ok(Self {
            coded: vec![false; frame.components.len()],
            frame,
            samples,
        })
    }

    pub(super) fn frame(&self) -> &Frame {
        &self.frame
    }

    pub(super) fn is_complete(&self) -> bool {
        self.coded.iter().all(|coded| *coded)
    }

    pub(super) fn finish(self) -> Decoded {
        self.samples
    }

    pub(super) fn scan(
        &mut self,
        bytes: &[u8],
        at: usize,
        scan: &Scan,
        tables: &Tables,
    ) -> Result<usize, CodecFault> {
        let Frame {
            rows,
            columns,
            precision,
            ..
        } = self.frame;
        if !(1..=7).contains(&scan.start) || scan.point_transform >= precision {
            return Err(fault(
                at,
                format!(
                    "predictor {}, point transform {}",
                    scan.start, scan.point_transform
                ),
            ));
        }
        let total = self.frame.components.len();
        let count = scan.components.len();
        let mut codes: Vec<&Table> = Vec::new();
        for (index, dc, _) in &scan.components {
            let table = tables.dc.get(*dc).and_then(Option::as_ref);
            codes.push(table.ok_or_else(|| fault(at, "a Huffman table that was not given"))?);
            match self.coded.get_mut(*index) {
                Some(coded) if !*coded => *coded = true,
                _ => return Err(fault(at, "a component is coded twice")),
            }
        }
        let restart = tables.restart_interval;
        if restart > 0 && !restart.is_multiple_of(columns) {
            return Err(fault(at, "a restart interval that ends inside a row"));
        }
        let restart_rows = if restart > 0 {
            restart / columns
        } else {
            usize::MAX
        };
        let mut bits = Bits::new(bytes, at);
        let first = 1_i32 << (precision - scan.point_transform - 1);
        let width = columns * count;
        let (mut above, mut row) = (vec![0_i32; width], vec![0_i32; width]);
        for y in 0..rows {
            let fresh = y % restart_rows == 0;
            if fresh && y > 0 && !bits.restart() {
                return Err(fault(bits.position(), "no restart marker where one is due"));
            }
            let selection = if fresh { 0 } else { scan.start };
            self.row(&mut bits, &codes, selection, first, &above, &mut row)
                .filter(|()| !bits.overran())
                .ok_or_else(|| fault(bits.position(), format!("no code for row {y}")))?;
            self.store(&row, scan, y, total);
            std::mem::swap(&mut above, &mut row);
        }
        Ok(bits.position())
    }

    /// Decodes a row of interleaved components; selection 0 is a first row.
    #[inline(never)]
    fn row(
        &self,
        bits: &mut Bits<'_>,
        codes: &[&Table],
        selection: u8,
        first: i32,
        above: &[i32],
        row: &mut [i32],
    ) -> Option<()> {
        let count = codes.len();
        let mut left = [first; 4];
        let mut corner = [0_i32; 4];
        let pixels = row.chunks_exact_mut(count).zip(above.chunks_exact(count));
        for (x, (pixel, above)) in pixels.enumerate() {
            let parts = pixel.iter_mut().zip(above).zip(codes);
            for ((((place, &b), code), left), corner) in parts.zip(&mut left).zip(&mut corner) {
                let category = u32::from(code.read(bits)?);
                let difference = match category {
                    0..=15 => extend(bits.take(category), category),
                    16 => 32768,
                    _ => return None,
                };
                let prediction = match (selection, x) {
                    (0, _) => *left,
                    (_, 0) => b,
                    (1, _) => *left,
                    _ => predict(selection, *left, b, *corner),
                };
                let value = (prediction + difference) & 0xffff;
                *place = value;
                *left = value;
                *corner = b;
            }
        }
        Some(())
    }

    /// Puts a decoded row into the interleaved image.
    fn store(&mut self, row: &[i32], scan: &Scan, y: usize, total: usize) {
        let count = scan.components.len();
        let shift = scan.point_transform;
        let start = y * self.frame.columns * total;
        let needed = start + self.frame.columns * total;
        macro_rules! store {
            ($samples:expr, $t:ty) => {{
                let in_order = { scan.components.iter().enumerate() }.all(|(i, c)| c.0 == i);
                if count == total && in_order && $samples.len() == start {
                    $samples.extend(row.iter().map(|v| (v << shift) as $t));
                } else {
                    if $samples.len() < needed {
                        $samples.resize(needed, 0);
                    }
                    for (i, (index, ..)) in scan.components.iter().enumerate() {
                        let places = $samples.iter_mut().skip(start + index).step_by(total);
                        for (place, v) in places.zip(row.iter().skip(i).step_by(count)) {
                            *place = (v << shift) as $t;
                        }
                    }
                }
            }};
        }
        match &mut self.samples {
            Decoded::Narrow(samples) => store!(samples, u8),
            Decoded::Wide(samples) => store!(samples, u16),
        }
    }
}
