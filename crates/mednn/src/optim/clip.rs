//! Keeps a step from being thrown off by one bad batch.

use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::params::Params;

/// Elements summed at a time; fixed, so that the norm does not depend on the number of threads.
const CHUNK: usize = 16 * 1024;

/// Scales all gradients so that their norm together is at most `limit`; returns the norm they had
/// (PyTorch's `clip_grad_norm_`).
///
/// # Errors
/// Refuses a limit that is not positive.
pub fn clip_gradient_norm(gradients: &mut GradStore, params: &Params, limit: f64) -> Result<f64> {
    if limit.is_nan() || limit <= 0.0 {
        return Err(Error::Setting {
            op: "clip_gradient_norm",
            setting: "limit",
            rule: "positive",
            value: limit.to_string(),
        });
    }
    let parameters = params.parameters();
    let mut squares = 0.0;
    for param in &parameters {
        if let Some(gradient) = gradients.get(param.var().as_tensor()) {
            squares += sum_of_squares(gradient)?;
        }
    }
    let norm = squares.sqrt();
    let factor = limit / (norm + 1e-6);
    if factor < 1.0 {
        for param in &parameters {
            let key = param.var().as_tensor();
            if let Some(gradient) = gradients.remove(key) {
                gradients.insert(key, gradient.affine(factor, 0.0)?);
            }
        }
    }
    Ok(norm)
}

fn sum_of_squares(gradient: &Tensor) -> Result<f64> {
    let values = gradient
        .to_dtype(DType::F32)?
        .flatten_all()?
        .to_vec1::<f32>()?;
    let partial: Vec<f64> = values
        .par_chunks(CHUNK)
        .map(|chunk| chunk.iter().map(|&v| f64::from(v) * f64::from(v)).sum())
        .collect();
    Ok(partial.iter().sum())
}
