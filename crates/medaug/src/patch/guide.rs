//! What is known of a case when a place is chosen in it.

use super::lesions::LesionLocations;
use super::locations::ClassLocations;
use super::weights::WeightMap;
use crate::error::{Error, Result};

/// What is known of a case when a place is chosen in it; each [`PatchChoice`](crate::PatchChoice) needs one of
/// these or none.
#[derive(Debug, Clone, Copy)]
pub struct Guide<'a, const D: usize> {
    /// Where its classes are.
    pub classes: Option<&'a ClassLocations<D>>,
    /// Where its lesions are.
    pub lesions: Option<&'a LesionLocations<D>>,
    /// The weights of its voxels.
    pub weights: Option<&'a WeightMap<D>>,
}

impl<const D: usize> Guide<'_, D> {
    /// Refuses what was collected in a case of another shape.
    pub(super) fn check(&self, shape: [usize; D]) -> Result<()> {
        let shapes = [
            self.classes.map(ClassLocations::shape),
            self.lesions.map(LesionLocations::shape),
            self.weights.map(WeightMap::shape),
        ];
        match shapes.into_iter().flatten().find(|s| *s != shape) {
            None => Ok(()),
            Some(expected) => Err(Error::ForeignLocations {
                expected: expected.to_vec(),
                got: shape.to_vec(),
            }),
        }
    }
}

impl<'a, const D: usize> From<Option<&'a ClassLocations<D>>> for Guide<'a, D> {
    fn from(classes: Option<&'a ClassLocations<D>>) -> Self {
        Self {
            classes,
            lesions: None,
            weights: None,
        }
    }
}
