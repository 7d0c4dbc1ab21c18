//! Where each lesion of a case is.

use medcore::LabelMap;
use medcore::components::{Components, Connectivity};
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::locations::choose;
use crate::error::Result;

/// Some voxels of one lesion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LesionVoxels {
    /// The class most of its voxels have, the first of equals.
    pub class: u8,
    /// How many voxels it has.
    pub count: u64,
    /// Positions in the label map's memory of at most as many as were asked for, rising.
    pub positions: Vec<u64>,
}

/// The lesions of a case: connected components of some classes, in the order in which memory meets them.
///
/// Where places are chosen by voxels, one large lesion outweighs many small ones; here each counts once.
///
/// ```
/// use medaug::LesionLocations;
/// use medcore::{Geometry, LabelMap, components::Connectivity, random::Key};
///
/// let grid = Geometry::<2>::axis_aligned([2, 5], [1.0, 1.0])?;
/// let labels = LabelMap::new(grid, vec![
///     2, 2, 0, 0, 1,
///     2, 2, 0, 2, 0_u8,
/// ])?;
/// let found = LesionLocations::collect(&labels, &[2], Connectivity::Corner, 100, Key::new(0))?;
/// assert_eq!(found.lesions().iter().map(|l| l.count).collect::<Vec<_>>(), [4, 1]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LesionLocations<const D: usize> {
    #[serde(with = "crate::array")]
    shape: [usize; D],
    lesions: Vec<LesionVoxels>,
}

impl<const D: usize> LesionLocations<D> {
    /// Voxels remembered of a lesion, at most.
    pub const DEFAULT_LIMIT: usize = 1_000;

    /// Finds the components of the voxels of `classes` together (all but 0 if none is given), and chooses up to
    /// `limit` voxels of each, every one with the same probability.
    ///
    /// # Errors
    /// None in practice: a label map has voxels.
    pub fn collect(
        labels: &LabelMap<u8, D>,
        classes: &[u8],
        connectivity: Connectivity,
        limit: usize,
        key: Key,
    ) -> Result<Self> {
        let counts = |&label: &u8| match classes {
            [] => label != 0,
            _ => classes.contains(&label),
        };
        let voxels = labels.as_slice();
        let found = Components::new(voxels, labels.shape(), connectivity, counts)?;
        let of_lesion = |(number, component): (usize, &medcore::components::Component<D>)| {
            let (total, limit) = (component.voxels as u64, limit as u64);
            choose(total, limit, key.fork("lesion", number as u64))
        };
        let components = found.components();
        let chosen: Vec<Vec<u64>> = components.iter().enumerate().map(of_lesion).collect();
        let mut seen = vec![0_u64; components.len()];
        let mut classes_of = vec![std::collections::BTreeMap::<u8, u64>::new(); components.len()];
        let mut positions: Vec<Vec<u64>> = vec![vec![]; components.len()];
        found.for_each_run(|lesion, range| {
            let (first, start) = (seen[lesion], range.start as u64);
            seen[lesion] += range.len() as u64;
            let wanted = chosen[lesion][positions[lesion].len()..].iter();
            let inside = wanted.take_while(|&&number| number < seen[lesion]);
            let inside: Vec<u64> = inside.map(|number| start + number - first).collect();
            positions[lesion].extend(inside);
            for part in voxels[range].chunk_by(|a, b| a == b) {
                *classes_of[lesion].entry(part[0]).or_default() += part.len() as u64;
            }
        });
        let most = |classes: &std::collections::BTreeMap<u8, u64>| {
            let first_of_most = |best: (u8, u64), (&class, &count): (&u8, &u64)| {
                if count > best.1 { (class, count) } else { best }
            };
            classes.iter().fold((0, 0), first_of_most).0
        };
        let lesions = seen.into_iter().zip(&classes_of).zip(positions);
        Ok(Self {
            shape: labels.shape(),
            lesions: lesions
                .map(|((count, classes), positions)| LesionVoxels {
                    class: most(classes),
                    count,
                    positions,
                })
                .collect(),
        })
    }

    /// Shape of the case.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        self.shape
    }

    /// The lesions; none if the case is healthy.
    #[must_use]
    pub fn lesions(&self) -> &[LesionVoxels] {
        &self.lesions
    }
}

#[cfg(test)]
mod tests {
    use medcore::Geometry;

    use super::*;

    #[test]
    fn every_lesion_is_found_once_with_voxels_of_its_own() {
        let grid = Geometry::axis_aligned([3, 40, 50], [1.0; 3]).unwrap();
        let voxels: Vec<u8> = (0..grid.len())
            .map(|i| match (i / 50 % 40, i % 50) {
                (5..25, 3..23) => 1 + u8::from(i % 50 > 20),
                (30, 40..43) => 4,
                (30, 43) => 2,
                _ => 0,
            })
            .collect();
        let labels = LabelMap::new(grid, voxels).unwrap();
        let collect = |classes: &[u8]| {
            LesionLocations::collect(&labels, classes, Connectivity::Face, 50, Key::new(4)).unwrap()
        };
        let all = collect(&[]);
        let seen: Vec<_> = all.lesions().iter().map(|l| (l.class, l.count)).collect();
        assert_eq!(seen, [(1, 1200), (4, 12)]);
        assert_eq!(all.lesions()[0].positions.len(), 50);
        assert!(all.lesions()[0].positions.is_sorted_by(|a, b| a < b));
        for lesion in all.lesions() {
            let inside = |&p: &u64| labels.as_slice()[p as usize] != 0;
            assert!(lesion.positions.iter().all(inside));
        }
        let small = |p: &u64| p / 50 % 40 == 30;
        assert!(all.lesions()[1].positions.iter().all(small));
        let seconds = collect(&[2]);
        let seen: Vec<_> = seconds
            .lesions()
            .iter()
            .map(|l| (l.class, l.count))
            .collect();
        assert_eq!(seen, [(2, 120), (2, 3)]);
        assert!(collect(&[9]).lesions().is_empty());
    }
}
