//! What operators with prepared weights ask of the tensors they are given.

use candle_core::{DType, Tensor};

use super::conv::check_device;
use crate::error::{Error, Result};

/// Refuses a tensor of another type than the weights.
pub(super) fn check_type(
    op: &'static str,
    weights: DType,
    name: &'static str,
    tensor: &Tensor,
) -> Result<()> {
    if tensor.dtype() == weights {
        return Ok(());
    }
    Err(Error::ElementType {
        op,
        tensor: name,
        expected: match weights {
            DType::F64 => "f64, as the weights",
            _ => "f32, as the weights",
        },
        got: tensor.dtype(),
    })
}

/// Refuses a tensor that the kernels cannot read and one that wants a gradient.
pub(super) fn check_operand(
    op: &'static str,
    weights: DType,
    name: &'static str,
    tensor: &Tensor,
) -> Result<()> {
    check_device(op, tensor)?;
    check_type(op, weights, name, tensor)?;
    if tensor.track_op() {
        return Err(Error::Setting {
            op,
            setting: name,
            rule: "free of gradients, which do not pass prepared weights",
            value: "a tracked tensor".to_owned(),
        });
    }
    Ok(())
}
