//! The operators that pick elements of planes by flat index, and put them back.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp2, Layout, Shape, Tensor};

use super::support::{self, Element, for_element};
#[cfg(feature = "cuda")]
use crate::cpu::buffer::Columns;
use crate::cpu::select as kernel;
use crate::cpu::select::Bins;
#[cfg(feature = "cuda")]
use crate::cuda::{
    self,
    index::{Indices, Meeting},
};
use crate::error::{Error, Result};
use crate::tape::Apply as _;

/// Refuses bins over planes whose indices do not fit in `u32`.
pub(super) fn check_plane(op: &'static str, input: &Tensor) -> Result<()> {
    let spatial = &input.dims()[2..];
    if u32::try_from(spatial.iter().product::<usize>()).is_ok() {
        return Ok(());
    }
    Err(Error::Setting {
        op,
        setting: "the number of elements of a plane",
        rule: "below 2^32",
        value: format!("{spatial:?}"),
    })
}

/// The flat index of the largest element of each bin, as a tensor of `u32` that is not on the tape.
pub(super) fn arg_max(
    input: &Tensor,
    bins: &Bins,
    shape: &[usize],
    op: &'static str,
) -> Result<Tensor> {
    let rows = shape[0] * shape[1];
    #[cfg(feature = "cuda")]
    if input.device().is_cuda() {
        return for_element!(input, op, T => {
            let of = |x: &cuda::Array<'_, T>| cuda::pool::arg_max(bins, rows, x);
            Ok(cuda::tensor(cuda::with_array::<T, _>(input, of)?, shape, input)?)
        });
    }
    let indices = for_element!(input, op, T => {
        support::with_elements::<T, _>(input, |x| Ok(kernel::arg_max(bins, rows, x)))
    });
    let indices: candle_core::Result<Vec<u32>> = indices;
    Ok(Tensor::from_vec(indices?, shape, input.device())?)
}

/// The elements of each plane `[batch, channels, ...]` at `indices`, which lie inside it.
pub(super) fn gather(op: &'static str, input: &Tensor, indices: &Tensor) -> Result<Tensor> {
    let selection = Selection {
        name: op,
        plane: input.dims()[2..].to_vec(),
        way: Way::Gather,
    };
    Ok(input.contiguous()?.apply2(indices, selection)?)
}

/// Planes of extents `plane` with the input's elements at `indices`, which lie inside them, and zeros elsewhere.
pub(super) fn scatter(
    op: &'static str,
    input: &Tensor,
    indices: &Tensor,
    plane: &[usize],
) -> Result<Tensor> {
    let selection = Selection {
        name: op,
        plane: plane.to_vec(),
        way: Way::Scatter,
    };
    Ok(input
        .contiguous()?
        .apply2(&indices.contiguous()?, selection)?)
}

#[derive(Clone, Copy)]
enum Way {
    /// From planes to picked elements.
    Gather,
    /// From picked elements to planes.
    Scatter,
}

struct Selection {
    name: &'static str,
    /// Extents of the plane that is picked from or written to.
    plane: Vec<usize>,
    way: Way,
}

impl Selection {
    fn plane_len(&self) -> usize {
        self.plane.iter().product()
    }

    /// The indices of the planes of `[batch, channels, ...]` on a GPU.
    #[cfg(feature = "cuda")]
    fn indices<'a>(&self, dims: &[usize], values: &'a cuda::Array<'a, u32>) -> Indices<'a> {
        let columns = Columns {
            outer: dims[0] * dims[1],
            count: self.plane_len(),
            inner: 1,
        };
        Indices {
            columns,
            values,
            common: false,
        }
    }
}

impl CustomOp2 for Selection {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let rows = l1.dims()[0] * l1.dims()[1];
        let indices = support::elements::<u32>(s2, l2)?;
        for_element!(s1, self.name, T => {
            let input = support::elements::<T>(s1, l1)?;
            Ok(match self.way {
                Way::Gather => {
                    let picked = kernel::gather(rows, self.plane_len(), input, indices);
                    support::output(picked, l2.dims())
                }
                Way::Scatter => {
                    let planes = kernel::scatter_last(rows, self.plane_len(), input, indices);
                    let shape = [&l1.dims()[..2], &self.plane[..]].concat();
                    support::output(planes, &shape)
                }
            })
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
        let values = cuda::elements::<u32>(s2, l2)?;
        let indices = self.indices(l1.dims(), &values);
        for_element!(s1, self.name, T => {
            let input = cuda::elements::<T>(s1, l1)?;
            Ok(match self.way {
                Way::Gather => cuda::output(indices.select(&input)?, l2.dims(), &s1.device),
                Way::Scatter => {
                    let planes = indices.put_rows(None, &input, Meeting::Last)?;
                    let shape = [&l1.dims()[..2], &self.plane[..]].concat();
                    cuda::output(planes, &shape, &s1.device)
                }
            })
        })
    }

    fn bwd(
        &self,
        input: &Tensor,
        indices: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        if !input.track_op() {
            return Ok((None, None));
        }
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            let of_input: candle_core::Result<Tensor> = for_element!(input, self.name, T => {
                let values = cuda::with_array::<u32, _>(indices, |indices| {
                    let indices = self.indices(input.dims(), indices);
                    cuda::with_array::<T, _>(gradient, |g| match self.way {
                        Way::Gather => indices.add(None, g),
                        Way::Scatter => indices.select(g),
                    })
                })?;
                cuda::tensor(values, input.dims(), input)
            });
            return Ok((Some(of_input?), None));
        }
        for_element!(input, self.name, T => {
            let values = self.back::<T>(input, indices, gradient)?;
            Ok((Some(support::tensor(values, input.dims(), input)?), None))
        })
    }
}

impl Selection {
    fn back<T: Element>(
        &self,
        input: &Tensor,
        indices: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Vec<T>> {
        let rows = input.dims()[0] * input.dims()[1];
        let back = match self.way {
            Way::Gather => kernel::scatter_add::<T>,
            Way::Scatter => kernel::gather::<T>,
        };
        support::with_elements::<T, _>(gradient, |g| {
            support::with_raw_elements::<u32, _>(indices, |indices| {
                Ok(back(rows, self.plane_len(), g, indices))
            })
        })
    }
}
