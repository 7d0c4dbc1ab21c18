//! What is done when a deformation would lay the image over itself.

use serde::{Deserialize, Serialize};

use crate::deformation::DisplacementLattice;
use crate::error::{Result, check};

/// What becomes of displacements that fold the image, so that a place of the patient is shown twice; see
/// [`DisplacementLattice::unfolded_share`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Folding {
    /// They are an error.
    #[default]
    Refuse,
    /// All of them are multiplied by the largest of 0.8, 0.64, 0.512 ... that folds nothing.
    Weaken,
}

impl Folding {
    pub(crate) fn settle<const D: usize>(
        self,
        transform: &'static str,
        lattice: DisplacementLattice<D>,
    ) -> Result<DisplacementLattice<D>> {
        let share = lattice.unfolded_share();
        match self {
            Self::Refuse => {
                let rule = "so weak that the image is not folded; multiply it by the number given or set `folding`";
                check(transform, "displacement", share, rule, |v| v == 1.0)?;
                Ok(lattice)
            }
            Self::Weaken if share < 1.0 => Ok(lattice.scaled(share)),
            Self::Weaken => Ok(lattice),
        }
    }
}
