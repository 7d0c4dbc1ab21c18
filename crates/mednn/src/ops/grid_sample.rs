//! Sampling an image at given places, in 1D, 2D and 3D.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Shape, Tensor};

use super::support::{self, check_float, check_same_type, check_spatial, for_element};
use crate::cpu::grid_sample::{self as kernel, Problem};
pub use crate::cpu::grid_sample::{GridInterpolation, GridPadding, GridSampleConfig};
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};
use crate::tape::Apply as _;

impl GridSampleConfig {
    /// Linear interpolation, zeros outside, -1 and 1 at outer edges: PyTorch's defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the interpolation.
    #[must_use]
    pub fn with_interpolation(mut self, interpolation: GridInterpolation) -> Self {
        self.interpolation = interpolation;
        self
    }

    /// Sets what lies outside.
    #[must_use]
    pub fn with_padding(mut self, padding: GridPadding) -> Self {
        self.padding = padding;
        self
    }

    /// Sets whether -1 and 1 are the centres of the outermost voxels.
    #[must_use]
    pub fn with_align_corners(mut self, align_corners: bool) -> Self {
        self.align_corners = align_corners;
        self
    }
}

/// Samples the input at the places of a grid, `D` = 1, 2 or 3; PyTorch's `grid_sample`, cubic also in 1D and 3D.
///
/// A place holds one coordinate an axis, **the last axis first** (`x, y, z`), -1 and 1 being the ends of the axis.
/// A place that is NaN gives NaN. Input and grid both get gradients; that of the grid is zero for nearest voxels.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::{GridSampleConfig, grid_sample};
///
/// let x = Tensor::new(&[[[[1.0_f32, 3.0]]]], &Device::Cpu)?;
/// let grid = Tensor::new(&[[[[-1.0_f32, 0.0], [0.0, 0.0]]]], &Device::Cpu)?;
/// let y = grid_sample::<2>(&x, &grid, &GridSampleConfig::new().with_align_corners(true))?;
/// assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - input: `[batch, channels, depth, height, width]`, `[batch, channels, height, width]` or `[batch, channels, width]`
/// - grid: `[batch, ...size, D]`
/// - output: `[batch, channels, ...size]`
///
/// # Errors
/// Refuses other shapes, tensors of different element types and element types other than f32 and f64.
pub fn grid_sample<const D: usize>(
    input: &Tensor,
    grid: &Tensor,
    config: &GridSampleConfig,
) -> Result<Tensor> {
    const OP: &str = "grid_sample";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_spatial::<D>(OP, "the input", input)?;
    check_same_type(OP, "the grid", grid, input)?;
    support::check_rank(OP, "the grid", grid, D + 2)?;
    for (axis, needed) in [(0, input.dims()[0]), (D + 1, D)] {
        if grid.dims()[axis] != needed {
            return Err(Error::Axis {
                op: OP,
                tensor: "the grid",
                axis,
                rule: format!("{needed} long for the input {:?}", input.dims()),
                got: grid.dims().to_vec(),
            });
        }
    }
    let shape = [&input.dims()[..2], &grid.dims()[1..=D]].concat();
    support::check_output(OP, &shape)?;
    let mut extent = [1; 3];
    extent[3 - D..].copy_from_slice(&input.dims()[2..]);
    let problem = Problem {
        config: *config,
        batch: shape[0],
        channels: shape[1],
        input: extent,
        axes: D,
        samples: shape[2..].iter().product(),
    };
    step.end(
        &[Some(input), Some(grid)],
        || Op::GridSample(*config),
        input
            .contiguous()?
            .apply2(&grid.contiguous()?, GridSampleOp { problem, shape })?,
    )
}

struct GridSampleOp {
    problem: Problem,
    /// Of the output.
    shape: Vec<usize>,
}

impl CustomOp2 for GridSampleOp {
    fn name(&self) -> &'static str {
        "grid_sample"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s1, "grid_sample", T => {
            let (input, grid) = (support::elements::<T>(s1, l1)?, support::elements::<T>(s2, l2)?);
            Ok(support::output(kernel::forward(&self.problem, input, grid), &self.shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s1, "grid_sample", T => {
            let (input, grid) = (cuda::elements::<T>(s1, l1)?, cuda::elements::<T>(s2, l2)?);
            let samples = cuda::grid_sample::forward(&self.problem, &input, &grid)?;
            Ok(cuda::output(samples, &self.shape, &s1.device))
        })
    }

    fn bwd(
        &self,
        input: &Tensor,
        grid: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            return self.backward_on_device(input, grid, gradient);
        }
        for_element!(input, "grid_sample", T => {
            support::with_elements::<T, _>(gradient, |g| {
                support::with_elements::<T, _>(grid, |places| {
                    let for_input = input.track_op().then(|| {
                        let values = kernel::backward_input(&self.problem, places, g);
                        support::tensor(values, input.dims(), input)
                    });
                    let for_grid = grid.track_op().then(|| {
                        support::with_elements::<T, _>(input, |x| {
                            let values = kernel::backward_places(&self.problem, x, places, g);
                            support::tensor(values, grid.dims(), grid)
                        })
                    });
                    Ok((for_input.transpose()?, for_grid.transpose()?))
                })
            })
        })
    }
}

#[cfg(feature = "cuda")]
impl GridSampleOp {
    fn backward_on_device(
        &self,
        input: &Tensor,
        grid: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        for_element!(input, "grid_sample", T => {
            cuda::with_arrays::<T, _>(&[input, grid, gradient], |arrays| {
                let [x, places, g] = arrays else {
                    return Err(candle_core::Error::BackwardNotSupported { op: "grid_sample" });
                };
                let for_input = input.track_op().then(|| {
                    let values = cuda::grid_sample::backward_input(&self.problem, places, g)?;
                    cuda::tensor(values, input.dims(), input)
                });
                let for_grid = grid.track_op().then(|| {
                    let values = cuda::grid_sample::backward_places(&self.problem, x, places, g)?;
                    cuda::tensor(values, grid.dims(), grid)
                });
                Ok((for_input.transpose()?, for_grid.transpose()?))
            })
        })
    }
}
