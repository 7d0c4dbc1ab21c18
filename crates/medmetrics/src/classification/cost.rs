//! What decisions among several classes cost.

use serde::{Deserialize, Serialize};

use super::confusion::ConfusionMatrix;
use crate::error::{Error, Result, check_table_sizes};
use crate::estimate::Estimate;

/// The cost of each decision for each true class, in any one unit.
///
/// ```
/// use medmetrics::classification::{ConfusionMatrix, CostMatrix};
///
/// // Missing a disease costs ten times as much as a false alarm.
/// let costs = CostMatrix::new(2, vec![0.0, 1.0, 10.0, 0.0])?;
/// let matrix = ConfusionMatrix::of(&[0, 0, 0, 1], &[0, 0, 1, 1], 2)?;
/// assert_eq!(costs.expected(&matrix)?.value, Some(0.25));
/// assert_eq!(costs.normalised(&matrix)?.value, Some(0.25 / 0.75));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct CostMatrix {
    classes: usize,
    /// `costs[truth * classes + decision]`.
    costs: Vec<f64>,
    /// Share of each true class where decisions will be made; those of the cases at hand if `None`.
    priors: Option<Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    classes: usize,
    costs: Vec<f64>,
    priors: Option<Vec<f64>>,
}

impl TryFrom<Saved> for CostMatrix {
    type Error = Error;
    fn try_from(saved: Saved) -> Result<Self> {
        let costs = Self::new(saved.classes, saved.costs)?;
        match saved.priors {
            Some(priors) => costs.with_priors(priors),
            None => Ok(costs),
        }
    }
}

impl CostMatrix {
    /// Costs row by row of the true classes.
    ///
    /// # Errors
    /// Refuses another number of costs than classes squared, and costs that are not finite.
    pub fn new(classes: usize, costs: Vec<f64>) -> Result<Self> {
        check_length("costs", costs.len(), classes.saturating_mul(classes))?;
        check("costs", "a finite number", &costs, f64::is_finite)?;
        Ok(Self {
            classes,
            costs,
            priors: None,
        })
    }

    /// The same for a population with other shares of the true classes, which are brought to the sum 1.
    ///
    /// # Errors
    /// Refuses another number of shares than classes, shares below 0 and shares that are all 0.
    pub fn with_priors(self, priors: Vec<f64>) -> Result<Self> {
        check_length("priors", priors.len(), self.classes)?;
        check("priors", "a finite number from 0 on", &priors, |p| {
            p.is_finite() && p >= 0.0
        })?;
        let sum: f64 = priors.iter().sum();
        check("priors", "shares of more than 0 in sum", &[sum], |sum| {
            sum > 0.0
        })?;
        let priors = Some(priors.iter().map(|p| p / sum).collect());
        Ok(Self { priors, ..self })
    }

    /// The expected cost of a case; undefined without cases, or without cases of a class that has a prior.
    ///
    /// # Errors
    /// Refuses a table of another number of classes.
    pub fn expected(&self, matrix: &ConfusionMatrix) -> Result<Estimate> {
        let value = self.cost(matrix)?;
        Ok(matrix.estimate(value, "expected-cost"))
    }

    /// The expected cost relative to that of the best decision without looking: 1 and more is worthless
    /// (L. Ferrer, "Analysis and comparison of classification metrics", arXiv:2209.05355).
    ///
    /// # Errors
    /// Refuses a table of another number of classes.
    pub fn normalised(&self, matrix: &ConfusionMatrix) -> Result<Estimate> {
        let cost = self.cost(matrix)?;
        let priors = self.priors(matrix);
        let blind = |decision: usize| -> f64 {
            let costs = self.costs.iter().skip(decision).step_by(self.classes);
            priors.iter().zip(costs).map(|(p, cost)| p * cost).sum()
        };
        let best = (0..self.classes).map(blind).fold(f64::INFINITY, f64::min);
        let value = cost.filter(|_| best > 0.0).map(|cost| cost / best);
        Ok(matrix.estimate(value, "expected-cost:normalised"))
    }

    fn priors(&self, matrix: &ConfusionMatrix) -> Vec<f64> {
        let total = matrix.total() as f64;
        let own = || matrix.support().iter().map(|&n| n as f64 / total).collect();
        self.priors.clone().unwrap_or_else(own)
    }

    fn cost(&self, matrix: &ConfusionMatrix) -> Result<Option<f64>> {
        check_table_sizes(self.classes, matrix.classes())?;
        if matrix.total() == 0 {
            return Ok(None);
        }
        let rows = matrix.counts().chunks_exact(self.classes);
        let costs = self.costs.chunks_exact(self.classes);
        let support = matrix.support();
        let mut sum = 0.0;
        for (((row, costs), prior), &cases) in
            rows.zip(costs).zip(self.priors(matrix)).zip(&support)
        {
            if prior == 0.0 {
                continue;
            }
            if cases == 0 {
                return Ok(None);
            }
            let of_class: f64 = row
                .iter()
                .zip(costs)
                .map(|(&n, cost)| n as f64 * cost)
                .sum();
            sum += prior * of_class / cases as f64;
        }
        Ok(Some(sum))
    }
}

fn check_length(what: &'static str, got: usize, expected: usize) -> Result<()> {
    let against = "the table of classes";
    match got == expected && expected > 0 {
        true => Ok(()),
        false => Err(Error::Length {
            what,
            got,
            against,
            expected,
        }),
    }
}

fn check(
    what: &'static str,
    rule: &'static str,
    values: &[f64],
    valid: fn(f64) -> bool,
) -> Result<()> {
    match values.iter().position(|&value| !valid(value)) {
        None => Ok(()),
        Some(index) => {
            let value = values[index];
            Err(Error::InvalidValue {
                what,
                rule,
                index,
                value,
            })
        }
    }
}
