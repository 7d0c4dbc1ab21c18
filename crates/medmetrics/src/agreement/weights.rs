//! How bad a disagreement between two categories is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The weight of a disagreement between two categories, by their ranks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KappaWeights {
    /// Every disagreement is as bad as every other.
    #[default]
    Unweighted,
    /// The distance between the ranks.
    Linear,
    /// The squared distance between the ranks (J. Cohen, Psychological Bulletin 70, 1968).
    Quadratic,
    /// A square table of disagreements, row by row: no less than 0, and 0 on the diagonal.
    Custom(Vec<f64>),
}

impl KappaWeights {
    /// Disagreements of all pairs of categories, row by row, the largest of them 1.
    ///
    /// # Errors
    /// Refuses a custom table of another size, a weight that is negative or not finite, and a diagonal that
    /// is not 0.
    pub fn disagreements(&self, categories: usize) -> Result<Vec<f64>> {
        if let Self::Custom(table) = self {
            check(table, categories)?;
        }
        let places = (0..categories * categories).map(|place| {
            let (row, column) = (place / categories, place % categories);
            let distance = row.abs_diff(column) as f64;
            match self {
                Self::Unweighted => f64::from(row != column),
                Self::Linear => distance,
                Self::Quadratic => distance * distance,
                Self::Custom(table) => table[place],
            }
        });
        let mut table: Vec<f64> = places.collect();
        let largest = table.iter().copied().fold(0.0, f64::max);
        if largest > 0.0 {
            table.iter_mut().for_each(|weight| *weight /= largest);
        }
        Ok(table)
    }

    /// The same for some of `categories` categories; ranks follow their order.
    pub(crate) fn of_categories(&self, categories: usize, kept: &[usize]) -> Result<Self> {
        let Self::Custom(table) = self else {
            return Ok(self.clone());
        };
        check(table, categories)?;
        let rows = kept.iter();
        Ok(Self::Custom(
            rows.flat_map(|row| kept.iter().map(move |column| row * categories + column))
                .map(|place| table[place])
                .collect(),
        ))
    }
}

fn check(table: &[f64], categories: usize) -> Result<()> {
    if table.len() != categories * categories {
        return Err(Error::Length {
            what: "the table of weights",
            got: table.len(),
            against: "the table of ratings",
            expected: categories * categories,
        });
    }
    let wrong = |(place, &weight): (usize, &f64)| {
        let on_diagonal = place / categories == place % categories;
        !(weight.is_finite() && weight >= 0.0) || (on_diagonal && weight != 0.0)
    };
    match table.iter().enumerate().position(wrong) {
        None => Ok(()),
        Some(index) => Err(Error::InvalidValue {
            what: "the table of weights",
            rule: "no less than 0, and 0 on the diagonal",
            index,
            value: table[index],
        }),
    }
}

impl fmt::Display for KappaWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unweighted => "unweighted",
            Self::Linear => "linear",
            Self::Quadratic => "quadratic",
            Self::Custom(_) => "custom",
        })
    }
}
