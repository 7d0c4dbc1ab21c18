//! What lies outside of a padded axis.

use crate::cpu::taps::AxisMap;

/// What lies outside the input.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum PadMode {
    /// One value.
    Constant(f64),
    /// The input mirrored at its outermost voxel, which is not repeated; less than the input's extent on each side.
    Reflect,
    /// The outermost voxel repeated.
    Replicate,
    /// The input repeated, as on a ring; at most the input's extent on each side.
    Circular,
}

impl PadMode {
    /// The map to an axis with `before` voxels added in front and `after` behind; widths that the mode allows.
    #[must_use]
    pub fn axis_map(self, input: usize, before: usize, after: usize) -> AxisMap {
        AxisMap::from_fn(input, before + input + after, |o| {
            let inside = o >= before && o - before < input;
            let index = match self {
                _ if inside => o - before,
                Self::Constant(_) => return None,
                Self::Replicate => o.saturating_sub(before).min(input - 1),
                Self::Reflect if o < before => before - o,
                Self::Reflect => 2 * (input - 1) - (o - before),
                Self::Circular => (o + input - before) % input,
            };
            Some((index, 1.0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn indices(mode: PadMode) -> Vec<Option<usize>> {
        let map = mode.axis_map(4, 3, 2);
        map.iter()
            .map(|taps| taps.first().map(|t| t.index))
            .collect()
    }

    #[test]
    fn every_mode_continues_the_axis_in_its_way() {
        let of = |mode| indices(mode).into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(of(PadMode::Reflect), [3, 2, 1, 0, 1, 2, 3, 2, 1]);
        assert_eq!(of(PadMode::Replicate), [0, 0, 0, 0, 1, 2, 3, 3, 3]);
        assert_eq!(of(PadMode::Circular), [1, 2, 3, 0, 1, 2, 3, 0, 1]);
        let constant = indices(PadMode::Constant(2.0));
        assert_eq!(constant[..4], [None, None, None, Some(0)]);
    }
}
