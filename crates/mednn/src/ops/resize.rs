//! Resizing in 1D, 2D and 3D.

use candle_core::Tensor;

use super::resample::resample;
use super::support::{self, check_float, check_spatial};
pub use crate::cpu::interpolation::Interpolation;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};

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

/// Resizes the spatial axes, `D` = 1, 2 or 3.
///
/// Every interpolation is a product of one-dimensional ones, so that cubic and antialiased resizing, which PyTorch has in
/// 2D only, work in 1D and 3D by the same rule.
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
/// - input and output: `[batch, channels, depth, height, width]`, `[batch, channels, height, width]` or
///   `[batch, channels, width]`
///
/// # Errors
/// Refuses other numbers of axes, an output without voxels or with more than fit in memory, and element types other than
/// f32 and f64.
pub fn resize<const D: usize>(
    input: &Tensor,
    size: Size<D>,
    interpolation: Interpolation,
) -> Result<Tensor> {
    const OP: &str = "resize";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_spatial::<D>(OP, "the input", input)?;
    let spatial = &input.dims()[2..];
    // Voxels along an axis and input voxels a step.
    let stride = |axis: usize| match size {
        Size::Voxels(size) => (size[axis], spatial[axis] as f64 / size[axis] as f64),
        Size::Factor(factor) => (
            (spatial[axis] as f64 * factor[axis]).floor() as usize,
            1.0 / factor[axis],
        ),
    };
    let mut shape = input.dims().to_vec();
    for axis in 0..D {
        let (output, ratio) = stride(axis);
        if output == 0 || !ratio.is_finite() || ratio <= 0.0 {
            return Err(Error::Setting {
                op: OP,
                setting: "the size",
                rule: "at least one voxel along each axis",
                value: format!("{size:?} of {spatial:?}"),
            });
        }
        shape[axis + 2] = output;
    }
    support::check_output(OP, &shape)?;
    step.end(
        &[Some(input)],
        || Op::Resize {
            to: size.into(),
            interpolation,
        },
        resample::<D>(OP, input, 0.0, |axis, extent| {
            let (output, ratio) = stride(axis);
            interpolation.axis_map(extent, output, ratio)
        })?,
    )
}
