//! From tensors on a device to what kernels read, and back.

use candle_core::cuda_backend::CudaDType;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView, DeviceRepr};
use candle_core::op::BackpropOp;
use candle_core::{CudaDevice, CudaStorage, Layout, Shape, Storage, Tensor};

use super::launch::Argument;
use crate::ops::support;

/// An element type with kernels on a device.
pub(crate) trait Element: support::Element + CudaDType + DeviceRepr + Argument {
    /// What the names of its kernels end in.
    const SUFFIX: &'static str;
}

impl Element for f32 {
    const SUFFIX: &'static str = "f32";
}

impl Element for f64 {
    const SUFFIX: &'static str = "f64";
}

/// The elements of a contiguous tensor on a device.
#[derive(Debug)]
pub(crate) struct Array<'a, T> {
    pub(super) device: &'a CudaDevice,
    pub(super) elements: CudaView<'a, T>,
}

impl<'a, T> Array<'a, T> {
    /// What a kernel made, for another kernel.
    pub(crate) fn of(like: &Array<'a, impl Sized>, made: &'a CudaSlice<T>) -> Self {
        Self {
            device: like.device,
            elements: made.as_view(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    /// Memory on the same device for the result of an operator, not cleared.
    pub(super) fn result<U: DeviceRepr>(
        &self,
        op: &'static str,
        len: usize,
    ) -> candle_core::Result<CudaSlice<U>> {
        super::launch::allocate(self.device, op, len)
    }
}

/// The elements of a contiguous storage.
pub(crate) fn elements<'a, T: CudaDType>(
    storage: &'a CudaStorage,
    layout: &Layout,
) -> candle_core::Result<Array<'a, T>> {
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or_else(|| candle_core::Error::RequiresContiguous { op: "mednn" })?;
    Ok(Array {
        device: &storage.device,
        elements: storage.as_cuda_slice::<T>()?.slice(start..end),
    })
}

/// The elements of a contiguous storage, which must be on a GPU.
pub(super) fn on_device<'a, T: CudaDType>(
    storage: &'a Storage,
    layout: &Layout,
) -> candle_core::Result<Array<'a, T>> {
    match storage {
        Storage::Cuda(storage) => elements(storage, layout),
        other => Err(candle_core::Error::Msg(format!(
            "a tensor on {:?} meets others on a GPU",
            other.device().location()
        ))),
    }
}

/// The elements of several contiguous storages.
pub(crate) fn all_elements<'a, T: CudaDType>(
    inputs: &[(&'a CudaStorage, &Layout)],
) -> candle_core::Result<Vec<Array<'a, T>>> {
    inputs
        .iter()
        .map(|(storage, layout)| elements(storage, layout))
        .collect()
}

/// Calls `f` with the elements of a tensor in storage order, copied first if it is not contiguous.
pub(crate) fn with_array<T: CudaDType, R>(
    tensor: &Tensor,
    f: impl FnOnce(&Array<'_, T>) -> candle_core::Result<R>,
) -> candle_core::Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    f(&on_device(&storage, layout)?)
}

/// As [`with_array`], for several tensors.
pub(crate) fn with_arrays<T: CudaDType, R>(
    tensors: &[&Tensor],
    f: impl FnOnce(&[Array<'_, T>]) -> candle_core::Result<R>,
) -> candle_core::Result<R> {
    let tensors: Vec<Tensor> = tensors
        .iter()
        .map(|tensor| tensor.contiguous())
        .collect::<candle_core::Result<_>>()?;
    let held: Vec<_> = tensors.iter().map(Tensor::storage_and_layout).collect();
    let arrays: Vec<Array<'_, T>> = held
        .iter()
        .map(|(storage, layout)| on_device(storage, layout))
        .collect::<candle_core::Result<_>>()?;
    f(&arrays)
}

/// What a kernel made, as candle wants it.
pub(crate) fn output<T: CudaDType>(
    values: CudaSlice<T>,
    shape: &[usize],
    device: &CudaDevice,
) -> (CudaStorage, Shape) {
    (
        CudaStorage::wrap_cuda_slice(values, device.clone()),
        Shape::from_dims(shape),
    )
}

/// A new tensor that is not on the tape.
pub(crate) fn tensor<T: CudaDType>(
    values: CudaSlice<T>,
    shape: &[usize],
    like: &Tensor,
) -> candle_core::Result<Tensor> {
    Ok(tensor_on(like.device().as_cuda_device()?, values, shape))
}

/// As [`tensor`], on this device.
pub(crate) fn tensor_on<T: CudaDType>(
    device: &CudaDevice,
    values: CudaSlice<T>,
    shape: &[usize],
) -> Tensor {
    let storage = CudaStorage::wrap_cuda_slice(values, device.clone());
    Tensor::from_storage(
        Storage::Cuda(storage),
        Shape::from_dims(shape),
        BackpropOp::none(),
        false,
    )
}
