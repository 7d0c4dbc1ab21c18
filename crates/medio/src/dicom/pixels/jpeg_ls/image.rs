//! Samples of an image, row by row as scans bring them.

use super::super::decoder::{CodecFault, Decoded, first_reservation};
use super::coder::Coder;
use super::scan::Scan;
use super::{Frame, fault};

pub(super) struct Image {
    rows: usize,
    columns: usize,
    pub(super) samples: Decoded,
    coded: Vec<bool>,
}

impl Image {
    pub(super) fn new(frame: &Frame, compressed: usize, at: usize) -> Result<Self, CodecFault> {
        let count = frame.ids.len();
        let total = frame.rows * frame.columns * count;
        // A run doubles up to 32768 samples a bit: a row of one value takes few bits, but takes one.
        if frame.rows * count / 8 > compressed {
            return Err(fault(
                at,
                format!("{compressed} bytes for {} rows", frame.rows),
            ));
        }
        let reserve = first_reservation(total, compressed);
        let samples = match frame.precision {
            ..=8 => Decoded::Narrow(Vec::with_capacity(reserve)),
            _ => Decoded::Wide(Vec::with_capacity(reserve)),
        };
        Ok(Self {
            rows: frame.rows,
            columns: frame.columns,
            samples,
            coded: vec![false; count],
        })
    }

    pub(super) fn is_complete(&self) -> bool {
        self.coded.iter().all(|coded| *coded)
    }

    /// Decodes a scan; gives the bytes it took, or how far it came and what was wrong.
    pub(super) fn scan(
        &mut self,
        data: &[u8],
        scan: &Scan,
    ) -> Result<usize, (usize, &'static str)> {
        for index in &scan.components {
            match self.coded.get_mut(*index) {
                Some(coded) if !*coded => *coded = true,
                _ => return Err((0, "a component is coded twice")),
            }
        }
        let mut coder = Coder::new(data, scan);
        let total = self.coded.len();
        let count = scan.components.len();
        let columns = self.columns;
        // Rows have one sample more on each side.
        let stride = columns + 2;
        let mut above = vec![vec![0_i32; stride]; count];
        let mut row = above.clone();
        let mut runs = vec![0_usize; count];
        for y in 0..self.rows {
            for (row, above) in row.iter_mut().zip(&mut above) {
                if let [.., before, last] = above.as_mut_slice() {
                    *last = *before;
                }
                let left = above.get(1).copied().unwrap_or(0);
                if let Some(first) = row.first_mut() {
                    *first = left;
                }
            }
            let done = if scan.interleave == 2 && count > 1 {
                coder.row_of_pixels(&above, &mut row, &mut runs, columns)
            } else {
                let parts = row.iter_mut().zip(&above).zip(&mut runs);
                { parts }
                    .map(|((row, above), run)| coder.row(above, row, run, columns))
                    .collect::<Option<()>>()
            };
            if done.is_none() || coder.bits.overran() {
                return Err((coder.bits.at, "entropy-coded data ends early"));
            }
            self.store(&row, scan, y, total);
            std::mem::swap(&mut above, &mut row);
        }
        Ok(coder.bits.end())
    }

    fn store(&mut self, rows: &[Vec<i32>], scan: &Scan, y: usize, total: usize) {
        let start = y * self.columns * total;
        let needed = start + self.columns * total;
        macro_rules! store {
            ($samples:expr, $t:ty) => {{
                if let ([row], 1) = (rows, total) {
                    let row = row.iter().skip(1).take(self.columns);
                    $samples.extend(row.map(|v| (v << scan.shift) as $t));
                } else {
                    if $samples.len() < needed {
                        $samples.resize(needed, 0);
                    }
                    for (row, index) in rows.iter().zip(&scan.components) {
                        let places = $samples.iter_mut().skip(start + index).step_by(total);
                        let row = row.iter().skip(1).take(self.columns);
                        for (place, v) in places.zip(row) {
                            *place = (v << scan.shift) as $t;
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
