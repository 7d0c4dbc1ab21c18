//! The operator behind resizing, padding and adaptive averages: one linear map an axis.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::support::{self, for_element};
use crate::cpu::resample::{self as kernel, GridMap};
use crate::cpu::taps::AxisMap;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::Result;
use crate::tape::Apply as _;

/// Applies `axes(axis, extent)` to each of the `D` spatial axes; output voxels that take nothing are `outside`.
pub(super) fn resample<const D: usize>(
    name: &'static str,
    input: &Tensor,
    outside: f64,
    axes: impl Fn(usize, usize) -> AxisMap,
) -> Result<Tensor> {
    let mut shape = input.dims().to_vec();
    let missing = 3 - D;
    let axes = std::array::from_fn(|axis| match axis.checked_sub(missing) {
        None => AxisMap::identity(1),
        Some(axis) => axes(axis, shape[axis + 2]),
    });
    let map = GridMap { axes, outside };
    shape[2..].copy_from_slice(&map.output()[missing..]);
    Ok(input
        .contiguous()?
        .apply1(ResampleOp { name, map, shape })?)
}

struct ResampleOp {
    name: &'static str,
    map: GridMap,
    /// Of the output.
    shape: Vec<usize>,
}

impl CustomOp1 for ResampleOp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let rows = self.shape[0] * self.shape[1];
        for_element!(s, self.name, T => {
            let output = kernel::forward(&self.map, rows, support::elements::<T>(s, l)?);
            Ok(support::output(output, &self.shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let rows = self.shape[0] * self.shape[1];
        for_element!(s, self.name, T => {
            let output = cuda::resample::forward(&self.map, rows, &cuda::elements::<T>(s, l)?)?;
            Ok(cuda::output(output, &self.shape, &s.device))
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
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            return for_element!(input, self.name, T => {
                let back = self.map.transposed();
                let values = cuda::with_array::<T, _>(gradient, |g| cuda::resample::forward(&back, rows, g))?;
                cuda::tensor(values, input.dims(), input).map(Some)
            });
        }
        for_element!(input, self.name, T => {
            let values = support::with_elements::<T, _>(gradient, |g| {
                Ok(kernel::forward(&self.map.transposed(), rows, g))
            })?;
            support::tensor(values, input.dims(), input).map(Some)
        })
    }
}
