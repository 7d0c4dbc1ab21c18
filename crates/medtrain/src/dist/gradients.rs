//! Gradients and weights that all ranks share.

use std::ops::Range;

use mednn::candle_core::backprop::GradStore;
use mednn::candle_core::{DType, Device, Tensor};
use mednn::params::Param;
use mednn::{Model, Params};

use super::collective::Collective;
use crate::error::Result;

/// Values sent together: large enough that a message's delay does not count, small enough to need little memory (25 MB, as
/// PyTorch's `DistributedDataParallel` takes).
const BUCKET: usize = 25 * 1024 * 1024 / 4;

/// Replaces the gradients of a mean over `weight` samples by those of the mean over the samples of all ranks; returns how many
/// these are.
///
/// `sum_r weight_r g_r / sum_r weight_r`, for parameters in the order of their names. A parameter that has a gradient on no rank
/// keeps none; on ranks where it has none it counts as zero.
///
/// # Errors
/// When a rank is gone, or gradients do not have their parameters' shapes.
pub fn all_reduce_gradients(
    collective: &dyn Collective,
    params: &Params,
    gradients: &mut GradStore,
    weight: f64,
) -> Result<f64> {
    let parameters = params.parameters();
    let own = presence(&parameters, gradients, weight);
    let all = collective.all_reduce_sum(&Tensor::new(own, &Device::Cpu)?)?;
    let all = all.to_vec1::<f64>()?;
    let (total, present) = (all[0], &all[1..]);
    if collective.world_size() == 1 || total == 0.0 {
        return Ok(total);
    }
    let parameters = parameters.into_iter().zip(present);
    let shared: Vec<Param> = parameters
        .filter_map(|(p, n)| (*n > 0.0).then_some(p))
        .collect();
    for bucket in buckets(&shared) {
        let bucket = &shared[bucket];
        let flat = flatten(bucket, gradients, weight / total)?;
        let sum = collective.all_reduce_sum(&flat)?;
        let mut first = 0;
        for param in bucket {
            let count = param.var().elem_count();
            let own = sum.narrow(0, first, count)?.reshape(param.var().dims())?;
            gradients.insert(param.var().as_tensor(), own);
            first += count;
        }
    }
    Ok(total)
}

/// Gives all ranks the parameters and buffers of rank 0.
///
/// # Errors
/// When a rank is gone, or the networks differ.
pub fn broadcast_network(collective: &dyn Collective, model: &dyn Model) -> Result<()> {
    let params = model.params();
    for param in params.parameters() {
        let value = param.value();
        let flat = collective.broadcast(&value.flatten_all()?, 0)?;
        param.set(&flat.reshape(value.dims())?)?;
    }
    for buffer in params.buffers() {
        let value = buffer.tensor();
        let flat = value.flatten_all()?.to_dtype(DType::F64)?;
        let flat = collective.broadcast(&flat, 0)?;
        buffer.set(&flat.reshape(value.dims())?.to_dtype(value.dtype())?)?;
    }
    Ok(())
}

/// Gives all ranks the mean of their buffers of real numbers (running statistics of batch norm, which see a rank's items alone);
/// counters are the same everywhere and stay.
///
/// # Errors
/// As [`broadcast_network`].
pub fn average_buffers(collective: &dyn Collective, model: &dyn Model) -> Result<()> {
    if collective.world_size() == 1 {
        return Ok(());
    }
    let mut buffers = model.params().buffers();
    buffers.retain(|buffer| buffer.tensor().dtype().is_float());
    let mut values = Vec::new();
    for buffer in &buffers {
        let flat = buffer.tensor().flatten_all()?.to_dtype(DType::F64)?;
        values.extend(flat.to_vec1::<f64>()?);
    }
    if values.is_empty() {
        return Ok(());
    }
    // They are small: one message, which a trainer sends after every step.
    let sum = collective.all_reduce_sum(&Tensor::new(values, &Device::Cpu)?)?;
    let mean = (sum / collective.world_size() as f64)?;
    let mut first = 0;
    for buffer in buffers {
        let value = buffer.tensor();
        let own = mean.narrow(0, first, value.elem_count())?;
        let own = own.reshape(value.dims())?.to_dtype(value.dtype())?;
        buffer.set(&own.to_device(value.device())?)?;
        first += value.elem_count();
    }
    Ok(())
}

/// The weight, and for each parameter whether it has a gradient here.
fn presence(parameters: &[Param], gradients: &GradStore, weight: f64) -> Vec<f64> {
    let has = |param: &Param| gradients.get(param.var().as_tensor()).is_some();
    let flags = parameters
        .iter()
        .map(|param| f64::from(u8::from(has(param))));
    std::iter::once(weight).chain(flags).collect()
}

/// Parameters that follow one another, sent together.
fn buckets(parameters: &[Param]) -> Vec<Range<usize>> {
    let mut buckets = Vec::new();
    let (mut first, mut values) = (0, 0);
    for (number, param) in parameters.iter().enumerate() {
        let count = param.var().elem_count();
        if values > 0 && values + count > BUCKET {
            buckets.push(first..number);
            (first, values) = (number, 0);
        }
        values += count;
    }
    if first < parameters.len() {
        buckets.push(first..parameters.len());
    }
    buckets
}

/// The gradients of some parameters one after another, scaled; zeros where there is none.
fn flatten(parameters: &[Param], gradients: &GradStore, scale: f64) -> Result<Tensor> {
    let mut values = Vec::with_capacity(parameters.iter().map(|p| p.var().elem_count()).sum());
    for param in parameters {
        match gradients.get(param.var().as_tensor()) {
            Some(gradient) => {
                let own = gradient
                    .flatten_all()?
                    .to_dtype(DType::F32)?
                    .to_vec1::<f32>()?;
                values.extend(own.into_iter().map(|g| scale as f32 * g));
            }
            None => values.resize(values.len() + param.var().elem_count(), 0.0),
        }
    }
    Ok(Tensor::new(values, params_device(parameters))?)
}

fn params_device(parameters: &[Param]) -> &Device {
    parameters
        .first()
        .map_or(&Device::Cpu, |param| param.var().device())
}
