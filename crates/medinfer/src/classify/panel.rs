//! Networks asked about the same cases, whatever these are made of.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use mednn::candle_core::DType;
use mednn::context::Context;
use mednn::model::{Inputs, Model};
use mednn::ops;

use super::pooled::pooled;
use super::rules::Rules;
use super::uncertainty::draws;
use super::{Classification, MonteCarlo, refuse};
use crate::error::{Error, Result};
use crate::explain::{Layout, layout_of_feature};
use crate::outlier::{FeatureReference, OutlierScore};

/// Networks of one architecture, and what features of training cases look like.
pub(crate) struct Panel<'m> {
    pub(crate) networks: Vec<Box<dyn Model + 'm>>,
    pub(crate) reference: Option<FeatureReference>,
    /// How the features that were asked for lie, for they do not say so themselves.
    layouts: Mutex<BTreeMap<String, Layout>>,
}

impl<'m> Panel<'m> {
    pub(crate) fn new(network: Box<dyn Model + 'm>) -> Self {
        Self {
            networks: vec![network],
            reference: None,
            layouts: Mutex::default(),
        }
    }

    /// Puts these behind the first network.
    pub(crate) fn set_others(&mut self, others: Vec<Box<dyn Model + 'm>>) {
        self.networks.truncate(1);
        self.networks.extend(others);
    }

    /// What the networks say of a batch, and of further views of the same cases.
    pub(crate) fn classify(
        &self,
        rules: &Rules<'_>,
        plain: &Inputs,
        views: &mut dyn Iterator<Item = Result<Inputs>>,
    ) -> Result<Vec<Classification>> {
        let mut answers = self.answers(rules, plain)?;
        for view in views {
            answers.extend(self.answers(rules, &view?)?);
        }
        let features = self.wanted_features(rules, plain)?;
        let one = |case: usize| {
            let answers: Vec<&[f32]> = answers.iter().map(|rows| &rows[case][..]).collect();
            let distance = match (&self.reference, &features) {
                (Some(reference), Some(rows)) => Some(reference.distance(&rows[case])?),
                _ => None,
            };
            let passes = rules.monte_carlo;
            let passes = passes.map(|passes| self.passes(rules, &one_of(plain, case)?, passes));
            rules.judge(&answers, passes.transpose()?.as_deref(), distance)
        };
        (0..answers[0].len()).map(one).collect()
    }

    /// The features of this name, as the first network gives them, one number for each channel.
    pub(crate) fn features(&self, inputs: &Inputs, name: &str) -> Result<Vec<Vec<f32>>> {
        let network = &*self.networks[0];
        let context = Context::evaluate().with_features([name]);
        let mut outputs = network.forward(&moved(inputs, network)?, &context)?;
        let Some(feature) = outputs.features.remove(name) else {
            let rule = "a feature of the network";
            return refuse("feature", rule, format!("{name:?}"));
        };
        if feature.rank() < 2 || feature.elem_count() == 0 {
            let rule = "of a value for each image and channel";
            return refuse("feature", rule, format!("{name:?} {:?}", feature.dims()));
        }
        let layout = match feature.rank() {
            2 => Layout::ChannelsFirst,
            _ => self.layout(inputs, name)?,
        };
        pooled(&feature, layout).map_err(|e| mednn::Error::from(e).into())
    }

    /// How the first network holds a feature, found out by one pass and remembered.
    fn layout(&self, inputs: &Inputs, name: &str) -> Result<Layout> {
        let layouts = || self.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&layout) = layouts().get(name) {
            return Ok(layout);
        }
        let network = &*self.networks[0];
        let first = moved(&one_of(inputs, 0)?, network)?;
        let layout = layout_of_feature(network, &first, name)?;
        layouts().insert(name.to_owned(), layout);
        Ok(layout)
    }

    fn wanted_features(&self, rules: &Rules<'_>, inputs: &Inputs) -> Result<Option<Vec<Vec<f32>>>> {
        let mut scores = rules.outlier_rules.iter().map(|rule| &rule.score);
        if !scores.any(|score| *score == OutlierScore::Mahalanobis) {
            return Ok(None);
        }
        let Some(reference) = &self.reference else {
            let rule = "given where a rule measures the distance from it";
            return refuse("reference", rule, "nothing".to_owned());
        };
        self.features(inputs, reference.feature()).map(Some)
    }

    /// The logits of every network: networks, cases, outputs.
    fn answers(&self, rules: &Rules<'_>, inputs: &Inputs) -> Result<Vec<Vec<Vec<f32>>>> {
        let networks = self.networks.iter();
        networks
            .map(|network| forward(&**network, inputs, rules.outputs(), &Context::evaluate()))
            .collect()
    }

    /// The logits of every network in every pass with dropout over one case.
    fn passes(
        &self,
        rules: &Rules<'_>,
        inputs: &Inputs,
        monte_carlo: &MonteCarlo,
    ) -> Result<Vec<Vec<f32>>> {
        let mut answers = Vec::new();
        for pass in 0..monte_carlo.passes {
            let context = Context::monte_carlo(monte_carlo.key(pass));
            for network in &self.networks {
                answers.extend(forward(&**network, inputs, rules.outputs(), &context)?);
            }
        }
        for (number, network) in self.networks.iter().enumerate() {
            let mut own = answers.iter().skip(number).step_by(self.networks.len());
            let first = own.next();
            // Passes that differ drew something; where all are alike the operators say whether it was for want of dropout.
            if own.all(|pass| Some(pass) == first) {
                let inputs = moved(inputs, &**network)?;
                let context = Context::monte_carlo(monte_carlo.key(0));
                if !draws(&**network, &inputs, &context) {
                    let rule = "of networks with dropout, for others seem certain of everything";
                    return refuse("monte_carlo", rule, format!("network {number} without"));
                }
            }
        }
        Ok(answers)
    }
}

/// The logits of each case.
fn forward(
    network: &dyn Model,
    inputs: &Inputs,
    outputs: usize,
    context: &Context,
) -> Result<Vec<Vec<f32>>> {
    let logits = network.forward(&moved(inputs, network)?, context)?.logits;
    let cases = inputs.iter().find_map(|(_, t)| t.dims().first().copied());
    let expected = [cases.unwrap_or(0), outputs];
    if logits.dims() != expected {
        return Err(Error::OutputShape {
            expected: expected.to_vec(),
            got: logits.dims().to_vec(),
        });
    }
    let rows = logits.to_dtype(DType::F32).and_then(|l| l.to_vec2::<f32>());
    let rows = rows.map_err(mednn::Error::from)?;
    for (class, &value) in rows.iter().flat_map(|row| row.iter().enumerate()) {
        if !value.is_finite() {
            let axes = inputs.image().map_or(0, |t| t.rank().saturating_sub(2));
            return Err(Error::NotFinite {
                value,
                class,
                start: vec![0; axes],
            });
        }
    }
    Ok(rows)
}

/// Inputs where a network has its parameters.
fn moved(inputs: &Inputs, network: &dyn Model) -> Result<Inputs> {
    Ok(inputs.to_device(network.params().device())?)
}

/// One case of a batch, as a batch of itself.
fn one_of(inputs: &Inputs, case: usize) -> Result<Inputs> {
    inputs
        .iter()
        .try_fold(Inputs::default(), |one, (name, tensor)| {
            Ok(one.with(name, ops::narrow(tensor, 0, case, 1)?))
        })
}
