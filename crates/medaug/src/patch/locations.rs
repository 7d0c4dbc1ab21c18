//! Where each class can be found in a case, remembered for a bounded number of voxels.

use medcore::LabelMap;
use medcore::random::Key;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Voxels of a task: the counts of a task are one block of memory.
const TASK: usize = 1 << 18;

/// Some voxels of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassVoxels {
    /// The class.
    pub class: u8,
    /// How many voxels of it the case has.
    pub count: u64,
    /// Positions in the label map's memory of at most as many as were asked for, rising.
    pub positions: Vec<u64>,
}

/// Positions of voxels of every class present, chosen once for each case.
///
/// ```
/// use medaug::ClassLocations;
/// use medcore::{Geometry, LabelMap, random::Key};
///
/// let grid = Geometry::<2>::axis_aligned([2, 3], [1.0, 1.0])?;
/// let labels = LabelMap::new(grid, vec![0_u8, 0, 2, 2, 0, 7])?;
/// let found = ClassLocations::collect(&labels, None, ClassLocations::<2>::DEFAULT_LIMIT, Key::new(0));
/// assert_eq!(found.foreground().map(|c| (c.class, c.count)).collect::<Vec<_>>(), [(2, 2), (7, 1)]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassLocations<const D: usize> {
    #[serde(with = "crate::array")]
    shape: [usize; D],
    classes: Vec<ClassVoxels>,
}

impl<const D: usize> ClassLocations<D> {
    /// nnU-Net's number of voxels a class.
    pub const DEFAULT_LIMIT: usize = 10_000;

    /// Chooses up to `limit` voxels of each class (background included), every one with the same
    /// probability; the class `ignored` counts as absent.
    #[must_use]
    pub fn collect(labels: &LabelMap<u8, D>, ignored: Option<u8>, limit: usize, key: Key) -> Self {
        let voxels = labels.as_slice();
        let counts: Vec<[u64; 256]> = voxels.par_chunks(TASK).map(count).collect();
        // Which of the voxels of a class are chosen, by their number in memory order.
        let chosen: Vec<Vec<u64>> = (0..256_usize)
            .into_par_iter()
            .map(|class| {
                let total: u64 = counts.iter().map(|task| task[class]).sum();
                if Some(class as u8) == ignored {
                    return vec![];
                }
                choose(total, limit as u64, key.fork("class", class as u64))
            })
            .collect();
        let mut before = vec![[0_u64; 256]; counts.len()];
        for task in 1..counts.len() {
            for class in 0..256 {
                before[task][class] = before[task - 1][class] + counts[task - 1][class];
            }
        }
        let found: Vec<Vec<(u8, u64)>> = voxels
            .par_chunks(TASK)
            .enumerate()
            .map(|(task, chunk)| find(chunk, (task * TASK) as u64, &before[task], &chosen))
            .collect();
        let mut classes: Vec<ClassVoxels> = (0..=u8::MAX)
            .map(|class| ClassVoxels {
                class,
                count: counts.iter().map(|task| task[usize::from(class)]).sum(),
                positions: Vec::with_capacity(chosen[usize::from(class)].len()),
            })
            .collect();
        for (class, position) in found.into_iter().flatten() {
            classes[usize::from(class)].positions.push(position);
        }
        classes.retain(|c| !c.positions.is_empty());
        Self {
            shape: labels.shape(),
            classes,
        }
    }

    /// The same with background only where `counts` says so of a position in the label map's memory, as where an image shows the
    /// body; up to `limit` voxels of it. Background that was ignored stays so.
    #[must_use]
    pub fn with_background(
        mut self,
        labels: &LabelMap<u8, D>,
        limit: usize,
        key: Key,
        counts: impl Fn(usize) -> bool,
    ) -> Self {
        let Some(background) = self.classes.iter_mut().find(|c| c.class == 0) else {
            return self;
        };
        let voxels = labels.as_slice().iter().enumerate();
        let seen = voxels.filter(|&(at, &label)| label == 0 && counts(at));
        background.count = seen.clone().count() as u64;
        let key = key.fork("background", 0);
        let mut chosen = choose(background.count, limit as u64, key)
            .into_iter()
            .peekable();
        let numbered = (0_u64..).zip(seen);
        let kept = numbered.filter(|(number, _)| chosen.next_if_eq(number).is_some());
        background.positions = kept.map(|(_, (at, _))| at as u64).collect();
        self.classes.retain(|c| !c.positions.is_empty());
        self
    }

    /// Bytes that the positions take up.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let positions = self.classes.iter().map(|class| class.positions.len());
        positions.sum::<usize>() * size_of::<u64>()
    }

    /// Shape of the case.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        self.shape
    }

    /// All classes present, in rising order.
    #[must_use]
    pub fn classes(&self) -> &[ClassVoxels] {
        &self.classes
    }

    /// The classes other than 0.
    pub fn foreground(&self) -> impl Iterator<Item = &ClassVoxels> + Clone {
        self.classes.iter().filter(|c| c.class != 0)
    }

    /// One class, if it is present.
    #[must_use]
    pub fn class(&self, class: u8) -> Option<&ClassVoxels> {
        self.classes.iter().find(|c| c.class == class)
    }

    /// The index of a position.
    #[must_use]
    pub fn index(&self, position: u64) -> [usize; D] {
        index_of(self.shape, position)
    }
}

/// The index of a position in memory.
pub(super) fn index_of<const D: usize>(shape: [usize; D], position: u64) -> [usize; D] {
    let mut rest = position as usize;
    let mut index = [0; D];
    for axis in (0..D).rev() {
        index[axis] = rest % shape[axis];
        rest /= shape[axis];
    }
    index
}

fn count(chunk: &[u8]) -> [u64; 256] {
    let mut counts = [0; 256];
    for run in chunk.chunk_by(|a, b| a == b) {
        counts[usize::from(run[0])] += run.len() as u64;
    }
    counts
}

/// `limit` different numbers below `total` in rising order (all of them if there are fewer), each set equally
/// likely: Floyd's algorithm.
pub(super) fn choose(total: u64, limit: u64, key: Key) -> Vec<u64> {
    if total <= limit {
        return (0..total).collect();
    }
    let mut random = key.stream("voxels");
    let mut kept = std::collections::BTreeSet::new();
    for last in total - limit..total {
        let drawn = random.below(last as usize + 1) as u64;
        if !kept.insert(drawn) {
            kept.insert(last);
        }
    }
    kept.into_iter().collect()
}

/// Positions of the chosen voxels inside one task.
fn find(chunk: &[u8], start: u64, before: &[u64; 256], chosen: &[Vec<u64>]) -> Vec<(u8, u64)> {
    let mut seen = *before;
    let mut next: [usize; 256] =
        std::array::from_fn(|class| chosen[class].partition_point(|&n| n < before[class]));
    let mut found = vec![];
    let mut at = start;
    for run in chunk.chunk_by(|a, b| a == b) {
        let class = usize::from(run[0]);
        let (first, len) = (seen[class], run.len() as u64);
        while let Some(&number) = chosen[class].get(next[class]) {
            if number >= first + len {
                break;
            }
            found.push((run[0], at + number - first));
            next[class] += 1;
        }
        seen[class] += len;
        at += len;
    }
    found
}

#[cfg(test)]
mod tests {
    use medcore::Geometry;

    use super::*;

    fn stripes() -> LabelMap<u8, 3> {
        let grid = Geometry::axis_aligned([9, 211, 307], [1.0; 3]).unwrap();
        let voxels: Vec<u8> = (0..grid.len())
            .map(|i| match i % 97 {
                0..=9 => 1,
                10..=11 => 5,
                12 if i > 400_000 => 255,
                _ => 0,
            })
            .collect();
        LabelMap::new(grid, voxels).unwrap()
    }

    #[test]
    fn every_position_shows_its_class_and_none_comes_twice() {
        let labels = stripes();
        let found = ClassLocations::collect(&labels, Some(255), 1_000, Key::new(3));
        assert_eq!(
            found.classes().iter().map(|c| c.class).collect::<Vec<_>>(),
            [0, 1, 5]
        );
        for class in found.classes() {
            assert_eq!(class.positions.len(), 1_000);
            assert!(class.positions.windows(2).all(|w| w[0] < w[1]));
            assert!(
                class
                    .positions
                    .iter()
                    .all(|&p| labels.as_slice()[p as usize] == class.class)
            );
        }
        assert_eq!(found.class(1).unwrap().count, labels.counts()[1]);
    }

    #[test]
    fn the_choice_covers_the_whole_volume_evenly() {
        let labels = stripes();
        let found = ClassLocations::collect(&labels, None, 10_000, Key::new(3));
        let half = labels.as_slice().len() as u64 / 2;
        for class in [0, 1] {
            let positions = &found.class(class).unwrap().positions;
            let low = positions.iter().filter(|&&p| p < half).count();
            assert!((4_700..5_300).contains(&low), "class {class}: {low}");
        }
    }

    #[test]
    fn background_is_chosen_only_where_it_counts() {
        let labels = stripes();
        let all = ClassLocations::collect(&labels, None, 1_000, Key::new(3));
        let some = all
            .clone()
            .with_background(&labels, 500, Key::new(3), |at| at.is_multiple_of(3));
        let zeros = labels.as_slice().iter().enumerate();
        let want = zeros.filter(|&(at, &label)| label == 0 && at.is_multiple_of(3));
        let background = some.class(0).unwrap();
        assert_eq!(background.count, want.count() as u64);
        assert_eq!(background.positions.len(), 500);
        assert!(background.positions.windows(2).all(|w| w[0] < w[1]));
        let right = |&at: &u64| at.is_multiple_of(3) && labels.as_slice()[at as usize] == 0;
        assert!(background.positions.iter().all(right));
        assert_eq!(some.class(5), all.class(5));
        let none = all.with_background(&labels, 500, Key::new(3), |_| false);
        assert_eq!(none.class(0), None);
    }

    #[test]
    fn positions_become_indices_in_storage_order() {
        let found = ClassLocations::collect(&stripes(), None, 10, Key::new(0));
        assert_eq!(found.index((4 * 211 + 17) * 307 + 300), [4, 17, 300]);
    }
}
