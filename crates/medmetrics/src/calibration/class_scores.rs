//! Scores of several classes, borrowed from wherever they lie.

use medcore::Label;
use serde::{Deserialize, Serialize};

use super::check;
use crate::error::{Error, Result};
use crate::score::Score;

/// How the scores of several classes lie in a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClassLayout {
    /// All classes of the first sample, then all of the second: `[samples, classes]`.
    #[default]
    Rows,
    /// The first class of all voxels, then the second: `[classes, voxels]`, as images lie.
    Channels,
}

/// A table of scores: classes by samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClassGrid<'a, P> {
    values: &'a [P],
    classes: usize,
    layout: ClassLayout,
}

impl<'a, P: Score> ClassGrid<'a, P> {
    pub(super) fn new(values: &'a [P], classes: usize, layout: ClassLayout) -> Result<Self> {
        if classes == 0 || !values.len().is_multiple_of(classes) {
            return Err(Error::InvalidParameter {
                parameter: "classes",
                rule: "a divisor of the number of scores",
                value: classes as f64,
            });
        }
        Ok(Self {
            values,
            classes,
            layout,
        })
    }

    pub(super) fn samples(&self) -> usize {
        self.values.len() / self.classes
    }

    pub(super) fn place(&self, sample: usize, class: usize) -> usize {
        match self.layout {
            ClassLayout::Rows => sample * self.classes + class,
            ClassLayout::Channels => class * self.samples() + sample,
        }
    }

    pub(super) fn get(&self, sample: usize, class: usize) -> P {
        self.values[self.place(sample, class)]
    }

    pub(super) fn check_labels<L: Label>(&self, labels: &[L]) -> Result<()> {
        check::same_length("labels", labels.len(), self.samples())?;
        match labels
            .iter()
            .find(|&&label| class_of(label) >= self.classes)
        {
            None => Ok(()),
            Some(&label) => Err(Error::UnknownLabel {
                side: "reference",
                label: label.into(),
                classes: self.classes,
            }),
        }
    }
}

pub(super) fn class_of<L: Label>(label: L) -> usize {
    label.into() as usize
}

/// Probabilities of several classes, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct ClassProbabilities<'a, P>(ClassGrid<'a, P>);

impl<'a, P: Score> ClassProbabilities<'a, P> {
    /// Probabilities of at least two classes.
    ///
    /// # Errors
    /// Refuses fewer than two classes, a length that is no multiple of them, and what is no probability.
    pub fn new(values: &'a [P], classes: usize, layout: ClassLayout) -> Result<Self> {
        check::classes(classes)?;
        check::probabilities(values, 0)?;
        Ok(Self(ClassGrid::new(values, classes, layout)?))
    }

    /// The probabilities of one sample.
    pub(super) fn row(values: &'a [P]) -> Result<Self> {
        Self::new(values, values.len(), ClassLayout::Rows)
    }

    /// Number of samples or voxels.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.0.samples()
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.0.classes
    }

    pub(super) fn get(&self, sample: usize, class: usize) -> P {
        self.0.get(sample, class)
    }

    /// All probabilities of a class.
    pub(super) fn column(&self, class: usize) -> Vec<P> {
        (0..self.samples()).map(|i| self.get(i, class)).collect()
    }

    /// The most probable class, the first among equals, with its probability.
    pub(super) fn top(&self, sample: usize) -> (usize, P) {
        let first = (0, self.get(sample, 0));
        (1..self.classes()).fold(first, |best, class| {
            let p = self.get(sample, class);
            if p.into() > best.1.into() {
                (class, p)
            } else {
                best
            }
        })
    }

    pub(super) fn check_labels<L: Label>(&self, labels: &[L]) -> Result<()> {
        self.0.check_labels(labels)
    }
}

/// Logits of several classes, borrowed: what a softmax makes probabilities of. Logarithms of probabilities
/// are logits too.
#[derive(Debug, Clone, Copy)]
pub struct ClassLogits<'a, P>(pub(super) ClassGrid<'a, P>);

impl<'a, P: Score> ClassLogits<'a, P> {
    /// Logits of at least two classes.
    ///
    /// # Errors
    /// Refuses fewer than two classes, a length that is no multiple of them, infinities and NaN.
    pub fn new(values: &'a [P], classes: usize, layout: ClassLayout) -> Result<Self> {
        check::classes(classes)?;
        check::finite(values)?;
        Ok(Self(ClassGrid::new(values, classes, layout)?))
    }

    /// Number of samples or voxels.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.0.samples()
    }

    /// Number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.0.classes
    }

    pub(super) fn get(&self, sample: usize, class: usize) -> f64 {
        self.0.get(sample, class).into()
    }

    /// Refuses labels that do not fit, and classes without a sample, of which nothing can be learnt.
    pub(super) fn check_fit<L: Label>(&self, what: &'static str, labels: &[L]) -> Result<()> {
        self.0.check_labels(labels)?;
        let mut counts = vec![0; self.classes()];
        labels
            .iter()
            .for_each(|&label| counts[class_of(label)] += 1);
        if counts.contains(&0) {
            return Err(Error::TooFew {
                what,
                of: "samples of each class",
                least: 1,
                got: 0,
            });
        }
        Ok(())
    }
}
