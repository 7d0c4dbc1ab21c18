//! Resampling: the values of an image at the voxel centres of another grid.
//!
//! Index `i` is the centre of voxel `i` everywhere (PyTorch's `align_corners=False`, SciPy's coordinates,
//! ITK's index space). Maps along the axes are separable and run from precomputed tables; any other
//! affine map runs row by row on fixed-point coordinates, whose interior is known before it is entered.
//! [`Gather`] reads at places that follow no map.
//! Results do not depend on the number of threads.
//!
//! Conventions, by interpolation:
//!
//! * [`Interpolation::Nearest`] takes the sample at `floor(x + 0.5)` (SciPy, ITK) and moves values
//!   unchanged.
//! * [`Interpolation::Linear`] with [`Outside::Value`] fades over one voxel: each missing neighbour counts
//!   with the value (PyTorch's `grid_sample`). ITK instead repeats the border up to half a voxel outside.
//! * [`Interpolation::CubicBSpline`] interpolates (order 3 with prefilter) as `scipy.ndimage` does: with
//!   [`Outside::Edge`] as `mode="nearest"` (scikit-image's `edge`, hence nnU-Net), with
//!   [`Outside::Reflect`] as `mode="reflect"`, with [`Outside::Value`] as `mode="constant"` and ITK's
//!   B-spline: mirrored at the end samples, and the value beyond half a voxel outside.

mod bspline;
mod collage;
mod gather;
mod label;
mod oblique;
mod separable;
mod source;
mod taps;
#[cfg(test)]
mod tests;
mod voxel;

use serde::{Deserialize, Serialize};

use crate::buffer;
use crate::error::{Error, Result};
use crate::geometry::{Geometry, checked_len};
use crate::image::{Image, for_each_row, linear_index};
use crate::linear::IndexMap;
use crate::region::Region;
use source::Whole;

pub use collage::{Collage, Tile};
pub use gather::{Gather, GatherLabels, Places};
pub use label::{LabelInterpolation, resample_labels, resample_labels_slice};
pub use voxel::Voxel;

/// How values between voxel centres are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The closest voxel.
    Nearest,
    /// Linear along each axis.
    Linear,
    /// Cubic B-spline through the samples.
    #[serde(rename = "cubic_bspline")]
    CubicBSpline,
}

/// What stands in for voxels outside the image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outside<T> {
    /// This value.
    Value(T),
    /// The closest voxel of the border.
    Edge,
    /// The image mirrored at its outer faces, `c b a | a b c | c b a` (SciPy's and PyTorch's `reflect`
    /// with `align_corners=False`).
    Reflect,
}

/// [`Outside`] without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Border {
    Value,
    Edge,
    Reflect,
}

impl<T> Outside<T> {
    fn border(&self) -> Border {
        match self {
            Self::Value(_) => Border::Value,
            Self::Edge => Border::Edge,
            Self::Reflect => Border::Reflect,
        }
    }
}

impl<T: Copy + Default> Outside<T> {
    /// The value, or zero where none will be asked for.
    fn value(&self) -> T {
        match self {
            Self::Value(value) => *value,
            Self::Edge | Self::Reflect => T::default(),
        }
    }
}

/// The image at the voxel centres of `grid`, all channels.
///
/// The result carries `grid` with the calibration of `image`. Values are interpolated in `f32`, rounded
/// half to even and kept inside the range of an integer type; nearest moves them unchanged.
///
/// ```
/// use medcore::{Geometry, Image};
/// use medcore::resample::{Interpolation, Outside, resample};
///
/// let ramp = Image::new(Geometry::<1>::axis_aligned([5], [2.0])?, vec![0.0_f32, 10.0, 20.0, 30.0, 40.0])?;
/// let fine = Geometry::<1>::axis_aligned([9], [1.0])?;
/// let ramp = resample(&ramp, &fine, Interpolation::Linear, Outside::Edge)?;
/// assert_eq!(ramp.as_slice(), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0]);
/// # Ok::<(), medcore::Error>(())
/// ```
///
/// # Errors
/// Refuses grids too large to allocate and maps that reach farther than 2^30 voxels.
pub fn resample<T: Voxel, const D: usize>(
    image: &Image<T, D>,
    grid: &Geometry<D>,
    interpolation: Interpolation,
    outside: Outside<T>,
) -> Result<Image<T, D>> {
    let grid = grid.with_calibration(image.geometry().calibration());
    let map = grid.index_map_to(image.geometry());
    let mut resampled = Image::zeros(image.channels(), grid)?;
    let channels = resampled.as_mut_slice().chunks_exact_mut(grid.len());
    for (channel, out) in channels.enumerate() {
        resample_slice(
            image.channel(channel),
            image.shape(),
            &map,
            out,
            grid.shape(),
            interpolation,
            outside,
        )?;
    }
    Ok(resampled)
}

/// Fills `out` with the values of `source` at `map(index)` for every index of `out_shape`.
///
/// The kernel below [`resample`], for callers that compose maps themselves: `map` takes an index of the
/// output to an index of the source. Both are contiguous, last axis fastest.
///
/// # Errors
/// Refuses slices that do not have the shapes they are said to have, empty shapes, and maps that are not
/// finite or reach farther than 2^30 voxels.
pub fn resample_slice<T: Voxel, const D: usize>(
    source: &[T],
    source_shape: [usize; D],
    map: &IndexMap<D>,
    out: &mut [T],
    out_shape: [usize; D],
    interpolation: Interpolation,
    outside: Outside<T>,
) -> Result<()> {
    check_slice(source.len(), source_shape)?;
    check_slice(out.len(), out_shape)?;
    let path = Path::of(source_shape, map, out_shape)?;
    let border = outside.border();
    match interpolation {
        Interpolation::Nearest => match path {
            Path::Separable(axes) => {
                let source = Whole::new(source, source_shape);
                separable::nearest(&source, &axes.indices(border), outside.value(), out);
            }
            Path::Oblique(rows) => oblique::nearest(source, &rows, border, outside.value(), out),
        },
        Interpolation::Linear => match path {
            Path::Separable(axes) => {
                separable::weighted(
                    &Whole::new(source, source_shape),
                    &axes.tables(taps::linear, border),
                    outside.value(),
                    out,
                );
            }
            Path::Oblique(rows) => oblique::linear(source, &rows, border, outside.value(), out),
        },
        Interpolation::CubicBSpline => {
            let seen = extent(map, out_shape);
            let part = CoefficientBlock::new(source, source_shape, seen, border)?;
            let map = map.then(&IndexMap::translation(part.start.map(|v| -(v as f64))));
            match Path::of(part.shape, &map, out_shape)? {
                Path::Separable(axes) => separable::weighted(
                    &Whole::new(&part.coefficients, part.shape),
                    &axes.tables(taps::cubic, border),
                    outside.value(),
                    out,
                ),
                Path::Oblique(rows) => {
                    oblique::cubic(&part.coefficients, &rows, border, outside.value(), out);
                }
            }
        }
    }
    Ok(())
}

/// A map in the form that suits it.
enum Path<const D: usize> {
    Separable(separable::Axes),
    Oblique(oblique::Rows<D>),
}

/// Coordinates beyond this do not fit the fixed-point arithmetic of oblique rows.
const REACH: f64 = (1u64 << 30) as f64;

/// Off-diagonal terms that move no voxel of the output by more than this are taken for rounding noise.
const OBLIQUITY: f64 = 1e-6;

impl<const D: usize> Path<D> {
    fn of(source: [usize; D], map: &IndexMap<D>, out: [usize; D]) -> Result<Self> {
        let mut oblique = false;
        for (a, (low, high)) in extent(map, out).into_iter().enumerate() {
            let reach = low.abs().max(high.abs());
            if !reach.is_finite() || map.matrix[a].iter().any(|v| !v.is_finite()) {
                return Err(Error::NotFinite {
                    what: "index map",
                    value: reach,
                });
            }
            if reach > REACH {
                return Err(Error::InvalidParameter {
                    parameter: "index map",
                    rule: "within 2^30 voxels of the source",
                    value: reach,
                });
            }
            let across: f64 = (0..D)
                .filter(|&j| j != a)
                .map(|j| (map.matrix[a][j] * (out[j] - 1) as f64).abs())
                .sum();
            oblique |= across > OBLIQUITY;
        }
        Ok(if oblique {
            Self::Oblique(oblique::Rows::new(source, map, out))
        } else {
            Self::Separable(separable::Axes::new(source, map, out))
        })
    }
}

/// Smallest and largest source coordinate that the map reaches, along each source axis.
fn extent<const D: usize>(map: &IndexMap<D>, out: [usize; D]) -> [(f64, f64); D] {
    std::array::from_fn(|a| {
        (0..D).fold((map.offset[a], map.offset[a]), |(low, high), j| {
            let span = map.matrix[a][j] * (out[j] - 1) as f64;
            (low + span.min(0.0), high + span.max(0.0))
        })
    })
}

fn check_slice<const D: usize>(len: usize, shape: [usize; D]) -> Result<()> {
    let expected = checked_len(&shape).filter(|&n| n > 0);
    match expected {
        None => Err(Error::InvalidShape {
            channels: 1,
            shape: shape.to_vec(),
        }),
        Some(expected) if expected != len => Err(Error::VoxelCount {
            channels: 1,
            shape: shape.to_vec(),
            expected,
            got: len,
        }),
        Some(_) => Ok(()),
    }
}

/// The B-spline coefficients of that part of the source which an output can see.
struct CoefficientBlock<const D: usize> {
    start: [usize; D],
    shape: [usize; D],
    coefficients: Vec<f32>,
}

/// Samples kept around the visible part: the filter forgets what lies farther to within 1e-9.
const MARGIN: usize = 18;

impl<const D: usize> CoefficientBlock<D> {
    fn new<T: Voxel>(
        source: &[T],
        source_shape: [usize; D],
        seen: [(f64, f64); D],
        border: Border,
    ) -> Result<Self> {
        let mut start = [0; D];
        let mut end = source_shape;
        for (a, (low, high)) in seen.into_iter().enumerate() {
            let last = (source_shape[a] - 1) as f64;
            if border == Border::Reflect && (low < 0.0 || high > last) {
                continue;
            }
            start[a] = (low.clamp(0.0, last) as usize).saturating_sub(MARGIN);
            end[a] = (high.clamp(0.0, last) as usize + 1 + MARGIN).min(source_shape[a]);
        }
        let region = Region::new(start, end)?;
        let shape = region.shape();
        let mut coefficients = buffer::reserve(region.len(), "B-spline coefficients")?;
        let width = shape[D - 1];
        for_each_row(shape, |row| {
            let at = linear_index(source_shape, std::array::from_fn(|a| row[a] + start[a]));
            coefficients.extend(source[at..at + width].iter().map(|v| v.to_f32()));
        });
        bspline::prefilter(&mut coefficients, in_three(shape, 1), border);
        Ok(Self {
            start,
            shape,
            coefficients,
        })
    }
}

/// `values` as the last of three axes, the axes in front filled up.
fn in_three<T: Copy, const D: usize>(values: [T; D], fill: T) -> [T; 3] {
    const { assert!(D >= 1 && D <= 3, "images have one to three axes") };
    std::array::from_fn(|a| if a + D < 3 { fill } else { values[a + D - 3] })
}
