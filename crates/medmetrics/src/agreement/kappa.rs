//! Agreement of two raters beyond chance.
//!
//! All coefficients are `1 - observed disagreement / disagreement expected by chance` and differ in what
//! chance means. Kappa falls when one category dominates, however well raters agree; AC1 does not.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::agreement::rating_table::RatingTable;
use crate::agreement::weights::KappaWeights;
use crate::error::Result;
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::{normal_cdf, normal_quantile};

/// Which coefficient to compute, of a [`RatingTable`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kappa {
    /// What agreement by chance means.
    pub chance: Chance,
    /// How bad a disagreement is.
    pub weights: KappaWeights,
    /// Which categories have a rank.
    pub categories: Categories,
    /// How often the interval is to hold the true value.
    pub confidence: Confidence,
}

/// What agreement by chance means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Chance {
    /// Each rater draws from their own frequencies (J. Cohen, 1960).
    #[default]
    Cohen,
    /// Both draw from their common frequencies (W. Scott, pi, 1955).
    Scott,
    /// Every category is as likely as every other (R. Brennan and D. Prediger, 1981); PABAK for two
    /// categories, Randolph's kappa of two raters.
    BrennanPrediger,
    /// Chance only matters for items that are hard to rate (K. Gwet, AC1 and with weights AC2, 2008).
    Gwet,
}

/// Which categories have a rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Categories {
    /// All that were declared, as in torchmetrics, and in scikit-learn with `labels=`.
    #[default]
    Declared,
    /// Those that a rater used, closed up: scikit-learn's default. Weighted kappa then depends on whether
    /// anybody used the categories between two others.
    ScikitLearn,
}

/// A coefficient with what it was made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KappaEstimate {
    /// The coefficient, with the normal interval around it; undefined where chance leaves no disagreement.
    pub estimate: Estimate,
    /// Share of agreement that was observed, weighted.
    pub observed: Option<f64>,
    /// Share of agreement expected by chance, weighted.
    pub expected: Option<f64>,
    /// Standard error of the coefficient.
    pub standard_error: Option<f64>,
    /// Standard error if the raters were independent; only for Cohen's kappa.
    pub null_standard_error: Option<f64>,
    /// The largest kappa that the raters' frequencies allow; only for Cohen's kappa without custom weights.
    pub maximum: Option<f64>,
}

impl Kappa {
    /// Cohen's kappa of all declared categories.
    #[must_use]
    pub fn cohen(weights: KappaWeights) -> Self {
        Self {
            weights,
            ..Self::default()
        }
    }

    /// The coefficient of a table of ratings.
    ///
    /// The standard error is that of J. Fleiss, J. Cohen and B. Everitt (Psychological Bulletin 72, 1969) and
    /// its like for the other coefficients (the delta method, over `n`; Gwet's own divides by `n - 1`). The
    /// interval is symmetric and may pass 1. One of 95 % covers too little for few items and rare categories:
    /// 93 % at 30 items of two even categories and a kappa of 0.6, 92 % with quadratic weights at 50 items of
    /// three, but 79 % at 40 items of which a tenth are of the rarer category; 95 % at 300 even ones.
    ///
    /// # Errors
    /// Refuses custom weights that do not fit the table.
    pub fn of(&self, table: &RatingTable) -> Result<KappaEstimate> {
        let used;
        let (table, weights) = match self.categories {
            Categories::Declared => (table, self.weights.clone()),
            Categories::ScikitLearn => {
                let kept = table.used();
                used = table.of_categories(&kept);
                let weights = self.weights.of_categories(table.categories(), &kept)?;
                (&used, weights)
            }
        };
        let disagreements = weights.disagreements(table.categories())?;
        let n = table.total();
        let undefined = KappaEstimate {
            estimate: Estimate::undefined(n, self.to_string()),
            observed: None,
            expected: None,
            standard_error: None,
            null_standard_error: None,
            maximum: None,
        };
        if n == 0 {
            return Ok(undefined);
        }
        let shares = Shares::of(table, &disagreements);
        let by_chance = shares.by_chance(self.chance);
        let observed = shares.observed();
        let undefined = KappaEstimate {
            observed: Some(1.0 - observed),
            expected: by_chance.is_finite().then_some(1.0 - by_chance),
            ..undefined
        };
        if by_chance.is_nan() || by_chance <= 0.0 {
            return Ok(undefined);
        }
        let value = 1.0 - observed / by_chance;
        let error = |joint: &[f64], value: f64| {
            let terms = shares.influence(self.chance, value);
            (variance(joint, &terms) / n as f64).sqrt() / by_chance
        };
        let standard_error = error(&shares.joint, value);
        let reach = -normal_quantile(self.confidence.tail()) * standard_error;
        let interval = Interval {
            low: value - reach,
            high: value + reach,
            confidence: self.confidence,
            method: IntervalMethod::Normal,
        };
        let is_cohens = self.chance == Chance::Cohen;
        Ok(KappaEstimate {
            estimate: Estimate::new(value, n, self.to_string()).with_interval(interval),
            standard_error: Some(standard_error),
            null_standard_error: is_cohens.then(|| error(&shares.independent(), 0.0)),
            maximum: (is_cohens && !matches!(weights, KappaWeights::Custom(_)))
                .then(|| 1.0 - shares.least_disagreement(&weights) / by_chance),
            ..undefined
        })
    }
}

impl KappaEstimate {
    /// The p value of the two-sided test that the raters are independent; only for Cohen's kappa.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        let error = self.null_standard_error.filter(|&error| error > 0.0)?;
        Some(2.0 * normal_cdf(-(self.estimate.value? / error).abs()))
    }
}

/// A table as shares of its total.
struct Shares<'a> {
    categories: usize,
    disagreements: &'a [f64],
    joint: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl<'a> Shares<'a> {
    fn of(table: &RatingTable, disagreements: &'a [f64]) -> Self {
        let all = 0..table.categories();
        let total = table.total() as f64;
        let row = |r| all.clone().map(|c| table.count(r, c)).sum::<u64>();
        let column = |c| all.clone().map(|r| table.count(r, c)).sum::<u64>();
        Self {
            categories: table.categories(),
            disagreements,
            joint: all
                .clone()
                .flat_map(|r| all.clone().map(move |c| table.count(r, c) as f64 / total))
                .collect(),
            first: all.clone().map(|r| row(r) as f64 / total).collect(),
            second: all.clone().map(|c| column(c) as f64 / total).collect(),
        }
    }

    fn common(&self) -> Vec<f64> {
        let pairs = self.first.iter().zip(&self.second);
        pairs.map(|(a, b)| 0.5 * (a + b)).collect()
    }

    fn independent(&self) -> Vec<f64> {
        let rows = self.first.iter();
        rows.flat_map(|a| self.second.iter().map(move |b| a * b))
            .collect()
    }

    fn observed(&self) -> f64 {
        dot(&self.joint, self.disagreements)
    }

    /// The disagreement expected by chance; not finite where one category leaves it undefined.
    fn by_chance(&self, chance: Chance) -> f64 {
        match chance {
            Chance::Cohen => dot(&self.independent(), self.disagreements),
            Chance::Scott => {
                let common = self.common();
                let column = self.mean_disagreement(&common, Side::Row);
                dot(&common, &column)
            }
            Chance::BrennanPrediger => self.disagreements.iter().sum::<f64>() / self.places(),
            Chance::Gwet => {
                let uneven: f64 = self.common().iter().map(|p| p * (1.0 - p)).sum();
                1.0 - self.gwet_factor() * uneven
            }
        }
    }

    fn places(&self) -> f64 {
        (self.categories * self.categories) as f64
    }

    fn gwet_factor(&self) -> f64 {
        let agreements = self.places() - self.disagreements.iter().sum::<f64>();
        agreements / (self.places() - self.categories as f64)
    }

    /// How the numerator of the coefficient's error answers to each place of the table.
    fn influence(&self, chance: Chance, value: f64) -> Vec<f64> {
        let (rows, columns) = match chance {
            Chance::Cohen => (
                self.mean_disagreement(&self.second, Side::Row),
                self.mean_disagreement(&self.first, Side::Column),
            ),
            Chance::Scott => {
                let common = self.common();
                let [rows, columns] =
                    [Side::Row, Side::Column].map(|side| self.mean_disagreement(&common, side));
                let both = rows.iter().zip(columns);
                let half: Vec<f64> = both.map(|(a, b)| 0.5 * (a + b)).collect();
                (half.clone(), half)
            }
            Chance::BrennanPrediger => (vec![0.0; self.categories], vec![0.0; self.categories]),
            Chance::Gwet => {
                let factor = self.gwet_factor();
                let slope: Vec<f64> = self.common().iter().map(|p| factor * p).collect();
                (slope.clone(), slope)
            }
        };
        self.disagreements
            .iter()
            .enumerate()
            .map(|(place, weight)| {
                let (row, column) = (place / self.categories, place % self.categories);
                weight - (1.0 - value) * (rows[row] + columns[column])
            })
            .collect()
    }

    /// The mean disagreement of each category with another rater's ratings.
    fn mean_disagreement(&self, others: &[f64], side: Side) -> Vec<f64> {
        let weight = |mine: usize, other: usize| match side {
            Side::Row => self.disagreements[mine * self.categories + other],
            Side::Column => self.disagreements[other * self.categories + mine],
        };
        (0..self.categories)
            .map(|mine| {
                let terms = others.iter().enumerate();
                terms
                    .map(|(other, share)| weight(mine, other) * share)
                    .sum()
            })
            .collect()
    }

    /// The least disagreement of any table with these frequencies.
    fn least_disagreement(&self, weights: &KappaWeights) -> f64 {
        if matches!(weights, KappaWeights::Unweighted) {
            let common = self.first.iter().zip(&self.second);
            return 1.0 - common.map(|(a, b)| a.min(*b)).sum::<f64>();
        }
        // For a convex cost of the distance the best plan goes through both in order.
        let (mut row, mut column, mut sum) = (0, 0, 0.0);
        let (mut left, mut right) = (self.first[0], self.second[0]);
        loop {
            let moved = left.min(right);
            sum += moved * self.disagreements[row * self.categories + column];
            left -= moved;
            right -= moved;
            if left <= 0.0 {
                row += 1;
                let Some(share) = self.first.get(row) else {
                    return sum;
                };
                left = *share;
            } else {
                column += 1;
                let Some(share) = self.second.get(column) else {
                    return sum;
                };
                right = *share;
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    Row,
    Column,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn variance(shares: &[f64], values: &[f64]) -> f64 {
    let mean = dot(shares, values);
    let terms = shares.iter().zip(values);
    terms
        .map(|(share, v)| share * (v - mean) * (v - mean))
        .sum()
}

/// Such as `kappa:cohen/quadratic/declared`.
impl fmt::Display for Kappa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chance = match self.chance {
            Chance::Cohen => "cohen",
            Chance::Scott => "scott",
            Chance::BrennanPrediger => "brennan-prediger",
            Chance::Gwet => "gwet",
        };
        let categories = match self.categories {
            Categories::Declared => "declared",
            Categories::ScikitLearn => "scikit-learn",
        };
        write!(f, "kappa:{chance}/{}/{categories}", self.weights)
    }
}
