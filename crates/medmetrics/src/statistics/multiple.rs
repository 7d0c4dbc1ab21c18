//! p values of several tests, corrected for being several.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What is kept below the level when several hypotheses are tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MultipleTests {
    /// The probability of any false finding, times the number of tests.
    Bonferroni,
    /// The probability of any false finding, step by step (S. Holm, Scandinavian Journal of Statistics 6,
    /// 1979): never worse than Bonferroni, without further assumptions.
    #[default]
    Holm,
    /// The expected share of false findings among findings, for independent or positively dependent tests
    /// (Y. Benjamini and Y. Hochberg, Journal of the Royal Statistical Society B 57, 1995).
    BenjaminiHochberg,
    /// The same for any dependence (Y. Benjamini and D. Yekutieli, Annals of Statistics 29, 2001).
    BenjaminiYekutieli,
}

impl MultipleTests {
    /// The adjusted p values in the order given: findings are those below the level.
    ///
    /// ```
    /// use medmetrics::statistics::MultipleTests;
    ///
    /// let adjusted = MultipleTests::Holm.adjust(&[0.01, 0.04, 0.03])?;
    /// assert_eq!(adjusted, [0.03, 0.06, 0.06]);
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses what is not between 0 and 1.
    pub fn adjust(self, p_values: &[f64]) -> Result<Vec<f64>> {
        if let Some(index) = p_values.iter().position(|p| !(0.0..=1.0).contains(p)) {
            return Err(Error::InvalidValue {
                what: "p values",
                rule: "between 0 and 1",
                index,
                value: p_values[index],
            });
        }
        let tests = p_values.len();
        let mut order: Vec<usize> = (0..tests).collect();
        order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
        let harmonic: f64 = (1..=tests).map(|i| 1.0 / i as f64).sum();
        let mut adjusted = vec![0.0; tests];
        let scaled = |place: usize| {
            let factor = match self {
                Self::Bonferroni => tests as f64,
                Self::Holm => (tests - place) as f64,
                Self::BenjaminiHochberg => tests as f64 / (place + 1) as f64,
                Self::BenjaminiYekutieli => harmonic * tests as f64 / (place + 1) as f64,
            };
            (factor * p_values[order[place]]).min(1.0)
        };
        match self {
            Self::Bonferroni | Self::Holm => {
                let mut largest = 0.0;
                for place in 0..tests {
                    largest = scaled(place).max(largest);
                    adjusted[order[place]] = largest;
                }
            }
            Self::BenjaminiHochberg | Self::BenjaminiYekutieli => {
                let mut smallest: f64 = 1.0;
                for place in (0..tests).rev() {
                    smallest = scaled(place).min(smallest);
                    adjusted[order[place]] = smallest;
                }
            }
        }
        Ok(adjusted)
    }
}
