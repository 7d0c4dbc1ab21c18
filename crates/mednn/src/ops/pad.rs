//! Padding in 1D, 2D and 3D.

use candle_core::Tensor;

use super::resample::resample;
use super::support::{self, check_float, check_spatial};
pub use crate::cpu::pad::PadMode;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};

/// Adds voxels in front of and behind the spatial axes, `D` = 1, 2 or 3.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::{PadMode, pad};
///
/// let x = Tensor::new(&[[[1.0_f32, 2.0, 3.0]]], &Device::Cpu)?;
/// let y = pad(&x, [(2, 1)], PadMode::Reflect)?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input and output: `[batch, channels, depth, height, width]`, `[batch, channels, height, width]` or
///   `[batch, channels, width]`
///
/// # Errors
/// Refuses other numbers of axes, a reflection as wide as the input, a ring wider than it, an output too large for memory
/// and element types other than f32 and f64.
pub fn pad<const D: usize>(
    input: &Tensor,
    widths: [(usize, usize); D],
    mode: PadMode,
) -> Result<Tensor> {
    const OP: &str = "pad";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_spatial::<D>(OP, "the input", input)?;
    let mut shape = input.dims().to_vec();
    for (axis, &(before, after)) in widths.iter().enumerate() {
        let extent = shape[axis + 2];
        let widest = before.max(after);
        let rule = match mode {
            PadMode::Reflect if widest >= extent => {
                format!("longer than the reflected border of {widest}")
            }
            PadMode::Circular if widest > extent => {
                format!("at least as long as the repeated border of {widest}")
            }
            _ => {
                shape[axis + 2] = extent.saturating_add(before).saturating_add(after);
                continue;
            }
        };
        return Err(Error::Axis {
            op: OP,
            tensor: "the input",
            axis: axis + 2,
            rule,
            got: input.dims().to_vec(),
        });
    }
    support::check_output(OP, &shape)?;
    let outside = match mode {
        PadMode::Constant(value) => value,
        _ => 0.0,
    };
    step.end(
        &[Some(input)],
        || Op::Pad {
            widths: widths.into(),
            mode,
        },
        resample::<D>(OP, input, outside, |axis, extent| {
            mode.axis_map(extent, widths[axis].0, widths[axis].1)
        })?,
    )
}
