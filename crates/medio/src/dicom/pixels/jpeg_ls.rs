//! JPEG-LS (ITU-T T.87): lossless and near-lossless, every interleaving.

use super::decoder::{CodecFault, Codestream, Colour, Decoded, Wanted, first_reservation};

const CODEC: &str = "JPEG-LS";

fn fault(offset: usize, problem: impl std::fmt::Display) -> CodecFault {
    CodecFault {
        codec: CODEC,
        offset,
        problem: problem.to_string(),
    }
}

/// Coding parameters (T.87 sections A.1 and C.2.4.1).
#[derive(Debug, Clone, Copy)]
struct Preset {
    largest: i32,
    thresholds: [i32; 3],
    reset: i32,
}

impl Preset {
    /// The defaults of section C.2.4.1.1.1.
    fn of(largest: i32, near: i32) -> Self {
        let keep = |value: i32, low: i32| {
            if value > largest || value < low {
                low
            } else {
                value
            }
        };
        let [a, b, c] = if largest >= 128 {
            let factor = (largest.min(4095) + 128) / 256;
            [factor + 2, 4 * factor + 3, 17 * factor + 4]
        } else {
            let factor = 256 / (largest + 1);
            [
                (3 / factor).max(2),
                (7 / factor).max(3),
                (21 / factor).max(4),
            ]
        };
        let first = keep(a + 3 * near, near + 1);
        let second = keep(b + 5 * near, first);
        let third = keep(c + 7 * near, second);
        Self {
            largest,
            thresholds: [first, second, third],
            reset: 64,
        }
    }
}

struct Frame {
    precision: u32,
    rows: usize,
    columns: usize,
    ids: Vec<u8>,
}

/// Decodes one image.
pub(super) fn decode(bytes: &[u8], wanted: &Wanted) -> Result<Codestream, CodecFault> {
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Err(fault(0, "it does not start with a JPEG marker"));
    }
    let mut at = 2_usize;
    let mut frame: Option<Frame> = None;
    let mut preset: Option<[u16; 5]> = None;
    let mut image: Option<Image> = None;
    loop {
        let (marker, body) = segment(bytes, at)?;
        match marker {
            0xd9 => break,
            0xf7 => {
                let header = frame_header(body).ok_or_else(|| fault(at, "a wrong frame header"))?;
                wanted.check(CODEC, header.rows, header.columns, header.ids.len())?;
                if frame.is_some() {
                    return Err(fault(at, "a second frame header"));
                }
                image = Some(Image::new(&header, bytes.len() - at, at)?);
                frame = Some(header);
            }
            0xf8 => match body {
                [1, rest @ ..] if rest.len() == 10 => {
                    let mut numbers = [0; 5];
                    for (place, pair) in numbers.iter_mut().zip(rest.as_chunks::<2>().0) {
                        *place = u16::from_be_bytes(*pair);
                    }
                    preset = Some(numbers);
                }
                _ => {
                    return Err(fault(
                        at,
                        "mapping tables and extended sizes are not supported",
                    ));
                }
            },
            0xdd => return Err(fault(at, "restart intervals are not supported")),
            0xe8 if body.starts_with(b"mrfx") && body.get(4).is_some_and(|kind| *kind != 0) => {
                return Err(fault(at, "a private colour transform"));
            }
            0xda => {
                let (Some(frame), Some(image)) = (&frame, &mut image) else {
                    return Err(fault(at, "a scan before the frame header"));
                };
                let scan = scan_header(body, frame, preset.as_ref())
                    .ok_or_else(|| fault(at, "a scan header that does not fit the frame"))?;
                let start = at + 4 + body.len();
                let data = bytes.get(start..).unwrap_or(&[]);
                let used = image
                    .scan(data, &scan)
                    .map_err(|(used, problem)| fault(start + used, problem))?;
                at = start + used;
                if image.is_complete() {
                    break;
                }
                continue;
            }
            _ => {}
        }
        at += if matches!(marker, 0xd0..=0xd8 | 0x01) {
            2
        } else {
            4 + body.len()
        };
    }
    let frame = frame.ok_or_else(|| fault(at, "no frame header"))?;
    let image = image.filter(Image::is_complete);
    let image = image.ok_or_else(|| fault(at, "not every component was coded"))?;
    Ok(Codestream {
        samples: image.samples,
        precision: frame.precision,
        raised: false,
        colour: Colour::Unsaid,
    })
}

/// The marker at a place and its segment's contents.
fn segment(bytes: &[u8], at: usize) -> Result<(u8, &[u8]), CodecFault> {
    match bytes.get(at..).unwrap_or(&[]) {
        [0xff, marker @ (0xd0..=0xd9 | 0x01), ..] => Ok((*marker, &[])),
        [0xff, marker, a, b, rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([*a, *b]));
            let body = length.checked_sub(2).and_then(|length| rest.get(..length));
            let body = body.ok_or_else(|| fault(at, format!("a segment of {length} bytes")))?;
            Ok((*marker, body))
        }
        _ => Err(fault(at, "no marker where one is due")),
    }
}

fn frame_header(body: &[u8]) -> Option<Frame> {
    let (&[precision, r1, r0, c1, c0, count], list) = body.split_first_chunk::<6>()?;
    let (list, []) = list.as_chunks::<3>() else {
        return None;
    };
    let plain = list.iter().all(|[_, factors, _]| *factors == 0x11);
    let right = list.len() == usize::from(count) && (1..=4).contains(&count);
    (plain && right && (2..=16).contains(&precision)).then(|| Frame {
        precision: u32::from(precision),
        rows: usize::from(u16::from_be_bytes([r1, r0])),
        columns: usize::from(u16::from_be_bytes([c1, c0])),
        ids: list.iter().map(|[id, ..]| *id).collect(),
    })
}

struct Scan {
    components: Vec<usize>,
    near: i32,
    /// 0 one component, 1 line by line, 2 sample by sample.
    interleave: u8,
    shift: u32,
    preset: Preset,
}

fn scan_header(body: &[u8], frame: &Frame, preset: Option<&[u16; 5]>) -> Option<Scan> {
    let (&count, rest) = body.split_first()?;
    let (list, tail) = rest.split_at_checked(2 * usize::from(count))?;
    let &[near, interleave, shift] = tail.first_chunk::<3>()?;
    let mut components: Vec<usize> = Vec::new();
    for [id, table] in list.as_chunks::<2>().0 {
        let index = frame.ids.iter().position(|other| other == id)?;
        if *table != 0 || components.contains(&index) {
            return None;
        }
        components.push(index);
    }
    let full = (1_i32 << frame.precision) - 1;
    let given = |value: u16, default: i32| {
        if value == 0 {
            default
        } else {
            i32::from(value)
        }
    };
    let [largest, t1, t2, t3, reset] = *preset.unwrap_or(&[0; 5]);
    let largest = given(largest, full);
    let near = i32::from(near);
    let mut chosen = Preset::of(largest, near);
    let [d1, d2, d3] = chosen.thresholds;
    chosen.thresholds = [given(t1, d1), given(t2, d2), given(t3, d3)];
    chosen.reset = given(reset, 64);
    let [t1, t2, t3] = chosen.thresholds;
    let shift = u32::from(shift & 15);
    let valid = largest <= full
        && near <= largest / 2
        && (near + 1..=t2).contains(&t1)
        && (t2..=largest.max(t2)).contains(&t3)
        && chosen.reset >= 3
        && shift < frame.precision
        && match (components.len(), interleave) {
            (1, 0) => true,
            (n, 1 | 2) => n == frame.ids.len(),
            _ => false,
        };
    valid.then_some(Scan {
        components,
        near,
        interleave,
        shift,
        preset: chosen,
    })
}

struct Image {
    rows: usize,
    columns: usize,
    samples: Decoded,
    coded: Vec<bool>,
}

impl Image {
    fn new(frame: &Frame, compressed: usize, at: usize) -> Result<Self, CodecFault> {
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

    fn is_complete(&self) -> bool {
        self.coded.iter().all(|coded| *coded)
    }

    /// Decodes a scan; gives the bytes it took, or how far it came and what was wrong.
    fn scan(&mut self, data: &[u8], scan: &Scan) -> Result<usize, (usize, &'static str)> {
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

struct Coder<'a> {
    bits: Bits<'a>,
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
    fn new(data: &'a [u8], scan: &Scan) -> Self {
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
    fn row(
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
    fn row_of_pixels(
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

/// Bits of a scan: behind each byte `FF` the next has seven (T.87 section A.1).
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    buffer: u64,
    count: u32,
    made_up: u32,
    after_ff: bool,
}

impl<'a> Bits<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            buffer: 0,
            count: 0,
            made_up: 0,
            after_ff: false,
        }
    }

    /// Makes at least 33 bits ready.
    #[inline]
    fn refill(&mut self) {
        while self.count <= 32 {
            let byte = self.data.get(self.at).copied();
            let next = match (byte, self.after_ff) {
                // A marker.
                (Some(byte), true) if byte >= 0x80 => None,
                (Some(0xff), _) if self.data.get(self.at + 1).is_none_or(|b| *b >= 0x80) => None,
                (byte, _) => byte,
            };
            let (byte, width) = match next {
                Some(byte) => {
                    self.at += 1;
                    let width = if self.after_ff { 7 } else { 8 };
                    self.after_ff = byte == 0xff;
                    (byte, width)
                }
                None => {
                    self.made_up += 8;
                    (0, 8)
                }
            };
            self.buffer |= u64::from(byte) << (64 - width - self.count);
            self.count += width;
        }
    }

    #[inline]
    fn skip(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
        self.made_up = self.made_up.min(self.count + 64);
    }

    /// Up to 32 bits as a number.
    #[inline]
    fn take(&mut self, bits: u32) -> u32 {
        if bits == 0 {
            return 0;
        }
        self.refill();
        let value = (self.buffer >> (64 - bits)) as u32;
        self.skip(bits);
        value
    }

    /// Counts zeros up to a one, which is taken too; at most so many, behind which no one stands.
    #[inline]
    fn zeros(&mut self, most: u32) -> Option<u32> {
        let mut zeros = 0;
        loop {
            self.refill();
            let here = self.buffer.leading_zeros().min(self.count).min(32);
            if zeros + here >= most {
                // The escape code ends with a one as well.
                self.skip(most - zeros);
                return (self.take(1) == 1).then_some(most);
            }
            zeros += here;
            if here < 32 {
                self.skip(here + 1);
                return Some(zeros);
            }
            self.skip(here);
            if self.overran() {
                return None;
            }
        }
    }

    fn overran(&self) -> bool {
        self.made_up > self.count
    }

    /// Where the next marker is.
    fn end(&self) -> usize {
        // Whole bytes that were made ready but not read belong to padding.
        let rest = self.data.get(self.at..).unwrap_or(&[]);
        let marker = rest
            .windows(2)
            .position(|w| matches!(w, [0xff, 0x80..=0xff]));
        self.at + marker.unwrap_or(rest.len())
    }
}
