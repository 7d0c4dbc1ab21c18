//! What a network may tell of the patients it learnt from.

use std::collections::BTreeSet;

use medcore::random::Key;
use mednn::Params;
use mednn::candle_core::{DType, Device, Tensor};

use super::{Network, check_alike, check_finite};
use crate::error::{Error, Result};

/// The network of a site with its change from `common` scaled to a norm of at most `limit`, over all parameters of `params`
/// that are trainable together; returns the norm the change had (McMahan et al. 2018,
/// <https://arxiv.org/abs/1710.06963>).
///
/// The norm bounds what the network tells of a site, and only of parameters can it be meant: running statistics are numbers
/// of the site's images themselves. So what is no trainable parameter must be as in `common`, by a network without running
/// statistics or by [`Kept::take_up`](super::Kept::take_up) of those in `common`.
///
/// # Errors
/// Refuses a limit that is not positive, networks that differ in names, shapes or element types or lack a parameter, a
/// change of what is no trainable parameter, and numbers that are not finite.
pub fn clip_change(
    common: &Network,
    own: &Network,
    params: &Params,
    limit: f64,
) -> Result<(Network, f64)> {
    if !(limit.is_finite() && limit > 0.0) {
        return Err(setting("the limit", "positive", limit));
    }
    check_alike(common, own)?;
    let learnt = learnt(params, own)?;
    let mut squares = 0.0;
    for (name, value) in own {
        let (own, common) = (values(value)?, values(&common[name])?);
        if learnt.contains(name) {
            check_finite(name, &own)?;
            check_finite(name, &common)?;
            let changes = own.iter().zip(&common).map(|(o, c)| (o - c) * (o - c));
            squares += changes.sum::<f64>();
        } else if own != common {
            return Err(Error::Federated {
                name: name.clone(),
                reason: "it is no trainable parameter, but is not as in the common network"
                    .to_owned(),
            });
        }
    }
    let norm = squares.sqrt();
    if norm <= limit {
        return Ok((own.clone(), norm));
    }
    if !norm.is_finite() {
        return Err(setting("the norm of the change", "finite", norm));
    }
    let scale = limit / norm;
    let clipped = |(name, value): (&String, &Tensor)| -> Result<(String, Tensor)> {
        if !learnt.contains(name) {
            return Ok((name.clone(), value.clone()));
        }
        let (own, common) = (values(value)?, values(&common[name])?);
        let near = own.iter().zip(&common).map(|(o, c)| c + scale * (o - c));
        Ok((name.clone(), like(near.collect(), value)?))
    };
    Ok((own.iter().map(clipped).collect::<Result<_>>()?, norm))
}

/// The network with normal noise of this standard deviation on every trainable parameter of `params`, drawn by `key` and the
/// parameter's name; everything else stays as it is.
///
/// With changes clipped to `c`, a standard deviation of `z c max_k w_k / sum_k w_k` on their mean by weights `w` is the
/// Gaussian mechanism with noise multiplier `z`: `z c / n` where `n` sites weigh the same. The privacy spent over rounds is
/// for the application to account for.
///
/// The key must be secret, unpredictable and another in every round: who knows it subtracts the noise, and so does who has
/// two releases with the same. Draws are those of a simulation, not of a cryptographic generator.
///
/// # Errors
/// Refuses a standard deviation that is negative or not finite, a network that lacks a parameter, and numbers that are not
/// finite.
pub fn add_noise(
    network: &Network,
    params: &Params,
    standard_deviation: f64,
    key: Key,
) -> Result<Network> {
    if !(standard_deviation.is_finite() && standard_deviation >= 0.0) {
        return Err(setting(
            "the standard deviation",
            "finite and not negative",
            standard_deviation,
        ));
    }
    let learnt = learnt(params, network)?;
    let noisy = |(name, value): (&String, &Tensor)| -> Result<(String, Tensor)> {
        if !learnt.contains(name) {
            return Ok((name.clone(), value.clone()));
        }
        let mut random = key.stream(name);
        let values = values(value)?;
        check_finite(name, &values)?;
        let noisy = values
            .into_iter()
            .map(|v| v + standard_deviation * random.normal())
            .collect();
        Ok((name.clone(), like(noisy, value)?))
    };
    network.iter().map(noisy).collect()
}

/// The names of what is trained, all of which a network must have: what has another name would go unprotected.
fn learnt(params: &Params, network: &Network) -> Result<BTreeSet<String>> {
    let parameters = params.parameters();
    let trained = { parameters.iter() }.filter(|param| param.is_trainable());
    let names: BTreeSet<String> = trained.map(|param| param.name().to_owned()).collect();
    match names.iter().find(|name| !network.contains_key(*name)) {
        None => Ok(names),
        Some(name) => Err(Error::Federated {
            name: name.clone(),
            reason: "a parameter that the network does not have".to_owned(),
        }),
    }
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
