//! Learning to tell classes apart on images without labels, from labelled ones of another scanner.

use mednn::candle_core::Tensor;
use mednn::loss::{Loss, MaximumMeanDiscrepancy};
use mednn::ops::{self, Reduced};
use mednn::params::Param;
use mednn::tape::Pass;
use mednn::{Model, Outputs};

use super::{Batch, Learnt, Moment, Objective, Ramp, feature};
use crate::error::{Error, Result};

/// How far apart the features of two domains are.
pub trait Discrepancy: Send + Sync {
    /// Something to make small by the features.
    ///
    /// # Shapes
    /// - source, target: `[samples, features]`, the number of samples may differ
    /// - output: `[]`
    ///
    /// # Errors
    /// When the features cannot be compared.
    fn between(&self, source: &Tensor, target: &Tensor, at: &Moment) -> Result<Tensor>;

    /// What of it decides the result: a resumed run must have the same.
    fn identity(&self) -> serde_json::Value;

    /// What it trains itself.
    fn parameters(&self) -> Vec<Param> {
        Vec::new()
    }
}

/// A loss of the labelled samples of one domain, and a [`Discrepancy`] between the features of all of them and of samples of
/// another domain, which need no labels: adversarial with a [`DomainJudge`](super::DomainJudge) (Ganin et al. 2016), by
/// [`MaximumMeanDiscrepancy`] (Long et al. 2015), by [`Coral`](super::Coral) (Sun and Saenko 2016).
///
/// Batches are those of [`DomainPairs`](crate::DomainPairs): the samples of the source come first, and there are targets for
/// them alone; what a network gives for the others is compared with nothing. Both go through the network as one batch, so that
/// batch norm sees both. Several ranks each compare the samples they have.
///
/// ```
/// use medtrain::Objective;
/// use medtrain::mednn::loss::{CrossEntropy, MaximumMeanDiscrepancy};
/// use medtrain::objective::{DomainAdaptation, Ramp};
///
/// let (loss, discrepancy) = (CrossEntropy::new(), MaximumMeanDiscrepancy::new());
/// let objective = DomainAdaptation::new(&loss, &discrepancy, ["avgpool"])?.with_weight(Ramp::Constant(0.5))?;
/// assert_eq!(objective.identity()["adaptation"]["features"][0], "avgpool");
/// # Ok::<(), medtrain::Error>(())
/// ```
pub struct DomainAdaptation<'a> {
    loss: &'a dyn Loss,
    discrepancy: &'a dyn Discrepancy,
    features: Vec<String>,
    weight: Ramp,
}

impl std::fmt::Debug for DomainAdaptation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DomainAdaptation")
            .field("features", &self.features)
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

impl<'a> DomainAdaptation<'a> {
    /// Makes `loss` small and the discrepancy of each of the features, by the names the network has for them. Of features with
    /// axes of space the mean over these counts.
    ///
    /// # Errors
    /// Refuses no features.
    pub fn new<S: Into<String>>(
        loss: &'a dyn Loss,
        discrepancy: &'a dyn Discrepancy,
        features: impl IntoIterator<Item = S>,
    ) -> Result<Self> {
        let features: Vec<String> = features.into_iter().map(Into::into).collect();
        if features.is_empty() {
            return Err(Error::Nothing {
                what: "features to adapt",
            });
        }
        Ok(Self {
            loss,
            discrepancy,
            features,
            weight: Ramp::Constant(1.0),
        })
    }

    /// Sets how much the discrepancies count beside the loss, 1 unless set.
    ///
    /// # Errors
    /// Refuses numbers that are negative or not finite.
    pub fn with_weight(mut self, weight: Ramp) -> Result<Self> {
        weight.check("the weight of a discrepancy")?;
        self.weight = weight;
        Ok(self)
    }

    /// A parameter that is none of the network's would silently stay as it was drawn.
    fn check_parameters(&self, model: &dyn Model) -> Result<()> {
        for param in self.discrepancy.parameters() {
            let own = model.params().parameter(param.name());
            if !own.is_ok_and(|own| own.var().id() == param.var().id()) {
                return Err(Error::ForeignParameter {
                    name: param.name().to_owned(),
                });
            }
        }
        Ok(())
    }

    fn loss(&self, outputs: &Outputs, batch: &Batch, at: &Moment) -> Result<Tensor> {
        let (labelled, all) = domains(outputs, batch)?;
        let loss = self
            .loss
            .of_outputs(&first(outputs, labelled)?, &batch.targets)?;
        let mut apart: Option<Tensor> = None;
        for name in &self.features {
            let vectors = vectors(feature(outputs, name)?)?;
            let source = vectors.narrow(0, 0, labelled)?.contiguous()?;
            let target = vectors.narrow(0, labelled, all - labelled)?.contiguous()?;
            let own = self.discrepancy.between(&source, &target, at)?;
            apart = Some(match apart {
                None => own,
                Some(sum) => (sum + own)?,
            });
        }
        let weight = self.weight.at(at.progress);
        match apart {
            Some(apart) => Ok((loss + (apart * weight)?)?),
            None => Ok(loss),
        }
    }
}

impl Objective for DomainAdaptation<'_> {
    fn learn(&self, model: &dyn Model, batch: &Batch, at: &Moment) -> Result<Learnt> {
        self.check_parameters(model)?;
        let context = at.context.clone().with_features(self.features.iter());
        let pass = Pass::run(model, &batch.inputs, &context)?;
        let loss = self.loss(pass.outputs(), batch, at)?;
        Learnt::from_pass(pass, loss)
    }

    fn identity(&self) -> serde_json::Value {
        serde_json::json!({ "adaptation": {
            "features": self.features,
            "weight": self.weight,
            "discrepancy": self.discrepancy.identity(),
        }})
    }
}

/// How many samples have targets, and how many there are.
fn domains(outputs: &Outputs, batch: &Batch) -> Result<(usize, usize)> {
    let count = |tensor: &Tensor| tensor.dims().first().copied().unwrap_or(0);
    let (labelled, samples) = (count(&batch.targets), count(&outputs.logits));
    if (1..samples).contains(&labelled) {
        return Ok((labelled, samples));
    }
    Err(Error::OneDomain {
        samples,
        labelled,
        cases: batch.cases.clone(),
    })
}

/// What the network gave for the first samples.
fn first(outputs: &Outputs, count: usize) -> Result<Outputs> {
    let of = |tensor: &Tensor| tensor.narrow(0, 0, count)?.contiguous();
    let auxiliary = outputs.auxiliary.iter().map(of);
    let auxiliary = auxiliary.collect::<mednn::candle_core::Result<_>>()?;
    Ok(Outputs::new(of(&outputs.logits)?).with_auxiliary(auxiliary))
}

/// A vector for each sample, `[samples, features]`.
fn vectors(feature: &Tensor) -> Result<Tensor> {
    let space: Vec<usize> = (2..feature.dims().len()).collect();
    if space.is_empty() {
        return Ok(feature.clone());
    }
    Ok(ops::mean(feature, &space, Reduced::Dropped)?)
}

/// With the bandwidths from the features of the batch, unless one is set; which pairs count says its estimate.
impl Discrepancy for MaximumMeanDiscrepancy {
    fn between(&self, source: &Tensor, target: &Tensor, _: &Moment) -> Result<Tensor> {
        Ok(self.forward(source, target)?)
    }

    fn identity(&self) -> serde_json::Value {
        serde_json::json!({ "maximum_mean_discrepancy": {
            "kernels": self.kernels,
            "factor": self.factor,
            "bandwidth": self.bandwidth,
            "estimate": format!("{:?}", self.estimate),
        }})
    }
}
