//! Staying near a common network.

use std::collections::BTreeMap;

use mednn::Model;
use mednn::candle_core::backprop::GradStore;
use mednn::candle_core::{DType, Tensor};
use mednn::ops::{self, Reduced};
use mednn::params::Param;

use super::{Batch, Learnt, Moment, Objective};
use crate::digest;
use crate::error::{Error, Result};
use crate::federated::{Kept, Network};

/// Another objective and `strength / 2 |w - w_common|^2` over all parameters that are trained, so that sites whose patients
/// differ do not drift apart between two rounds (FedProx, Li et al. 2020, <https://arxiv.org/abs/1812.06127>).
///
/// ```
/// use medtrain::federated::Network;
/// use medtrain::mednn::loss::CrossEntropy;
/// use medtrain::objective::Proximal;
/// use medtrain::{Objective, Supervised};
///
/// let common = Network::new(); // what the round began with
/// let loss = CrossEntropy::new();
/// let objective = Proximal::new(Supervised::new(&loss), &common, 0.01)?;
/// assert_eq!(objective.identity()["proximal"]["strength"], 0.01);
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Debug)]
pub struct Proximal<O> {
    inner: O,
    common: BTreeMap<String, Tensor>,
    /// Of the common network's file.
    hash: String,
    strength: f64,
    kept: Option<Kept>,
}

impl<O: Objective> Proximal<O> {
    /// `inner` near the common network a round began with, which has all parameters that are trained.
    ///
    /// # Errors
    /// Refuses a strength that is negative or not finite, and values that cannot be written to a file.
    pub fn new(inner: O, common: &Network, strength: f64) -> Result<Self> {
        let holds = strength >= 0.0 && strength.is_finite();
        let setting = "the proximal strength";
        Error::require(holds, setting, "finite and at least 0", strength)?;
        Ok(Self {
            inner,
            hash: digest::of_values(common)?,
            common: common.clone(),
            strength,
            kept: None,
        })
    }

    /// Lets go of what stays at the site: there is no common value that it should stay near (FedBN).
    #[must_use]
    pub fn without(mut self, kept: Kept) -> Self {
        self.kept = Some(kept);
        self
    }

    /// Half the squared distance of a parameter from its common value, whose gradient is added to `gradients`.
    fn pull(&self, param: &Param, gradients: &mut GradStore) -> Result<f64> {
        if self
            .kept
            .as_ref()
            .is_some_and(|kept| kept.keeps(param.name()))
        {
            return Ok(0.0);
        }
        let value = param.value();
        let common = self.common.get(param.name());
        let common = common.filter(|common| common.dims() == value.dims());
        let common = common.ok_or_else(|| Error::Federated {
            name: param.name().to_owned(),
            reason: format!(
                "the common network has no such parameter of shape {:?}",
                value.dims()
            ),
        })?;
        let away = (value - common)?.flatten_all()?;
        let squares = ops::sum(&away.sqr()?, &[0], Reduced::Dropped)?;
        let pull = (away * self.strength)?.reshape(common.dims())?;
        let key = param.var().as_tensor();
        let gradient = match gradients.remove(key) {
            Some(own) => (own + pull)?,
            None => pull,
        };
        gradients.insert(key, gradient);
        Ok(0.5 * squares.to_dtype(DType::F64)?.to_scalar::<f64>()?)
    }
}

impl<O: Objective> Objective for Proximal<O> {
    fn learn(&self, model: &dyn Model, batch: &Batch, at: &Moment) -> Result<Learnt> {
        let mut learnt = self.inner.learn(model, batch, at)?;
        if !learnt.loss.is_finite() {
            return Ok(learnt);
        }
        let parameters = model.params().parameters().into_iter();
        for param in parameters.filter(Param::is_trainable) {
            learnt.loss += self.strength * self.pull(&param, &mut learnt.gradients)?;
        }
        Ok(learnt)
    }

    fn identity(&self) -> serde_json::Value {
        serde_json::json!({
            "proximal": {
                "strength": self.strength,
                "common": self.hash,
                "kept": self.kept,
            },
            "inner": self.inner.identity(),
        })
    }
}
