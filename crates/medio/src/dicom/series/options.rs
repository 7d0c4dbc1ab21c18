//! How slices become volumes.

use std::sync::Arc;

use medcore::Budget;

use super::super::pixels::Quantity;

/// What to do where slices are missing or unevenly spaced. Whatever is done stands in the warnings.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Gap {
    /// Refuses the volume.
    #[default]
    Error,
    /// Fills whole missing slices with this value; slices that lie elsewhere than between whole steps are
    /// refused still.
    Fill(f64),
    /// Interpolates linearly between slices onto the usual distance.
    Resample,
    /// Takes slices as equally spaced. Places are wrong then.
    Accept,
}

/// What to do with slices in one place that nothing tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Duplicates {
    /// Refuses the volume.
    #[default]
    Error,
    /// Keeps the first if all have the same pixels, and refuses the volume if not.
    KeepFirst,
}

/// How slices become volumes.
///
/// ```
/// use medio::dicom::{Duplicates, Gap, VolumeOptions};
///
/// let options = VolumeOptions::new()
///     .on_gap(Gap::Fill(-1024.0))
///     .on_duplicates(Duplicates::KeepFirst);
/// ```
#[derive(Debug, Clone)]
pub struct VolumeOptions {
    pub(super) budget: Option<Arc<Budget>>,
    pub(super) uneven: f64,
    pub(super) gap: Gap,
    pub(super) duplicates: Duplicates,
    pub(super) quantity: Quantity,
}

impl Default for VolumeOptions {
    fn default() -> Self {
        Self {
            budget: None,
            uneven: 0.05,
            gap: Gap::Error,
            duplicates: Duplicates::Error,
            quantity: Quantity::Modality,
        }
    }
}

impl VolumeOptions {
    /// A fresh default budget; slices may be off by a twentieth of their distance, with a warning.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Claims memory from this budget.
    #[must_use]
    pub fn budget(mut self, budget: Arc<Budget>) -> Self {
        self.budget = Some(budget);
        self
    }

    /// How far a slice may lie off its place, as a part of the slices' distance: 0.05 unless set, 0 to
    /// allow nothing but rounding.
    #[must_use]
    pub fn uneven(mut self, part: f64) -> Self {
        self.uneven = part;
        self
    }

    /// What to do where slices lie farther off than that: an error unless set.
    #[must_use]
    pub fn on_gap(mut self, gap: Gap) -> Self {
        self.gap = gap;
        self
    }

    /// What to do with several slices in one place that nothing tells apart: an error unless set.
    #[must_use]
    pub fn on_duplicates(mut self, duplicates: Duplicates) -> Self {
        self.duplicates = duplicates;
        self
    }

    /// Which values voxels get: those of the modality unless set.
    #[must_use]
    pub fn quantity(mut self, quantity: Quantity) -> Self {
        self.quantity = quantity;
        self
    }
}
