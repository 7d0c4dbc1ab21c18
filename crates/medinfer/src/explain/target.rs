//! Which class an explanation is for.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The class whose score is explained: its logit, before softmax or sigmoid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Target {
    /// Of each item the class with the highest score; of equal ones the first.
    Predicted,
    /// The same class for all items; 0 for a network with one logit.
    Class(usize),
    /// A class for each item of the batch.
    Each(Vec<usize>),
}

impl Target {
    /// The class of each item, given all scores.
    pub(super) fn classes(
        &self,
        scores: &[f64],
        batch: usize,
        classes: usize,
    ) -> Result<Vec<usize>> {
        if let Some(place) = scores.iter().position(|score| !score.is_finite()) {
            return Err(Error::Explanation {
                rule: "scores are finite",
                got: format!("{} for item {}", scores[place], place / classes.max(1)),
            });
        }
        let chosen = match self {
            Self::Predicted => scores.chunks_exact(classes.max(1)).map(highest).collect(),
            Self::Class(class) => vec![*class; batch],
            Self::Each(each) => each.clone(),
        };
        if chosen.len() != batch {
            return Err(Error::Explanation {
                rule: "there is a class for each item of the batch",
                got: format!("{} classes for {batch} items", chosen.len()),
            });
        }
        match chosen.iter().find(|&&class| class >= classes) {
            None => Ok(chosen),
            Some(class) => Err(Error::Explanation {
                rule: "the class is one of the network's",
                got: format!("class {class} of {classes}"),
            }),
        }
    }
}

fn highest(scores: &[f64]) -> usize {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = class;
        }
    }
    best
}
