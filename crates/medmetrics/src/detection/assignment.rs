//! Pairs of rows and columns with the largest sum.

/// The one-to-one pairs (row, column) of a rectangular table whose sum is largest, as many as it has rows or
/// columns, whichever are fewer.
///
/// Shortest augmenting paths with potentials (H. Kuhn, Naval Research Logistics Quarterly 2, 1955; R. Jonker
/// and A. Volgenant, Computing 38, 1987), in the time of rows squared times columns.
pub(super) fn best_pairs(gains: &[Vec<f64>]) -> Vec<(usize, usize)> {
    let rows = gains.len();
    let columns = gains.first().map_or(0, Vec::len);
    if rows <= columns {
        return assigned([rows, columns], |row, column| -gains[row][column]);
    }
    let turned = assigned([columns, rows], |row, column| -gains[column][row]);
    turned
        .into_iter()
        .map(|(row, column)| (column, row))
        .collect()
}

/// The pairs of smallest cost for no more rows than columns.
fn assigned(
    [rows, columns]: [usize; 2],
    cost: impl Fn(usize, usize) -> f64,
) -> Vec<(usize, usize)> {
    // The last column is where a row waits that has none yet.
    let mut row_of: Vec<Option<usize>> = vec![None; columns + 1];
    let (mut of_row, mut of_column) = (vec![0.0; rows], vec![0.0; columns + 1]);
    for new in 0..rows {
        row_of[columns] = Some(new);
        let mut column = columns;
        let mut reached = vec![f64::INFINITY; columns];
        let mut from = vec![columns; columns];
        let mut used = vec![false; columns + 1];
        while let Some(row) = row_of[column] {
            used[column] = true;
            let mut next: Option<usize> = None;
            for c in (0..columns).filter(|&c| !used[c]) {
                let reduced = cost(row, c) - of_row[row] - of_column[c];
                if reduced < reached[c] {
                    (reached[c], from[c]) = (reduced, column);
                }
                if next.is_none_or(|n| reached[c] < reached[n]) {
                    next = Some(c);
                }
            }
            let Some(next) = next else { break };
            let step = reached[next];
            for c in 0..=columns {
                match (used[c], row_of[c]) {
                    (true, Some(row)) => {
                        of_row[row] += step;
                        of_column[c] -= step;
                    }
                    (true, None) => of_column[c] -= step,
                    (false, _) if c < columns => reached[c] -= step,
                    (false, _) => {}
                }
            }
            column = next;
        }
        while column != columns {
            row_of[column] = row_of[from[column]];
            column = from[column];
        }
    }
    let pairs = row_of[..columns].iter().enumerate();
    pairs
        .filter_map(|(column, row)| Some(((*row)?, column)))
        .collect()
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::*;

    /// The largest sum, by trying all.
    fn largest(gains: &[Vec<f64>], free: &mut Vec<bool>) -> f64 {
        let Some((row, others)) = gains.split_first() else {
            return 0.0;
        };
        let mut best = if gains.len() > free.iter().filter(|f| **f).count() {
            largest(others, free)
        } else {
            f64::NEG_INFINITY
        };
        for column in 0..row.len() {
            if free[column] {
                free[column] = false;
                best = best.max(row[column] + largest(others, free));
                free[column] = true;
            }
        }
        best
    }

    #[test]
    fn no_other_pairs_have_a_larger_sum() {
        let mut random = Key::new(2).stream("gains");
        for trial in 0..300 {
            let (rows, columns) = (random.below(6), random.below(6));
            let gains: Vec<Vec<f64>> = (0..rows)
                .map(|_| {
                    let gain = |_| {
                        if random.chance(0.5) {
                            0.0
                        } else {
                            1.0 + random.uniform()
                        }
                    };
                    (0..columns).map(gain).collect()
                })
                .collect();
            let pairs = best_pairs(&gains);
            assert_eq!(pairs.len(), rows.min(columns), "trial {trial}");
            let sum: f64 = pairs.iter().map(|&(row, column)| gains[row][column]).sum();
            assert!(
                (sum - largest(&gains, &mut vec![true; columns])).abs() < 1e-12,
                "trial {trial}"
            );
            for side in [|p: &(usize, usize)| p.0, |p: &(usize, usize)| p.1] {
                let mut taken: Vec<_> = pairs.iter().map(side).collect();
                taken.sort_unstable();
                taken.dedup();
                assert_eq!(taken.len(), pairs.len());
            }
        }
    }
}
