//! Each axis for itself: a table of where its indices look.

use super::Row;
use crate::error::{Error, Result};

/// For each axis, where its whole indices look; linear between them, and shifted as at the nearer end beyond them.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisTables<const D: usize> {
    axes: [Vec<f64>; D],
}

impl<const D: usize> AxisTables<D> {
    /// The deformation by these tables, one entry for each index of each axis.
    ///
    /// # Errors
    /// Refuses tables that are empty, not finite, or fall anywhere, which would fold the image.
    pub fn new(axes: [Vec<f64>; D]) -> Result<Self> {
        for table in &axes {
            let wrong = |rule, value| Error::InvalidParameter {
                transform: "AxisTables",
                parameter: "table",
                rule,
                value,
            };
            if table.is_empty() {
                return Err(wrong("at least one entry long", 0.0));
            }
            if let Some(&value) = table.iter().find(|v| !v.is_finite()) {
                return Err(wrong("finite", value));
            }
            if let Some(pair) = table.windows(2).find(|pair| pair[1] < pair[0]) {
                return Err(wrong("nowhere falling", pair[1]));
            }
        }
        Ok(Self { axes })
    }

    /// Where a place looks.
    #[must_use]
    pub fn source_of(&self, at: [f64; D]) -> [f64; D] {
        std::array::from_fn(|a| look(&self.axes[a], at[a]))
    }

    /// Which place looks there; the middle of them where a table stands still.
    #[must_use]
    pub fn place_of(&self, source: [f64; D]) -> [f64; D] {
        std::array::from_fn(|a| {
            let (table, source) = (&self.axes[a], source[a]);
            let last = table.len() - 1;
            if source < table[0] {
                return source - table[0];
            }
            if source > table[last] {
                return last as f64 + (source - table[last]);
            }
            let before = |bound: &dyn Fn(f64) -> bool| table.partition_point(|&v| bound(v));
            let (first, end) = (before(&|v| v < source), before(&|v| v <= source));
            if first < end {
                return (first + end - 1) as f64 / 2.0;
            }
            // Here table[first - 1] < source < table[first].
            let (low, high) = (table[first - 1], table[first]);
            (first - 1) as f64 + (source - low) / (high - low)
        })
    }

    pub(super) fn bend(&self, row: &mut Row<D>) {
        let leading = if row.straight { D - 1 } else { 0 };
        for a in 0..leading {
            let at = look(&self.axes[a], row.at[a].first().copied().unwrap_or(0.0));
            row.at[a].fill(at);
        }
        for a in leading..D {
            for at in &mut row.at[a] {
                *at = look(&self.axes[a], *at);
            }
        }
    }
}

fn look(table: &[f64], at: f64) -> f64 {
    let last = table.len() - 1;
    if at <= 0.0 {
        return table[0] + at;
    }
    if at >= last as f64 {
        return table[last] + (at - last as f64);
    }
    let index = at as usize;
    let (low, high) = (table[index], table[index + 1]);
    low + (at - index as f64) * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_followed_there_and_back() {
        let tables = AxisTables::new([vec![0.5, 2.0, 2.0, 7.0]]).unwrap();
        for (at, source) in [
            (0.0, 0.5),
            (0.5, 1.25),
            (2.5, 4.5),
            (3.0, 7.0),
            (5.0, 9.0),
            (-2.0, -1.5),
        ] {
            assert_eq!(tables.source_of([at]), [source]);
            assert_eq!(tables.place_of([source]), [at]);
        }
        assert_eq!(tables.place_of([2.0]), [1.5]);
        assert!(AxisTables::new([vec![0.0, 2.0, 1.0]]).is_err());
        assert!(AxisTables::new([vec![0.0, f64::NAN]]).is_err());
    }
}
