//! What a network may tell of the patients it learnt from.

use medcore::random::Key;
use mednn::candle_core::{DType, Device, Tensor};

use super::{Network, check_alike};
use crate::error::{Error, Result};

/// The network of a site with its change from `common` scaled to a norm of at most `limit`, over all real values together; returns
/// the norm the change had (McMahan et al. 2018, <https://arxiv.org/abs/1710.06963>).
///
/// # Errors
/// Refuses a limit that is not positive, and networks that differ in names, shapes or element types.
pub fn clip_change(common: &Network, own: &Network, limit: f64) -> Result<(Network, f64)> {
    if !(limit.is_finite() && limit > 0.0) {
        return Err(setting("the limit", "positive", limit));
    }
    check_alike(common, own)?;
    let mut squares = 0.0;
    for (name, value) in own.iter().filter(|(_, value)| value.dtype().is_float()) {
        let (own, common) = (values(value)?, values(&common[name])?);
        squares += own
            .iter()
            .zip(&common)
            .map(|(o, c)| (o - c) * (o - c))
            .sum::<f64>();
    }
    let norm = squares.sqrt();
    if norm <= limit {
        return Ok((own.clone(), norm));
    }
    let scale = limit / norm;
    let clipped = |(name, value): (&String, &Tensor)| -> Result<(String, Tensor)> {
        if !value.dtype().is_float() {
            return Ok((name.clone(), value.clone()));
        }
        let (own, common) = (values(value)?, values(&common[name])?);
        let near = own.iter().zip(&common).map(|(o, c)| c + scale * (o - c));
        Ok((name.clone(), like(near.collect(), value)?))
    };
    Ok((own.iter().map(clipped).collect::<Result<_>>()?, norm))
}

/// The network with normal noise of this standard deviation on every real value, drawn by `key` and the value's name.
///
/// With changes clipped to `c` and `n` sites, a standard deviation of `z c / n` on their mean is the Gaussian mechanism with noise
/// multiplier `z`; the privacy spent over rounds is for the application to account for.
///
/// # Errors
/// Refuses a standard deviation that is negative or not finite.
pub fn add_noise(network: &Network, standard_deviation: f64, key: Key) -> Result<Network> {
    if !(standard_deviation.is_finite() && standard_deviation >= 0.0) {
        return Err(setting(
            "the standard deviation",
            "finite and not negative",
            standard_deviation,
        ));
    }
    let noisy = |(name, value): (&String, &Tensor)| -> Result<(String, Tensor)> {
        if !value.dtype().is_float() {
            return Ok((name.clone(), value.clone()));
        }
        let mut random = key.stream(name);
        let values = values(value)?.into_iter();
        let noisy = values
            .map(|v| v + standard_deviation * random.normal())
            .collect();
        Ok((name.clone(), like(noisy, value)?))
    };
    network.iter().map(noisy).collect()
}

fn setting(name: &str, rule: &str, value: f64) -> Error {
    Error::Federated {
        name: name.to_owned(),
        reason: format!("must be {rule}, got {value}"),
    }
}

fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(tensor.flatten_all()?.to_dtype(DType::F64)?.to_vec1()?)
}

fn like(values: Vec<f64>, tensor: &Tensor) -> Result<Tensor> {
    Ok(Tensor::from_vec(values, tensor.dims(), &Device::Cpu)?.to_dtype(tensor.dtype())?)
}
