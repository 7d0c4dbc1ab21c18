//! Landmarks of a sample.

use serde::{Deserialize, Serialize};

use super::boxes::other_side;

/// A landmark, in indices of the image; it may lie outside.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledPoint<const D: usize> {
    /// Continuous index, storage order.
    #[serde(with = "crate::array")]
    pub at: [f64; D],
    /// Which landmark it is.
    pub class: usize,
    /// Whether the place is known; a warp that shows it nowhere makes it unknown.
    pub known: bool,
}

impl<const D: usize> LabelledPoint<D> {
    /// A landmark whose place is known.
    #[must_use]
    pub fn new(at: [f64; D], class: usize) -> Self {
        Self {
            at,
            class,
            known: true,
        }
    }

    /// Whether it lies within an image of `shape`.
    #[must_use]
    pub fn is_inside(&self, shape: [usize; D]) -> bool {
        self.known && (0..D).all(|a| (-0.5..shape[a] as f64 - 0.5).contains(&self.at[a]))
    }
}

/// The landmarks of a sample: their number and order never change, so that a network can be trained to name
/// them by place in the list.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Points<const D: usize> {
    /// The landmarks.
    pub items: Vec<LabelledPoint<D>>,
    /// Classes that change places when left and right are mirrored.
    #[serde(default)]
    pub sides: Vec<(usize, usize)>,
}

impl<const D: usize> Points<D> {
    /// Landmarks without sides.
    #[must_use]
    pub fn new(items: Vec<LabelledPoint<D>>) -> Self {
        Self {
            items,
            sides: vec![],
        }
    }

    /// Exchanges the classes of left and right landmarks.
    pub(crate) fn swap_sides(&mut self) {
        for point in &mut self.items {
            point.class = other_side(point.class, &self.sides);
        }
    }
}
