//! Mirroring, and the organs it would put on the wrong side.

use medcore::random::Key;
use medcore::{Geometry, IndexMap};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check_axes, check_probability};
use crate::operation::SpatialOperation;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::Transform;
use crate::warp::{Reading, Warp};

/// What mirroring left to right does to the names of organs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Laterality {
    /// The axis nearest to left-right is never mirrored: always correct, whatever the labels mean.
    #[default]
    Keep,
    /// The labels of each pair (left kidney, right kidney) change places when that axis is mirrored.
    Swap {
        /// Labels of the two sides.
        pairs: Vec<(u8, u8)>,
    },
    /// Any axis is mirrored and labels stay: for tables without sided organs.
    Ignore,
}

impl Laterality {
    /// What a table of class names calls for: `Swap` when every sided name has its counterpart, `Ignore` when
    /// none is sided, `Keep` when one stands alone.
    ///
    /// A name is sided when one of its words (split at anything but letters and digits) is `left`, `right`,
    /// `l` or `r`, in any case.
    ///
    /// ```
    /// use medaug::Laterality;
    ///
    /// let table = [(0, "background"), (1, "kidney_left"), (2, "kidney_right"), (3, "liver")];
    /// assert_eq!(Laterality::of_names(table), Laterality::Swap { pairs: vec![(1, 2)] });
    /// assert_eq!(Laterality::of_names([(1, "Left Lung")]), Laterality::Keep);
    /// assert_eq!(Laterality::of_names([(1, "liver")]), Laterality::Ignore);
    /// ```
    #[must_use]
    pub fn of_names<'a>(names: impl IntoIterator<Item = (u8, &'a str)>) -> Self {
        let mut left = vec![];
        let mut right = vec![];
        for (label, name) in names {
            let words: Vec<String> = name
                .split(|c: char| !c.is_alphanumeric())
                .map(str::to_lowercase)
                .collect();
            let side = |long: &str, short: &str| {
                words
                    .iter()
                    .position(|w| w == long)
                    .or_else(|| words.iter().position(|w| w == short))
            };
            let (list, at) = match (side("left", "l"), side("right", "r")) {
                (Some(at), None) => (&mut left, at),
                (None, Some(at)) => (&mut right, at),
                _ => continue,
            };
            let mut organ = words.clone();
            organ[at] = "side".to_owned();
            list.push((organ, label));
        }
        if left.is_empty() && right.is_empty() {
            return Self::Ignore;
        }
        let pairs: Vec<(u8, u8)> = left
            .iter()
            .filter_map(|(organ, label)| {
                let counterpart = right.iter().find(|(other, _)| other == organ)?;
                Some((*label, counterpart.1))
            })
            .collect();
        if pairs.len() == left.len() && pairs.len() == right.len() {
            Self::Swap { pairs }
        } else {
            Self::Keep
        }
    }

    pub(crate) fn check(&self, transform: &'static str) -> Result<()> {
        match self {
            Self::Swap { pairs } => check_pairs(transform, pairs),
            Self::Keep | Self::Ignore => Ok(()),
        }
    }

    /// Whether `axis` may be mirrored on this grid.
    pub(crate) fn allows<const D: usize>(&self, axis: usize, geometry: &Geometry<D>) -> bool {
        *self != Self::Keep || left_right_axis(geometry) != Some(axis)
    }

    /// The labels that change places when these axes are mirrored on this grid, if any.
    pub(crate) fn swap<const D: usize>(
        &self,
        mirrored: [bool; D],
        geometry: &Geometry<D>,
    ) -> Option<Vec<(u8, u8)>> {
        match self {
            Self::Swap { pairs }
                if left_right_axis(geometry).is_some_and(|axis| mirrored[axis]) =>
            {
                Some(pairs.clone())
            }
            _ => None,
        }
    }
}

pub(crate) fn check_pairs(transform: &'static str, pairs: &[(u8, u8)]) -> Result<()> {
    let mut seen = [false; 256];
    for &label in pairs.iter().flat_map(|(a, b)| [a, b]) {
        if std::mem::replace(&mut seen[usize::from(label)], true) {
            return Err(Error::InvalidParameter {
                transform,
                parameter: "pairs",
                rule: "pairs of different labels, each label once",
                value: f64::from(label),
            });
        }
    }
    Ok(())
}

/// The storage axis that runs nearest to left-right; `None` for a grid that has none, as a sagittal slice.
#[must_use]
pub fn left_right_axis<const D: usize>(geometry: &Geometry<D>) -> Option<usize> {
    // One of three perpendicular axes always has a cosine of at least 0.57.
    const NEAREST: f64 = 0.5;
    let along = geometry.direction().map(|direction| direction[0].abs());
    (0..D)
        .max_by(|&a, &b| along[a].total_cmp(&along[b]))
        .filter(|&axis| along[axis] > NEAREST)
}

/// Mirrors some axes; every voxel keeps its world position.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flip {
    /// Storage axes that are mirrored.
    pub axes: Vec<usize>,
    /// Labels that change places, and with them the sides of boxes and points; `None` if names stay.
    pub swap: Option<Vec<(u8, u8)>>,
}

impl<const D: usize> SpatialOperation<D> for Flip {
    fn check(&self) -> Result<()> {
        check_axes("Flip", "axes", &self.axes, D)?;
        match &self.swap {
            None => Ok(()),
            Some(pairs) => check_pairs("Flip", pairs),
        }
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        let shape = grid.shape();
        let mut map = IndexMap::identity();
        for &axis in &self.axes {
            map.matrix[axis][axis] = -1.0;
            map.offset[axis] = shape[axis] as f64 - 1.0;
        }
        let warp = Warp::new(shape, map, Reading::EXACT);
        Ok(match &self.swap {
            None => warp,
            Some(pairs) => warp.with_swap(pairs.clone()),
        })
    }
}

/// Mirrors each of some axes with a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomFlip {
    /// Storage axes that may be mirrored.
    pub axes: Vec<usize>,
    /// Probability of each of them.
    pub probability: f64,
    /// What becomes of sided organs.
    pub laterality: Laterality,
}

impl Default for RandomFlip {
    /// No axis; half of the time for each that is added.
    fn default() -> Self {
        Self {
            axes: vec![],
            probability: 0.5,
            laterality: Laterality::Keep,
        }
    }
}

impl RandomFlip {
    /// Which axes are mirrored under `key`.
    #[must_use]
    pub fn axes<const D: usize>(&self, geometry: &Geometry<D>, key: Key) -> [bool; D] {
        let mut random = key.stream("flip");
        let draws: [bool; D] = std::array::from_fn(|_| random.chance(self.probability));
        std::array::from_fn(|axis| {
            draws[axis] && self.axes.contains(&axis) && self.laterality.allows(axis, geometry)
        })
    }

    pub(crate) fn check_for(&self, transform: &'static str, dimension: usize) -> Result<()> {
        check_probability(transform, self.probability)?;
        self.laterality.check(transform)?;
        check_axes(transform, "axes", &self.axes, dimension)
    }
}

impl<const D: usize> Transform<D> for RandomFlip {
    fn name(&self) -> &'static str {
        "RandomFlip"
    }

    fn check(&self) -> Result<()> {
        self.check_for("RandomFlip", D)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let mirrored = self.axes(sample.geometry(), key);
        if mirrored == [false; D] {
            return Ok(vec![]);
        }
        let flip = Flip {
            axes: (0..D).filter(|&axis| mirrored[axis]).collect(),
            swap: self.laterality.swap(mirrored, sample.geometry()),
        };
        Ok(vec![flip.into()])
    }
}
