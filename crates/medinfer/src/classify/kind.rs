//! How labels relate to each other, and what that makes of logits.

use medmetrics::calibration::{Calibrator, ClassLayout};
use serde::{Deserialize, Serialize};

use super::{ClassLabel, refuse};
use crate::error::Result;

/// How the labels of an image relate to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LabelKind {
    /// Exactly one of them is true: a softmax over the logits.
    #[default]
    Exclusive,
    /// Each is true or not, by itself: a sigmoid of each logit. A network with one logit for one event has these too.
    Independent,
    /// Grades, the lowest first, of which exactly one is true: a softmax over a logit each.
    Grades,
    /// Grades, the lowest first, of a network with one logit fewer: the sigmoid of logit `k` is the probability of a grade
    /// above `k` (Niu et al., CVPR 2016; CORAL: Cao et al. 2020, <https://arxiv.org/abs/1901.07884>). Where a network says
    /// that a grade is more often exceeded than the one below it, which cannot be, it counts as exceeded as often.
    CumulativeGrades,
    /// The same of a network whose logit `k` is about cases of grade `k` or above: the sigmoid is the probability that they
    /// are above (CORN: Shi et al. 2021, <https://arxiv.org/abs/2111.08851>). Products of these never rise.
    ConditionalGrades,
}

impl LabelKind {
    /// Whether labels have an order, the lowest first.
    #[must_use]
    pub fn is_ordered(self) -> bool {
        matches!(
            self,
            Self::Grades | Self::CumulativeGrades | Self::ConditionalGrades
        )
    }

    /// Whether there is a logit for each label, and a softmax over all.
    pub(crate) fn is_softmax(self) -> bool {
        matches!(self, Self::Exclusive | Self::Grades)
    }

    /// Whether logits stand between labels, so that there is one fewer.
    pub(crate) fn is_between(self) -> bool {
        matches!(self, Self::CumulativeGrades | Self::ConditionalGrades)
    }

    /// One probability for each logit: of its label or, where logits stand between grades, of a grade above.
    pub(crate) fn of_logits(self, calibrator: &Calibrator, logits: &[f64]) -> Result<Vec<f64>> {
        let classes = match self.is_softmax() {
            true => logits.len(),
            false => 1,
        };
        let mut found = calibrator.apply(logits, classes, ClassLayout::Rows)?;
        let mut below = 1.0;
        for level in &mut found {
            match self {
                Self::CumulativeGrades => *level = level.min(below),
                Self::ConditionalGrades => *level *= below,
                Self::Exclusive | Self::Independent | Self::Grades => {}
            }
            below = *level;
        }
        Ok(found)
    }

    /// One probability for each label.
    pub(crate) fn probabilities(self, calibrator: &Calibrator, logits: &[f64]) -> Result<Vec<f64>> {
        let found = self.of_logits(calibrator, logits)?;
        if !self.is_between() {
            return Ok(found);
        }
        let upper = found.iter().copied().chain([0.0]);
        let lower = [1.0].into_iter().chain(found.iter().copied());
        Ok(lower
            .zip(upper)
            .map(|(lower, upper)| lower - upper)
            .collect())
    }

    /// What thresholds are compared with: the probability of each label or, where labels have an order, of it or a higher
    /// one.
    pub(crate) fn decided(self, probabilities: &[f64]) -> Vec<f64> {
        let mut decided = probabilities.to_vec();
        if self.is_ordered() {
            let mut above = 0.0;
            for value in decided.iter_mut().rev() {
                above += *value;
                *value = above;
            }
        }
        decided
    }

    /// What each output of a network says, in words.
    pub(crate) fn outputs(self, labels: &[ClassLabel]) -> Vec<String> {
        let names = labels.iter().map(|label| label.name.clone());
        match self.is_between() {
            true => { names.take(labels.len().saturating_sub(1)) }
                .map(|name| format!("above {name}"))
                .collect(),
            false => names.collect(),
        }
    }

    /// Refuses another number of labels than these outputs are for.
    pub(super) fn check(self, labels: &[ClassLabel], outputs: usize) -> Result<()> {
        if self.is_softmax() && outputs < 2 {
            let rule =
                "independent, or of grades with a logit fewer, where the network has one output";
            return refuse("kind", rule, format!("{self:?}"));
        }
        if self.is_between() && labels.len() != outputs + 1 {
            let rule = "one more than the network has outputs, which stand between grades";
            return refuse("labels", rule, format!("{} for {outputs}", labels.len()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use medmetrics::calibration::TemperatureScaling;

    use super::*;

    fn sigmoid(z: f64) -> f64 {
        1.0 / (1.0 + (-z).exp())
    }

    fn probabilities(kind: LabelKind, logits: &[f64]) -> Vec<f64> {
        let plain = Calibrator::from(TemperatureScaling::new(1.0).unwrap());
        kind.probabilities(&plain, logits).unwrap()
    }

    fn close(got: &[f64], expected: &[f64]) {
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        }
    }

    #[test]
    fn levels_between_grades_become_probabilities_of_grades() {
        let logits = [2.0, 0.5, -1.0];
        let [a, b, c] = logits.map(sigmoid);
        let cumulative = probabilities(LabelKind::CumulativeGrades, &logits);
        close(&cumulative, &[1.0 - a, a - b, b - c, c]);
        let conditional = probabilities(LabelKind::ConditionalGrades, &logits);
        let expected = [1.0 - a, a * (1.0 - b), a * b * (1.0 - c), a * b * c];
        close(&conditional, &expected);
        let decided = LabelKind::ConditionalGrades.decided(&conditional);
        close(&decided, &[1.0, a, a * b, a * b * c]);
    }

    #[test]
    fn a_level_is_exceeded_at_most_as_often_as_the_one_below() {
        let found = probabilities(LabelKind::CumulativeGrades, &[0.0, 3.0, -1.0]);
        close(&found, &[0.5, 0.0, 0.5 - sigmoid(-1.0), sigmoid(-1.0)]);
    }

    #[test]
    fn grades_of_a_softmax_are_exclusive_labels_in_an_order() {
        let logits = [0.3, -0.2, 1.0];
        let found = probabilities(LabelKind::Grades, &logits);
        assert_eq!(found, probabilities(LabelKind::Exclusive, &logits));
        close(
            &LabelKind::Grades.decided(&found),
            &[1.0, found[1] + found[2], found[2]],
        );
        assert_eq!(LabelKind::Exclusive.decided(&found), found);
    }
}
