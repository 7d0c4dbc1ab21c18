//! The scores of the classes asked for.

use mednn::candle_core::Tensor;

use super::elements::{like, values};
use super::target::Target;
use crate::error::{Error, Result};

/// The classes asked for, and their scores.
#[derive(Debug, Clone)]
pub(super) struct Scores {
    pub(super) classes: Vec<usize>,
    pub(super) scores: Vec<f64>,
}

impl Scores {
    /// The scores of the classes asked for.
    pub(super) fn of(logits: &Tensor, target: &Target) -> Result<Self> {
        let &[batch, classes] = logits.dims() else {
            return Err(Error::Explanation {
                rule: "the network gives one score for each class, [batch, classes]",
                got: format!("{:?}", logits.dims()),
            });
        };
        let all = values(logits)?;
        let chosen = target.classes(&all, batch, classes)?;
        let score = |(item, &class): (usize, &usize)| all[item * classes + class];
        Ok(Self {
            scores: chosen.iter().enumerate().map(score).collect(),
            classes: chosen,
        })
    }

    /// The gradient of the sum of the scores with respect to all logits: 1 for the class of each item.
    pub(super) fn seed(&self, logits: &Tensor) -> Result<Tensor> {
        let (batch, classes) = (logits.dims()[0], logits.dims()[1]);
        let mut seed = vec![0.0_f64; batch * classes];
        for (item, class) in self.classes.iter().enumerate() {
            seed[item * classes + class] = 1.0;
        }
        like(seed, logits)
    }
}
