//! Where the voxels of a resized axis take their values from, by PyTorch's rules.

use crate::cpu::taps::AxisMap;

/// How values between voxels are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Interpolation {
    /// The voxel at `floor(i * in / out)`, PyTorch's `nearest`.
    Nearest,
    /// The voxel the centre lies in, `floor((i + 0.5) * in / out)`, PyTorch's `nearest-exact`.
    NearestExact,
    /// Linear between voxels; bilinear and trilinear in more dimensions.
    Linear {
        /// Whether the first and last voxels of both grids coincide; otherwise the outer edges of their voxels do.
        align_corners: bool,
    },
    /// Cubic convolution over four voxels (Keys 1981) with `a = -0.75`; PyTorch's `bicubic`, here along any number of axes.
    Cubic {
        /// As for [`Interpolation::Linear`].
        align_corners: bool,
    },
    /// The mean of the voxels that an output voxel touches, PyTorch's `area`: its bins and not the factor decide.
    Area,
    /// Linear with a kernel as wide as an output voxel when the grid shrinks, weights adding up to 1; outer edges coincide
    /// (PyTorch's `antialias=True`, and Pillow's filter).
    AntialiasedLinear,
    /// As [`Interpolation::AntialiasedLinear`] with a cubic kernel, `a = -0.5`.
    AntialiasedCubic,
}

impl Interpolation {
    /// The map to an axis of `output` voxels from one of `input`, `ratio` input voxels a step (`input / output` unless a
    /// scale was given); neither axis is empty.
    #[must_use]
    pub fn axis_map(self, input: usize, output: usize, ratio: f64) -> AxisMap {
        let last = input - 1;
        // The place of output `i` on the input axis.
        let place = |i: usize, align_corners: bool| {
            if !align_corners {
                (i as f64 + 0.5) * ratio - 0.5
            } else if output > 1 {
                i as f64 * last as f64 / (output - 1) as f64
            } else {
                0.0
            }
        };
        match self {
            // In f32 even for f64 images, as PyTorch computes it.
            Self::Nearest => AxisMap::from_fn(input, output, |i| {
                [(((i as f32 * ratio as f32) as usize).min(last), 1.0)]
            }),
            Self::NearestExact => AxisMap::from_fn(input, output, |i| {
                [((((i as f32 + 0.5) * ratio as f32) as usize).min(last), 1.0)]
            }),
            Self::Linear { align_corners } => AxisMap::from_fn(input, output, |i| {
                let place = place(i, align_corners).max(0.0);
                let low = (place as usize).min(last);
                let weight = if low == last { 0.0 } else { place - low as f64 };
                [(low, 1.0 - weight), ((low + 1).min(last), weight)]
            }),
            Self::Cubic { align_corners } => AxisMap::from_fn(input, output, |i| {
                let place = place(i, align_corners);
                let low = place.floor();
                std::array::from_fn::<_, 4, _>(|k| {
                    let at = low + k as f64 - 1.0;
                    (
                        at.clamp(0.0, last as f64) as usize,
                        cubic(place - at, -0.75),
                    )
                })
            }),
            Self::Area => AxisMap::from_fn(input, output, |i| {
                let bin = bin(input, output, i);
                let share = 1.0 / bin.len() as f64;
                bin.map(move |index| (index, share))
            }),
            Self::AntialiasedLinear => {
                antialiased(input, output, ratio, 1.0, |x| (1.0 - x.abs()).max(0.0))
            }
            Self::AntialiasedCubic => antialiased(input, output, ratio, 2.0, |x| cubic(x, -0.5)),
        }
    }
}

/// The indices of an axis of `input` that bin `i` of `output` adaptive bins covers: all that it touches (PyTorch's rule).
pub(crate) fn bin(input: usize, output: usize, i: usize) -> std::ops::Range<usize> {
    // In u128 because the products may leave usize.
    let edge = |i: usize| i as u128 * input as u128;
    let start = edge(i) / output as u128;
    let end = edge(i + 1).div_ceil(output as u128);
    start as usize..end as usize
}

/// The kernel of cubic convolution at distance `x`.
pub(crate) fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

/// The derivative of [`cubic`] by `x`.
pub(crate) fn cubic_slope(x: f64, a: f64) -> f64 {
    let (x, sign) = (x.abs(), if x < 0.0 { -1.0 } else { 1.0 });
    if x <= 1.0 {
        sign * (3.0 * (a + 2.0) * x - 2.0 * (a + 3.0)) * x
    } else if x < 2.0 {
        sign * ((3.0 * a * x - 10.0 * a) * x + 8.0 * a)
    } else {
        0.0
    }
}

/// The map whose kernel reaches `radius` output voxels, or input voxels where those are larger, to both sides.
fn antialiased(
    input: usize,
    output: usize,
    ratio: f64,
    radius: f64,
    kernel: impl Fn(f64) -> f64,
) -> AxisMap {
    let scale = ratio.max(1.0);
    let support = radius * scale;
    AxisMap::from_fn(input, output, |i| {
        let centre = ratio * (i as f64 + 0.5);
        // Voxel v has its centre at v + 0.5. A factor may put a centre beyond the input; the last voxel is always used.
        let start = ((centre - support + 0.5).max(0.0) as usize).min(input - 1);
        let end = ((centre + support + 0.5) as usize).clamp(start + 1, input);
        let weight = |index: usize| kernel((index as f64 + 0.5 - centre) / scale);
        let total: f64 = (start..end).map(weight).sum();
        let total = if total == 0.0 { 1.0 } else { total };
        (start..end)
            .map(|index| (index, weight(index) / total))
            .collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_every_interpolation_add_up_to_one() {
        for interpolation in [
            Interpolation::Nearest,
            Interpolation::NearestExact,
            Interpolation::Linear {
                align_corners: true,
            },
            Interpolation::Cubic {
                align_corners: false,
            },
            Interpolation::Area,
            Interpolation::AntialiasedLinear,
            Interpolation::AntialiasedCubic,
        ] {
            for (input, output) in [(1, 1), (1, 5), (7, 1), (7, 3), (3, 7), (20, 19)] {
                let map = interpolation.axis_map(input, output, input as f64 / output as f64);
                for taps in map.iter() {
                    let total: f64 = taps.iter().map(|t| t.weight).sum();
                    assert!(
                        (total - 1.0).abs() < 1e-12,
                        "{interpolation:?} {input} to {output}"
                    );
                }
            }
        }
    }
}
