//! Tensors as numbers, and numbers as images.

use mednn::candle_core::{DType, Device, Tensor};
use mednn::context::Context;
use mednn::model::{Inputs, Model};

use crate::error::Result;

/// All elements in storage order, from any device.
pub(super) fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    let here = tensor.to_device(&Device::Cpu);
    let wide = here.and_then(|t| t.to_dtype(DType::F64)?.flatten_all());
    let values = wide.and_then(|t| t.to_vec1::<f64>());
    Ok(values.map_err(mednn::Error::from)?)
}

/// Numbers in the shape, the element type and on the device of another tensor.
pub(super) fn like(values: Vec<f64>, other: &Tensor) -> Result<Tensor> {
    let here = Tensor::from_vec(values, other.dims(), &Device::Cpu);
    let there = here.and_then(|t| t.to_dtype(other.dtype())?.to_device(other.device()));
    Ok(there.map_err(mednn::Error::from)?)
}

/// What a network says of inputs, wherever these are.
pub(super) fn logits(network: &dyn Model, inputs: &Inputs) -> Result<Tensor> {
    let inputs = inputs.to_device(network.params().device())?;
    Ok(network.forward(&inputs, &Context::evaluate())?.logits)
}

/// The same inputs with other intensities, in the shape, the element type and on the device of the image.
pub(super) fn with_image(inputs: &Inputs, values: Vec<f64>) -> Result<Inputs> {
    let changed = like(values, inputs.image()?)?;
    Ok(inputs.clone().with(Inputs::IMAGE, changed))
}
