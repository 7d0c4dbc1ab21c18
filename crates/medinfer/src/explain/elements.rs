//! Tensors as numbers, and numbers as images.

use mednn::candle_core::{DType, Tensor};
use mednn::model::Inputs;

use crate::error::Result;

/// All elements in storage order.
pub(super) fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    let values = tensor.to_dtype(DType::F64).and_then(|t| t.flatten_all());
    let values = values.and_then(|t| t.to_vec1::<f64>());
    Ok(values.map_err(mednn::Error::from)?)
}

/// The same inputs with other intensities, in the shape, the element type and on the device of the image.
pub(super) fn with_image(inputs: &Inputs, values: Vec<f64>) -> Result<Inputs> {
    let image = inputs.image()?;
    let changed = Tensor::from_vec(values, image.dims(), image.device());
    let changed = changed.and_then(|changed| changed.to_dtype(image.dtype()));
    let changed = changed.map_err(mednn::Error::from)?;
    Ok(inputs.clone().with(Inputs::IMAGE, changed))
}
