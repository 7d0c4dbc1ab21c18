//! Who is matched with whom, so that the sum of costs is smallest: the Hungarian problem.
//!
//! Shortest augmenting paths with potentials (R. Jonker and A. Volgenant, Computing 38, 1987; D. Crouse, IEEE
//! Transactions on Aerospace and Electronic Systems 52, 2016), in `f64`, for any number of rows and columns.
//! Cubic time.

use crate::error::{Error, Result};

/// The pairs (row, column) with the smallest sum of costs, as many as the shorter side has, by row.
///
/// `costs` has one row after the other. The result is a function of the costs alone: of several best
/// assignments always the same one is found.
///
/// ```
/// use medmetrics::assignment::minimum_cost;
///
/// // Two rows, three columns.
/// let costs = [4.0, 1.0, 3.0,
///              2.0, 0.0, 5.0];
/// assert_eq!(minimum_cost(&costs, 3)?, [(0, 1), (1, 0)]);
/// # Ok::<(), medmetrics::Error>(())
/// ```
///
/// # Errors
/// Refuses a list that is not a multiple of `columns`, and costs that are not finite.
pub fn minimum_cost(costs: &[f64], columns: usize) -> Result<Vec<(usize, usize)>> {
    if let Some(index) = costs.iter().position(|cost| !cost.is_finite()) {
        return Err(Error::InvalidValue {
            what: "costs",
            rule: "finite",
            index,
            value: costs[index],
        });
    }
    if costs.is_empty() {
        return Ok(Vec::new());
    }
    if columns == 0 || !costs.len().is_multiple_of(columns) {
        return Err(Error::Length {
            what: "the table of costs",
            got: costs.len(),
            against: "its number of columns",
            expected: columns,
        });
    }
    let rows = costs.len() / columns;
    let mut pairs = if rows <= columns {
        Paths::new(rows, columns, |row, column| costs[row * columns + column]).solve()
    } else {
        let turned = |row, column| costs[column * columns + row];
        let pairs = Paths::new(columns, rows, turned).solve();
        pairs
            .into_iter()
            .map(|(row, column)| (column, row))
            .collect()
    };
    pairs.sort_unstable();
    Ok(pairs)
}

/// Rows (no more than columns) that are assigned one after the other.
struct Paths<F> {
    rows: usize,
    columns: usize,
    cost: F,
    row_potential: Vec<f64>,
    column_potential: Vec<f64>,
    /// The row that each column is assigned to.
    row_of: Vec<Option<usize>>,
    column_of: Vec<Option<usize>>,
}

impl<F: Fn(usize, usize) -> f64> Paths<F> {
    fn new(rows: usize, columns: usize, cost: F) -> Self {
        Self {
            rows,
            columns,
            cost,
            row_potential: vec![0.0; rows],
            column_potential: vec![0.0; columns],
            row_of: vec![None; columns],
            column_of: vec![None; rows],
        }
    }

    fn solve(mut self) -> Vec<(usize, usize)> {
        (0..self.rows).for_each(|row| self.assign(row));
        let pairs = self.column_of.iter().enumerate();
        pairs
            .filter_map(|(row, column)| Some((row, (*column)?)))
            .collect()
    }

    /// Assigns one more row along the shortest path that ends in a free column.
    fn assign(&mut self, first: usize) {
        let mut shortest = vec![f64::INFINITY; self.columns];
        let mut came_from = vec![first; self.columns];
        let mut done = vec![false; self.columns];
        let mut reached_rows = vec![first];
        let (mut row, mut length) = (first, 0.0);
        let last = loop {
            let mut next = None;
            for column in (0..self.columns).filter(|&column| !done[column]) {
                let reduced = (self.cost)(row, column) - self.row_potential[row];
                let through = length + reduced - self.column_potential[column];
                if through < shortest[column] {
                    (shortest[column], came_from[column]) = (through, row);
                }
                let free = self.row_of[column].is_none();
                // Of equal ones a free column ends the path at once.
                let better = next.is_none_or(|(_, best, best_free): (usize, f64, bool)| {
                    shortest[column] < best || (shortest[column] == best && free && !best_free)
                });
                if better {
                    next = Some((column, shortest[column], free));
                }
            }
            // There are no fewer columns than rows, so one is left.
            let Some((column, best, _)) = next else {
                return;
            };
            (length, done[column]) = (best, true);
            match self.row_of[column] {
                None => break column,
                Some(assigned) => {
                    row = assigned;
                    reached_rows.push(row);
                }
            }
        };
        for &row in &reached_rows {
            let by = self.column_of[row].map_or(0.0, |column| shortest[column]);
            self.row_potential[row] += length - by;
        }
        for column in (0..self.columns).filter(|&column| done[column]) {
            self.column_potential[column] -= length - shortest[column];
        }
        let mut column = last;
        loop {
            let row = came_from[column];
            self.row_of[column] = Some(row);
            let before = self.column_of[row].replace(column);
            match before {
                Some(next) if row != first => column = next,
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The smallest sum over all ways to assign every row (no more than columns).
    fn smallest(costs: &[f64], columns: usize, row: usize, taken: u32) -> f64 {
        if (row + 1) * columns > costs.len() {
            return 0.0;
        }
        let free = (0..columns).filter(|&column| taken >> column & 1 == 0);
        let sums = free.map(|column| {
            costs[row * columns + column] + smallest(costs, columns, row + 1, taken | 1 << column)
        });
        sums.fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn no_other_assignment_is_cheaper(
            rows in 1usize..6,
            more in 0usize..3,
            costs in prop::collection::vec(-3i32..4, 6 * 9),
        ) {
            let columns = rows + more;
            let costs: Vec<f64> = costs[..rows * columns].iter().map(|&c| f64::from(c)).collect();
            let pairs = minimum_cost(&costs, columns).unwrap();
            prop_assert_eq!(pairs.len(), rows);
            let sum: f64 = pairs.iter().map(|&(row, column)| costs[row * columns + column]).sum();
            prop_assert_eq!(sum, smallest(&costs, columns, 0, 0));
            let turned: Vec<f64> = (0..columns)
                .flat_map(|column| (0..rows).map(move |row| (row, column)))
                .map(|(row, column)| costs[row * columns + column])
                .collect();
            let back = minimum_cost(&turned, rows).unwrap();
            let turned_sum: f64 = back.iter().map(|&(c, r)| costs[r * columns + c]).sum();
            prop_assert_eq!(turned_sum, sum);
            let mut seen: Vec<usize> = pairs.iter().map(|&(_, column)| column).collect();
            seen.sort_unstable();
            seen.dedup();
            prop_assert_eq!(seen.len(), rows);
        }
    }

    #[test]
    fn costs_that_cannot_be_added_are_refused_with_their_place() {
        let error = minimum_cost(&[1.0, f64::NAN], 2).unwrap_err();
        assert!(
            matches!(error, Error::InvalidValue { index: 1, .. }),
            "{error}"
        );
        assert!(minimum_cost(&[1.0; 5], 2).is_err());
        assert!(minimum_cost(&[], 0).unwrap().is_empty());
    }
}
