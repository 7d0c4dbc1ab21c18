//! How far several answers to the same question lie apart.

use medcore::random::Key;
use mednn::context::Context;
use mednn::graph::{Graph, Op};
use mednn::model::{Inputs, Model};
use serde::{Deserialize, Serialize};

use super::LabelKind;

/// Passes with dropout at work, each with draws of its own (Gal and Ghahramani, ICML 2016).
///
/// They are taken of one image at a time, so that an image's numbers do not depend on its neighbours. A network without
/// dropout is refused: all of its passes would be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonteCarlo {
    /// Number of passes of each network.
    pub passes: usize,
    /// Seed of what is dropped.
    pub seed: u64,
}

impl MonteCarlo {
    /// The key of a pass.
    pub(crate) fn key(&self, pass: usize) -> Key {
        Key::new(self.seed).fork("monte carlo", pass as u64)
    }
}

/// Whether anything in this pass is drawn, as far as its operators tell.
pub(super) fn draws(network: &dyn Model, inputs: &Inputs, context: &Context) -> bool {
    let graph = Graph::record_with(network, inputs, context);
    let is_drawn = |op: &Op| match op {
        Op::ScaleRows(_) | Op::SelectEach(_) => true,
        Op::Attention(attributes)
        | Op::SelfAttention(attributes)
        | Op::CrossAttention(attributes) => attributes.dropped.is_some(),
        _ => false,
    };
    graph.is_ok_and(|graph| graph.nodes().iter().any(|node| is_drawn(&node.op)))
}

/// What several answers, of networks, views or passes with dropout, have in common and in what they differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Uncertainty {
    /// Number of answers.
    pub answers: usize,
    /// Mean probability of each label.
    pub mean: Vec<f64>,
    /// Variance of the probability of each label over the answers (divided by their number).
    pub variance: Vec<f64>,
    /// Entropy of the mean, in nats: all uncertainty. Of independent labels the sum of theirs.
    pub entropy: f64,
    /// What a further look at the network would tell, in nats: the entropy of the mean less the mean of the entropies (BALD;
    /// Houlsby et al. 2011, <https://arxiv.org/abs/1112.5745>). 0 where all answers agree.
    pub mutual_information: f64,
}

impl Uncertainty {
    /// Of the probabilities in each answer, one for each label; `None` without answers.
    ///
    /// ```
    /// use medinfer::{LabelKind, Uncertainty};
    ///
    /// // Two networks, each certain, of the opposite: all of the uncertainty is between them.
    /// let apart = Uncertainty::of(&[vec![1.0, 0.0], vec![0.0, 1.0]], LabelKind::Exclusive);
    /// let apart = apart.expect("two answers");
    /// assert_eq!((&apart.mean[..], &apart.variance[..]), (&[0.5, 0.5][..], &[0.25, 0.25][..]));
    /// assert!((apart.mutual_information - std::f64::consts::LN_2).abs() < 1e-15);
    /// ```
    #[must_use]
    pub fn of(answers: &[Vec<f64>], kind: LabelKind) -> Option<Self> {
        let (first, count) = (answers.first()?, answers.len() as f64);
        let mean_of = |f: &dyn Fn(usize, f64) -> f64| -> Vec<f64> {
            let of_label = |label: usize| {
                let values = answers.iter().map(|answer| f(label, answer[label]));
                values.sum::<f64>() / count
            };
            (0..first.len()).map(of_label).collect()
        };
        let mean = mean_of(&|_, p| p);
        let variance = mean_of(&|label, p| (p - mean[label]) * (p - mean[label]));
        let total = entropy(&mean, kind);
        let within = answers
            .iter()
            .map(|answer| entropy(answer, kind))
            .sum::<f64>()
            / count;
        Some(Self {
            answers: answers.len(),
            variance,
            entropy: total,
            // Never negative but for rounding: entropy is concave.
            mutual_information: (total - within).max(0.0),
            mean,
        })
    }
}

/// Entropy in nats.
fn entropy(probabilities: &[f64], kind: LabelKind) -> f64 {
    probabilities.iter().map(|&p| entropy_part(p, kind)).sum()
}

/// What the probability of one label adds to the entropy, in nats; 0 ln 0 is 0.
pub(crate) fn entropy_part(p: f64, kind: LabelKind) -> f64 {
    let part = |p: f64| if p > 0.0 { -p * libm::log(p) } else { 0.0 };
    match kind {
        LabelKind::Independent => part(p) + part(1.0 - p),
        _ => part(p),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_agree_leave_nothing_to_learn() {
        let answers = vec![vec![0.2, 0.5, 0.3]; 4];
        let same = Uncertainty::of(&answers, LabelKind::Exclusive).unwrap();
        assert!(same.mutual_information < 1e-15 && same.variance.iter().all(|v| *v < 1e-30));
        let expected = -(0.2 * 0.2f64.ln() + 0.5 * 0.5f64.ln() + 0.3 * 0.3f64.ln());
        assert!((same.entropy - expected).abs() < 1e-15);
        assert_eq!(Uncertainty::of(&[], LabelKind::Exclusive), None);
    }

    #[test]
    fn independent_labels_have_an_entropy_each() {
        let even = Uncertainty::of(&[vec![0.5, 1.0, 0.5]], LabelKind::Independent).unwrap();
        assert!((even.entropy - 2.0 * std::f64::consts::LN_2).abs() < 1e-15);
    }
}
