//! Rows that belong together: the lesions of a patient, the slices of a scan.

use std::collections::HashMap;
use std::hash::Hash;

use crate::error::{Error, Result};

/// Which unit each row belongs to.
///
/// Rows of one patient resemble each other; an interval that takes them for independent is too narrow. What
/// draws or sums units instead of rows asks a `Clusters` which rows those are.
///
/// ```
/// use medmetrics::statistics::Clusters;
///
/// let patients = Clusters::new(&["anna", "ben", "anna", "carl"]);
/// assert_eq!(patients.units(), 3);
/// assert_eq!(patients.unit_of_rows(), [0, 1, 0, 2]);
/// assert_eq!(patients.row_weights(&[2, 0, 1])?, [2, 0, 2, 1]);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    unit_of_rows: Vec<usize>,
    units: usize,
}

impl Clusters {
    /// Units by the identifier of each row, numbered in order of first appearance.
    #[must_use]
    pub fn new<T: Eq + Hash>(identifiers: &[T]) -> Self {
        let mut numbers = HashMap::new();
        let unit_of_rows = identifiers
            .iter()
            .map(|identifier| {
                let next = numbers.len();
                *numbers.entry(identifier).or_insert(next)
            })
            .collect();
        Self {
            unit_of_rows,
            units: numbers.len(),
        }
    }

    /// Number of units.
    #[must_use]
    pub fn units(&self) -> usize {
        self.units
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.unit_of_rows.len()
    }

    /// The unit of each row.
    #[must_use]
    pub fn unit_of_rows(&self) -> &[usize] {
        &self.unit_of_rows
    }

    /// How often each row was drawn, if each unit was drawn so many times.
    ///
    /// # Errors
    /// Refuses a list that does not have one entry for each unit.
    pub fn row_weights(&self, times: &[u32]) -> Result<Vec<u32>> {
        if times.len() != self.units {
            return Err(Error::Length {
                what: "the list of draws",
                got: times.len(),
                against: "the list of units",
                expected: self.units,
            });
        }
        let mut weights = vec![0; self.rows()];
        self.spread(times, &mut weights);
        Ok(weights)
    }

    /// Writes the draws of units to their rows.
    pub(super) fn spread(&self, times: &[u32], weights: &mut [u32]) {
        for (weight, &unit) in weights.iter_mut().zip(&self.unit_of_rows) {
            *weight = times[unit];
        }
    }
}
