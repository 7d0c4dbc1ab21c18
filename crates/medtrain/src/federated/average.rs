//! The mean of several networks.

use mednn::candle_core::{DType, Device, Tensor};

use super::{Network, check_alike, check_finite};
use crate::error::{Error, Result};

/// What a site sends back.
#[derive(Debug, Clone, Copy)]
pub struct Contribution<'a> {
    /// Its network.
    pub network: &'a Network,
    /// The samples it learnt from, or another weight.
    pub weight: f64,
}

/// The mean of networks by weight (FedAvg, McMahan et al. 2017, <https://arxiv.org/abs/1602.05629>): `sum_k w_k x_k / sum_k w_k`.
///
/// Sums are taken in 64 bits in the order given; counters become the nearest whole number.
///
/// ```
/// use medtrain::federated::{Contribution, average};
/// use medtrain::mednn::candle_core::{Device, Tensor};
///
/// let network = |value: f32| Ok::<_, medtrain::Error>([("w".to_owned(), Tensor::new(&[value], &Device::Cpu)?)].into());
/// let (small, large) = (network(0.0)?, network(4.0)?);
/// let common = average(&[
///     Contribution { network: &small, weight: 100.0 },
///     Contribution { network: &large, weight: 300.0 },
/// ])?;
/// assert_eq!(common["w"].to_vec1::<f32>()?, [3.0]);
/// # Ok::<(), medtrain::Error>(())
/// ```
///
/// # Errors
/// Refuses no contribution at all, weights that are negative, not finite, all zero or of an infinite sum, networks that differ in names, shapes or
/// element types, and numbers in them that are not finite, whatever the weight.
pub fn average(contributions: &[Contribution<'_>]) -> Result<Network> {
    let Some(first) = contributions.first() else {
        return Err(Error::Nothing {
            what: "contributions",
        });
    };
    for (site, contribution) in contributions.iter().enumerate() {
        if !(contribution.weight.is_finite() && contribution.weight >= 0.0) {
            return Err(Error::Federated {
                name: format!("site {site}"),
                reason: format!(
                    "its weight must be finite and not negative, got {}",
                    contribution.weight
                ),
            });
        }
        check_alike(first.network, contribution.network)?;
    }
    let total: f64 = contributions.iter().map(|c| c.weight).sum();
    if total == 0.0 {
        return Err(Error::Nothing {
            what: "the sum of weights",
        });
    }
    if !total.is_finite() {
        return Err(Error::Federated {
            name: "the sum of weights".to_owned(),
            reason: format!("must be finite, got {total}"),
        });
    }
    let mean = |name: &String| -> Result<(String, Tensor)> {
        let own = |c: &Contribution<'_>| (c.network[name].clone(), c.weight / total);
        let parts: Vec<_> = contributions.iter().map(own).collect();
        Ok((name.clone(), mean_of(name, &parts)?))
    };
    first.network.keys().map(mean).collect()
}

fn mean_of(name: &str, parts: &[(Tensor, f64)]) -> Result<Tensor> {
    let mut sums = vec![0.0; parts[0].0.elem_count()];
    for (site, (value, share)) in parts.iter().enumerate() {
        let values = value
            .flatten_all()?
            .to_dtype(DType::F64)?
            .to_vec1::<f64>()?;
        check_finite(&format!("{name} of site {site}"), &values)?;
        sums.iter_mut()
            .zip(values)
            .for_each(|(sum, v)| *sum += share * v);
    }
    let like = &parts[0].0;
    if !like.dtype().is_float() {
        sums.iter_mut().for_each(|sum| *sum = sum.round());
    }
    Ok(Tensor::from_vec(sums, like.dims(), &Device::Cpu)?.to_dtype(like.dtype())?)
}
