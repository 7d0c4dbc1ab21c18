//! The coder of samples and runs (T.87 annex A).

use super::bits::Bits;
use super::scan::{Preset, Scan};

/// Statistics of a context (T.87 section A.2).
#[derive(Debug, Clone, Copy)]
struct Context {
    /// Sum of magnitudes.
    a: i32,
    /// Bias; in run contexts the number of negative errors.
    b: i32,
    /// Correction of the prediction.
    c: i32,
    n: i32,
}

/// Lengths of runs, in bits: the variable J of T.87 section A.2.1.
const RUN_BITS: [u32; 32] = [
    0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13,
    14, 15,
];

pub(super) struct Coder<'a> {
    pub(super) bits: Bits<'a>,
    near: i32,
    step: i32,
    range: i32,
    limit: u32,
    quantized_bits: u32,
    preset: Preset,
    contexts: Vec<Context>,
    run_contexts: [Context; 2],
}

fn ceil_log2(value: i32) -> u32 {
    32 - (value.max(1) - 1).leading_zeros()
}

impl<'a> Coder<'a> {
    pub(super) fn new(data: &'a [u8], scan: &Scan) -> Self {
        let (near, largest) = (scan.near, scan.preset.largest);
        let step = 2 * near + 1;
        let range = (largest + 2 * near) / step + 1;
        let bits = ceil_log2(largest + 1).max(2);
        let a = ((range + 32) / 64).max(2);
        let fresh = Context {
            a,
            b: 0,
            c: 0,
            n: 1,
        };
        Self {
            bits: Bits::new(data),
            near,
            step,
            range,
            limit: 2 * (bits + bits.max(8)),
            quantized_bits: ceil_log2(range),
            preset: scan.preset,
            contexts: vec![fresh; 365],
            run_contexts: [fresh; 2],
        }
    }

    fn quantize(&self, gradient: i32) -> i32 {
        let [t1, t2, t3] = self.preset.thresholds;
        let size = gradient.abs();
        let level = if size <= self.near {
            0
        } else if size < t1 {
            1
        } else if size < t2 {
            2
        } else if size < t3 {
            3
        } else {
            4
        };
        if gradient < 0 { -level } else { level }
    }

    /// A Golomb code of limited length (T.87 section A.5.3).
    #[inline]
    fn golomb(&mut self, k: u32, limit: u32) -> Option<i32> {
        let escape = limit.checked_sub(self.quantized_bits + 1)?;
        let zeros = self.bits.zeros(escape)?;
        if zeros < escape {
            Some(((zeros << k) | self.bits.take(k)) as i32)
        } else {
            Some(self.bits.take(self.quantized_bits) as i32 + 1)
        }
    }

    /// A prediction and an error to a sample (T.87 section A.4.5).
    #[inline]
    fn reconstruct(&self, prediction: i32, error: i32) -> i32 {
        let mut value = prediction + error * self.step;
        let turn = self.range * self.step;
        if value < -self.near {
            value += turn;
        } else if value > self.preset.largest + self.near {
            value -= turn;
        }
        value.clamp(0, self.preset.largest)
    }

    /// A sample outside of runs (T.87 sections A.3 to A.6).
    #[inline]
    fn regular(&mut self, [a, b, c]: [i32; 3], index: i32) -> Option<i32> {
        let negative = index < 0;
        let largest = self.preset.largest;
        let reset = self.preset.reset;
        let place = usize::try_from(index.unsigned_abs()).ok()?;
        let mut context = *self.contexts.get(place)?;
        let (low, high) = (a.min(b), a.max(b));
        let median = if c >= high {
            low
        } else if c <= low {
            high
        } else {
            a + b - c
        };
        let correction = if negative { -context.c } else { context.c };
        let prediction = (median + correction).clamp(0, largest);
        let k = golomb_parameter(context.n, context.a)?;
        let mapped = self.golomb(k, self.limit)?;
        let half = (mapped >> 1) ^ -(mapped & 1);
        // The inverted map for contexts that lean to the other side.
        let inverted = self.near == 0 && k == 0 && 2 * context.b <= -context.n;
        let error = if inverted { -half - 1 } else { half };
        context.b += error * self.step;
        context.a += error.abs();
        if context.n == reset {
            context.a >>= 1;
            context.b = if context.b >= 0 {
                context.b >> 1
            } else {
                -((1 - context.b) >> 1)
            };
            context.n >>= 1;
        }
        context.n += 1;
        if context.b <= -context.n {
            context.b = (context.b + context.n).max(1 - context.n);
            context.c = (context.c - 1).max(-128);
        } else if context.b > 0 {
            context.b = (context.b - context.n).min(0);
            context.c = (context.c + 1).min(127);
        }
        *self.contexts.get_mut(place)? = context;
        Some(self.reconstruct(prediction, if negative { -error } else { error }))
    }

    /// The sample that ends a run (T.87 section A.7.2).
    fn interruption(&mut self, a: i32, b: i32, alike: bool, run: usize) -> Option<i32> {
        let kind = i32::from(alike);
        let reset = self.preset.reset;
        let mut context = *self.run_contexts.get(usize::from(alike))?;
        let sum = context.a + if alike { context.n >> 1 } else { 0 };
        let k = golomb_parameter(context.n, sum)?;
        let limit = self.limit.checked_sub(*RUN_BITS.get(run)? + 1)?;
        let mapped = self.golomb(k, limit)?;
        let shifted = mapped + kind;
        let odd = shifted & 1 == 1;
        let size = (shifted + (shifted & 1)) / 2;
        let negative = (k != 0 || 2 * context.b >= context.n) == odd;
        let error = if negative { -size } else { size };
        context.b += i32::from(error < 0);
        context.a += (mapped + 1 - kind) >> 1;
        if context.n == reset {
            context.a >>= 1;
            context.n >>= 1;
            context.b >>= 1;
        }
        context.n += 1;
        *self.run_contexts.get_mut(usize::from(alike))? = context;
        let (prediction, sign) = match (alike, a > b) {
            (true, _) => (a, 1),
            (false, true) => (b, -1),
            (false, false) => (b, 1),
        };
        Some(self.reconstruct(prediction, sign * error))
    }

    /// The samples of a run, up to so many; whether it was interrupted (T.87 section A.7.1).
    fn run_length(&mut self, run: &mut usize, left: usize) -> Option<(usize, bool)> {
        let mut length = 0_usize;
        while self.bits.take(1) == 1 {
            let block = 1_usize << RUN_BITS.get(*run)?;
            let taken = block.min(left - length);
            length += taken;
            if taken == block {
                *run = (*run + 1).min(31);
            }
            if length == left {
                return Some((length, false));
            }
            if self.bits.overran() {
                return None;
            }
        }
        length += self.bits.take(*RUN_BITS.get(*run)?) as usize;
        (length < left).then_some((length, true))
    }

    /// One row of one component; `row` starts with the sample left of the first.
    #[inline(never)]
    pub(super) fn row(
        &mut self,
        above: &[i32],
        row: &mut [i32],
        run: &mut usize,
        columns: usize,
    ) -> Option<()> {
        let mut x = 1_usize;
        while x <= columns {
            let [c, b, d] = *above.get(x - 1..)?.first_chunk::<3>()?;
            let a = *row.get(x - 1)?;
            let levels = [d - b, b - c, c - a].map(|g| self.quantize(g));
            let [q1, q2, q3] = levels;
            let index = (q1 * 9 + q2) * 9 + q3;
            if index != 0 {
                *row.get_mut(x)? = self.regular([a, b, c], index)?;
                x += 1;
                continue;
            }
            let (length, interrupted) = self.run_length(run, columns + 1 - x)?;
            row.get_mut(x..x + length)?.fill(a);
            x += length;
            if interrupted {
                let b = *above.get(x)?;
                let alike = (a - b).abs() <= self.near;
                *row.get_mut(x)? = self.interruption(a, b, alike, *run)?;
                *run = run.saturating_sub(1);
                x += 1;
            }
        }
        Some(())
    }

    /// One row of pixels whose components are coded together.
    pub(super) fn row_of_pixels(
        &mut self,
        above: &[Vec<i32>],
        rows: &mut [Vec<i32>],
        runs: &mut [usize],
        columns: usize,
    ) -> Option<()> {
        let run = runs.first_mut()?;
        let count = rows.len();
        let mut x = 1_usize;
        while x <= columns {
            let mut indices = [0_i32; 4];
            for ((index, above), row) in indices.iter_mut().zip(above).zip(&*rows) {
                let [c, b, d] = *above.get(x - 1..)?.first_chunk::<3>()?;
                let a = *row.get(x - 1)?;
                let [q1, q2, q3] = [d - b, b - c, c - a].map(|g| self.quantize(g));
                *index = (q1 * 9 + q2) * 9 + q3;
            }
            if indices.iter().take(count).any(|index| *index != 0) {
                for ((&index, above), row) in indices.iter().zip(above).zip(&mut *rows) {
                    let [c, b, _] = *above.get(x - 1..)?.first_chunk::<3>()?;
                    let a = *row.get(x - 1)?;
                    *row.get_mut(x)? = self.regular([a, b, c], index)?;
                }
                x += 1;
                continue;
            }
            let (length, interrupted) = self.run_length(run, columns + 1 - x)?;
            for row in &mut *rows {
                let a = *row.get(x - 1)?;
                row.get_mut(x..x + length)?.fill(a);
            }
            x += length;
            if interrupted {
                for (above, row) in above.iter().zip(&mut *rows) {
                    let (a, b) = (*row.get(x - 1)?, *above.get(x)?);
                    *row.get_mut(x)? = self.interruption(a, b, false, *run)?;
                }
                *run = run.saturating_sub(1);
                x += 1;
            }
        }
        Some(())
    }
}

/// The smallest k with n * 2^k >= a (T.87 section A.5.1); none in damaged statistics.
#[inline]
fn golomb_parameter(n: i32, a: i32) -> Option<u32> {
    (0..24).find(|k| (n << k) >= a)
}
