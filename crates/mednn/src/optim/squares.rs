//! Sums of squares of gradients and parameters.

use candle_core::Tensor;

use super::update::update_and_sum;
#[cfg(feature = "cuda")]
use crate::cuda::update::Squares;
use crate::error::Result;

/// The sum of the squares of a tensor, which a GPU may still be working on.
pub(super) enum SquareSum {
    Known(f64),
    #[cfg(feature = "cuda")]
    Coming(Squares),
}

impl SquareSum {
    pub(super) fn of(tensor: &Tensor) -> Result<Self> {
        #[cfg(feature = "cuda")]
        if tensor.device().is_cuda() {
            return Ok(Self::Coming(Squares::of(tensor)?));
        }
        let [sum] = update_and_sum(
            [],
            [&tensor.contiguous()?],
            #[inline(always)]
            |[], _| [],
            #[inline(always)]
            |[], [g]| [g * g],
        )?;
        Ok(Self::Known(sum))
    }

    /// The sum; waits for it.
    pub(super) fn read(&self) -> Result<f64> {
        match self {
            Self::Known(sum) => Ok(*sum),
            #[cfg(feature = "cuda")]
            Self::Coming(squares) => Ok(squares.read()?),
        }
    }
}
