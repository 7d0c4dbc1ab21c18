//! Tensors of one axis as numbers in memory.

use mednn::candle_core::{DType, Device, Tensor};

use crate::error::{Error, Result};

/// The values of a tensor of one axis.
#[derive(Debug, Clone)]
pub(super) enum Flat {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Flat {
    /// The values of a tensor `[values]` of f32 or f64.
    pub(super) fn of(values: &Tensor) -> Result<Self> {
        match (values.rank(), values.dtype()) {
            (1, DType::F32) => Ok(Self::F32(values.to_vec1()?)),
            (1, DType::F64) => Ok(Self::F64(values.to_vec1()?)),
            (_, dtype) => Err(Error::Collective {
                reason: format!(
                    "needs [values] of f32 or f64, got {:?} of {dtype:?}",
                    values.dims()
                ),
            }),
        }
    }

    /// Adds the values of another rank.
    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        match (&mut *self, other) {
            (Self::F32(sums), Self::F32(values)) if sums.len() == values.len() => {
                sums.iter_mut().zip(values).for_each(|(s, v)| *s += v);
            }
            (Self::F64(sums), Self::F64(values)) if sums.len() == values.len() => {
                sums.iter_mut().zip(values).for_each(|(s, v)| *s += v);
            }
            (own, other) => {
                return Err(Error::Collective {
                    reason: format!("one rank sent {}, another {}", own.kind(), other.kind()),
                });
            }
        }
        Ok(())
    }

    /// The values as a tensor `[values]`.
    pub(super) fn into_tensor(self, device: &Device) -> Result<Tensor> {
        Ok(match self {
            Self::F32(values) => Tensor::new(values, device)?,
            Self::F64(values) => Tensor::new(values, device)?,
        })
    }

    fn kind(&self) -> String {
        match self {
            Self::F32(values) => format!("{} values of f32", values.len()),
            Self::F64(values) => format!("{} values of f64", values.len()),
        }
    }
}

/// Refuses a root that is none of the ranks.
pub(super) fn check_root(root: usize, world_size: usize) -> Result<()> {
    if root < world_size {
        return Ok(());
    }
    Err(Error::Collective {
        reason: format!("rank {root} is none of {world_size}"),
    })
}
