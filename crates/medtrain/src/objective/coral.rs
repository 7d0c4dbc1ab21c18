//! Features of two domains with one covariance.

use mednn::candle_core::{D, Tensor};
use mednn::ops;

use super::{Discrepancy, Moment};
use crate::error::{Error, Result};

/// The squared distance of the covariances of two domains' features, `|C_s - C_t|^2 / (4 d^2)` with `d` features (Sun and Saenko
/// 2016, "Deep CORAL", <https://arxiv.org/abs/1607.01719>); covariances are unbiased.
///
/// ```
/// use medtrain::mednn::loss::CrossEntropy;
/// use medtrain::objective::{Coral, DomainAdaptation};
///
/// let loss = CrossEntropy::new();
/// let objective = DomainAdaptation::new(&loss, &Coral, ["avgpool"])?;
/// # let _ = objective;
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coral;

impl Discrepancy for Coral {
    fn between(&self, source: &Tensor, target: &Tensor, _: &Moment) -> Result<Tensor> {
        let difference = (covariance(source)? - covariance(target)?)?;
        let features = source.dim(D::Minus1)?;
        let scale = 1.0 / (4.0 * (features * features) as f64);
        Ok((difference.sqr()?.sum_all()? * scale)?)
    }

    fn identity(&self) -> serde_json::Value {
        serde_json::json!("coral")
    }
}

/// `[features, features]` from `[samples, features]`.
fn covariance(features: &Tensor) -> Result<Tensor> {
    let samples = features.dim(0)?;
    let rule = "at least 2, of which there is a covariance";
    Error::require(samples > 1, "the samples of a domain", rule, samples)?;
    let centred = features.broadcast_sub(&features.mean_keepdim(0)?)?;
    let centred = ops::permute(&centred, &[1, 0])?;
    let products = ops::linear(&centred, &centred, None)?;
    Ok((products / (samples - 1) as f64)?)
}
