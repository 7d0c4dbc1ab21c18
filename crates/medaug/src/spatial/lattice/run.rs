//! Rows of the result that show rows of the source.

use super::Places;

/// How a row of the result lies in the source, where rows show rows.
pub(super) enum Run {
    Forwards,
    Backwards,
    Scattered,
}

impl Run {
    pub(super) fn of(columns: &Places) -> Self {
        let by = |step: i64| {
            let mut pairs = columns.offsets.windows(2);
            pairs.all(|pair| pair[1] as i64 - pair[0] as i64 == step)
        };
        match () {
            () if by(1) => Self::Forwards,
            () if by(-1) => Self::Backwards,
            () => Self::Scattered,
        }
    }

    /// Copies one row, whose source begins at `row`.
    pub(super) fn copy<T: Copy>(
        &self,
        source: &[T],
        row: usize,
        columns: &Places,
        out: &mut [T],
        fill: T,
    ) {
        let range = columns.range();
        let (before, rest) = out.split_at_mut(range.start);
        let (inside, behind) = rest.split_at_mut(range.len());
        before.fill(fill);
        behind.fill(fill);
        let (Some(&first), Some(&last)) = (columns.offsets.first(), columns.offsets.last()) else {
            return;
        };
        match self {
            Self::Forwards => inside.copy_from_slice(&source[row + first..=row + last]),
            Self::Backwards => {
                let from = source[row + last..=row + first].iter().rev();
                inside.iter_mut().zip(from).for_each(|(to, &v)| *to = v);
            }
            Self::Scattered => {
                let from = &source[row..];
                for (to, &at) in inside.iter_mut().zip(&columns.offsets) {
                    *to = from[at];
                }
            }
        }
    }
}
