//! What an order of labels adds to their probabilities.

use serde::{Deserialize, Serialize};

use super::LabelKind;

/// A grade as a number, counted from 0, the lowest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Grade {
    /// The probability of each grade or a higher one; of the lowest 1.
    pub at_least: Vec<f64>,
    /// The mean of the grades by their probabilities.
    pub expected: f64,
    /// The highest grade that is reached with a probability above one half: the grade with the least mean distance from the
    /// true one, and the rank of CORAL and CORN.
    pub median: usize,
}

impl Grade {
    /// Of the probabilities of all grades, the lowest first; `None` where labels have no order.
    ///
    /// ```
    /// use medinfer::{Grade, LabelKind};
    ///
    /// let grade = Grade::of(&[0.4, 0.15, 0.45], LabelKind::Grades).expect("an order");
    /// assert!((grade.at_least[1] - 0.6).abs() < 1e-12);
    /// assert!((grade.expected - 1.05).abs() < 1e-12);
    /// assert_eq!(grade.median, 1); // where the most probable grade is 2
    /// assert_eq!(Grade::of(&[0.4, 0.6], LabelKind::Exclusive), None);
    /// ```
    #[must_use]
    pub fn of(probabilities: &[f64], kind: LabelKind) -> Option<Self> {
        if !kind.is_ordered() || probabilities.is_empty() {
            return None;
        }
        let at_least = kind.decided(probabilities);
        let weighted = (0..).zip(probabilities).map(|(k, p)| f64::from(k) * p);
        Some(Self {
            expected: weighted.sum(),
            median: { at_least.iter().skip(1) }
                .filter(|&&reached| reached > 0.5)
                .count(),
            at_least,
        })
    }
}
