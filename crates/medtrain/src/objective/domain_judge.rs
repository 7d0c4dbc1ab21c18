//! A small network that tells domains apart, and a network that learns to deceive it.

use mednn::candle_core::Tensor;
use mednn::layers::{Linear, LinearConfig};
use mednn::loss::{CrossEntropy, Loss as _, gradient_reversal};
use mednn::ops::{self, Activation};
use mednn::params::{Param, ParamPath};

use super::{Discrepancy, Moment, Ramp};
use crate::error::Result;

/// Judges which of two domains features are from; the network gets the gradients of its cross-entropy reversed, so that it comes
/// to features in which the domains cannot be told apart (Ganin et al. 2016, <https://jmlr.org/papers/v17/15-239.html>).
///
/// Its parameters lie beside the network's, under a name of their own, where optimizer, averages and checkpoints find them:
/// make it before the optimizer, and leave them out of what is used afterwards.
///
/// ```
/// use medtrain::mednn::loss::CrossEntropy;
/// use medtrain::mednn::{Params, optim::{Sgd, SgdConfig}};
/// use medtrain::objective::{DomainAdaptation, DomainJudge, Ramp};
///
/// let params = Params::new(7); // the network's
/// let judge = DomainJudge::new(64, &[100], &params.root().child("judge"))?;
/// let optimizer = Sgd::new(&params, SgdConfig::default())?;
/// assert_eq!(params.names(), ["judge.0.bias", "judge.0.weight", "judge.1.bias", "judge.1.weight"]);
/// let loss = CrossEntropy::new();
/// let objective = DomainAdaptation::new(&loss, &judge, ["avgpool"])?;
/// # let _ = (objective, optimizer);
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Debug)]
pub struct DomainJudge {
    layers: Vec<Linear>,
    sizes: Vec<usize>,
    parameters: Vec<Param>,
    reversal: Ramp,
}

impl DomainJudge {
    /// A judge of so many features, with hidden layers of these sizes: one of 100 for small networks, two of 1024 for large
    /// ones in the paper. The reversal grows by [`Ramp::ganin`].
    ///
    /// # Errors
    /// Refuses names that are taken.
    pub fn new(features: usize, hidden: &[usize], path: &ParamPath) -> Result<Self> {
        let sizes = [&[features], hidden, &[2]].concat();
        let layer = |(number, ends): (usize, &[usize])| {
            Linear::new(&LinearConfig::new(ends[0], ends[1]), &path.child(number))
        };
        let layers = sizes.windows(2).enumerate().map(layer);
        let layers = layers.collect::<mednn::Result<Vec<_>>>()?;
        let mut parameters = Vec::new();
        for number in 0..layers.len() {
            for part in ["weight", "bias"] {
                let name = path.child(number).child(part);
                parameters.push(path.params().parameter(name.name())?);
            }
        }
        Ok(Self {
            layers,
            sizes,
            parameters,
            reversal: Ramp::ganin(),
        })
    }

    /// Sets how strongly the network is to deceive it.
    ///
    /// # Errors
    /// Refuses numbers that are negative or not finite.
    pub fn with_reversal(mut self, reversal: Ramp) -> Result<Self> {
        reversal.check("the reversal")?;
        self.reversal = reversal;
        Ok(self)
    }

    /// What it thinks, `[samples, 2]`: the higher of two logits, source or target.
    ///
    /// # Errors
    /// Refuses another number of features.
    pub fn judge(&self, features: &Tensor, at: &mednn::Context) -> Result<Tensor> {
        let mut out = features.clone();
        for (number, layer) in self.layers.iter().enumerate() {
            if number > 0 {
                out = ops::activation(&out, Activation::Relu)?;
            }
            out = layer.forward(&out, at)?;
        }
        Ok(out)
    }
}

impl Discrepancy for DomainJudge {
    fn between(&self, source: &Tensor, target: &Tensor, at: &Moment) -> Result<Tensor> {
        let features = Tensor::cat(&[source, target], 0)?;
        let features = gradient_reversal(&features, self.reversal.at(at.progress))?;
        let judged = self.judge(&features, &at.context)?;
        let (source, target) = (source.dim(0)?, target.dim(0)?);
        let truth = [vec![0_u8; source], vec![1; target]].concat();
        let truth = Tensor::from_vec(truth, source + target, judged.device())?;
        Ok(CrossEntropy::new().forward(&judged, &truth)?)
    }

    fn identity(&self) -> serde_json::Value {
        let name = self.parameters.first().map(Param::name);
        serde_json::json!({ "judge": {
            "sizes": self.sizes,
            "reversal": self.reversal,
            "first_parameter": name,
        }})
    }

    fn parameters(&self) -> Vec<Param> {
        self.parameters.clone()
    }
}
