//! Resizing and padding in 2D and 3D.

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::support::{self, check_float, for_element};
use crate::cpu::real::Real;
use crate::cpu::resample::{self as kernel, GridMap, Source};
pub use crate::cpu::resample::{Interpolation, PadMode};
use crate::error::{Error, Result};
use crate::tape::Apply as _;

/// How large the output of [`resize`] is.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Size<const D: usize> {
    /// Voxels along each axis.
    Voxels([usize; D]),
    /// A factor for each axis; the output has `floor(input * factor)` voxels and, as in PyTorch, the factor itself decides
    /// where they lie.
    Factor([f64; D]),
}

/// Resizes the spatial axes, `D` = 2 or 3.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::{Interpolation, Size, resize};
///
/// let x = Tensor::new(&[[[[0.0_f32, 2.0]]]], &Device::Cpu)?;
/// let linear = Interpolation::Linear { align_corners: true };
/// let y = resize(&x, Size::Voxels([1, 3]), linear)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [0.0, 1.0, 2.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input and output: `[batch, channels, depth, height, width]` or `[batch, channels, height, width]`
///
/// # Errors
/// Refuses other numbers of axes, an output without voxels and element types other than f32 and f64.
pub fn resize<const D: usize>(
    input: &Tensor,
    size: Size<D>,
    interpolation: Interpolation,
) -> Result<Tensor> {
    const OP: &str = "resize";
    check::<D>(OP, input)?;
    let spatial = &input.dims()[2..];
    let mut sources: [Vec<Source>; 3] = std::array::from_fn(|_| vec![Source::one(0)]);
    for axis in 0..D {
        let (output, ratio) = match size {
            Size::Voxels(size) => (size[axis], spatial[axis] as f64 / size[axis] as f64),
            Size::Factor(factor) => (
                (spatial[axis] as f64 * factor[axis]).floor() as usize,
                1.0 / factor[axis],
            ),
        };
        if output == 0 || !ratio.is_finite() || ratio <= 0.0 {
            return Err(Error::Setting {
                op: OP,
                setting: "the size",
                rule: "at least one voxel along each axis",
                value: format!("{size:?} of {spatial:?}"),
            });
        }
        sources[3 - D + axis] = interpolation.sources(spatial[axis], output, ratio);
    }
    run(OP, input, sources, 0.0)
}

/// Adds voxels in front of and behind the spatial axes, `D` = 2 or 3.
///
/// # Shapes
/// - input and output: `[batch, channels, depth, height, width]` or `[batch, channels, height, width]`
///
/// # Errors
/// Refuses other numbers of axes, a reflection as wide as the input and element types other than f32 and f64.
pub fn pad<const D: usize>(
    input: &Tensor,
    widths: [(usize, usize); D],
    mode: PadMode,
) -> Result<Tensor> {
    const OP: &str = "pad";
    check::<D>(OP, input)?;
    let spatial = &input.dims()[2..];
    let mut sources: [Vec<Source>; 3] = std::array::from_fn(|_| vec![Source::one(0)]);
    for (axis, &(before, after)) in widths.iter().enumerate() {
        if mode == PadMode::Reflect && before.max(after) >= spatial[axis] {
            return Err(Error::Axis {
                op: OP,
                tensor: "the input",
                axis: axis + 2,
                rule: format!("longer than the reflected border of {}", before.max(after)),
                got: input.dims().to_vec(),
            });
        }
        sources[3 - D + axis] = mode.sources(spatial[axis], before, after);
    }
    let value = if let PadMode::Constant(value) = mode {
        value
    } else {
        0.0
    };
    run(OP, input, sources, value)
}

fn check<const D: usize>(op: &'static str, input: &Tensor) -> Result<()> {
    check_float(op, "the input", input)?;
    support::check_rank(op, "the input", input, D + 2)?;
    if D != 2 && D != 3 {
        return Err(Error::Setting {
            op,
            setting: "the number of spatial axes",
            rule: "2 or 3",
            value: D.to_string(),
        });
    }
    Ok(())
}

fn run(
    name: &'static str,
    input: &Tensor,
    sources: [Vec<Source>; 3],
    outside: f64,
) -> Result<Tensor> {
    let spatial = &input.dims()[2..];
    let mut extent = [1; 3];
    extent[3 - spatial.len()..].copy_from_slice(spatial);
    let map = GridMap {
        input: extent,
        sources,
    };
    let mut shape = input.dims().to_vec();
    shape[2..].copy_from_slice(&map.output()[3 - spatial.len()..]);
    Ok(input.contiguous()?.apply1(ResampleOp {
        name,
        map,
        shape,
        outside,
    })?)
}

struct ResampleOp {
    name: &'static str,
    map: GridMap,
    /// Of the output.
    shape: Vec<usize>,
    /// The value of outputs without source.
    outside: f64,
}

impl ResampleOp {
    fn forward<T: Real>(&self, input: &[T]) -> Vec<T> {
        let mut output = kernel::forward(&self.map, self.shape[0] * self.shape[1], input);
        if self.outside != 0.0 {
            let value = T::from_f64(self.outside);
            let empty = |axis: usize, i: usize| self.map.sources[axis][i].low_weight == 0.0;
            let [_, height, width] = self.map.output();
            let depth = self.map.output()[0];
            for (row, out) in output.chunks_exact_mut(width).enumerate() {
                let outside = empty(0, row / height % depth) || empty(1, row % height);
                for (w, o) in out.iter_mut().enumerate() {
                    if outside || empty(2, w) {
                        *o = value;
                    }
                }
            }
        }
        output
    }
}

impl CustomOp1 for ResampleOp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, self.name, T => {
            Ok(support::output(self.forward(support::elements::<T>(s, l)?), &self.shape))
        })
    }

    fn bwd(
        &self,
        input: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !input.track_op() {
            return Ok(None);
        }
        let rows = self.shape[0] * self.shape[1];
        for_element!(input, self.name, T => {
            let values = support::with_elements::<T, _>(gradient, |g| {
                Ok(kernel::backward(&self.map, rows, g))
            })?;
            support::tensor(values, input.dims(), input).map(Some)
        })
    }
}
