//! The inverse wavelet transforms of T.800 annex F: 5/3, which is reversible, and 9/7.

/// Columns that go through the vertical transform together.
const STRIP: usize = 16;

/// A wavelet: what its samples are and how two bands become one signal.
pub(super) trait Wavelet {
    type Sample: Copy + Default;

    /// Turns low and high halves into even and odd samples, which stay where the halves were.
    ///
    /// `high_first` is 1 if the signal begins with a sample of the upper band, else 0.
    fn join<const N: usize>(
        low: &mut [[Self::Sample; N]],
        high: &mut [[Self::Sample; N]],
        high_first: usize,
    );

    /// A signal of one sample that belongs to the upper band.
    fn lone(sample: Self::Sample) -> Self::Sample;
}

/// The 5/3 wavelet on whole numbers (T.800 section F.3.8.1).
pub(super) struct Reversible;

/// The 9/7 wavelet (T.800 section F.3.8.2).
pub(super) struct Irreversible;

impl Wavelet for Reversible {
    type Sample = i32;

    fn join<const N: usize>(low: &mut [[i32; N]], high: &mut [[i32; N]], high_first: usize) {
        lift(low, high, high_first, |even, a, b| {
            even.wrapping_sub(a.wrapping_add(b).wrapping_add(2) >> 2)
        });
        lift(high, low, 1 - high_first, |odd, a, b| {
            odd.wrapping_add(a.wrapping_add(b) >> 1)
        });
    }

    fn lone(sample: i32) -> i32 {
        sample >> 1
    }
}

impl Wavelet for Irreversible {
    type Sample = f32;

    fn join<const N: usize>(low: &mut [[f32; N]], high: &mut [[f32; N]], high_first: usize) {
        const SCALE: f32 = 1.230_174_1;
        const ALPHA: f32 = -1.586_134_3;
        const BETA: f32 = -0.052_980_12;
        const GAMMA: f32 = 0.882_911_1;
        const DELTA: f32 = 0.443_506_85;
        for value in low.as_flattened_mut() {
            *value *= SCALE;
        }
        for value in high.as_flattened_mut() {
            *value *= 1.0 / SCALE;
        }
        let step = |factor: f32| move |value: f32, a: f32, b: f32| value - factor * (a + b);
        lift(low, high, high_first, step(DELTA));
        lift(high, low, 1 - high_first, step(GAMMA));
        lift(low, high, high_first, step(BETA));
        lift(high, low, 1 - high_first, step(ALPHA));
    }

    fn lone(sample: f32) -> f32 {
        sample * 0.5
    }
}

/// Changes each target by its two neighbours in the other band: those at the places `i - 1` and `i` of it, or,
/// with `ahead` of 1, at `i` and `i + 1`.
fn lift<T: Copy, const N: usize>(
    targets: &mut [[T; N]],
    source: &[[T; N]],
    ahead: usize,
    step: impl Fn(T, T, T) -> T,
) {
    let change = |target: &mut [T; N], before: &[T; N], after: &[T; N]| {
        for ((target, before), after) in target.iter_mut().zip(before).zip(after) {
            *target = step(*target, *before, *after);
        }
    };
    let (Some(first), Some(last)) = (source.first(), source.last()) else {
        return;
    };
    // The signal goes on as its mirror image: at either end both neighbours are the same.
    let (head, rest) = targets.split_at_mut((1 - ahead).min(targets.len()));
    for target in head {
        change(target, first, first);
    }
    let inner = rest.len().min(source.len() - 1);
    let (inner, tail) = rest.split_at_mut(inner);
    for (target, pair) in inner.iter_mut().zip(source.windows(2)) {
        if let [before, after] = pair {
            change(target, before, after);
        }
    }
    for target in tail {
        change(target, last, last);
    }
}

/// The extent of a region along one axis of its own grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) fn length(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// The span on a grid of half the resolution, `levels` times.
    pub(super) fn reduced(self, levels: usize) -> Self {
        Self {
            start: ceil_shift(self.start, levels),
            end: ceil_shift(self.end, levels),
        }
    }
}

/// Divides by a power of two and rounds up.
pub(super) fn ceil_shift(value: usize, bits: usize) -> usize {
    value.div_ceil(1 << bits)
}

/// Puts together the bands of all levels, which lie in `plane`, `[height, width]`, as the quarters of quarters.
pub(super) fn synthesize<W: Wavelet>(
    plane: &mut [W::Sample],
    rows: Span,
    columns: Span,
    levels: usize,
) {
    let stride = columns.length();
    let mut scratch = Vec::new();
    for level in (0..levels).rev() {
        let (rows, columns) = (rows.reduced(level), columns.reduced(level));
        horizontal::<W>(plane, stride, rows.length(), columns);
        vertical::<W>(plane, stride, rows, columns.length(), &mut scratch);
    }
}

/// How many samples of a span belong to the lower band.
fn low_samples(span: Span) -> usize {
    span.reduced(1).length()
}

fn horizontal<W: Wavelet>(plane: &mut [W::Sample], stride: usize, rows: usize, columns: Span) {
    let width = columns.length();
    let mut whole = vec![W::Sample::default(); width];
    for row in plane.chunks_mut(stride.max(1)).take(rows) {
        let Some(row) = row.get_mut(..width) else {
            return;
        };
        if let [only] = row {
            if columns.start % 2 == 1 {
                *only = W::lone(*only);
            }
            continue;
        }
        let (low, high) = row.split_at_mut(low_samples(columns));
        let (low, high) = (low.as_chunks_mut::<1>().0, high.as_chunks_mut::<1>().0);
        W::join(low, high, columns.start % 2);
        interleave(low, high, columns.start % 2, whole.as_chunks_mut::<1>().0);
        row.copy_from_slice(&whole);
    }
}

/// Even and odd samples in turn.
fn interleave<T: Copy>(low: &[T], high: &[T], high_first: usize, out: &mut [T]) {
    let (first, second) = if high_first == 0 {
        (low, high)
    } else {
        (high, low)
    };
    let (pairs, last) = out.as_chunks_mut::<2>();
    for (pair, (a, b)) in pairs.iter_mut().zip(first.iter().zip(second)) {
        *pair = [*a, *b];
    }
    if let ([place], Some(value)) = (last, first.last()) {
        *place = *value;
    }
}

fn vertical<W: Wavelet>(
    plane: &mut [W::Sample],
    stride: usize,
    rows: Span,
    width: usize,
    scratch: &mut Vec<[W::Sample; STRIP]>,
) {
    let height = rows.length();
    if height == 0 || stride == 0 {
        return;
    }
    scratch.clear();
    scratch.resize(height, [W::Sample::default(); STRIP]);
    for left in (0..width).step_by(STRIP) {
        let right = (left + STRIP).min(width);
        for (strip, row) in scratch.iter_mut().zip(plane.chunks(stride)) {
            if let Some(part) = row.get(left..right) {
                copy(strip, part);
            }
        }
        let count = low_samples(rows).min(height);
        let (low, high) = scratch.split_at_mut(count);
        let high_first = rows.start % 2;
        if height > 1 {
            W::join(low, high, high_first);
        } else if let [only] = high {
            *only = only.map(W::lone);
        }
        let (mut first, mut second) = (low.iter(), high.iter());
        for (index, row) in plane.chunks_mut(stride).take(height).enumerate() {
            let strip = if index % 2 == high_first {
                first.next()
            } else {
                second.next()
            };
            if let (Some(strip), Some(part)) = (strip, row.get_mut(left..right)) {
                copy(part, strip);
            }
        }
    }
}

/// Copies as many values as the shorter one has.
fn copy<T: Copy>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The forward transform of T.800 section F.4.8.1 by its formula, on a signal that goes on as its mirror image.
    fn analyse(signal: &[i32], start: usize) -> Vec<i32> {
        let n = signal.len() as isize;
        if n == 1 {
            return vec![signal[0] << (start % 2)];
        }
        let mirror = |i: isize| {
            let i = i.rem_euclid(2 * n - 2);
            i.min(2 * n - 2 - i) as usize
        };
        let odd = |i: isize| (i + start as isize) % 2 != 0;
        let high =
            |i: isize| signal[mirror(i)] - ((signal[mirror(i - 1)] + signal[mirror(i + 1)]) >> 1);
        let low = |i: isize| signal[mirror(i)] + ((high(i - 1) + high(i + 1) + 2) >> 2);
        let lows = (0..n).filter(|i| !odd(*i)).map(low);
        lows.chain((0..n).filter(|i| odd(*i)).map(high)).collect()
    }

    #[test]
    fn every_length_and_either_parity_comes_back() {
        for length in 1..40 {
            for start in 0..2 {
                let signal: Vec<i32> = (0..length)
                    .map(|i| (i * i * 37 + i * 11) % 251 - 99)
                    .collect();
                let span = Span {
                    start,
                    end: start + length as usize,
                };
                let one = Span { start: 0, end: 1 };
                let mut row = analyse(&signal, start);
                synthesize::<Reversible>(&mut row, one, span, 1);
                assert_eq!(row, signal, "row of {length} from {start}");
                let mut column = analyse(&signal, start);
                synthesize::<Reversible>(&mut column, span, one, 1);
                assert_eq!(column, signal, "column of {length} from {start}");
            }
        }
    }

    #[test]
    fn a_constant_is_its_lower_band_alone() {
        for start in 0..2 {
            let (rows, columns) = (Span { start, end: 23 }, Span { start: 1, end: 38 });
            let (height, width) = (rows.length(), columns.length());
            let mut plane = vec![0.0; width * height];
            let (low_rows, low_columns) = (rows.reduced(3).length(), columns.reduced(3).length());
            for row in plane.chunks_mut(width).take(low_rows) {
                row[..low_columns].fill(5.0);
            }
            synthesize::<Irreversible>(&mut plane, rows, columns, 3);
            assert!(
                plane.iter().all(|v| (v - 5.0_f32).abs() < 1e-4),
                "{plane:?}"
            );
        }
    }
}
