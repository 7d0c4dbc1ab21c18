//! Patches that cover a case, one after the other.

use medcore::windows::starts_every;
use serde::{Deserialize, Serialize};

use super::sampler::Placement;
use crate::array::per_axis;
use crate::crop::{EXTENT, is_extent};
use crate::error::{Result, check, check_entries};

const NAME: &str = "PatchGrid";

/// Patches side by side, the last of each axis moved back to end with the image (TorchIO `GridSampler`, MONAI
/// `dense_patch_slices`).
///
/// For training and validation in patches; predictions are joined by `medinfer`, whose windows follow the
/// conventions of trained networks and share the rule for these starts.
///
/// ```
/// use medaug::PatchGrid;
///
/// let grid = PatchGrid { patch: [4, 5], overlap: vec![0, 2] };
/// let starts: Vec<_> = grid.placements([6, 10])?.iter().map(|p| p.start).collect();
/// assert_eq!(starts, [[0, 0], [0, 3], [0, 5], [2, 0], [2, 3], [2, 5]]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchGrid<const D: usize> {
    /// Voxels along each axis.
    #[serde(with = "crate::array")]
    pub patch: [usize; D],
    /// Voxels that neighbours share at least, one entry for all axes or one an axis.
    pub overlap: Vec<usize>,
}

impl<const D: usize> PatchGrid<D> {
    /// Refuses empty patches and an overlap that is not smaller than the patch.
    ///
    /// # Errors
    /// Names the parameter and its rule.
    pub fn check(&self) -> Result<()> {
        check_entries(NAME, "overlap", self.overlap.len(), D)?;
        let overlap: [usize; D] = per_axis(NAME, "overlap", &self.overlap)?;
        for a in 0..D {
            check(NAME, "patch", self.patch[a] as f64, EXTENT, is_extent)?;
            check(NAME, "overlap", overlap[a] as f64, "below the patch", |v| {
                v < self.patch[a] as f64
            })?;
        }
        Ok(())
    }

    /// All places in an image of `shape`, the last axis fastest. An axis shorter than the patch lies in its
    /// middle, the odd voxel behind.
    ///
    /// # Errors
    /// As [`PatchGrid::check`].
    pub fn placements(&self, shape: [usize; D]) -> Result<Vec<Placement<D>>> {
        self.check()?;
        let overlap: [usize; D] = per_axis(NAME, "overlap", &self.overlap)?;
        let mut places = vec![[0; D]];
        for a in 0..D {
            let missing = self.patch[a].saturating_sub(shape[a]);
            let starts: Vec<isize> =
                starts_every(shape[a], self.patch[a], self.patch[a] - overlap[a])
                    .into_iter()
                    .map(|start| start as isize - (missing / 2) as isize)
                    .collect();
            places = places
                .iter()
                .flat_map(|place| {
                    starts.iter().map(move |&start| {
                        let mut place = *place;
                        place[a] = start;
                        place
                    })
                })
                .collect();
        }
        let place = |start| Placement { start, class: None };
        Ok(places.into_iter().map(place).collect())
    }
}
