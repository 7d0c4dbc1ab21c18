//! Exchanged and mirrored axes: the symmetries of a square or a cube, of which quarter turns are a part.

use medcore::random::Key;
use medcore::{Geometry, IndexMap};
use serde::{Deserialize, Serialize};

use super::flip::{Laterality, check_pairs};
use crate::error::{Error, Result, check, check_axes, check_probability};
use crate::operation::SpatialOperation;
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};
use crate::warp::{Reading, Warp};

/// Puts the axes into another order and then mirrors some (numpy and MONAI `Transpose`, Albumentations
/// `Transpose` and `D4`); every voxel keeps its value and its place in the patient.
///
/// ```
/// use medaug::{Operation, Sample, Transpose};
/// use medcore::{Geometry, Image};
///
/// let grid = Geometry::axis_aligned([2, 3], [1.0, 0.5])?;
/// let sample = Sample::new(Image::new(grid, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?);
/// let turned = Operation::from(Transpose::new([1, 0])).apply_to(sample)?;
/// assert_eq!(turned.image().as_slice(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
/// assert_eq!(turned.geometry().spacing(), [0.5, 1.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transpose {
    /// For each axis of the result, the axis it shows.
    pub order: Vec<usize>,
    /// Axes of the result that are mirrored.
    #[serde(default)]
    pub flip: Vec<usize>,
    /// Labels that change places, and with them the sides of boxes and points; `None` if names stay.
    #[serde(default)]
    pub swap: Option<Vec<(u8, u8)>>,
}

impl Transpose {
    /// Another order of axes, none mirrored.
    #[must_use]
    pub fn new(order: impl Into<Vec<usize>>) -> Self {
        Self {
            order: order.into(),
            flip: vec![],
            swap: None,
        }
    }
}

impl<const D: usize> SpatialOperation<D> for Transpose {
    fn check(&self) -> Result<()> {
        const NAME: &str = "Transpose";
        if self.order.len() != D {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "order",
                expected: D,
                got: self.order.len(),
            });
        }
        for (at, &axis) in self.order.iter().enumerate() {
            check(
                NAME,
                "order",
                axis as f64,
                "axes of the image, each once",
                |v| v < D as f64 && !self.order[..at].contains(&axis),
            )?;
        }
        check_axes(NAME, "flip", &self.flip, D)?;
        match &self.swap {
            None => Ok(()),
            Some(pairs) => check_pairs(NAME, pairs),
        }
    }

    fn warp(&self, grid: &Geometry<D>) -> Result<Warp<D>> {
        SpatialOperation::<D>::check(self)?;
        let order = std::array::from_fn(|axis| self.order[axis]);
        let mirrored = std::array::from_fn(|axis| self.flip.contains(&axis));
        let warp = symmetry(grid.shape(), order, mirrored);
        Ok(match &self.swap {
            None => warp,
            Some(pairs) => warp.with_swap(pairs.clone()),
        })
    }
}

/// The warp whose axis `a` shows the axis `order[a]` of an image of `shape`, backwards where `mirrored[a]`.
pub(super) fn symmetry<const D: usize>(
    shape: [usize; D],
    order: [usize; D],
    mirrored: [bool; D],
) -> Warp<D> {
    let mut map = IndexMap {
        matrix: [[0.0; D]; D],
        offset: [0.0; D],
    };
    for (out, &axis) in order.iter().enumerate() {
        map.matrix[axis][out] = if mirrored[out] { -1.0 } else { 1.0 };
        if mirrored[out] {
            map.offset[axis] = shape[axis] as f64 - 1.0;
        }
    }
    Warp::new(order.map(|axis| shape[axis]), map, Reading::EXACT)
}

/// Draws one of the symmetries of a square or a cube, each with the same probability (Albumentations `D4` in
/// two axes, `CubicSymmetry` in three).
///
/// Half of them are turns; the other half shows the patient mirrored, and [`Laterality`] says what becomes of
/// those: `Keep` leaves them out, `Swap` exchanges the labels of sided organs, `Ignore` (as in
/// Albumentations) does nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomSymmetry {
    /// Probability of a sample.
    pub probability: f64,
    /// Axes that may change places and be mirrored, for instance those within the slices; all if there are
    /// none.
    pub axes: Vec<usize>,
    /// What becomes of mirrored patients.
    pub laterality: Laterality,
}

impl Default for RandomSymmetry {
    /// Any turn of all axes.
    fn default() -> Self {
        Self {
            probability: 1.0,
            axes: vec![],
            laterality: Laterality::Keep,
        }
    }
}

const NAME: &str = "RandomSymmetry";

impl RandomSymmetry {
    /// The symmetries among which one is drawn: the order of axes, and which are mirrored.
    fn choices<const D: usize>(&self) -> Vec<([usize; D], [bool; D])> {
        let free = |axis: usize| self.axes.is_empty() || self.axes.contains(&axis);
        let mut orders = vec![];
        for code in 0..D.pow(D as u32) {
            let order: [usize; D] = std::array::from_fn(|a| code / D.pow(a as u32) % D);
            let each_once = (0..D).all(|axis| order.contains(&axis));
            if each_once && (0..D).all(|a| order[a] == a || (free(a) && free(order[a]))) {
                orders.push(order);
            }
        }
        let mirrored = (0..1_usize << D).map(|code| std::array::from_fn(|a| code >> a & 1 == 1));
        let mirrored: Vec<[bool; D]> = mirrored
            .filter(|mirrored: &[bool; D]| (0..D).all(|a| !mirrored[a] || free(a)))
            .collect();
        let all = orders
            .iter()
            .flat_map(|&order| mirrored.iter().map(move |&m| (order, m)));
        all.filter(|(order, mirrored)| {
            self.laterality != Laterality::Keep || !is_mirror(*order, *mirrored)
        })
        .collect()
    }

    /// The labels that change places under a symmetry.
    fn swap<const D: usize>(
        &self,
        order: [usize; D],
        mirrored: [bool; D],
    ) -> Option<Vec<(u8, u8)>> {
        match &self.laterality {
            Laterality::Swap { pairs } if is_mirror(order, mirrored) => Some(pairs.clone()),
            _ => None,
        }
    }
}

/// Whether a symmetry shows what it is applied to mirrored: its determinant is -1.
fn is_mirror<const D: usize>(order: [usize; D], mirrored: [bool; D]) -> bool {
    let pairs = (0..D).flat_map(|a| (a + 1..D).map(move |b| (a, b)));
    let exchanges = pairs.filter(|&(a, b)| order[a] > order[b]).count();
    (exchanges + mirrored.iter().filter(|&&m| m).count()) % 2 == 1
}

impl<const D: usize> Transform<D> for RandomSymmetry {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        check_probability(NAME, self.probability)?;
        check_axes(NAME, "axes", &self.axes, D)?;
        self.laterality.check(NAME)
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        perhaps(key, self.probability, || {
            let choices = self.choices::<D>();
            let (order, mirrored) = choices[key.stream("symmetry").below(choices.len())];
            let swap = self.swap(order, mirrored);
            let flip = (0..D).filter(|&axis| mirrored[axis]).collect();
            Ok(Transpose {
                order: order.to_vec(),
                flip,
                swap,
            })
        })
    }
}

/// Draws an order of some axes, each with the same probability, also the one they have (batchgeneratorsv2
/// `TransposeAxesTransform`, Albumentations `Transpose`).
///
/// Axes of different length change the shape of the image. Half of the orders show the patient mirrored, and
/// [`Laterality`] says what becomes of those, as in [`RandomSymmetry`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomTranspose {
    /// Probability of a sample.
    pub probability: f64,
    /// Axes that may change places; all if there are none.
    pub axes: Vec<usize>,
    /// What becomes of mirrored patients.
    pub laterality: Laterality,
}

impl Default for RandomTranspose {
    /// nnU-Net's probability, all axes, turns only.
    fn default() -> Self {
        Self {
            probability: 0.5,
            axes: vec![],
            laterality: Laterality::Keep,
        }
    }
}

impl<const D: usize> Transform<D> for RandomTranspose {
    fn name(&self) -> &'static str {
        "RandomTranspose"
    }

    fn check(&self) -> Result<()> {
        check_probability("RandomTranspose", self.probability)?;
        check_axes("RandomTranspose", "axes", &self.axes, D)?;
        self.laterality.check("RandomTranspose")
    }

    fn draw(&self, _sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        if !key.stream("apply").chance(self.probability) {
            return Ok(vec![]);
        }
        let symmetries = RandomSymmetry {
            probability: 1.0,
            axes: self.axes.clone(),
            laterality: self.laterality.clone(),
        };
        let mut orders = symmetries.choices::<D>();
        orders.retain(|(_, mirrored)| !mirrored.contains(&true));
        let (order, mirrored) = orders[key.stream("order").below(orders.len())];
        let swap = symmetries.swap(order, mirrored);
        Ok(vec![
            Transpose {
                swap,
                ..Transpose::new(order)
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_has_eight_symmetries_and_a_cube_forty_eight_half_of_them_turns() {
        let turns = RandomSymmetry::default();
        let all = RandomSymmetry {
            laterality: Laterality::Ignore,
            ..turns.clone()
        };
        assert_eq!(
            (turns.choices::<2>().len(), all.choices::<2>().len()),
            (4, 8)
        );
        assert_eq!(
            (turns.choices::<3>().len(), all.choices::<3>().len()),
            (24, 48)
        );
        let within_slices = RandomSymmetry {
            axes: vec![1, 2],
            ..all
        };
        let choices = within_slices.choices::<3>();
        assert_eq!(choices.len(), 8);
        assert!(
            choices
                .iter()
                .all(|(order, mirrored)| order[0] == 0 && !mirrored[0])
        );
    }
}
