//! Which samples of one axis make the value at a coordinate, and with what weights.
//!
//! Linear: two neighbours. Cubic B-spline: four coefficients (Unser, Aldroubi & Eden, "B-spline signal
//! processing", IEEE Trans. Signal Process. 41, 1993). What lies outside the axis is folded into samples
//! inside, so a table of taps needs no special case when it is applied.

use super::Border;

/// The pole of the cubic B-spline filter, `sqrt(3) - 2`.
pub(super) const POLE: f64 = -0.267_949_192_431_122_7;

/// `value = sum(weight[k] * sample[index[k]]) + (1 - inside) * outside`, along one axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taps<const K: usize> {
    pub(super) index: [usize; K],
    pub(super) weight: [f32; K],
    /// The share of the weight that fell on the image; exactly 1 where nothing is missing.
    pub(super) inside: f32,
}

/// A coordinate this close to a sample is that sample: it removes the noise of composed affine maps.
const SNAP: f64 = 1e-7;

/// Rounds away noise, so that a map onto the same grid copies.
pub(super) fn snapped(x: f64) -> f64 {
    let nearest = x.round();
    if (x - nearest).abs() < SNAP {
        nearest
    } else {
        x
    }
}

/// Folds a coordinate into `[-0.5, n - 0.5]` by reflection at the outer faces of the axis.
pub(super) fn reflected(x: f64, n: usize) -> f64 {
    let n = n as f64;
    let y = (x + 0.5).rem_euclid(2.0 * n);
    (if y > n { 2.0 * n - y } else { y }) - 0.5
}

/// The sample closest to a coordinate (halves upwards), `None` outside with [`Border::Value`].
pub(super) fn nearest(x: f64, n: usize, border: Border) -> Option<usize> {
    let last = (n - 1) as f64;
    let x = match border {
        Border::Reflect => reflected(x, n),
        Border::Edge | Border::Value => x,
    };
    let rounded = (snapped(x) + 0.5).floor();
    match border {
        Border::Value if !(0.0..=last).contains(&rounded) => None,
        _ => Some(rounded.clamp(0.0, last) as usize),
    }
}

/// The two neighbours of a coordinate.
pub(super) fn linear(x: f64, n: usize, border: Border) -> Taps<2> {
    let last = (n - 1) as f64;
    let x = match border {
        Border::Value => snapped(x),
        Border::Edge => snapped(x).clamp(0.0, last),
        Border::Reflect => snapped(reflected(x, n)).clamp(0.0, last),
    };
    let floor = x.floor();
    let fraction = (x - floor) as f32;
    let mut taps = Taps {
        index: [0; 2],
        weight: [1.0 - fraction, fraction],
        inside: 1.0,
    };
    for k in 0..2 {
        let at = floor + k as f64;
        if (0.0..=last).contains(&at) {
            taps.index[k] = at as usize;
        } else {
            // With weight zero the neighbour behind the last sample is not missed.
            taps.inside -= taps.weight[k];
            taps.weight[k] = 0.0;
            taps.index[k] = at.clamp(0.0, last) as usize;
        }
    }
    if taps.weight == [0.0; 2] {
        taps.inside = 0.0;
    }
    taps
}

/// The cubic B-spline at distances `1 + f`, `f`, `1 - f`, `2 - f` from the four coefficients around.
#[inline(always)]
pub(super) fn cubic_weights(f: f32) -> [f32; 4] {
    let g = 1.0 - f;
    let (f2, g2) = (f * f, g * g);
    [
        g2 * g * (1.0 / 6.0),
        2.0 / 3.0 - f2 * (1.0 - 0.5 * f),
        2.0 / 3.0 - g2 * (1.0 - 0.5 * g),
        f2 * f * (1.0 / 6.0),
    ]
}

/// The four coefficients around a coordinate, made by [`super::bspline::prefilter`] with the same border.
pub(super) fn cubic(x: f64, n: usize, border: Border) -> Taps<4> {
    let last = (n - 1) as f64;
    let mut taps = Taps {
        index: [0; 4],
        weight: [0.0; 4],
        inside: 1.0,
    };
    let x = match border {
        Border::Value if !(-0.5..=last + 0.5).contains(&x) => {
            taps.inside = 0.0;
            return taps;
        }
        Border::Value => snapped(x),
        // Far outside, the extended signal is constant to the last bit of f32.
        Border::Edge => snapped(x).clamp(-40.0, last + 40.0),
        Border::Reflect => snapped(reflected(x, n)),
    };
    if n == 1 {
        taps.weight[0] = 1.0;
        return taps;
    }
    let floor = x.floor();
    let weights = cubic_weights((x - floor) as f32);
    let first = floor as isize - 1;
    if border == Border::Edge && (first < 0 || first + 3 > last as isize) {
        return folded_edge(first, weights, n);
    }
    for k in 0..4 {
        taps.index[k] = match border {
            Border::Reflect => reflected_index(first + k as isize, n),
            Border::Value | Border::Edge => mirrored_index(first + k as isize, n),
        };
    }
    taps.weight = weights;
    taps
}

/// Taps outside an axis whose signal goes on with its end value: there the coefficients approach that
/// value as powers of the pole, `c[-k] = s + (c[0] - s) z^k` with `s = (c[0] - z c[1]) / (1 - z)`.
fn folded_edge(first: isize, weights: [f32; 4], n: usize) -> Taps<4> {
    // Of the samples that four taps can meet, only four lie inside.
    let base = (first.max(0) as usize).min(n.saturating_sub(4));
    let mut weight = [0.0f64; 4];
    for (k, &w) in weights.iter().enumerate() {
        let at = first + k as isize;
        let w = f64::from(w);
        let (near, next, steps) = if at < 0 {
            (0, 1, -at)
        } else if at >= n as isize {
            (n - 1, n - 2, at - n as isize + 1)
        } else {
            weight[at as usize - base] += w;
            continue;
        };
        let power = POLE.powi(steps as i32);
        let rest = (1.0 - power) / (1.0 - POLE);
        weight[near - base] += w * (power + rest);
        weight[next - base] -= w * POLE * rest;
    }
    Taps {
        index: std::array::from_fn(|k| (base + k).min(n - 1)),
        weight: weight.map(|w| w as f32),
        inside: 1.0,
    }
}

/// Whole-sample symmetry, `d c b | a b c d | c b a`.
pub(super) fn mirrored_index(at: isize, n: usize) -> usize {
    if n == 1 {
        return 0;
    }
    let period = 2 * (n as isize - 1);
    let folded = at.rem_euclid(period);
    folded.min(period - folded) as usize
}

/// Half-sample symmetry, `c b a | a b c d | d c b`.
pub(super) fn reflected_index(at: isize, n: usize) -> usize {
    let period = 2 * n as isize;
    let folded = at.rem_euclid(period);
    folded.min(period - 1 - folded) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_taps_fade_over_one_voxel() {
        let at = |x| linear(x, 3, Border::Value).inside;
        assert_eq!(
            [
                at(-1.25),
                at(-1.0),
                at(-0.25),
                at(0.0),
                at(2.0),
                at(2.75),
                at(3.0)
            ],
            [0.0, 0.0, 0.75, 1.0, 1.0, 0.25, 0.0]
        );
        let taps = linear(2.0, 3, Border::Value);
        assert_eq!((taps.index, taps.weight), ([2, 2], [1.0, 0.0]));
    }

    #[test]
    fn reflection_repeats_the_end_sample() {
        let fold = |x| nearest(x, 3, Border::Reflect).unwrap();
        let got: Vec<_> = (-4..8).map(|i| fold(f64::from(i))).collect();
        assert_eq!(got, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        let by_index: Vec<_> = (-4..8).map(|i| reflected_index(i, 3)).collect();
        assert_eq!(got[1..], by_index[1..]);
        let mirrored: Vec<_> = (-3..7).map(|i| mirrored_index(i, 3)).collect();
        assert_eq!(mirrored, [1, 2, 1, 0, 1, 2, 1, 0, 1, 2]);
    }

    #[test]
    fn taps_of_a_constant_give_the_constant() {
        for border in [Border::Value, Border::Edge, Border::Reflect] {
            for n in 1..7 {
                for step in -40..80 {
                    let x = f64::from(step) * 0.173;
                    let linear = linear(x, n, border);
                    let sum: f32 = linear.weight.iter().sum();
                    assert!((sum - linear.inside).abs() < 1e-6, "{border:?} {n} {x}");
                    let cubic = cubic(x, n, border);
                    let sum: f32 = cubic.weight.iter().sum();
                    assert!((sum - cubic.inside).abs() < 1e-6, "{border:?} {n} {x}");
                    assert!(cubic.index.iter().chain(&linear.index).all(|&i| i < n));
                }
            }
        }
    }
}
