//! Measures that cost more than a sweep, or that few structures need: asked for one by one.

use serde::{Deserialize, Serialize};

use super::boundary::BoundaryBand;
use super::centreline::Skeletoniser;
use super::component::ComponentCells;
use super::generalised_dice::GeneralisedDiceRule;
use super::instance::InstanceRule;
use super::lesion::LesionRule;
use crate::error::Result;

/// What to measure besides overlap, volumes and surface distances; nothing by default.
///
/// ```
/// use medmetrics::segmentation::{BoundaryBand, Extras, LesionRule};
///
/// let extras = Extras {
///     boundary: Some(BoundaryBand::Millimetres(2.0)),
///     lesions: Some(LesionRule::BRATS_2023),
///     ..Extras::default()
/// };
/// assert!(extras.centreline.is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Extras {
    /// Boundary IoU, in a band of this kind.
    pub boundary: Option<BoundaryBand>,
    /// Centreline Dice, by this skeleton.
    pub centreline: Option<Skeletoniser>,
    /// Dice per component of the reference, in cells of this kind.
    pub components: Option<ComponentCells>,
    /// Scores lesion by lesion.
    pub lesions: Option<LesionRule>,
    /// Panoptic quality of the components of each structure.
    pub instances: Option<InstanceRule>,
    /// Generalised Dice over all structures.
    pub generalised_dice: Option<GeneralisedDiceRule>,
}

impl Extras {
    /// Everything, each by its default rule.
    #[must_use]
    pub fn all() -> Self {
        Self {
            boundary: Some(BoundaryBand::default()),
            centreline: Some(Skeletoniser::default()),
            components: Some(ComponentCells::default()),
            lesions: Some(LesionRule::default()),
            instances: Some(InstanceRule::default()),
            generalised_dice: Some(GeneralisedDiceRule::default()),
        }
    }

    /// Says whether the rules can be carried out.
    ///
    /// # Errors
    /// Refuses numbers outside their range.
    pub fn check(&self) -> Result<()> {
        self.boundary.map_or(Ok(()), |rule| rule.check())?;
        self.lesions.map_or(Ok(()), |rule| rule.check())?;
        self.instances.map_or(Ok(()), |rule| rule.matching.check())
    }

    /// Whether any of them looks at the masks themselves.
    pub(super) fn need_masks(&self) -> bool {
        let Self {
            boundary,
            centreline,
            components,
            lesions,
            instances,
            generalised_dice: _,
        } = self;
        boundary.is_some()
            || centreline.is_some()
            || components.is_some()
            || lesions.is_some()
            || instances.is_some()
    }
}
