//! The nodes that select and add by indices.

use std::sync::Arc;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, DType, Device, Layout, Shape, Tensor};

use super::node::{Gradients, Node};
use super::support::{self, for_element};
use crate::cpu::buffer::Columns;
use crate::cpu::index as kernel;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};

/// Indices into an axis.
pub(super) struct Indices {
    pub(super) numbers: Arc<[u32]>,
    /// Of one axis for all columns, or of each element for itself.
    #[cfg(feature = "cuda")]
    common: bool,
    /// The same numbers where they came from, if that is a GPU.
    #[cfg(feature = "cuda")]
    there: Option<Tensor>,
}

impl Indices {
    /// Indices as numbers below `count`.
    pub(super) fn read(op: &'static str, indices: &Tensor, count: usize) -> Result<Self> {
        if !matches!(indices.dtype(), DType::U8 | DType::U32 | DType::I64) {
            return Err(Error::ElementType {
                op,
                tensor: "the indices",
                expected: "u32, u8 or i64",
                got: indices.dtype(),
            });
        }
        let wide = indices.to_device(&Device::Cpu)?.flatten_all()?;
        let numbers = wide.to_dtype(DType::I64)?.to_vec1::<i64>()?;
        let in_axis = |number| match u32::try_from(number) {
            Ok(index) if (index as usize) < count => Ok(index),
            _ => Err(Error::Setting {
                op,
                setting: "an index",
                rule: "at least 0 and below the length of the axis",
                value: format!("{number} for {count}"),
            }),
        };
        let numbers: Arc<[u32]> = numbers.into_iter().map(in_axis).collect::<Result<_>>()?;
        Ok(Self {
            #[cfg(feature = "cuda")]
            common: indices.rank() == 1,
            #[cfg(feature = "cuda")]
            there: match (indices.device(), indices.dtype()) {
                (Device::Cuda(_), DType::U32) => Some(indices.clone()),
                (device @ Device::Cuda(_), _) => Some(Tensor::new(&*numbers, device)?),
                _ => None,
            },
            numbers,
        })
    }

    /// Calls `f` with the indices on the GPU.
    #[cfg(feature = "cuda")]
    fn on_device<R>(
        &self,
        columns: Columns,
        f: impl FnOnce(&cuda::index::Indices<'_>) -> candle_core::Result<R>,
    ) -> candle_core::Result<R> {
        let Some(there) = &self.there else {
            let said = "indices on the CPU meet a tensor on a GPU";
            return Err(candle_core::Error::Msg(said.to_owned()));
        };
        cuda::with_array::<u32, _>(there, |values| {
            f(&cuda::index::Indices {
                columns,
                values,
                common: self.common,
            })
        })
    }

    /// What they select of an input on the GPU, in this shape.
    #[cfg(feature = "cuda")]
    fn select_on_device(
        &self,
        op: &'static str,
        columns: Columns,
        (storage, layout): (&CudaStorage, &Layout),
        shape: &[usize],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(storage, op, T => {
            let input = cuda::elements::<T>(storage, layout)?;
            let output = self.on_device(columns, |i| i.select(&input))?;
            Ok(cuda::output(output, shape, &storage.device))
        })
    }

    /// The gradient of what they selected from on the GPU.
    #[cfg(feature = "cuda")]
    fn add_on_device(
        &self,
        op: &'static str,
        columns: Columns,
        input: &Tensor,
        gradient: &Tensor,
    ) -> Gradients {
        for_element!(input, op, T => {
            let values = cuda::with_array::<T, _>(gradient, |g| {
                self.on_device(columns, |i| i.add(None, g))
            })?;
            Ok([Some(cuda::tensor(values, input.dims(), input)?), None, None])
        })
    }
}

pub(super) struct IndexSelectNode {
    pub(super) columns: Columns,
    pub(super) axis: usize,
    pub(super) indices: Indices,
}

impl IndexSelectNode {
    /// Of what is selected from an input of this layout.
    fn shape(&self, input: &Layout) -> Vec<usize> {
        let mut shape = input.dims().to_vec();
        shape[self.axis] = self.indices.numbers.len();
        shape
    }
}

impl Node for IndexSelectNode {
    fn name(&self) -> &'static str {
        "index_select"
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let shape = self.shape(inputs[0].1);
        for_element!(inputs[0].0, self.name(), T => {
            let input = support::elements::<T>(inputs[0].0, inputs[0].1)?;
            Ok(support::output(kernel::select(self.columns, &self.indices.numbers, input), &shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(
        &self,
        inputs: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let shape = self.shape(inputs[0].1);
        self.indices
            .select_on_device(self.name(), self.columns, inputs[0], &shape)
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Gradients {
        let input = inputs[0];
        if !input.track_op() {
            return Ok([None, None, None]);
        }
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            let op = self.name();
            return self
                .indices
                .add_on_device(op, self.columns, input, gradient);
        }
        for_element!(input, self.name(), T => {
            let values = support::with_elements::<T, _>(gradient, |g| {
                Ok(kernel::add_columns(self.columns, &self.indices.numbers, g))
            })?;
            Ok([Some(support::tensor(values, input.dims(), input)?), None, None])
        })
    }
}

pub(super) struct GatherNode {
    pub(super) columns: Columns,
    pub(super) shape: Vec<usize>,
    pub(super) indices: Indices,
}

impl Node for GatherNode {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(inputs[0].0, self.name(), T => {
            let input = support::elements::<T>(inputs[0].0, inputs[0].1)?;
            Ok(support::output(kernel::gather(self.columns, &self.indices.numbers, input), &self.shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(
        &self,
        inputs: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        self.indices
            .select_on_device(self.name(), self.columns, inputs[0], &self.shape)
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Gradients {
        let input = inputs[0];
        if !input.track_op() {
            return Ok([None, None, None]);
        }
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            let op = self.name();
            return self
                .indices
                .add_on_device(op, self.columns, input, gradient);
        }
        for_element!(input, self.name(), T => {
            let values = support::with_elements::<T, _>(gradient, |g| {
                Ok(kernel::scatter_add(self.columns, &self.indices.numbers, None, g))
            })?;
            Ok([Some(support::tensor(values, input.dims(), input)?), None, None])
        })
    }
}

pub(super) struct ScatterAddNode {
    pub(super) columns: Columns,
    pub(super) indices: Indices,
}

impl Node for ScatterAddNode {
    fn name(&self) -> &'static str {
        "scatter_add"
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let shape = inputs[0].1.dims();
        for_element!(inputs[0].0, self.name(), T => {
            let inputs: Vec<&[T]> = support::all_elements(inputs)?;
            let sums = kernel::scatter_add(self.columns, &self.indices.numbers, Some(inputs[0]), inputs[1]);
            Ok(support::output(sums, shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(
        &self,
        inputs: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let (s, l) = inputs[0];
        for_element!(s, self.name(), T => {
            let arrays = cuda::all_elements::<T>(inputs)?;
            let add = |i: &cuda::index::Indices<'_>| i.add(Some(&arrays[0]), &arrays[1]);
            let sums = self.indices.on_device(self.columns, add)?;
            Ok(cuda::output(sums, l.dims(), &s.device))
        })
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Gradients {
        let (base, source) = (inputs[0], inputs[1]);
        let of_base = base.track_op().then(|| gradient.clone());
        if !source.track_op() {
            return Ok([of_base, None, None]);
        }
        #[cfg(feature = "cuda")]
        if source.device().is_cuda() {
            return for_element!(source, self.name(), T => {
                let values = cuda::with_array::<T, _>(gradient, |g| {
                    self.indices.on_device(self.columns, |i| i.select(g))
                })?;
                Ok([of_base, Some(cuda::tensor(values, source.dims(), source)?), None])
            });
        }
        for_element!(source, self.name(), T => {
            let values = support::with_elements::<T, _>(gradient, |g| {
                Ok(kernel::gather(self.columns, &self.indices.numbers, g))
            })?;
            Ok([of_base, Some(support::tensor(values, source.dims(), source)?), None])
        })
    }
}
